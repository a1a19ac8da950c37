"""Full convolutions replaced by depthwise and pointwise ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from archspec.graph import Graph
from archspec.ops.common.arguments import Flag
from archspec.ops.conv import Conv
from archspec.rewrites.common.proofs import moved_fields, saving
from archspec.rewrites.common.splitting import split
from archspec.rewrites.engine.base import Rewrite, Steps
from archspec.rewrites.engine.draft import Draft
from archspec.rewrites.engine.errors import RewriteError
from archspec.rewrites.engine.nodes import DraftNode


class ConvToDepthwiseSeparable(Rewrite):
    """Replace convolutions by depthwise and pointwise ones, as MobileNet does (https://arxiv.org/abs/1704.04861).

    A k×k convolution from M to N channels takes k²·M·N multiply-adds for each pixel.  Filtering each channel separately
    and then mixing them with a 1×1 convolution takes k²·M + M·N, which is 1/N + 1/k² of that.  The depthwise part has
    the stride, padding and dilation, so sizes and receptive fields stay the same; the rewrite computes the fields to
    verify this.  The function changes, so the weights are initialised anew.

    Convolutions that read the network's input are not replaced, like MobileNet's first, unless they are named.  Grouped
    and 1×1 convolutions are never replaced.
    """

    keyword: ClassVar[str] = "conv_to_depthwise_separable"
    main: ClassVar[str | None] = "within"

    within: Steps | None = Field(
        None, description="only in these blocks or steps, by path or label. Default: everywhere"
    )
    activation: Flag = Field(
        True,
        description="whether to repeat the normalisation and activation of the convolution after the depthwise part",
    )

    def apply(self, draft: Draft) -> None:
        """Replace each full convolution; raises RewriteError if there is none."""
        named = {draft.find(name) for name in self.within or () if draft.scope(name) is None}
        found = [node for node in draft.within(self.within) if _is_full(node, node in named)]
        if not found:
            where = " in the given steps" if self.within else ""
            raise RewriteError(f"there is no full convolution{where} to replace")
        for conv in found:
            depthwise = {"channels": conv.shapes_in[0].channels, "groups": conv.shapes_in[0].channels}
            pointwise = {"kernel": 1, "stride": 1, "padding": 0, "dilation": 1}
            split(draft, conv, [depthwise, pointwise], ["depthwise"], self.activation)

    def prove(self, before: Graph, after: Graph, places: Mapping[int, int]) -> tuple[str, ...]:
        """Verify that no receptive field has changed; report the saving."""
        moved = moved_fields(before, after, places)
        if moved:
            raise RewriteError(f"the receptive field of `{moved[0]}` would change")
        changed = [old for old, new in places.items() if before.nodes[old].op != after.nodes[new].op]
        what = "convolution" if len(changed) == 1 else "convolutions"
        says = f"{len(changed)} {what} made depthwise separable, all receptive fields unchanged"
        return (f"{says}: {saving(before, after, changed)}",)


def _is_full(node: DraftNode, named: bool) -> bool:
    if not isinstance(node.op, Conv) or node.shapes_in[0].channels == 1:
        return False
    given = node.op
    kernels = given.kernel if isinstance(given.kernel, tuple) else (given.kernel,)
    first = node.inputs[0].op is None
    return given.groups == 1 and max(kernels) > 1 and (named or not first)
