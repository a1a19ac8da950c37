"""Alignment at merges: whether the merged paths look at the same place of the source.

Two paths are aligned along an axis if their fields move by the same stride and have the same centre, averaged over
output phases; or, in a causal network, the same end.  A centre crop with an odd margin, or paths with different
padding, are some pixels apart.  In the paper's U-Net the margin depends on the input size, and only some sizes are
aligned at every skip.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import lcm

from archspec.analyses.receptive_field import AxisField, walked
from archspec.analyses.tables import Table
from archspec.analyses.walk import Walk, ancestors
from archspec.graph import Graph, Node
from archspec.ops.common.windows import Centred, Joined, Surrounded
from archspec.records import record
from archspec.sizes import Size, Solution, period, slope, symbols

MAXIMUM_PERIOD = 512
"""Number of sizes that are tried to find those at which paths are aligned."""


@record
class Branch:
    """One path into a merge: the step it ends with, its stride and its mean centre (in source pixels, at row 0)."""

    path: str
    stride: Fraction
    centre: Fraction
    end: Fraction
    """The mean last pixel, as ``centre`` is the mean centre."""


@record
class Misalignment:
    """A merge whose paths look at different places along an axis."""

    path: str
    axis: str
    branches: tuple[Branch, Branch]
    parted: str
    """The last step that both paths have in common."""

    @property
    def apart(self) -> Fraction | None:
        """Source pixels between the centres; None if the strides differ, so that the distance varies."""
        one, other = self.branches
        return abs(one.centre - other.centre) if one.stride == other.stride else None

    def __str__(self) -> str:
        one, other = self.branches
        if self.apart is None:
            what = f"move by {_shown(one.stride)} and {_shown(other.stride)} pixels per row"
        else:
            unit = "pixel" if self.apart == 1 else "pixels"
            what = f"are {_shown(self.apart)} {unit} apart (centres {_shown(one.centre)} and {_shown(other.centre)})"
        return (
            f"`{self.path}`: along the {self.axis} `{one.path}` and `{other.path}`, parted at `{self.parted}`, {what}"
        )


def misalignments(graph: Graph, sizes: Mapping[str, int], source: int | None = None) -> list[Misalignment]:
    """Every merge whose paths are not aligned, in execution order."""
    walk = walked(graph, sizes, source)
    found: list[Misalignment] = []
    for node in graph.nodes:
        if node.op is not None and node.op.merges and len(node.inputs) > 1 and not node.dead:
            found += _at(graph, node, walk)
    return found


def _at(graph: Graph, node: Node, walk: Walk[Table | None]) -> list[Misalignment]:
    assert node.op is not None
    inputs = graph.shapes_in(node)
    parts = [(place, index) for place, index in enumerate(node.inputs) if index in walk.states]
    found: list[Misalignment] = []
    for at, axis in enumerate(walk.axes):
        branches: dict[tuple[Fraction, Fraction], tuple[Branch, int]] = {}
        for place, index in parts:
            along = walk.states[index][at]
            joined = axis in inputs[place].axes and isinstance(node.op.window(inputs, place, axis), Joined)
            if along.gathered or along.value is None or joined:
                continue
            field = AxisField(along.value)
            centre = field.centre
            if centre is not None:
                branch = Branch(graph.nodes[index].path, field.stride, centre, field.end)
                branches.setdefault((field.stride, centre), (branch, index))
        different = list(branches.values())
        for other in different[1:]:
            if other[0].stride == different[0][0].stride and other[0].end == different[0][0].end:
                continue  # causal: one path looks further back than the other, and neither looks ahead
            parted = graph.nodes[parting(graph, different[0][1], other[1])].path
            found.append(Misalignment(node.path, axis, (different[0][0], other[0]), parted))
    return found


def parting(graph: Graph, one: int, other: int) -> int:
    """The last step that two paths have in common."""
    return max(ancestors(graph, one, False) & ancestors(graph, other, False), default=0)


@record
class AlignedSizes:
    """The sizes at which all paths are aligned along the axes of a symbol: ``symbol mod modulus`` in ``residues``."""

    symbol: str
    modulus: int
    residues: tuple[int, ...]

    def __str__(self) -> str:
        if len(self.residues) == self.modulus:
            return f"every {self.symbol}"
        if not self.residues:
            return f"no {self.symbol}"
        return f"{self.symbol} mod {self.modulus} ∈ {{{', '.join(map(str, self.residues))}}}"


def aligned_sizes(graph: Graph, solution: Solution, sizes: Mapping[str, int]) -> AlignedSizes | None:
    """The sizes at which every merge is aligned; None if they have no short description.

    Alignment depends on the size only through centre crops, by the parity of the rows they cut, which is periodic.
    """
    name = solution.symbol
    modulus = _crop_period(graph, name)
    start = None if solution.valid.is_empty else solution.next(1)
    if modulus is None or start is None or modulus > MAXIMUM_PERIOD:
        return None
    aligned: list[int] = []
    source = next(iter(graph.inputs.values()))
    shape = graph.nodes[source].shape
    axes = {axis for axis, dim in zip(shape.axes, shape.dims, strict=True) if name in symbols(dim)}
    for size in range(start, start + modulus):
        found = misalignments(graph, {**sizes, name: size}, source) if solution.contains(size) else [None]
        if not any(one is None or one.axis in axes for one in found):
            aligned.append(size % modulus)
    return AlignedSizes(name, modulus, tuple(sorted(aligned)))


def _crop_period(graph: Graph, name: str) -> int | None:
    """Number of sizes after which all centre crops along a symbol's axes repeat; None if one never does."""
    found = 1
    for node in graph.nodes:
        if node.op is None or not node.op.references or node.dead:
            continue
        inputs = graph.shapes_in(node)
        for axis in node.shape.axes[1:]:
            window = node.op.window(inputs, 0, axis)
            if not isinstance(window, Centred | Surrounded):
                continue
            dims = [dim for dim in (window.outer, window.inner) if isinstance(dim, Size)]
            if not any(name in dim.symbols for dim in dims):
                continue
            if len(dims) < 2 or any(len(dim.symbols) > 1 for dim in dims) or slope(dims[0]) != slope(dims[1]):
                return None
            found = lcm(found, *(period(dim) for dim in dims))
    return found


def _shown(number: Fraction) -> str:
    return str(number.numerator) if number.denominator == 1 else f"{float(number):g}"
