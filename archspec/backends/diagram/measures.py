"""How large things are and how far apart, in points; and what the parts of one picture share."""

from __future__ import annotations

from collections.abc import Callable

from archspec.backends.diagram import text
from archspec.backends.diagram.series_parallel import Element, Group, Parallel, Side, Tangle, Unit, units_of
from archspec.backends.diagram.sketch import Mark
from archspec.backends.diagram.units import data_inputs
from archspec.ops import Shape

HEIGHT, TALL = 21.6, 28.8
"""Heights of a box with one and with two lines."""
CIRCLE = 16.6
GAP, LABEL_GAP, SMALL_GAP = 26.0, 24.0, 11.0
"""Room above a box; above a tap or a frame with a label; and without one."""
LABEL = 4.5
"""From a line to the label beside it."""
REACH = 22.0
"""From a tap down to the first box below it."""
DROP = 20.0
"""From the last box down to the circle where branches meet."""
RAIL = 11.0
"""From the boxes to the line that passes them."""
PAD = 8.0
"""From a frame to what it holds."""
BESIDE = 20.0
"""Between neighbouring branches."""


class Settings:
    """One picture: the width of boxes on its main paths, how shapes are written, and what the legend must explain."""

    def __init__(self, width: float, words: Callable[[Shape | None], str], *, focused: bool) -> None:
        self.width = width
        self.words = words
        self.focused = focused
        """Whether one block is shown alone: every line is labelled, and every projection drawn."""
        self.dotted: set[str] = set()
        """What dotted lines tell in this picture: a change of ``size``, of ``channels``."""
        self.hidden = False
        """Whether a dotted line stands for a 1×1 convolution that is not drawn."""
        self._lanes = 0

    def new_lane(self) -> int:
        """A number for the marks of one vertical path."""
        self._lanes += 1
        return self._lanes

    def mark(self, unit: Unit, x: float, y: float, lane: int, width: float | None = None) -> Mark:
        """A box, or a circle for a merge, centred at a place."""
        if unit.sign:
            return Mark(unit, x, y, CIRCLE, CIRCLE, "circle", lane=lane)
        return Mark(unit, x, y, self.width if width is None else width, height(unit), lane=lane)


def height(unit: Unit) -> float:
    """How high a unit is."""
    return CIRCLE if unit.sign else TALL if unit.detail else HEIGHT


def box_width(unit: Unit) -> float:
    """How wide a box must be for its words, with room for another font than Arial."""
    if unit.sign:
        return CIRCLE
    # Two lines are written from their left ends on: in a wider font than Arial they grow to one side.
    spare = 1.16 if unit.detail else 1.08
    return spare * max(text.width(words_of(unit), text.BOX), text.width(unit.detail, text.SMALL)) + 16


def words_of(unit: Unit) -> str:
    """The first line of a box, with ×N where it stands for several."""
    return f"{unit.title}  ×{unit.count}" if unit.count > 1 else unit.title


def carried(before: Element, after: Element) -> Shape | None:
    """The shape of the value that goes from one element into the next; None where values of several shapes do.

    A folded block may give several values, so it is asked which of its nodes are read.
    """
    if isinstance(after, Unit) and after.role == "io" and not after.nodes:
        return after.shape
    given = {node.index: node.shape for unit in units_of([before]) for node in unit.nodes}
    read = {index for unit in units_of([after]) for node in unit.nodes for index in data_inputs(node)}
    shapes = {shape.dims: shape for index, shape in given.items() if index in read}
    if not shapes:
        return value_of(before)
    return next(iter(shapes.values())) if len(shapes) == 1 else None


def value_of(item: Element | None) -> Shape | None:
    """The shape of what an element gives."""
    if isinstance(item, Unit):
        return item.shape
    if isinstance(item, Parallel):
        if item.sink is not None:
            return item.sink.shape
        return next((value_of(branch[-1]) for branch in item.branches if branch), None)
    if isinstance(item, Group):
        return value_of(next((inner for inner in reversed(item.items) if not isinstance(inner, Side)), None))
    if isinstance(item, Tangle):
        return item.units[item.exits[-1]].shape
    return None
