"""Full convolutions as depthwise ones, each followed by a pointwise one."""

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

    A k×k convolution from M to N channels takes k²·M·N multiply-adds at each pixel; filtering each channel by itself
    and then mixing them by a 1×1 convolution takes k²·M + M·N, that is 1/N + 1/k² of them.  The depthwise part has the
    stride, padding and dilation, so sizes and receptive fields stay, which is shown by computing them.  The function
    changes, so weights start anew.

    Convolutions that read the network's input stay, as MobileNet's first does, unless they are named; so do those in
    groups and those of 1×1.
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
        """Replace each full convolution; refuses when there is none."""
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
        """Show that no receptive field moved; say what is saved."""
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
