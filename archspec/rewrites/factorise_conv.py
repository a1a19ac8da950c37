"""A large convolution as several small ones that see the same pixels."""

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

    ``stacked``: (n − 1)/2 windows of 3 one behind the other reach over 1 + 2·(n − 1)/2 = n pixels, at
    9·(n − 1)/2 weights for each pair of channels where there were n²: two for 5×5, 18 of 25, 28% fewer.
    ``asymmetric``: a window of n×1 and then one of 1×n reach over n × n pixels, at 2·n weights for n²: 6 of 9 for 3×3,
    33% fewer.  A stride stands on the last of the stack (on its own axis in an asymmetric one), padding is shared out,
    dilation is kept: so sizes and receptive fields stay exactly, of every step behind, which is shown by computing
    them.  The function changes, so weights start anew.

    The figures are for as many channels coming in as going out.  Where there are not, the channels between grow by
    equal factors, as the paper has it, rounded to a multiple of 8 where those outside are; or ``middle`` says how many.
    """

    keyword: ClassVar[str] = "factorise_conv"
    main: ClassVar[str | None] = "kernel"

    kernel: Positive = Field(5, description="the kernel, along every axis, of the convolutions to replace")
    into: Literal["stacked", "asymmetric"] = Field("stacked", description="3×3 upon 3×3, or n×1 and 1×n")
    within: Steps | None = Field(
        None, description="only in these blocks or steps, by path or label; everywhere if left out"
    )
    activation: Flag = Field(
        True, description="whether what normalises and activates the convolution stands between its parts too"
    )
    middle: Positive | None = Field(None, description="channels between the parts; between those outside if left out")

    def apply(self, draft: Draft) -> None:
        """Replace each convolution with the kernel; refuses where there is none, or none that can be."""
        if self.into == "stacked" and (self.kernel < 5 or self.kernel % 2 == 0):
            hint = "odd kernels from 5 on are; `into: asymmetric` takes any"
            raise RewriteError(f"a window of {self.kernel} is no stack of windows of 3", hint=hint)
        if self.kernel == 1:
            raise RewriteError("a window of 1 has nothing to factorise")
        found = [node for node in draft.within(self.within) if _is_square(node, self.kernel)]
        if not found:
            where = " in what is named" if self.within else ""
            raise RewriteError(f"there is no convolution of kernel {self.kernel}{where}")
        for conv in found:
            if self.into == "asymmetric" and conv.shape.rank < 2:
                raise RewriteError(f"`{conv.path}` has one axis alone", conv)
            parts = _stacked(conv) if self.into == "stacked" else _asymmetric(conv)
            channels = [self.middle] * (len(parts) - 1) if self.middle else _between(conv, len(parts))
            parts = [*({**part, "channels": count} for part, count in zip(parts, channels, strict=False)), parts[-1]]
            split(draft, conv, parts, [str(count) for count in range(1, len(parts))], self.activation)

    def prove(self, before: Graph, after: Graph, places: Mapping[int, int]) -> tuple[str, ...]:
        """Show that no receptive field moved; say what is saved."""
        moved = moved_fields(before, after, places)
        if moved:
            raise RewriteError(f"the receptive field of `{moved[0]}` would not be what it was")
        changed = [old for old, new in places.items() if before.nodes[old].op != after.nodes[new].op]
        rank = max(before.nodes[index].shape.rank for index in changed)
        times = "×".join([str(self.kernel)] * rank)
        count = len(changed)
        what = "convolution" if count == 1 else "convolutions"
        says = f"{count} {what} of {times} factorised, every receptive field as it was"
        return (f"{says}: {saving(before, after, changed)}",)


def _is_square(node: DraftNode, kernel: int) -> bool:
    if not isinstance(node.op, Conv):
        return False
    return node.op.kernel == kernel or node.op.kernel == (kernel,) * node.shape.rank


def _between(conv: DraftNode, parts: int) -> list[int]:
    """Channels after each part but the last: by equal factors from those coming in to those going out."""
    given: Any = conv.op
    first, last = conv.shapes_in[0].channels, given.channels
    multiple = lcm(given.groups, gcd(first, last, 8))
    wanted = [first * (last / first) ** (count / parts) for count in range(1, parts)]
    return [max(multiple, round(channels / multiple) * multiple) for channels in wanted]


def _windows(conv: DraftNode) -> Any:
    """Kernel, stride, padding and dilation along each axis."""
    given: Any = conv.op
    found = given._windows(conv.shapes_in[0])
    if any(found.by_size):
        raise RewriteError(f"the padding of `{conv.path}` depends on the size", conv, "`fix_padding` first")
    return found


def _sides(padding: list[tuple[int, int]]) -> Any:
    """Padding as a spec would have it."""
    numbers = [one for one, _ in padding]
    even = all(one == two for one, two in padding)
    return collapse(tuple(numbers)) if even else [list(pair) for pair in padding]


def _stacked(conv: DraftNode) -> list[Part]:
    """Windows of 3: as much padding on each as keeps the size, the rest of it on the first; the stride on the last."""
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
