"""A module run at several sizes, so that what varies with them is seen.

Sizes that are no multiples of anything show where a size is rounded; they are tried first.  A network that fails at
them takes multiples of 32 perhaps, or a few sizes around its own, or its own alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from archspec.diagnostics import SpecError
from archspec.importers.torch_module.capture import capture
from archspec.importers.torch_module.trace import Trace
from archspec.records import record

if TYPE_CHECKING:
    from torch import nn

SYMBOLS = {1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}
FURTHER = (
    ((37, 54, 71), (90, 125, 58)),
    ((32, 64, 96), (128, 64, 192)),
    ((1, 2, 3), (2, 1, 1)),
    ((-1, -2, -1), (-2, -1, -2)),
)
"""What is added to each axis of the sizes asked for: twice, another way in each row."""


@record
class Runs:
    """A module's calls in training at one size or more, the batch not the same in any two."""

    traces: tuple[Trace, ...]
    sizes: tuple[tuple[int, ...], ...]
    """Of each run; the first are those that were asked for."""
    symbols: tuple[str, ...]
    """What the sizes are called; empty where they are numbers, since the module was run at one size alone."""

    def at(self) -> tuple[dict[str, int], ...]:
        """What the symbols are in each of the runs at sizes of their own."""
        if not self.symbols:
            return ({},)
        return tuple(dict(zip(self.symbols, size, strict=True)) for size in self.sizes)


def runs(module: nn.Module, channels: int, spatial: Sequence[int]) -> Iterator[Runs]:
    """Ways in which a module without numbers runs, what says most of it first; raises :class:`SpecError` for none."""
    first = capture(module, [(2, channels, *spatial)], True)
    own = tuple(spatial)
    for rows in FURTHER if own else ():
        sizes = [tuple(size + more for size, more in zip(own, row, strict=False)) for row in rows]
        if any(size < 1 for one in sizes for size in one):
            continue
        try:
            others = [capture(module, [(3 + at, channels, *one)], True) for at, one in enumerate(sizes)]
        except SpecError:
            continue
        yield Runs((first, *others), (own, *sizes), SYMBOLS[len(own)])
        break
    yield Runs((first, capture(module, [(3, channels, *own)], True)), (own, own), ())
