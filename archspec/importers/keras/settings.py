"""Typed access to a layer's configuration by name; settings that are never asked for are reported as errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archspec.diagnostics import Diagnostics, Fault, did_you_mean, printable

MOST = 1_000_000_000


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split(" "))


OF_TRAINING = _words(
    "name trainable dtype dynamic autocast sparse ragged optional batch_shape batch_input_shape input_shape seed "
    "noise_shape kernel_initializer bias_initializer depthwise_initializer pointwise_initializer beta_initializer "
    "gamma_initializer moving_mean_initializer moving_variance_initializer alpha_initializer embeddings_initializer "
    "kernel_regularizer bias_regularizer depthwise_regularizer pointwise_regularizer beta_regularizer "
    "gamma_regularizer alpha_regularizer activity_regularizer kernel_constraint bias_constraint "
    "depthwise_constraint pointwise_constraint beta_constraint gamma_constraint alpha_constraint "
    "quantization_config lora_rank lora_alpha synchronized virtual_batch_size adjustment fused init_values"
)
"""Settings that affect how a layer is built, trained or saved, not its output."""


class Settings:
    """One layer's configuration."""

    def __init__(self, config: Mapping[str, Any], what: str) -> None:
        self.config = config
        self.what = what
        self._asked: set[str] = set()

    def wrong(self, name: str, said: str) -> Fault:
        """The fault for a setting's value."""
        return Fault("wrong-value", f"{self.what}: `{name}` {said}, not `{printable(repr(self.config.get(name)), 60)}`")

    def refuse(self, said: str, hint: str | None = None) -> Fault:
        """The fault for a layer that the language cannot express."""
        return Fault("not-importable", f"{self.what}: {said}", None, hint)

    def get(self, name: str, usual: Any = None) -> Any:
        """A setting's raw value."""
        self._asked.add(name)
        found = self.config.get(name, usual)
        return usual if found is None else found

    def skip(self, *names: str) -> None:
        """Accept settings that have no effect here."""
        self._asked.update(names)

    def whole(self, name: str, usual: int | None = None, least: int = 1) -> int:
        """A whole number; raises :class:`Fault`."""
        found = self.get(name, usual)
        if type(found) is not int or not least <= found <= MOST:
            raise self.wrong(name, f"must be a whole number of at least {least}")
        return found

    def number(self, name: str, usual: float) -> float:
        """A number; raises :class:`Fault`."""
        found = self.get(name, usual)
        if type(found) not in (int, float) or not abs(found) < 1e30:
            raise self.wrong(name, "is a number")
        return found

    def numbers(self, name: str, usual: float) -> float | list[float]:
        """One number, or one for each channel, in lists nested in any way; raises :class:`Fault`."""
        found = self.get(name, usual)
        while isinstance(found, list) and len(found) == 1 and isinstance(found[0], list):
            found = found[0]
        for one in found if isinstance(found, list) else [found]:
            if type(one) not in (int, float) or not abs(one) < 1e30:
                raise self.wrong(name, "must be a number, or one for each channel")
        return found

    def flag(self, name: str, usual: bool) -> bool:
        """True or false; raises :class:`Fault`."""
        found = self.get(name, usual)
        if not isinstance(found, bool):
            raise self.wrong(name, "must be true or false")
        return found

    def word(self, name: str, words: Sequence[str], usual: str) -> str:
        """One of some words; raises :class:`Fault`."""
        found = self.get(name, usual)
        if found not in words:
            raise self.wrong(name, f"must be one of {', '.join(words)}")
        return found

    def each(self, name: str, rank: int, usual: int | None = 1, least: int = 1) -> list[int]:
        """A whole number for each axis; a single one counts for all.  Raises :class:`Fault`."""
        found = self.get(name, usual)
        values = found if isinstance(found, list) else [found] * rank
        if len(values) != rank or any(type(one) is not int or not least <= one <= MOST for one in values):
            raise self.wrong(name, f"must be {rank} whole numbers of at least {least}")
        return values

    def sides(self, name: str, rank: int) -> list[list[int]]:
        """Amounts before and after each axis; raises :class:`Fault`."""
        found = self.get(name, 1)
        pairs = found if isinstance(found, list) else [found] * rank
        if rank == 1 and len(pairs) == 2 and all(type(one) is int for one in pairs):
            pairs = [pairs]
        pairs = [pair if isinstance(pair, list) else [pair, pair] for pair in pairs]
        for pair in pairs:
            if len(pair) != 2 or any(type(one) is not int or not 0 <= one <= MOST for one in pair):
                raise self.wrong(name, "must be an amount for each side of each axis")
        if len(pairs) != rank:
            raise self.wrong(name, f"must be amounts for {rank} axes")
        return pairs

    def close(self, diagnostics: Diagnostics) -> None:
        """Report every setting that was not asked for."""
        passed = self._asked | OF_TRAINING
        for name in self.config:
            if name not in passed:
                said = f"{self.what} has a setting that is not known: `{printable(str(name), 60)}`"
                diagnostics.error("not-importable", said, None, did_you_mean(str(name), passed))
