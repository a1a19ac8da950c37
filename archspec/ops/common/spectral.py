"""What the ops with spectral normalisation share: torch's parametrisation around their module."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import ClassVar

from pydantic import Field

from archspec.ops.common.arguments import AboveZero, Positive
from archspec.ops.common.base import Module, Op, Shape, Weight
from archspec.ops.common.memory import Numbers, Saved

ORIGINAL = "parametrizations.weight.original"


class Spectral(Op):
    """Base beside the op whose weight is divided by its largest singular value (arXiv:1802.05957).

    The weight is taken as a matrix with a row for each output; the singular value is estimated by power iterations,
    one or more in each forward of training, from vectors that are kept with the weights.
    """

    tensors: ClassVar[tuple[str, ...]] = ("weight", "bias")
    saves_weight: ClassVar[bool] = True
    """Whether autograd saves the divided weight even where the input receives no gradient."""

    iterations: Positive = Field(1, description="number of power iterations in each forward of training")
    eps: AboveZero = Field(1e-12, description="the least length that a vector is divided by")

    def weights(self, inputs: Sequence[Shape]) -> tuple[Weight, ...]:
        """torch's: the bias, the weight as it is learnt, and the two vectors."""
        weight, *bias = super().weights(inputs)
        vectors = (weight.shape[0], prod(weight.shape[1:]))
        kept = [
            Weight(f"parametrizations.weight.0.{name}", (size,), trainable=False)
            for name, size in zip(("_u", "_v"), vectors, strict=True)
        ]
        return (*bias, Weight(ORIGINAL, weight.shape), *kept)

    def initial(self, inputs: Sequence[Shape]) -> dict[str, str]:
        """As for the op without normalisation; what is initialised is the weight as it is learnt."""
        if self.init is None:
            return {}
        given = self.init.statements("weight")
        there = {weight.name for weight in self.weights(inputs)}
        named = {ORIGINAL if name == "weight" else name: statement for name, statement in given.items()}
        return {name: statement for name, statement in named.items() if name in there}

    def scratch(self, inputs: Sequence[Shape], output: Shape) -> tuple[Numbers, ...]:
        """The divided weight, besides what the op itself needs, while the output is larger than the two vectors."""
        return (*super().scratch(inputs, output), Numbers(prod(super().weights(inputs)[0].shape), batched=False))

    def saved(self, inputs: Sequence[Shape], output: Shape) -> Saved:
        """The divided weight, the two vectors and the singular value, besides what the op itself saves.

        To divide the gradient of the weight back takes four tensors of its size, and the vectors.
        """
        found, shape = super().saved(inputs, output), super().weights(inputs)[0].shape
        beside = shape[0] + prod(shape[1:]) + 1
        vectors, weight, back = (
            Numbers(number, batched=False) for number in (beside, prod(shape), 4 * prod(shape) + beside)
        )
        if self.saves_weight:
            return replace(found, extra=(*found.extra, vectors, weight), weights=(back,))
        return replace(found, extra=(*found.extra, vectors), passing=(weight,), weights=(back,))

    def module(self, inputs: Sequence[Shape]) -> Module:
        """``nn.utils.parametrizations.spectral_norm(nn.Conv2d(…))``."""
        found = super().module(inputs)
        assert found is not None
        more = f", n_power_iterations={self.iterations}" if self.iterations != 1 else ""
        more += f", eps={self.eps!r}" if self.eps != 1e-12 else ""
        return replace(found, wrap=f"nn.utils.parametrizations.spectral_norm({{0}}{more})")

    def words(self, inputs: Sequence[Shape], output: Shape) -> str:
        """``3×3 conv, 64, spectral norm``."""
        return f"{super().words(inputs, output)}, spectral norm"
