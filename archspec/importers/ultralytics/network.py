"""A configuration as a network, at one scale and for one version of Ultralytics."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from archspec.diagnostics import Diagnostics, Fault, did_you_mean, printable
from archspec.importers.assembly import Assembly
from archspec.importers.naming import legal
from archspec.importers.network import Frame
from archspec.importers.ultralytics.builder import Builder
from archspec.importers.ultralytics.config import Config, Row, Scaling
from archspec.importers.ultralytics.heads import HEADS, classify
from archspec.importers.ultralytics.modules import REPEATING, RULES

PLAIN = ("Concat", "nn.Identity", "nn.Upsample", *HEADS)
"""Modules whose channels do not depend on the scale."""
SCALED = {**RULES, "Classify": classify}

SIDE, SIDE_OF_CLASSES = 640, 224
"""The image size if none is given, and that of a network that gives classes."""


class Reading:
    """One network being assembled."""

    def __init__(
        self, config: Config, scaling: Scaling, version: tuple[int, int], name: str, size: Sequence[int] | None
    ) -> None:
        self.config, self.scaling, self.version = config, scaling, version
        self.assembly = Assembly(legal(name, "net"))
        self.builder = Builder(self.assembly, version, config.bins, scaling)
        side = SIDE_OF_CLASSES if any(row.module == "Classify" for row in config.rows) else SIDE
        self.image = self.assembly.input("image", size or (config.channels, side, side))
        self.values: list[int | None] = []
        self.outputs: list[tuple[str, int]] = []
        self.heads = 0

    def run(self, diagnostics: Diagnostics) -> None:
        """Assemble the network; modules without a counterpart become diagnostics."""
        root = self.assembly.root
        for row in self.config.rows:
            reads = [self.image if at < 0 or (row.index == 0) else self.values[at] for at in row.reads]
            self.values.append(None)
            if row.module not in SCALED and row.module not in PLAIN:
                hint = did_you_mean(row.module, [*SCALED, *PLAIN])
                said = f"layer {row.index}: there is nothing for the module `{printable(row.module, 40)}`"
                diagnostics.error("not-importable", said, row.span, hint)
                continue
            try:
                known = [value for value in reads if value is not None]
                if len(known) == len(reads):
                    self.values[-1] = self._layer(row, root, known)
            except Fault as fault:
                diagnostics.add(fault.diagnostic)
        last = self.values[-1] if self.values else None
        if not self.heads and last is not None:
            self.outputs.append(("output", last))
        if not self.outputs and not diagnostics.errors:
            raise Fault("no-outputs", "the network has no output", self.config.root.span)

    def _layer(self, row: Row, root: Frame, reads: list[int]) -> int:
        try:
            if row.module == "Concat":
                return self.assembly.add("concat", reads, frame=root, span=row.span)
            if row.module == "nn.Upsample":
                return self._upsample(row, root, reads)
            if row.module == "nn.Identity":
                return self.assembly.add("identity", reads, frame=root, span=row.span)
            if row.module in HEADS:
                return self._head(row, root, reads)
            return self._scaled(row, root, reads)
        except Fault as fault:
            found = fault.diagnostic
            raise fault if found.span else Fault(found.code, f"{row.what}: {found.message}", row.span) from None

    def _scaled(self, row: Row, root: Frame, reads: list[int]) -> int:
        if len(reads) != 1:
            raise row.refuse(f"reads {len(reads)} layers, but takes one")
        wanted, scaling = row.whole(0), self.scaling
        kept = row.module == "Classify" if self.version >= (8, 4) else wanted == self.config.classes
        channels = wanted if kept else self.builder.scaled(wanted)
        repeats = max(round(row.repeats * scaling.depth), 1) if row.repeats > 1 else 1
        if row.module == "C3k2" and scaling.name in ("m", "l", "x"):
            row = Row(row.index, row.reads, row.repeats, row.module, [*row.args[:1], True, *row.args[2:]], row.span)
        around, times = root, 1
        if row.module not in REPEATING and repeats > 1:
            around, times = self.builder.frame(root, f"model.{row.index}", "Sequential", chain=True), repeats
        value = reads[0]
        for at in range(times):
            frame = self.builder.frame(around, str(at) if times > 1 else f"model.{row.index}", row.module)
            value = SCALED[row.module](self.builder, row, frame, value, channels, repeats)
        return value

    def _upsample(self, row: Row, root: Frame, reads: list[int]) -> int:
        size, scale, mode, *_ = (*row.args, None, None, None)
        if size is not None or type(scale) is not int or mode not in ("nearest", None) or len(reads) != 1:
            raise row.refuse("is supported for nearest rows and whole factors only")
        return self.assembly.add("upsample", reads, {"scale": scale}, frame=root, span=row.span)

    def _head(self, row: Row, root: Frame, reads: list[int]) -> int:
        frame = self.builder.frame(root, f"model.{row.index}", row.module)
        found = HEADS[row.module](self.builder, row, frame, reads)
        self.heads += 1
        taken = {name for name, _ in self.outputs}
        for at, (what, value) in enumerate(found):
            name = what if what == "prototypes" else "_".join(filter(None, (self._level(value), what)))
            name = name if name not in taken else f"output{at}_{self.heads}"
            taken.add(name)
            self.outputs.append((name, value))
        return found[-1][1]

    def _level(self, value: int) -> str:
        """``p3`` for a map of an eighth of the image's height, as in pyramids."""
        image, own = (int(str(self.assembly.shapes[one].spatial[0])) for one in (self.image, value))
        step = -(-image // own)
        return f"p{step.bit_length() - 1}" if step & (step - 1) == 0 else f"map{own}"

    def parameters(self) -> int:
        """The number of parameters, including the fixed ones that turn a head's bins into distances."""
        counters = ("running_mean", "running_var", "num_batches_tracked")
        own = (prod(shape) for key, shape in self.assembly.weights.items() if not key.endswith(counters))
        return sum(own) + (self.config.bins if self.heads and self.config.bins > 1 else 0)
