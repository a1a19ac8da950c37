"""A long path in columns: where it is broken, and how the line runs from the foot of one to the head of the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from archspec.backends.diagram import text
from archspec.backends.diagram.constructs import Constructs
from archspec.backends.diagram.measures import GAP, HEIGHT, LABEL, carried, value_of
from archspec.backends.diagram.series_parallel import Element, Side, Unit, units_of
from archspec.backends.diagram.sketch import Label, Piece, enter

TALLEST = 500.0
"""Points that a column should not exceed."""
WIDEST = 660.0
"""Points that all columns together should not exceed."""
BETWEEN = 24.0


def columns(items: Sequence[Element], constructs: Constructs, sizes: Mapping[str, int]) -> Piece:
    """A series in as many columns as keep it on a page, broken where the spatial size changes if that can be."""
    parts = with_sides(items)
    trial = [constructs.series(part, True) for part in parts]
    breaks = _chosen(trial, _stages(parts, sizes))
    runs = [
        [item for part in parts[start:end] for item in part]
        for start, end in zip(breaks, [*breaks[1:], len(parts)], strict=True)
    ]
    return _wrapped(runs, constructs)


def with_sides(items: Sequence[Element]) -> list[list[Element]]:
    """Elements, each with the side boxes that hang on it: what no break may divide."""
    parts: list[list[Element]] = []
    for item in items:
        if isinstance(item, Side) and parts:
            parts[-1].append(item)
        else:
            parts.append([item])
    return parts


def _stages(parts: Sequence[Sequence[Element]], sizes: Mapping[str, int]) -> set[int]:
    """Where the spatial size changes: before what shrinks it, after a pooling that stands alone."""
    found: set[int] = set()
    previous = text.spatial(value_of(parts[0][0]), sizes) if parts else ()
    for at, part in enumerate(parts[1:], 1):
        size = text.spatial(value_of(part[0]), sizes)
        if size != previous and len(size) == len(previous) and any(number != 1 for number in size):
            found.add(_break_at(parts, at))
        previous = size
    return {at for at in found if 1 < at < len(parts)}


def _break_at(parts: Sequence[Sequence[Element]], at: int) -> int:
    """Before what shrinks the map and the block it is in; but after a pooling that is not part of a block."""
    item = parts[at][0]
    if not isinstance(item, Unit) or item.role != "pool":
        return at
    scope = next((scope for scope in reversed(item.scopes) if scope.kind == "block"), None)
    if scope is None:
        return at + 1
    while at > 0 and any(scope in unit.scopes for unit in units_of(parts[at - 1][:1])):
        at -= 1
    return at


def _chosen(pieces: Sequence[Piece], stages: set[int]) -> list[int]:
    """Where columns begin: as few as stay below the height, at stages when the columns come out nearly as even."""
    heights = [piece.height + GAP for piece in pieces]
    best: list[int] = [0]
    for count in range(1, min(8, len(pieces)) + 1):
        anywhere = _split(heights, set(range(1, len(heights))), count)
        at_stages = _split(heights, stages, count)
        even = _tallest(heights, at_stages) <= max(TALLEST, 1.3 * _tallest(heights, anywhere))
        tried = at_stages if even else anywhere
        if count > 1 and _width(pieces, tried) > WIDEST:
            break
        best = tried
        if _tallest(heights, best) <= TALLEST:
            break
    return best


def _width(pieces: Sequence[Piece], breaks: Sequence[int]) -> float:
    """How wide all columns are together."""
    total = -BETWEEN
    for start, end in zip(breaks, [*breaks[1:], len(pieces)], strict=True):
        run = pieces[start:end]
        total += max(piece.left for piece in run) + max(piece.right for piece in run) + BETWEEN
    return total


def _tallest(heights: Sequence[float], breaks: Sequence[int]) -> float:
    return max(
        (sum(heights[start:end]) for start, end in zip(breaks, [*breaks[1:], len(heights)], strict=True)), default=0.0
    )


def _split(heights: Sequence[float], allowed: set[int], count: int) -> list[int]:
    """Where to break into at most ``count`` runs so that the tallest is least; later runs take the slack."""
    starts = [0, *sorted(allowed)]
    sums = [0.0]
    for height in heights:
        sums.append(sums[-1] + height)
    total = len(heights)
    table: list[dict[int, tuple[float, tuple[int, ...]]]] = [
        {start: (sums[total] - sums[start], (start,)) for start in starts}
    ]
    for _ in range(count - 1):
        row: dict[int, tuple[float, tuple[int, ...]]] = {}
        for start in starts:
            options = [table[-1][start]]
            for end in starts:
                if end > start:
                    tall, rest = table[-1][end]
                    options.append((max(sums[end] - sums[start], tall), (start, *rest)))
            row[start] = min(options, key=lambda option: (round(option[0], 3), len(option[1])))
        table.append(row)
    return list(table[-1][0][1])


def _wrapped(runs: Sequence[Sequence[Element]], constructs: Constructs) -> Piece:
    """Columns beside one another, joined foot to head through the gaps between them."""
    whole, words_for = Piece(0, 0, 0), constructs.settings.words
    placed: list[tuple[Piece, float, float, str]] = []
    x, shown = 0.0, None
    for at, run in enumerate(runs):
        piece = constructs.series(run, True, None, shown, goes_on=at < len(runs) - 1)
        shown = piece.shown
        value = next((value_of(item) for item in reversed(run) if not isinstance(item, Side)), None)
        if at < len(runs) - 1 and value is not None:
            end = next(item for item in reversed(run) if not isinstance(item, Side))
            value = carried(end, runs[at + 1][0])
        told = at == len(runs) - 1 or words_for(value) == words_for(shown)
        shown = shown if told else value
        x += piece.left if at else 0.0
        top = 0.0 if at == 0 else HEIGHT + (GAP if piece.entry == "box" else 4)
        placed.append((piece, x, top, "" if told else words_for(value)))
        whole.add(piece, x, top)
        piece.height += top
        x += piece.right + BETWEEN
    foot = max((piece.height for piece, *_ in placed[:-1]), default=0.0) + 22
    for (piece, start, top, words), (after, end, *_) in pairwise(placed):
        gap = (start + piece.right + end - after.left) / 2
        for outlet in piece.outlets:
            if not outlet.done:
                outlet.points = [*outlet.points, (start, foot), (gap, foot), (gap, HEIGHT / 2), (end, HEIGHT / 2)]
        note = Label(words, start + LABEL, piece.height + 11) if words else None
        if piece.held is not None:
            note = Label(piece.held.words, start + piece.held.x, top + piece.held.y)
        whole.lines += enter(piece.outlets, after, note)
    first, last = placed[0][0], placed[-1]
    whole.inlets, whole.outlets = first.inlets, last[0].outlets
    whole.left, whole.right = first.left, last[1] + last[0].right
    whole.height = max([piece.height for piece, *_ in placed] + ([foot] if len(placed) > 1 else []))
    return whole
