"""Translates the heads of Ultralytics' networks: boxes, masks, key points, rotated boxes, classes.

A head gives what its convolutions give for each map; it does not turn bins into distances, nor maps into boxes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import pi

from archspec.importers.network import Frame
from archspec.importers.ultralytics.builder import Builder
from archspec.importers.ultralytics.config import Row

Outputs = list[tuple[str, int]]
"""The outputs of a head: what each is, empty for boxes and classes, and its value; map by map."""

Rule = Callable[[Builder, Row, Frame, Sequence[int]], Outputs]

HIDDEN = 1280
"""The channels before the classifier."""


def _detect(builder: Builder, row: Row, frame: Frame, values: Sequence[int]) -> Outputs:
    """``Detect``: for each map, one of distances in bins and class scores."""
    classes, first = row.whole(0), builder.assembly.channels(values[0])
    wide, deep = max(16, first // 4, 4 * builder.bins), max(first, min(classes, 100))
    found: Outputs = []
    for at, value in enumerate(values):
        box = _three(builder, frame, f"cv2.{at}", value, wide, 4 * builder.bins)
        if builder.legacy and builder.version >= (8, 4):
            score = _three(builder, frame, f"cv3.{at}", value, deep, classes)
        else:
            score = _separable(builder, frame, f"cv3.{at}", value, deep, classes)
        found.append(("", builder.add(frame, "concat", [box, score])))
    return found


def _three(builder: Builder, frame: Frame, name: str, value: int, channels: int, last: int) -> int:
    """Two 3×3 convolutions and a 1×1 convolution with a bias."""
    chain = builder.frame(frame, name, "Sequential", chain=True)
    for part in "01":
        value = builder.conv(chain, part, value, channels, 3)
    return builder.add(chain, "conv", [value], "2", channels=last, kernel=1)


def _separable(builder: Builder, frame: Frame, name: str, value: int, channels: int, last: int) -> int:
    """The same with a depthwise and a 1×1 convolution in place of each 3×3 one."""
    chain = builder.frame(frame, name, "Sequential", chain=True)
    for part in "01":
        pair = builder.frame(chain, part, "Sequential", chain=True)
        count = builder.assembly.channels(value)
        value = builder.conv(pair, "0", value, count, 3, groups=count, kind="DWConv")
        value = builder.conv(pair, "1", value, channels)
    return builder.add(chain, "conv", [value], "2", channels=last, kernel=1)


def _more(builder: Builder, frame: Frame, values: Sequence[int], count: int) -> list[int]:
    """For each map, ``count`` more channels."""
    channels = max(builder.assembly.channels(values[0]) // 4, count)
    return [_three(builder, frame, f"cv4.{at}", value, channels, count) for at, value in enumerate(values)]


def _segment(builder: Builder, row: Row, frame: Frame, values: Sequence[int]) -> Outputs:
    """``Segment``: a mask's coefficients too, and the prototypes that masks are sums of."""
    masks, width = row.whole(1, 32), builder.scaled(row.whole(2, 256))
    found = _detect(builder, row, frame, values)
    found += [("coefficients", value) for value in _more(builder, frame, values, masks)]
    proto = builder.frame(frame, "proto", "Proto")
    value = builder.conv(proto, "cv1", values[0], width, 3)
    value = builder.add(proto, "conv_transpose", [value], "upsample", channels=width, kernel=2, stride=2)
    value = builder.conv(proto, "cv2", value, width, 3)
    return [*found, ("prototypes", builder.conv(proto, "cv3", value, masks))]


def _pose(builder: Builder, row: Row, frame: Frame, values: Sequence[int]) -> Outputs:
    """``Pose``: two or three numbers for each key point."""
    shape = row.args[1] if len(row.args) > 1 else [17, 3]
    if not isinstance(shape, list) or len(shape) != 2 or any(type(one) is not int for one in shape):
        raise row.wrong("argument 2 must be the number of key points and of numbers for each")
    points, numbers = shape
    if not 1 <= points <= 10_000 or numbers not in (2, 3):
        raise row.wrong("there must be 1 to 10,000 key points, of 2 or 3 numbers each")
    found = _detect(builder, row, frame, values)
    return found + [("points", value) for value in _more(builder, frame, values, points * numbers)]


def _rotated(builder: Builder, row: Row, frame: Frame, values: Sequence[int]) -> Outputs:
    """``OBB``: the box's angle too, between -π/4 and 3π/4."""
    found = _detect(builder, row, frame, values)
    for value in _more(builder, frame, values, row.whole(1, 1)):
        value = builder.add(frame, "sigmoid", [value])
        value = builder.add(frame, "shift", [value], by=-0.25)
        found.append(("angles", builder.add(frame, "scale", [value], by=pi)))
    return found


HEADS: dict[str, Rule] = {"Detect": _detect, "OBB": _rotated, "Pose": _pose, "Segment": _segment}
"""The translation rule of each head of several maps."""


def classify(builder: Builder, row: Row, frame: Frame, value: int, channels: int, repeats: int) -> int:
    """``Classify``: the scores of an image's classes, before softmax."""
    del repeats
    kernel, stride = row.whole(1, 1), row.whole(2, 1)
    if len(row.args) > 3:
        raise row.refuse("has more arguments than classes, kernel and stride")
    value = builder.conv(frame, "conv", value, HIDDEN, kernel, stride)
    value = builder.add(frame, "flatten", [builder.add(frame, "global_avg_pool", [value])])
    return builder.add(frame, "linear", [value], "linear", features=channels)
