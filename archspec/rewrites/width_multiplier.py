"""All layers thinner or wider by one factor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import lcm, prod
from typing import Any, ClassVar

from pydantic import Field

from archspec.analyses import cost
from archspec.graph import Graph
from archspec.ops.channel_shuffle import ChannelShuffle
from archspec.ops.chunk import Chunk
from archspec.ops.common.affine import Affine
from archspec.ops.common.arguments import AboveZero, Positive
from archspec.ops.common.elementwise import Elementwise
from archspec.ops.concat import Concat
from archspec.ops.conv import Conv
from archspec.ops.conv_transpose import ConvTranspose
from archspec.ops.flatten import Flatten
from archspec.ops.group_norm import GroupNorm
from archspec.ops.linear import Linear
from archspec.ops.parameter import Parameter
from archspec.ops.reshape import Reshape
from archspec.ops.split import Split
from archspec.rewrites.common.widths import Inseparable, Segment, Segments, divides, equal, fix, flat, pieces
from archspec.rewrites.engine.base import Rewrite
from archspec.rewrites.engine.draft import Draft
from archspec.rewrites.engine.errors import RewriteError
from archspec.rewrites.engine.nodes import DraftNode


class WidthMultiplier(Rewrite):
    """Multiply the channels of every layer by α, as in MobileNet (https://arxiv.org/abs/1704.04861, section 3.3).

    Parameters and multiply-adds change by a factor of about α².  Each number of channels is rounded to a multiple of
    ``divisor`` as in mobile networks, never below 90% of the exact value (and, with α at most 1, never above the old
    number).  Inputs and outputs of the network keep their channels.  Numbers that must be equal stay equal: those of
    added values, through concatenation, splitting and shuffling.  Depthwise convolutions follow their input; other
    grouped convolutions keep their number of groups, which still divides the channels.  Weights of changed layers are
    initialised anew.
    """

    keyword: ClassVar[str] = "width_multiplier"
    main: ClassVar[str | None] = "by"

    by: AboveZero = Field(description="the factor α for the channels, such as 0.5")
    divisor: Positive = Field(8, description="channels are rounded to a multiple of this number")

    def apply(self, draft: Draft) -> None:
        """Change the channels of all layers; raises RewriteError if an op fixes its channels."""
        counts = _Counts(draft)
        counts.look()
        if not counts.change(self._new):
            raise RewriteError("no layer changes: channels are outputs of the network, or round to their old numbers")

    def _new(self, segment: Segment) -> int:
        size = segment.size
        if segment.fixed:
            return size
        multiple = lcm(self.divisor, segment.multiple)
        wanted = size * self.by
        rounded = max(multiple, int(wanted + multiple / 2) // multiple * multiple)
        if rounded < 0.9 * wanted:
            rounded += multiple
        return min(rounded, size) if self.by <= 1 else rounded

    def prove(self, before: Graph, after: Graph, places: Mapping[int, int]) -> tuple[str, ...]:
        """Report the new parameters and multiply-adds."""
        totals = [cost.total(cost.of_nodes(graph, graph.sizes).values(), graph.sizes) for graph in (before, after)]
        old, new = totals
        says = f"{new.parameters:,} parameters, {new.parameters / max(old.parameters, 1):.0%} of before"
        if old.multiply_adds and new.multiply_adds is not None:
            says += f"; {new.multiply_adds:,} multiply-adds, {new.multiply_adds / old.multiply_adds:.0%}"
        return (says,)


class _Counts:
    """The channels of every value, and the changes of each op."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.known: dict[DraftNode, Segments] = {}
        self.edits: list[tuple[DraftNode, Callable[[Callable[[Sequence[Segment]], int]], dict[str, Any]]]] = []

    def look(self) -> None:
        """Walk through the network once."""
        for node in self.draft.inputs:
            self.known[node] = [Segment(node.shape.channels, fixed=True)]
        for node in self.draft.nodes():
            try:
                self.known[node] = self._through(node)
                if node.reuse is not None and node.op != node.reuse.op:
                    raise RewriteError(f"`{node.path}` is the transpose of `{node.reuse.path}`", node)
                if node.reuse is not None:
                    equal(self.known[node.reuse], self.known[node])
                    for mine, its in zip(node.inputs, node.reuse.inputs, strict=True):
                        equal(self.known[its], self.known[mine])
            except Inseparable:
                raise RewriteError(f"`{node.path}` mixes channels with flattened pixels", node) from None
        for _, node in self.draft.outputs:
            fix(self.known[node])

    def change(self, new: Callable[[Segment], int]) -> bool:
        """Change the ops; returns whether any has changed."""

        def total(segments: Sequence[Segment]) -> int:
            found = 0
            for leaf in flat(segments):
                found += new(leaf) if leaf.product is None else total(leaf.product[0]) * leaf.product[1]
            return found

        changed = False
        for node, edit in self.edits:
            arguments = {name: value for name, value in edit(total).items() if getattr(node.op, name) != value}
            if arguments:
                changed = True
                self.draft.change(node, **arguments)
        return changed

    def _through(self, node: DraftNode) -> Segments:
        """The channels of a node's output."""
        op = node.op
        assert op is not None  # never called for inputs of the network
        if isinstance(op, Parameter):
            return self._parameter(node, op)
        sources = [self.known[source] for source in node.inputs]
        first = sources[0]
        if "channels" not in node.shape.axes:
            raise RewriteError(f"`{node.path}` has no channels", node)
        match op:
            case Conv() | ConvTranspose():
                return self._convolution(node, op, first)
            case Linear() if node.shapes_in[0].axes[-1] == "channels":
                return self._layer(node, "features")
            case Concat(axis="channels"):
                return [segment for source in sources for segment in source]
            case Elementwise() | Concat():
                return self._merge(node, sources)
            case Split(axis="channels"):
                return self._split(node, op, first)
            case Chunk(axis="channels"):
                return self._chunk(node, op, first)
            case ChannelShuffle():
                self._alike(first, node.shape.channels, op.groups)
            case GroupNorm():
                divides(first, op.groups)
            case Affine(by=tuple()):
                fix(first)
            case Flatten() if node.shape.axes == ("channels",) and len(node.shapes_in[0].axes) > 1:
                return self._flattened(node, first)
            case Reshape():
                return self._reshaped(node, op, first)
            case _:
                pass
        if node.shape.channels != node.shapes_in[0].channels:
            raise RewriteError(f"`{op.keyword}` at `{node.path}` selects channels by index", node)
        return first

    def _layer(self, node: DraftNode, field: str, multiple: int = 1) -> Segments:
        """A layer whose number of output channels can be chosen freely."""
        made = [Segment(getattr(node.op, field), multiple=multiple)]
        self.edits.append((node, lambda total: {field: total(made)}))
        return made

    def _convolution(self, node: DraftNode, op: Conv | ConvTranspose, source: Segments) -> Segments:
        channels = node.shapes_in[0].channels
        if op.groups == 1 or channels == 1:
            made = self._layer(node, "channels", op.groups)
            if (
                op.init is not None and "bilinear" in op.init.names
            ):  # which needs equally many input and output channels
                equal(source, made)
            return made
        if op.groups != channels:
            divides(source, op.groups)
            return self._layer(node, "channels", op.groups)
        times = op.channels // channels
        self.edits.append((node, lambda total: {"groups": total(source), "channels": total(source) * times}))
        return source * times

    def _merge(self, node: DraftNode, sources: list[Segments]) -> Segments:
        """Values with equally many channels; a single channel is broadcast."""
        wide = [
            one for one, shape in zip(sources, node.shapes_in, strict=True) if shape.channels == node.shape.channels
        ]
        for other in wide[1:]:
            equal(wide[0], other)
        return wide[0]

    def _alike(self, segments: Segments, channels: int, count: int) -> list[Segments]:
        """Equal parts of a list, which stay equal."""
        parts = pieces(segments, [channels // count] * count)
        for other in parts[1:]:
            equal(parts[0], other)
        return parts

    def _split(self, node: DraftNode, op: Split, source: Segments) -> Segments:
        parts = pieces(source, op.sizes)
        self.edits.append((node, lambda total: {"sizes": tuple(total(part) for part in parts)}))
        return parts[op.index]

    def _chunk(self, node: DraftNode, op: Chunk, source: Segments) -> Segments:
        channels = node.shapes_in[0].channels
        if channels % op.chunks:
            raise RewriteError(f"`{node.path}` cuts {channels} channels into {op.chunks} unequal parts", node)
        return self._alike(source, channels, op.chunks)[op.index]

    def _flattened(self, node: DraftNode, source: Segments) -> Segments:
        shape = node.shapes_in[0]
        pixels = prod(self.draft.numbers([dim for dim, axis in zip(shape.dims, shape.axes, strict=True)
                                          if axis != "channels"]))  # fmt: skip
        if pixels == 1:
            return source
        made = Segment(shape.channels * pixels)
        made.product = (source, pixels)
        return [made]

    def _reshaped(self, node: DraftNode, op: Reshape, source: Segments) -> Segments:
        axes = node.shape.axes
        if op.shape[axes.index("channels")] != "channels":
            raise RewriteError(f"`{node.path}` reshapes the channels", node)
        return source

    def _parameter(self, node: DraftNode, op: Parameter) -> Segments:
        """A learnt tensor: as many channels as the value that it is added to or multiplied with."""
        if "channels" not in node.shape.axes:
            return []
        at = node.shape.axes.index("channels")
        made = [Segment(op.shape[at])]
        shape = op.shape
        self.edits.append((node, lambda total: {"shape": (*shape[:at], total(made), *shape[at + 1 :])}))
        return made
