"""Long short-term memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from archspec.ops.common.base import Shape
from archspec.ops.common.memory import Numbers
from archspec.ops.common.recurrent import Recurrent


class Lstm(Recurrent):
    """Go along an axis with long short-term memory (https://doi.org/10.1162/neco.1997.9.8.1735).

    The output is the state at each place; it starts with zeros.
    """

    keyword: ClassVar[str] = "lstm"
    gates: ClassVar[int] = 4

    def scratch(self, inputs: Sequence[Shape], output: Shape) -> tuple[Numbers, ...]:
        """The input with the axis first; the output of the layer before, and of each way; first and last states.

        These are torch's kernels for the processor, with a batch of several and an axis longer than there are layers.
        """
        length, width = inputs[0].dims[:1], output.channels
        maps = inputs[0].channels + width * (self.bidirectional + (self.layers > 1))
        states = 4 if self.layers > 1 else 6
        if not self.bias and not self.bidirectional:  # zeros in their place, as many as there are weights
            most = max(4 * self.features * (wide + self.features) for wide in self._widths(inputs))
            return Numbers(maps, length), Numbers(4 * self.layers * width), Numbers(most, batched=False)
        return Numbers(maps, length), Numbers(states * self.layers * width)
