"""Which boxes are open when a page is loaded: together they show the figure that a paper would."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archspec.backends.diagram.plan import COMFORTABLE, FEWEST
from archspec.backends.explorer.boxes import Box, Boxes, Series, numbers_of

BLOCKS = {"sequence", "block", "repeat", "run"}
"""The kinds of box that count as a level; a step drawn together with its followers does not."""


def opened(found: Boxes, depth: int | None = None, shown: int | None = None) -> list[int]:
    """The numbers of the boxes that are open at first.

    ``depth`` opens that many levels of blocks; ``shown`` is a box that is always open, with every box around it.  By
    default sequences are opened while the figure stays small and none of them would hold a single box; blocks only
    where the figure would otherwise show next to nothing.
    """
    chosen = _levels(found, depth) if depth is not None else _small(found)
    if shown is not None:
        around = {
            number: at for at, box in enumerate(found.boxes) for one in box.body or () for number in numbers_of(one)
        }
        at: int | None = shown
        while at is not None:
            chosen |= {at} if found.boxes[at].body else set()
            at = around.get(at)
    return sorted(chosen)


def _levels(found: Boxes, depth: int) -> set[int]:
    chosen: set[int] = set()
    for _ in range(depth):
        chosen.update(_blocks(found.boxes, _shown(found.boxes, found.root, chosen), BLOCKS))
    return chosen


def _small(found: Boxes) -> set[int]:
    boxes = found.boxes
    chosen: set[int] = set()
    for wanted, least in (({"sequence"}, 2), (BLOCKS, 1)):
        while True:
            shown = list(_shown(boxes, found.root, chosen))
            if least == 1 and sum(boxes[number].kind != "io" for number in shown) >= FEWEST:
                break
            more = set(_blocks(boxes, shown, wanted))
            alone = any(len(boxes[number].body or ()) < least for number in more)
            if not more or alone or len(list(_shown(boxes, found.root, chosen | more))) > COMFORTABLE:
                break
            chosen |= more
    return chosen


def _blocks(boxes: Sequence[Box], shown: Iterable[int], kinds: set[str]) -> list[int]:
    return [number for number in shown if boxes[number].kind in kinds and boxes[number].body]


def _shown(boxes: Sequence[Box], row: Series, chosen: set[int]) -> Iterable[int]:
    """The boxes that are drawn closed, without merges."""
    for element in row:
        for number in numbers_of(element):
            if number in chosen:
                yield from _shown(boxes, boxes[number].body or [], chosen)
            elif not boxes[number].sign:
                yield number
