"""Runs a module at several sizes to see what varies with them.

Sizes that are not round numbers show where a size is rounded; they are tried first.  A network that fails at them may
accept multiples of 32, or a few sizes near its own, or only its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from archspec.diagnostics import SpecError
from archspec.importers.naming import legal
from archspec.importers.torch_module.capture import capture
from archspec.importers.torch_module.trace import Trace
from archspec.records import record

if TYPE_CHECKING:
    from torch import nn

Inputs = Mapping[str, Sequence[int]]
"""The shape of each input without the batch, by its name; the name of a single image that is given alone is empty."""
ALONE = ""
"""The name of an input that is passed by its position."""
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
    inputs: tuple[tuple[str, tuple[int | str, ...]], ...]
    """The name and shape of each input, with symbols for sizes that may vary."""
    at: tuple[dict[str, int], ...]
    """The values of the symbols in each run; the first are the given sizes."""


def runs(module: nn.Module, inputs: Inputs) -> Iterator[Runs]:
    """Sets of runs of a module on the meta device, the most general first; raises :class:`SpecError` if none."""
    own: dict[str, tuple[int, ...]] = {name: tuple(shape) for name, shape in inputs.items()}
    named = {legal(name or "image", "input"): shape for name, shape in own.items()}
    first = capture(module, own, 2, True)
    groups: list[tuple[int, ...]] = list(dict.fromkeys(shape[1:] for shape in own.values() if len(shape) > 1))
    symbols = {spatial: _symbols(spatial, at) for at, spatial in enumerate(groups)}
    general = tuple((name, (shape[0], *symbols.get(shape[1:], ()))) for name, shape in named.items())
    for rows in FURTHER if groups else ():
        others = [{spatial: _more(spatial, row, at) for at, spatial in enumerate(groups)} for row in rows]
        if any(size < 1 for other in others for spatial in other.values() for size in spatial):
            continue
        sizes = [{spatial: spatial for spatial in groups}, *others]
        try:
            traces = [
                capture(
                    module, {name: (shape[0], *other.get(shape[1:], ())) for name, shape in own.items()}, 3 + at, True
                )
                for at, other in enumerate(others)
            ]
        except SpecError:
            continue
        at = tuple(
            {symbol: size for spatial in groups for symbol, size in zip(symbols[spatial], by[spatial], strict=True)}
            for by in sizes
        )
        yield Runs((first, *traces), general, at)
        break
    yield Runs((first, capture(module, own, 3, True)), tuple(named.items()), ({}, {}))


def _symbols(spatial: tuple[int, ...], at: int) -> tuple[str, ...]:
    """The symbols of some sizes; those of a second input of other sizes are H2 and W2."""
    return tuple(symbol if not at else f"{symbol}{at + 1}" for symbol in SYMBOLS[len(spatial)])


def _more(spatial: tuple[int, ...], row: tuple[int, ...], at: int) -> tuple[int, ...]:
    """Sizes with a row added to them, another one for each further input's."""
    return tuple(size + row[(axis + at) % len(row)] for axis, size in enumerate(spatial))
