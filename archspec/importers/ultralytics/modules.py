"""Translates Ultralytics' modules whose channels the scale reduces."""

from __future__ import annotations

from collections.abc import Callable
from math import gcd

from archspec.importers.network import Frame
from archspec.importers.ultralytics import attending
from archspec.importers.ultralytics.builder import Builder
from archspec.importers.ultralytics.config import Row


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
    whole, share, attends = row.flag(1, False), row.number(2, 0.5), False
    at = 3
    if builder.version >= (8, 4):
        at = 4
        attends = row.flag(3, False)
    groups, shortcut = row.whole(at, 1), row.flag(at + 1, True)

    def inner(around: Frame, name: str, part: int, hidden: int) -> int:
        if attends:
            chain = builder.frame(around, name, "Sequential", chain=True)
            part = builder.bottleneck(chain, "0", part, hidden, shortcut, groups, (3, 3))
            return attending.block(builder, builder.frame(chain, "1", "PSABlock"), part)
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
    "C2PSA": attending.c2psa,
    "C2f": _c2f,
    "C2fPSA": attending.c2fpsa,
    "C3": _c3,
    "C3k2": _c3k2,
    "Conv": _conv,
    "DWConv": _depthwise,
    "PSA": attending.psa,
    "SPP": _spp,
    "SPPF": _sppf,
}
"""The translation rule of each module whose channels the scale reduces."""

REPEATING = ("C2", "C2PSA", "C2f", "C2fPSA", "C3", "C3k2")
"""Modules that repeat their contents rather than being repeated themselves."""
