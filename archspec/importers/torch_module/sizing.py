"""Runs a module at several sizes to see what varies with them.

Sizes that are not round numbers show where a size is rounded; they are tried first.  A network that fails at them may
accept multiples of 32, or a few sizes near its own, or only its own.
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
"""The amounts added to each axis of the given sizes: each row gives two further sizes to try."""


@record
class Runs:
    """A module's calls in training mode at one or more sizes, each with a different batch size."""

    traces: tuple[Trace, ...]
    sizes: tuple[tuple[int, ...], ...]
    """The sizes of each run; the first are the given ones."""
    symbols: tuple[str, ...]
    """The symbols of the sizes; empty if the module was run at one size only, so that sizes are numbers."""

    def at(self) -> tuple[dict[str, int], ...]:
        """The values of the symbols in each run."""
        if not self.symbols:
            return ({},)
        return tuple(dict(zip(self.symbols, size, strict=True)) for size in self.sizes)


def runs(module: nn.Module, channels: int, spatial: Sequence[int]) -> Iterator[Runs]:
    """Sets of runs of a module on the meta device, the most general first; raises :class:`SpecError` if none."""
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
