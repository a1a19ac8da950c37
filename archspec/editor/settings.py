"""What an editor may set, under ``archspec`` in its settings or as options when it starts the server."""

from __future__ import annotations

from dataclasses import field, replace
from typing import Any, Literal

from archspec.records import record

Sizes = Literal["symbols", "numbers", "off"]
_SIZES: dict[str, Sizes] = {"symbols": "symbols", "numbers": "numbers", "off": "off"}


@record
class Hints:
    """What inlay hints show."""

    shape: Sizes = "symbols"
    """The shape of each step: with symbols, at the spec's size, or not."""
    field: bool = False
    """The receptive field."""
    cost: bool = False
    """Parameters and multiply-adds."""


@record
class Settings:
    """Everything that can be set."""

    hints: Hints = field(default_factory=Hints)
    delay: float = 0.02
    """Seconds without a keystroke before a text is studied, while keystrokes follow quickly."""


def settings(given: Any, before: Settings) -> Settings:
    """Settings as an editor gives them, over those before; what makes no sense is passed over."""
    if not isinstance(given, dict):
        return before
    hints = given.get("hints")
    found = before.hints
    if isinstance(hints, dict):
        shape = hints.get("shape")
        found = Hints(
            _SIZES.get(shape, found.shape) if isinstance(shape, str) else found.shape,
            _switch(hints.get("field"), found.field),
            _switch(hints.get("cost"), found.cost),
        )
    delay = given.get("delay")
    if isinstance(delay, int | float) and not isinstance(delay, bool) and 0 <= delay <= 5:
        before = replace(before, delay=float(delay))
    return replace(before, hints=found)


def _switch(given: Any, before: bool) -> bool:
    return given if isinstance(given, bool) else before
