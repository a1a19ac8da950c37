"""Strided `same` made padding by numbers."""

from __future__ import annotations

from typing import ClassVar

from archspec.ops.common.base import Shape
from archspec.ops.common.pooling import Pool
from archspec.ops.common.windows import Fitted, Sliding
from archspec.ops.conv import Conv
from archspec.rewrites.engine.base import Rewrite
from archspec.rewrites.engine.draft import Draft
from archspec.rewrites.engine.errors import RewriteError
from archspec.rewrites.engine.nodes import DraftNode
from archspec.sizes import Evaluation


class FixPadding(Rewrite):
    """Give each strided window with padding `same` the padding it has at the sizes the spec is written for.

    A window of span e at stride s pads (ceil(H/s) - 1)·s + e - H rows, which depends on H mod s alone.  At those sizes,
    and at all that leave the same remainders, the function is the same; at others it is another.
    """

    keyword: ClassVar[str] = "fix_padding"

    def apply(self, draft: Draft) -> None:
        """Write the numbers; refuses where no padding depends on a size, or a size has no number."""
        evaluation = Evaluation(draft.graph.sizes)
        found = [node for node in draft.nodes() if _depends(node)]
        if not found:
            raise RewriteError("no padding of the network depends on its size")
        for node in found:
            draft.change(node, padding=_sides(node, evaluation))


def _windows(node: DraftNode, shape: Shape) -> list[Sliding | Fitted]:
    assert isinstance(node.op, Conv | Pool)
    windows = [node.op.window((shape,), 0, axis) for axis in shape.spatial_axes]
    return [window for window in windows if isinstance(window, Sliding | Fitted)]


def _depends(node: DraftNode) -> bool:
    if not isinstance(node.op, Conv | Pool) or node.op.padding != "same":
        return False
    return any(isinstance(window, Fitted) for window in _windows(node, node.shapes_in[0]))


def _sides(node: DraftNode, evaluation: Evaluation) -> int | list[int | list[int]]:
    """The padding at the sizes of the spec, as a spec would have it."""
    found: list[int | list[int]] = []
    for window in _windows(node, node.shapes_in[0]):
        if isinstance(window, Fitted):
            size = evaluation.known(window.source)
            if size is None:
                raise RewriteError(f"the size at `{node.path}` has no number", node, "give it one under `sizes`")
            window = window.at(size)
        before, after = window.padding, window.after
        found.append(before if before == after else [before, after])
    first = found[0]
    return first if isinstance(first, int) and all(one == first for one in found) else found
