"""Translates Ultralytics' modules to steps, with the names of its ``state_dict``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, gcd
from typing import Any

from archspec.importers.assembly import Assembly
from archspec.importers.network import Frame
from archspec.importers.ultralytics.config import Row, Scaling

EPS, MOMENTUM = 1e-3, 0.03
"""The epsilon and momentum of every batch normalisation in its models."""


class Builder:
    """The steps made so far."""

    def __init__(self, assembly: Assembly, version: tuple[int, int], bins: int, scaling: Scaling) -> None:
        self.assembly = assembly
        self.version = version
        self.scaling = scaling
        self.bins = bins
        """The number of bins of each distance that a head predicts."""
        self.legacy = True
        """Whether the heads' class branches have full rather than depthwise convolutions, as before YOLO11."""

    def scaled(self, channels: int) -> int:
        """Channels at the scale: a multiple of 8."""
        return ceil(min(channels, self.scaling.most) * self.scaling.width / 8) * 8

    def frame(self, around: Frame, name: str, kind: str, chain: bool = False) -> Frame:
        """The frame of a module within another."""
        return Frame(f"{around.path}.{name}".lstrip("."), kind, around, chain)

    def add(self, frame: Frame, op: str, reads: Sequence[int], name: str = "", **arguments: Any) -> int:
        """Add one op in a module."""
        path = tuple(f"{frame.path}.{name}".split(".")) if name else ()
        return self.assembly.add(op, reads, arguments, path=path, frame=frame)

    def conv(
        self, around: Frame, name: str, value: int, channels: int, kernel: int = 1, stride: int = 1,
        padding: int | None = None, groups: int = 1, dilation: int = 1, act: bool = True, kind: str = "Conv",
    ) -> int:  # fmt: skip
        """``Conv``: a convolution without a bias, batch normalisation, SiLU."""
        frame = self.frame(around, name, kind)
        extent = dilation * (kernel - 1) + 1
        value = self.add(
            frame, "conv", [value], "conv", channels=channels, kernel=kernel, stride=stride, groups=groups,
            padding=extent // 2 if padding is None else padding, dilation=dilation, bias=False,
        )  # fmt: skip
        value = self.add(frame, "batch_norm", [value], "bn", eps=EPS, momentum=MOMENTUM)
        return self.add(frame, "silu", [value]) if act else value

    def bottleneck(
        self, around: Frame, name: str, value: int, channels: int, shortcut: bool, groups: int, kernels: Sequence[int],
        share: float = 0.5,
    ) -> int:  # fmt: skip
        """Two convolutions, with the input added if it has as many channels."""
        frame = self.frame(around, name, "Bottleneck")
        inner = self.conv(frame, "cv1", value, int(channels * share), kernels[0])
        inner = self.conv(frame, "cv2", inner, channels, kernels[1], groups=groups)
        if shortcut and self.assembly.channels(value) == channels:
            return self.add(frame, "add", [value, inner])
        return inner

    def c3(
        self, frame: Frame, value: int, channels: int, repeats: int, shortcut: bool, groups: int, share: float,
        kernels: Sequence[int],
    ) -> int:  # fmt: skip
        """``C3``: bottlenecks in parallel with a 1×1 convolution, concatenated."""
        hidden = int(channels * share)
        inner = self.conv(frame, "cv1", value, hidden)
        chain = self.frame(frame, "m", "Sequential", chain=True)
        for at in range(repeats):
            inner = self.bottleneck(chain, str(at), inner, hidden, shortcut, groups, kernels, 1.0)
        beside = self.conv(frame, "cv2", value, hidden)
        return self.conv(frame, "cv3", self.add(frame, "concat", [inner, beside]), channels)

    def c2(
        self, frame: Frame, value: int, channels: int, repeats: int, shortcut: bool, groups: int, share: float
    ) -> int:
        """``C2``: two halves, bottlenecks on the first, concatenated."""
        hidden = int(channels * share)
        value = self.conv(frame, "cv1", value, 2 * hidden)
        inner, beside = (self.add(frame, "chunk", [value], chunks=2, index=index) for index in (0, 1))
        chain = self.frame(frame, "m", "Sequential", chain=True)
        for at in range(repeats):
            inner = self.bottleneck(chain, str(at), inner, hidden, shortcut, groups, (3, 3), 1.0)
        return self.conv(frame, "cv2", self.add(frame, "concat", [inner, beside]), channels)

    def c2f(
        self, frame: Frame, value: int, channels: int, repeats: int, share: float,
        inner: Callable[[Frame, str, int, int], int],
    ) -> int:  # fmt: skip
        """``C2f``: two halves and the output of each module in a chain on the second, all concatenated."""
        hidden = int(channels * share)
        value = self.conv(frame, "cv1", value, 2 * hidden)
        parts = [self.add(frame, "chunk", [value], chunks=2, index=index) for index in (0, 1)]
        for at in range(repeats):
            parts.append(inner(frame, f"m.{at}", parts[-1], hidden))
        return self.conv(frame, "cv2", self.add(frame, "concat", parts), channels)


def _conv(builder: Builder, row: Row, frame: Frame, value: int, channels: int, repeats: int) -> int:
    del repeats
    kernel, stride = row.whole(1, 1), row.whole(2, 1)
    padding = row.whole(3, None, 0) if len(row.args) > 3 and row.args[3] is not None else None
    groups = row.whole(4, 1)
    if len(row.args) > 5:
        raise row.refuse("has more arguments than channels, kernel, stride, padding and groups")
    assert frame.parent is not None
    name = frame.path.removeprefix(f"{frame.parent.path}.")
    return builder.conv(frame.parent, name, value, channels, kernel, stride, padding, groups)


def _depthwise(builder: Builder, row: Row, frame: Frame, value: int, channels: int, repeats: int) -> int:
    del repeats
    kernel, stride = row.whole(1, 1), row.whole(2, 1)
    if len(row.args) > 3:
        raise row.refuse("has more arguments than channels, kernel and stride")
    groups = gcd(builder.assembly.channels(value), channels)
    assert frame.parent is not None
    return builder.conv(
        frame.parent,
        frame.path.removeprefix(f"{frame.parent.path}."),
        value,
        channels,
        kernel,
        stride,
        groups=groups,
        kind="DWConv",
    )


def _c3(builder: Builder, row: Row, frame: Frame, value: int, channels: int, repeats: int) -> int:
    shortcut, groups, share = row.flag(1, True), row.whole(2, 1), row.number(3, 0.5)
    return builder.c3(frame, value, channels, repeats, shortcut, groups, share, (1, 3))


def _c2(builder: Builder, row: Row, frame: Frame, value: int, channels: int, repeats: int) -> int:
    shortcut, groups, share = row.flag(1, True), row.whole(2, 1), row.number(3, 0.5)
    return builder.c2(frame, value, channels, repeats, shortcut, groups, share)


def _c2f(builder: Builder, row: Row, frame: Frame, value: int, channels: int, repeats: int) -> int:
    shortcut, groups, share = row.flag(1, False), row.whole(2, 1), row.number(3, 0.5)

    def inner(around: Frame, name: str, part: int, hidden: int) -> int:
        return builder.bottleneck(around, name, part, hidden, shortcut, groups, (3, 3), 1.0)

    return builder.c2f(frame, value, channels, repeats, share, inner)


def _c3k2(builder: Builder, row: Row, frame: Frame, value: int, channels: int, repeats: int) -> int:
    """``C3k2``: in 8.4 an argument for attention was inserted before the groups."""
    builder.legacy = False
    whole, share = row.flag(1, False), row.number(2, 0.5)
    at = 3
    if builder.version >= (8, 4):
        at = 4
        if row.flag(3, False):
            raise row.refuse("has attention, which is not supported")
    groups, shortcut = row.whole(at, 1), row.flag(at + 1, True)

    def inner(around: Frame, name: str, part: int, hidden: int) -> int:
        if not whole:
            return builder.bottleneck(around, name, part, hidden, shortcut, groups, (3, 3))
        own = builder.frame(around, name, "C3k")
        return builder.c3(own, part, hidden, 2, shortcut, groups, 0.5, (3, 3))

    return builder.c2f(frame, value, channels, repeats, share, inner)


def _bottleneck(builder: Builder, row: Row, frame: Frame, value: int, channels: int, repeats: int) -> int:
    del repeats
    assert frame.parent is not None
    name, shortcut = frame.path.removeprefix(f"{frame.parent.path}."), row.flag(1, True)
    return builder.bottleneck(frame.parent, name, value, channels, shortcut, row.whole(2, 1), (3, 3))


def _sppf(builder: Builder, row: Row, frame: Frame, value: int, channels: int, repeats: int) -> int:
    """``SPPF``: pools in sequence; in 8.4 an argument may give their number, and then the first convolution has no
    activation."""
    del repeats
    kernel, count, shortcut, source = row.whole(1, 5), 3, False, value
    if len(row.args) > 2:
        if builder.version < (8, 4):
            raise row.refuse("has more arguments than channels and kernel before 8.4")
        count, shortcut = row.whole(2, 3), row.flag(3, False)
    value = builder.conv(frame, "cv1", value, builder.assembly.channels(value) // 2, act=len(row.args) <= 2)
    parts = [value]
    for _ in range(min(count, 100)):
        pooled = builder.add(frame, "max_pool", [parts[-1]], kernel=kernel, stride=1, padding=kernel // 2)
        parts.append(pooled)
    value = builder.conv(frame, "cv2", builder.add(frame, "concat", parts), channels)
    if shortcut and builder.assembly.channels(source) == channels:
        return builder.add(frame, "add", [value, source])
    return value


def _spp(builder: Builder, row: Row, frame: Frame, value: int, channels: int, repeats: int) -> int:
    del repeats
    kernels = row.args[1] if len(row.args) > 1 else [5, 9, 13]
    if not isinstance(kernels, list) or any(type(one) is not int or not 1 <= one <= 99 for one in kernels):
        raise row.wrong("argument 2 must be a list of kernel sizes")
    value = builder.conv(frame, "cv1", value, builder.assembly.channels(value) // 2)
    parts = [value]
    for kernel in kernels:
        parts.append(builder.add(frame, "max_pool", [value], kernel=kernel, stride=1, padding=kernel // 2))
    return builder.conv(frame, "cv2", builder.add(frame, "concat", parts), channels)


Rule = Callable[[Builder, Row, Frame, int, int, int], int]

RULES: dict[str, Rule] = {
    "Bottleneck": _bottleneck,
    "C2": _c2,
    "C2f": _c2f,
    "C3": _c3,
    "C3k2": _c3k2,
    "Conv": _conv,
    "DWConv": _depthwise,
    "SPP": _spp,
    "SPPF": _sppf,
}
"""The translation rule of each module whose channels the scale reduces."""

REPEATING = ("C2", "C2f", "C3", "C3k2")
"""Modules that repeat their contents rather than being repeated themselves."""
