"""The differences between two networks, apart from names: steps that only one has, and steps that differ.

Steps correspond if they are computed in the same way, or used in the same way; the remaining steps are matched in
execution order, like lines in a text comparison.  There is no difference exactly if the two are the same network
(:mod:`archspec.analyses.equal`).
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Hashable, Iterator, Sequence, Set
from typing import Literal

from archspec.analyses.aligned import aligned
from archspec.analyses.equal import Doing, Wiring, isomorphism, refine, shared
from archspec.graph import Graph, Node
from archspec.records import record
from archspec.sizes import text


@record
class Difference:
    """One difference: the step's path in the first network and in the second, or None if it is not there."""

    kind: Literal["removed", "added", "changed", "reads", "shares", "input", "output"]
    first: str | None
    second: str | None
    text: str
    """The difference in words: ``stride 1 → 2``, the first network's value before the second's."""
    words: str = ""
    """A description of a step that only one network has: ``3×3 conv, 64``."""

    def __str__(self) -> str:
        paths = list(dict.fromkeys(path for path in (self.first, self.second) if path is not None))
        return f"{' and '.join(f'`{path}`' for path in paths)}: {self.text}"


@record
class Comparison:
    """Two networks: the indices of corresponding steps, and the differences in execution order."""

    pairs: tuple[tuple[int, int], ...]
    differences: tuple[Difference, ...]

    def differing(self, one: Graph, other: Graph) -> tuple[frozenset[int], frozenset[int]]:
        """The steps of each network that a difference names, by index."""
        steps = [each for each in self.differences if each.kind != "output"]
        return _at(one, {each.first for each in steps}), _at(other, {each.second for each in steps})

    @property
    def equal(self) -> bool:
        """Whether the networks are equal apart from names."""
        return not self.differences


def _at(graph: Graph, paths: Set[str | None]) -> frozenset[int]:
    return frozenset(node.index for node in graph.nodes if node.path in paths)


def compare(one: Graph, other: Graph, initial: bool = True) -> Comparison:
    """Compare two networks; with ``initial`` false, the initialisation of weights does not count."""
    first, second = Wiring(one, initial), Wiring(other, initial)
    refine(first, second)
    found = isomorphism(first, second)
    if found is not None:
        return Comparison(tuple(sorted(found.items())), ())
    pairs = _corresponding(first, second)
    return Comparison(tuple(sorted(pairs.items())), tuple(_Differences(first, second, pairs).all()))


def _corresponding(first: Wiring, second: Wiring) -> dict[int, int]:
    """For steps of the first network, the corresponding steps of the second, each at most once."""
    pairs: dict[int, int] = {}
    for how in ("both", "made", "used"):
        waiting: defaultdict[Hashable, deque[int]] = defaultdict(deque)
        taken = set(pairs.values())
        for index in _steps(second):
            if index not in taken:
                waiting[second.wires.nodes[index][how]].append(index)
        for index in _steps(first):
            alike = waiting.get(first.wires.nodes[index][how])
            if index not in pairs and alike:
                pairs[index] = alike.popleft()
    taken = set(pairs.values())
    left = [index for index in _steps(first) if index not in pairs]
    right = [index for index in _steps(second) if index not in taken]
    _align(first, second, left, right, pairs)
    return pairs


def _steps(wiring: Wiring) -> list[int]:
    return [index for index, value in enumerate(wiring.stands_for) if index == value]


def _align(first: Wiring, second: Wiring, left: Sequence[int], right: Sequence[int], pairs: dict[int, int]) -> None:
    """Pair the remaining steps in order: those that do the same, then those of the same kind, in the longest runs."""
    before = [(first.wires.nodes[index]["label"], _kind(first, index)) for index in left]
    after = [(second.wires.nodes[index]["label"], _kind(second, index)) for index in right]
    pairs.update((left[at], right[to]) for at, to in aligned(before, after))


def _kind(wiring: Wiring, index: int) -> str:
    op = wiring.graph.nodes[index].op
    return "" if op is None else op.keyword


class _Differences:
    """The differences between two networks whose corresponding steps are known."""

    def __init__(self, first: Wiring, second: Wiring, pairs: dict[int, int]) -> None:
        self.first = first
        self.second = second
        self.pairs = pairs
        self.back = {there: here for here, there in pairs.items()}
        self.sharing = [_sharing(wiring.graph) for wiring in (first, second)]

    def all(self) -> Iterator[Difference]:
        """Every difference, in the order of the first network; an added step comes before the step after it."""
        added = deque(index for index in _steps(self.second) if index not in self.back)
        for index in _steps(self.first):
            node = self.first.graph.nodes[index]
            there = self.pairs.get(index)
            if there is None:
                words = _words(self.first, node)
                yield Difference("removed", node.path, None, f"the second has no such step ({words})", words)
                continue
            while added and added[0] < there:
                yield self._added(added.popleft())
            yield from self._pair(node, self.second.graph.nodes[there])
        for index in added:
            yield self._added(index)
        yield from self._outputs()

    def _added(self, index: int) -> Difference:
        node = self.second.graph.nodes[index]
        words = _words(self.second, node)
        return Difference("added", None, node.path, f"the first has no such step ({words})", words)

    def _pair(self, node: Node, there: Node) -> Iterator[Difference]:
        one, other = (wiring.wires.nodes[at.index]["label"] for wiring, at in self._sides(node, there))
        if one != other:
            kind = "input" if node.op is None else "changed"
            yield Difference(kind, node.path, there.path, self._changed(node, there))
        reads = [[wiring.stands_for[index] for index in at.inputs] for wiring, at in self._sides(node, there)]
        expected = [self.pairs.get(index) for index in reads[0]]
        known = None not in expected and all(index in self.back for index in reads[1])
        commutes = node.op is not None and node.op.commutes
        if known and (Counter(expected) != Counter(reads[1]) if commutes else expected != reads[1]):
            said = _listed(self.first.graph, reads[0]), _listed(self.second.graph, reads[1])
            yield Difference("reads", node.path, there.path, f"reads {said[0]} → {said[1]}")
        mine, theirs = self.sharing[0].get(node.index, []), self.sharing[1].get(there.index, [])
        wanted = {self.pairs.get(index) for index in mine}
        if None not in wanted and wanted != set(theirs) and all(index in self.back for index in theirs):
            said = _shares(self.first.graph, mine, node.index), _shares(self.second.graph, theirs, there.index)
            yield Difference("shares", node.path, there.path, f"has {said[0]} → {said[1]}")

    def _sides(self, node: Node, there: Node) -> tuple[tuple[Wiring, Node], tuple[Wiring, Node]]:
        return (self.first, node), (self.second, there)

    def _changed(self, node: Node, there: Node) -> str:
        """The difference between two steps: argument by argument, if torch calls the same function or module."""
        sides = self._sides(node, there)
        if node.op is None or there.op is None:
            shapes = [" × ".join(map(text, one.shape.dims)) for one in (node, there)]
            places = [list(wiring.graph.inputs.values()).index(at.index) + 1 for wiring, at in sides]
            said = shapes if shapes[0] != shapes[1] else [f"input {place}" for place in places]
            return f"{said[0]} → {said[1]}"
        one, other = (wiring.doing(at) for wiring, at in sides)
        said = list(_arguments(one, other))
        if one.what != other.what or not said:
            said.insert(0, f"{_words(self.first, node)} → {_words(self.second, there)}")
        return "; ".join(said)

    def _outputs(self) -> Iterator[Difference]:
        """Outputs in their order."""
        sides = [
            [(output, wiring.stands_for[output.node]) for output in wiring.graph.outputs]
            for wiring in (self.first, self.second)
        ]
        for (output, index), (other, there) in zip(*sides, strict=False):
            if output.training != other.training:
                when = ["in training only" if one.training else "always" for one in (output, other)]
                yield Difference("output", output.name, other.name, f"computed {when[0]} → {when[1]}")
            if index in self.pairs and there in self.back and self.pairs[index] != there:
                paths = self.first.graph.nodes[index].path, self.second.graph.nodes[there].path
                yield Difference("output", output.name, other.name, f"`{paths[0]}` → `{paths[1]}`")
        for output, _ in sides[0][len(sides[1]) :]:
            yield Difference("output", output.name, None, "the second has no such output")
        for output, _ in sides[1][len(sides[0]) :]:
            yield Difference("output", None, output.name, "the first has no such output")


def _arguments(one: Doing, other: Doing) -> Iterator[str]:
    for slot, mine in one.settings.items():
        if slot in other.settings and mine != other.settings[slot]:
            yield f"`{slot}` {mine} → {other.settings[slot]}"
    starts, there = dict(one.initial), dict(other.initial)
    for tensor in dict.fromkeys((*starts, *there)):
        if starts.get(tensor) != there.get(tensor):
            name = tensor or "it"
            said = [side.get(tensor, "torch's default").replace("{tensor}", name) for side in (starts, there)]
            yield f"`{name}` initialised by {said[0]} → {said[1]}"


def _sharing(graph: Graph) -> dict[int, list[int]]:
    """For each node with shared weights, all nodes that share them."""
    return {index: sharing for sharing in shared(graph).values() for index in sharing}


def _shares(graph: Graph, sharing: Sequence[int], index: int) -> str:
    others = [other for other in sharing if other != index]
    return f"the weights of {_listed(graph, others)}" if others else "weights of its own"


def _listed(graph: Graph, indices: Sequence[int]) -> str:
    return " and ".join(f"`{graph.nodes[index].path}`" for index in indices) or "nothing"


def _words(wiring: Wiring, node: Node) -> str:
    if node.op is None:
        return "an input"
    return node.op.words(wiring.graph.shapes_in(node), node.shape)
