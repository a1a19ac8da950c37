"""Large convolutions replaced by several small ones with the same receptive field."""

from __future__ import annotations

from collections.abc import Mapping
from math import gcd, lcm
from typing import Any, ClassVar, Literal

from pydantic import Field

from archspec.graph import Graph
from archspec.ops.common.arguments import Flag, Positive
from archspec.ops.common.spatial import collapse
from archspec.ops.conv import Conv
from archspec.rewrites.common.proofs import moved_fields, saving
from archspec.rewrites.common.splitting import Part, split
from archspec.rewrites.engine.base import Rewrite, Steps
from archspec.rewrites.engine.draft import Draft
from archspec.rewrites.engine.errors import RewriteError
from archspec.rewrites.engine.nodes import DraftNode


class FactoriseConv(Rewrite):
    """Replace n×n convolutions by a stack of 3×3 ones, or by n×1 and 1×n (https://arxiv.org/abs/1512.00567, section 3).

    ``stacked``: a stack of (n − 1)/2 windows of 3 spans 1 + 2·(n − 1)/2 = n pixels, with 9·(n − 1)/2 weights for each
    pair of channels instead of n².  For 5×5 these are two windows, with 18 weights instead of 25, 28% fewer.
    ``asymmetric``: a window of n×1 and then one of 1×n span n × n pixels, with 2·n weights instead of n²: 6 instead of
    9 for 3×3, 33% fewer.  The last window of the stack gets the stride (in an asymmetric pair each gets that of its
    axis), padding is distributed, and dilation is kept.  So the sizes and receptive fields of all later steps stay
    exactly the same; the rewrite computes the fields to verify this.  The function changes, so the weights are
    initialised anew.

    These numbers are for equally many input and output channels.  Otherwise the channels between grow by equal factors,
    as in the paper, rounded to a multiple of 8 if the outer ones are multiples of 8; ``middle`` sets another number.
    """

    keyword: ClassVar[str] = "factorise_conv"
    main: ClassVar[str | None] = "kernel"

    kernel: Positive = Field(5, description="kernel size of the convolutions to replace")
    into: Literal["stacked", "asymmetric"] = Field("stacked", description="a stack of 3×3, or n×1 and 1×n")
    within: Steps | None = Field(
        None, description="only in these blocks or steps, by path or label. Default: everywhere"
    )
    activation: Flag = Field(
        True, description="whether to repeat the normalisation and activation of the convolution between its parts"
    )
    middle: Positive | None = Field(
        None, description="channels between the parts. Default: between input and output channels"
    )

    def apply(self, draft: Draft) -> None:
        """Replace each convolution with the kernel; raises RewriteError if there is none that can be replaced."""
        if self.into == "stacked" and (self.kernel < 5 or self.kernel % 2 == 0):
            hint = "use an odd kernel of at least 5, or `into: asymmetric`"
            raise RewriteError(f"a kernel of {self.kernel} cannot be a stack of kernels of 3", hint=hint)
        if self.kernel == 1:
            raise RewriteError("a kernel of 1 cannot be factorised")
        found = [node for node in draft.within(self.within) if _is_square(node, self.kernel)]
        if not found:
            where = " in the given steps" if self.within else ""
            raise RewriteError(f"there is no convolution of kernel {self.kernel}{where}")
        for conv in found:
            if self.into == "asymmetric" and conv.shape.rank < 2:
                raise RewriteError(f"`{conv.path}` has only one spatial axis", conv)
            parts = _stacked(conv) if self.into == "stacked" else _asymmetric(conv)
            channels = [self.middle] * (len(parts) - 1) if self.middle else _between(conv, len(parts))
            parts = [*({**part, "channels": count} for part, count in zip(parts, channels, strict=False)), parts[-1]]
            split(draft, conv, parts, [str(count) for count in range(1, len(parts))], self.activation)

    def prove(self, before: Graph, after: Graph, places: Mapping[int, int]) -> tuple[str, ...]:
        """Verify that no receptive field has changed; report the saving."""
        moved = moved_fields(before, after, places)
        if moved:
            raise RewriteError(f"the receptive field of `{moved[0]}` would change")
        changed = [old for old, new in places.items() if before.nodes[old].op != after.nodes[new].op]
        rank = max(before.nodes[index].shape.rank for index in changed)
        times = "×".join([str(self.kernel)] * rank)
        count = len(changed)
        what = "convolution" if count == 1 else "convolutions"
        says = f"{count} {what} of {times} factorised, all receptive fields unchanged"
        return (f"{says}: {saving(before, after, changed)}",)


def _is_square(node: DraftNode, kernel: int) -> bool:
    if not isinstance(node.op, Conv):
        return False
    return node.op.kernel == kernel or node.op.kernel == (kernel,) * node.shape.rank


def _between(conv: DraftNode, parts: int) -> list[int]:
    """Channels after each part but the last: equal factors from the input channels to the output channels."""
    given: Any = conv.op
    first, last = conv.shapes_in[0].channels, given.channels
    multiple = lcm(given.groups, gcd(first, last, 8))
    wanted = [first * (last / first) ** (count / parts) for count in range(1, parts)]
    return [max(multiple, round(channels / multiple) * multiple) for channels in wanted]


def _windows(conv: DraftNode) -> Any:
    """Kernel, stride, padding and dilation along each axis."""
    given: Any = conv.op
    return given._windows(conv.shapes_in[0])


def _sides(padding: list[tuple[int, int]]) -> Any:
    """Padding as written in a spec."""
    numbers = [one for one, _ in padding]
    even = all(one == two for one, two in padding)
    return collapse(tuple(numbers)) if even else [list(pair) for pair in padding]


def _stacked(conv: DraftNode) -> list[Part]:
    """Windows of 3: each has the padding that keeps the size, the first also the rest, and the last the stride."""
    windows = _windows(conv)
    count = (windows.kernel[0] - 1) // 2
    left = [list(pair) for pair in windows.padding]
    sides: list[list[tuple[int, int]]] = []
    for position in reversed(range(count)):
        shared = []
        for rest, dilation in zip(left, windows.dilation, strict=True):
            take = [amount if position == 0 else min(amount, dilation) for amount in rest]
            rest[0], rest[1] = rest[0] - take[0], rest[1] - take[1]
            shared.append((take[0], take[1]))
        sides.insert(0, shared)
    parts: list[Part] = [{"kernel": 3, "stride": 1, "padding": _sides(each)} for each in sides]
    return [*parts[:-1], {**parts[-1], "stride": collapse(windows.stride)}]


def _asymmetric(conv: DraftNode) -> list[Part]:
    """A window along each axis in turn, with the stride, padding and dilation of that axis."""
    windows = _windows(conv)
    rank = len(windows.kernel)

    def along(axis: int, values: Any, otherwise: Any) -> list[Any]:
        return [values[axis] if at == axis else otherwise for at in range(rank)]

    return [
        {
            "kernel": tuple(along(axis, windows.kernel, 1)),
            "stride": collapse(tuple(along(axis, windows.stride, 1))),
            "padding": _sides(along(axis, windows.padding, (0, 0))),
            "dilation": collapse(tuple(along(axis, windows.dilation, 1))),
        }
        for axis in range(rank)
    ]
