"""Gated recurrent units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archspec.ops.common.base import Shape
from archspec.ops.common.memory import Numbers
from archspec.ops.common.recurrent import Recurrent


class Gru(Recurrent):
    """Go along an axis with gated recurrent units (arXiv:1406.1078).

    The output is the state at each place; it starts with zeros.
    """

    keyword: ClassVar[str] = "gru"
    gates: ClassVar[int] = 3

    def scratch(self, inputs: Sequence[Shape], output: Shape) -> tuple[Numbers, ...]:
        """The gates of all places beside the input with the axis first, or beside the states, twice; first states.

        These are torch's kernels for the processor, with a batch of several and an axis of more than a few places.
        """
        length, state = inputs[0].dims[:1], self.features
        other = 5 * state * self.bidirectional  # what the first way has made
        later = (5 - self.bidirectional + self._ways * (self.layers > 1)) * state
        first = inputs[0].channels + 3 * state
        begins = self.layers * output.channels
        ends = (self.layers - 1) * output.channels if later >= first else 0
        return Numbers(max(first, later) + other - output.channels, length), Numbers(begins + ends)
