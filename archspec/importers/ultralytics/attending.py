"""Translates Ultralytics' modules with attention: heads over the pixels of a map, their places by a convolution."""

from __future__ import annotations

from archspec.importers.network import Frame
from archspec.importers.ultralytics.builder import Builder
from archspec.importers.ultralytics.config import Row

WIDTH_OF_HEAD = 64
"""The channels for each head."""


def attention(builder: Builder, around: Frame, value: int, heads: int) -> int:
    """``Attention``: keys and queries are half as wide as values; a depthwise convolution of the values is added."""
    frame = builder.frame(around, "attn", "Attention")
    channels = builder.assembly.channels(value)
    width = channels // heads
    narrow = width // 2
    joint = builder.conv(frame, "qkv", value, channels + 2 * heads * narrow, act=False)
    parted = builder.add(frame, "unflatten", [joint], sizes=[heads, 2 * narrow + width], axes=["heads", "channels"])
    sizes = [narrow, narrow, width]
    query, key, map_ = (builder.add(frame, "split", [parted], sizes=sizes, index=index) for index in range(3))
    query, key, values = (
        builder.add(frame, "flatten", [part], start="height", axis="length") for part in (query, key, map_)
    )
    query = builder.add(frame, "scale", [query], by=narrow**-0.5)
    query = builder.add(frame, "permute", [query], axes=["heads", "length", "channels"])
    weights = builder.add(frame, "matmul", [query, key], axes=["heads", "length", "keys"])
    weights = builder.add(frame, "softmax", [weights], axis="keys")
    found = builder.add(frame, "matmul", [values, weights], transpose=True, axes=["heads", "channels", "length"])
    found = builder.add(frame, "unflatten", [found], refers={"to": joint}, axis="length")
    found, map_ = (builder.add(frame, "flatten", [part], end="channels", axis="channels") for part in (found, map_))
    places = builder.conv(frame, "pe", map_, channels, 3, groups=channels, act=False)
    return builder.conv(frame, "proj", builder.add(frame, "add", [found, places]), channels, act=False)


def block(builder: Builder, frame: Frame, value: int) -> int:
    """What ``PSABlock`` and ``PSA`` have in common: attention and two 1×1 convolutions, each added to its input."""
    channels = builder.assembly.channels(value)
    value = builder.add(frame, "add", [value, attention(builder, frame, value, max(channels // WIDTH_OF_HEAD, 1))])
    chain = builder.frame(frame, "ffn", "Sequential", chain=True)
    inner = builder.conv(chain, "0", value, 2 * channels)
    return builder.add(frame, "add", [value, builder.conv(chain, "1", inner, channels, act=False)])


def _halves(builder: Builder, row: Row, frame: Frame, value: int, channels: int, at: int) -> tuple[int, int]:
    """The two halves of the first convolution's channels."""
    if channels != builder.assembly.channels(value):
        raise row.wrong(f"its {channels} channels must be those of its input, {builder.assembly.channels(value)}")
    half = int(channels * row.number(at, 0.5))
    value = builder.conv(frame, "cv1", value, 2 * half)
    one, other = (builder.add(frame, "split", [value], sizes=[half, half], index=index) for index in (0, 1))
    return one, other


def c2psa(builder: Builder, row: Row, frame: Frame, value: int, channels: int, repeats: int) -> int:
    """``C2PSA``: two halves, blocks with attention on the second, concatenated."""
    beside, inner = _halves(builder, row, frame, value, channels, 1)
    chain = builder.frame(frame, "m", "Sequential", chain=True)
    for at in range(repeats):
        inner = block(builder, builder.frame(chain, str(at), "PSABlock"), inner)
    return builder.conv(frame, "cv2", builder.add(frame, "concat", [beside, inner]), channels)


def psa(builder: Builder, row: Row, frame: Frame, value: int, channels: int, repeats: int) -> int:
    """``PSA``: the same with one block."""
    del repeats
    beside, inner = _halves(builder, row, frame, value, channels, 1)
    inner = block(builder, frame, inner)
    return builder.conv(frame, "cv2", builder.add(frame, "concat", [beside, inner]), channels)


def c2fpsa(builder: Builder, row: Row, frame: Frame, value: int, channels: int, repeats: int) -> int:
    """``C2fPSA``: a ``C2f`` of blocks with attention."""

    def inner(around: Frame, name: str, part: int, hidden: int) -> int:
        del hidden
        return block(builder, builder.frame(around, name, "PSABlock"), part)

    return builder.c2f(frame, value, channels, repeats, row.number(1, 0.5), inner)
