"""Dense layers of a classifier converted to convolutions with kernels as large as their maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from archspec.ops import Op, find
from archspec.ops.common.pooling import AdaptivePool, GlobalPool
from archspec.ops.common.spatial import collapse
from archspec.ops.common.windows import POINTWISE, Sliding
from archspec.ops.conv import Conv
from archspec.ops.flatten import Flatten
from archspec.ops.linear import Linear
from archspec.rewrites.engine.base import Rewrite
from archspec.rewrites.engine.draft import Draft
from archspec.rewrites.engine.errors import RewriteError
from archspec.rewrites.engine.nodes import DraftNode

Kernel = tuple[int, ...]
"""Size of the flattened map, one number for each spatial axis, at the sizes of the spec."""


class DenseToConv(Rewrite):
    """Make a classifier fully convolutional: the vector of scores becomes a map of scores, for inputs of any size.

    A dense layer on a flattened map of C channels and h × w pixels computes, for each output o, Σ weight[o, (c·h + i)·w
    + j] · x[c, i, j].  This is exactly an unpadded convolution with kernel h × w at its only position, with the weight
    reshaped to [o, C, h, w].  Later layers read 1 × 1 and become 1 × 1 convolutions (https://arxiv.org/abs/1411.4038,
    section 3.1).  h and w are those at the spec's own sizes.

    An adaptive pool that changes nothing at these sizes is removed; one with equal windows becomes an ordinary pool.  A
    global pool becomes a pool of the map's size with stride 1: the same at these sizes, and sliding over larger maps.
    Flattening is removed.  At the spec's sizes the outputs equal the classifier's, as maps of 1 × 1.
    """

    keyword: ClassVar[str] = "dense_to_conv"

    def apply(self, draft: Draft) -> None:
        """Convert every head; raises RewriteError if one cannot be converted, or if there is none.

        A head that only training needs is left unchanged if it cannot be converted.
        """
        heads = [head for node in draft.nodes() if (head := _Head.at(draft, node)) is not None]
        plans: list[_Plan] = []
        for group in _joined(heads):
            plan = _Plan(draft, group)
            try:
                plan.look()
            except RewriteError as error:
                if plan.gates:
                    continue
                if error.node is None or not plan.only_trains:
                    raise
                draft.note(f"the auxiliary head at `{group[0].flatten.path}` was not converted: {error}")
                continue
            plans.append(plan)
        if not plans:
            raise RewriteError("no dense layer reads a flattened map, so there is nothing to convert")
        for plan in plans:
            plan.make()


class _Head:
    """A flatten that makes a vector from a map, and all nodes that compute with this vector."""

    def __init__(self, flatten: DraftNode, inside: list[DraftNode]) -> None:
        self.flatten = flatten
        self.inside = inside

    @classmethod
    def at(cls, draft: Draft, node: DraftNode) -> _Head | None:
        """The head that begins at a node; None if none does."""
        if not isinstance(node.op, Flatten) or node.shape.rank != 0 or node.shape.axes != ("channels",):
            return None
        source = node.inputs[0].shape
        if not source.channels_first or source.rank == 0:
            return None
        inside, seen = [node], {node}
        for one in inside:
            for reader in one.readers:
                if reader not in seen and reader.shape.axes == ("channels",):
                    seen.add(reader)
                    inside.append(reader)
        return cls(node, inside)


def _joined(heads: Sequence[_Head]) -> list[list[_Head]]:
    """Groups of heads that are merged with one another."""
    group_of: dict[DraftNode, int] = {}
    groups: list[list[_Head]] = []
    for at, head in enumerate(heads):
        met = dict.fromkeys(group_of[node] for node in head.inside if node in group_of)
        groups.append([one for other in met for one in groups[other]] + [head])
        for other in met:
            groups[other] = []
        group_of.update((node, at) for one in groups[at] for node in one.inside)
    return [group for group in groups if group]


class _Plan:
    """The changes to all nodes of a head, determined before anything is changed."""

    def __init__(self, draft: Draft, group: Sequence[_Head]) -> None:
        self.draft = draft
        self.group = group
        self.inside = dict.fromkeys(node for head in group for node in head.inside)
        outputs = [output for output, node in draft.outputs if node in self.inside]
        self.only_trains = bool(outputs) and all(output.training for output in outputs)
        self.gates = False
        """Whether the vector is applied to a map again, as in squeeze-and-excite: this is not a head, and works at any
        size.
        """
        self.kernels: dict[DraftNode, Kernel] = {}
        self.pools: dict[DraftNode, Op | None] = {}

    def look(self) -> None:
        """Determine all changes; raises RewriteError if something cannot be converted."""
        order = [node for node in self.draft.nodes() if node in self.inside]
        for node in order:
            if isinstance(node.op, Flatten) and node.inputs[0].shape.rank > 0:
                self.kernels[node] = self.draft.numbers(node.inputs[0].shape.spatial)
                self._pools_before(node)
                continue
            for reader in node.readers:
                if reader not in self.inside:
                    self.gates = all(size == 1 for head in self.group for size in head.flatten.inputs[0].shape.spatial)
                    raise RewriteError(f"`{reader.path}` reads the vector, but is not a dense layer", reader)
            self.kernels[node] = self._through(node)

    def _through(self, node: DraftNode) -> Kernel:
        """The pending kernel after a node: the size of a flattened map that no dense layer has read yet."""
        op = node.op
        assert op is not None
        outside = [source for source in node.inputs if source not in self.kernels]
        if outside:
            raise RewriteError(f"`{node.path}` also reads `{outside[0].path}`, which is not a flattened map", node)
        pending = {self.kernels[source] for source in node.inputs}
        if len(pending) > 1:
            raise RewriteError(f"maps of several sizes meet at `{node.path}`", node)
        (kernel,) = pending
        by_number = op.kind in ("activation", "dropout") and type(op).window is Op.window and not node.holds_weights
        if isinstance(op, Linear) or op.works_on_any_map or by_number:
            pass
        elif not op.acts_per_channel:
            raise RewriteError(f"`{op.keyword}` at `{node.path}` does not work on maps", node)
        elif any(size != 1 for size in kernel):
            raise RewriteError(f"`{op.keyword}` at `{node.path}` acts on single pixels of the flattened map", node)
        return (1,) * len(kernel) if isinstance(op, Linear) else kernel

    def _pools_before(self, flatten: DraftNode) -> None:
        """Find the adaptive or global pools before a flatten, through steps that work pixel by pixel."""
        node = flatten.inputs[0]
        between = [flatten]
        while node.op is not None and not isinstance(node.op, AdaptivePool):
            if len(node.inputs) != 1 or not _pixel_by_pixel(node):
                return
            between.append(node)
            node = node.inputs[0]
        if node.op is None:
            return
        for reader in node.readers:
            if reader not in between and not self._leads_to_head(reader):
                raise RewriteError(
                    f"`{node.path}` is read by `{reader.path}` as well, which is not a dense head", reader
                )
        self.pools[node] = self._pool(node)

    def _leads_to_head(self, node: DraftNode) -> bool:
        """Whether every path from a pooled map ends in a flatten, with only pixel-by-pixel steps on the way."""
        seen: list[DraftNode] = [node]
        for one in seen:
            if isinstance(one.op, Flatten):
                continue
            if len(one.inputs) != 1 or not _pixel_by_pixel(one):
                return False
            seen += one.readers
        return True

    def _pool(self, node: DraftNode) -> Op | None:
        """The sliding pool that equals an adaptive pool at the spec's sizes; None for one that changes nothing."""
        op, source = node.op, node.inputs[0].shape
        assert isinstance(op, AdaptivePool)
        there = self.draft.numbers(source.spatial)
        wanted = self.draft.numbers(node.shape.spatial)
        if there == wanted:
            return None
        if any(have % want for have, want in zip(there, wanted, strict=True)):
            sizes = tuple("×".join(map(str, each)) for each in (there, wanted))
            raise RewriteError(
                f"`{node.path}` pools {sizes[0]} to {sizes[1]} with windows of different sizes",
                node,
                "use sizes at which all windows are equal, or `cut` before it",
            )
        kernel = tuple(have // want for have, want in zip(there, wanted, strict=True))
        stride = tuple(1 if want == 1 else size for size, want in zip(kernel, wanted, strict=True))
        kind = find(op.sliding)
        given: dict[str, Any] = {"kernel": collapse(kernel), "stride": collapse(stride)}
        if isinstance(op, GlobalPool) or kernel != stride:
            return kind.model_validate(given)
        return kind.model_validate({"kernel": given["kernel"]})

    def make(self) -> None:
        """Edit the draft."""
        draft = self.draft
        for pool, op in self.pools.items():
            if op is None:
                draft.remove(pool)
            else:
                draft.set(pool, op)
        for node in self.inside:
            op = node.op
            if isinstance(op, Linear):
                self._convolve(node, op)
        for node in self.inside:
            if isinstance(node.op, Flatten):
                draft.remove(node)

    def _convolve(self, node: DraftNode, op: Linear) -> None:
        """Convert a dense layer to a convolution on the map before the flatten."""
        (source,) = node.inputs
        kernel = self.kernels[source]
        channels = source.shape.channels
        for size in kernel:
            channels //= size
        given = {"channels": op.features, "kernel": collapse(kernel), "bias": op.bias, "init": op.init}
        self.draft.set(node, Conv.model_validate(given))
        if node.reuse is None:
            old = (f"{node.path}.weight",)
            self.draft.weight(node, "weight", old, _reshaped((op.features, channels, *kernel)))


class _reshaped:  # noqa: N801  a function with state, so that stages can be copied and pickled
    """Reshape a tensor."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def __call__(self, tensor: Any) -> Any:
        return tensor.reshape(self.shape)


def _pixel_by_pixel(node: DraftNode) -> bool:
    """Whether each pixel of a node's output depends only on the same pixel of its input."""
    op, inputs = node.op, node.shapes_in
    if op is None or node.shape.axes != inputs[0].axes:
        return False
    for axis in node.shape.spatial_axes:
        window = op.window(inputs, 0, axis)
        if window not in (POINTWISE, Sliding(1)):
            return False
    return True
