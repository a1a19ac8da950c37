"""The steps of Ultralytics' smaller modules, with the names of its ``state_dict``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import Any

from archspec.importers.assembly import Assembly
from archspec.importers.network import Frame
from archspec.importers.ultralytics.config import Scaling

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

    def add(
        self, frame: Frame, op: str, reads: Sequence[int], name: str = "", refers: Mapping[str, int] | None = None,
        **arguments: Any,
    ) -> int:  # fmt: skip
        """Add one op in a module."""
        path = tuple(f"{frame.path}.{name}".split(".")) if name else ()
        return self.assembly.add(op, reads, arguments, path=path, frame=frame, refers=refers)

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
