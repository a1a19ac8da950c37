"""Which boxes a picture has: how deep scopes are opened, and what is around a block that is shown alone.

Left to itself, a picture opens sequences and blocks with a shortcut, folds blocks with real branches, and folds more
until it has about forty boxes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archspec.backends.diagram import levels, resolutions, text
from archspec.backends.diagram.folding import Folder, block_name, hourglass, is_fan, parameters
from archspec.backends.diagram.levels import Levels
from archspec.backends.diagram.limits import MOST, boxes, limited
from archspec.backends.diagram.naming import Naming, net_of
from archspec.backends.diagram.series_parallel import Element, Group, Parallel, Tangle, Unit, decompose, units_of
from archspec.backends.diagram.showing import say
from archspec.backends.diagram.sides import ancestors, arranged, end, joined
from archspec.backends.diagram.units import Weights, data_inputs, is_parameter
from archspec.diagnostics import Diagnostic, SpecError
from archspec.graph import Graph, Scope
from archspec.schema import BlockDefinition

COMFORTABLE = 40
"""Boxes of an overview."""
FEWEST = 4
"""Boxes that an overview should have at least, when the network has them."""
COMPARED = 64
"""Uses of a block that are compared when one of them is drawn for all."""
SEARCHED = 10_000
"""Nodes of a graph up to which the best depth is searched for; a larger one starts folded."""


class Plan:
    """Chooses what to draw of one graph."""

    def __init__(self, graph: Graph, sizes: Mapping[str, int], show: frozenset[str] = frozenset()) -> None:
        self.graph = graph
        self.sizes = sizes
        self.show = show
        self.naming = Naming(graph, sizes, Weights(graph))
        self.levels = _levels(graph.root)

    # -- overview ----------------------------------------------------------------------------------------------------

    def overview(self, depth: int | None) -> list[Element]:
        """The whole network; ``depth`` levels of scopes are opened, or as many as make a good picture.

        Raises :class:`SpecError` where a depth that was asked for gives more boxes than can be read.
        """
        deepest = max((level for _, level in self.levels), default=0)
        if depth is not None:
            found = self._tree(self._below(depth))
            if boxes(found) > 2 * MOST:
                raise self._too_many(boxes(found), min(depth, deepest + 1))
            return limited(found, 2 * MOST)
        tried: list[list[Element]] = []
        if len(self.graph.nodes) <= SEARCHED:
            branching, shortcuts = self._owners(self._unfolded(set()))
            for closed in (branching, branching | shortcuts):
                tried.append(self._tree(closed))
                if FEWEST <= boxes(tried[-1]) <= COMFORTABLE:
                    return limited(tried[-1])
        for level in range(min(deepest, 3), -1, -1):
            tried.append(self._tree(self._below(level)))
            if boxes(tried[-1]) <= COMFORTABLE:
                break
        good = [tree for tree in tried if boxes(tree) <= COMFORTABLE]
        return limited(max(good, key=boxes) if good else tried[-1])

    def _too_many(self, count: int, depth: int) -> SpecError:
        """What is said of a depth at which there are so many boxes: the next that can be read, and the page."""
        hint = "without `--depth` it is folded until it can be read"
        for level in range(depth - 1, -1, -1):
            fewer = boxes(self._tree(self._below(level)))
            if fewer <= 2 * MOST:
                hint = f"`--depth {level}` draws {fewer:,} of them"
                break
        hint += "; `-o net.html` writes a page in which each block can be opened"
        said = f"at this depth the picture has {count:,} boxes, more than the {2 * MOST} that can be read"
        return SpecError([Diagnostic("too-many-boxes", said, None, hint)])

    def unfolded(self) -> list[Element]:
        """The whole network with nothing folded but blocks, for pictures in which repeats stand beside others."""
        branching, shortcuts = self._owners(self._unfolded(set()))
        for closed in (branching, branching | shortcuts):
            items = self._unfolded(closed)
            if boxes(items) <= COMFORTABLE:
                return limited(items)
        return self.overview(None)

    def by_resolution(self) -> Levels | None:
        """The whole network by resolution, where series and branches do not tell it; None where they do."""
        if len(self.graph.nodes) > SEARCHED:
            return None
        net = resolutions.opened(self.graph, self.naming, self.sizes)
        say(self.graph, net.units, self.show)
        found = [output for output in self.graph.outputs if output.node in net.of_node]
        main = next((output for output in found if not output.training), None)
        if main is None:
            return None
        for output in found:
            if len(found) > 1 or end(self.graph, net, main):
                joined(self.graph, net, output)
        return levels.find(self.graph, self.naming, net)

    def _below(self, depth: int) -> set[Scope]:
        """The scopes that stay folded when ``depth`` levels are opened."""
        return {scope for scope, level in self.levels if level > depth}

    def _tree(self, closed: set[Scope]) -> list[Element]:
        return Folder(self.sizes).fold(self._unfolded(closed))

    def _unfolded(self, closed: set[Scope]) -> list[Element]:
        net = net_of(self.graph, self.naming, self.graph.root, closed)
        say(self.graph, net.units, self.show)
        return arranged(self.graph, net)

    def _owners(self, items: Sequence[Element]) -> tuple[set[Scope], set[Scope]]:
        """Uses of blocks that hold branches (or shortcuts in shortcuts), and of those with only a shortcut.

        When one use of a block is so, all its uses are: a picture opens all of them or none.
        """
        folder, branching, shortcuts = Folder(self.sizes), set[BlockDefinition](), set[BlockDefinition]()

        def walk(items: Sequence[Element], inside: bool) -> None:
            for item in items:
                if isinstance(item, Group):
                    walk(item.items, inside)
                elif isinstance(item, (Parallel, Tangle)):
                    owner = next((scope for scope in reversed(folder.scopes(item)) if scope.kind == "block"), None)
                    deep = isinstance(item, Tangle) or is_fan(item) or inside
                    if owner is not None and owner.block is not None and not hourglass(item):
                        (branching if deep else shortcuts).add(owner.block)
                    if isinstance(item, Parallel):
                        for branch in item.branches:
                            walk(branch, inside or not hourglass(item))

        walk(items, False)
        uses = [(scope, scope.block) for scope, _ in self.levels]
        return {use for use, block in uses if block in branching}, {use for use, block in uses if block in shortcuts}

    # -- focus -------------------------------------------------------------------------------------------------------

    def focus(self, scope: Scope, depth: int | None) -> list[Element]:
        """One scope opened, with what is before and after it outside."""
        start = _level(scope)
        if depth is not None:
            closed = {other for other, level in self.levels if level > start + depth}
        else:
            branching, shortcuts = self._owners(self._opened(scope, set()))
            nested = {other for other, level in self.levels if level > start}
            closed = next(
                (
                    some
                    for some in (set(), branching & nested, (branching | shortcuts) & nested)
                    if boxes(self._inner(scope, some)) <= 24
                ),
                nested,
            )
        items = self._inner(scope, closed)
        several = len(self._given(scope)) > 1
        tail = [] if several else [Unit(-2, "next layer", "io", self.naming.output_shape(scope), key="after")]
        words = self._focus_title(scope)
        if isinstance(items[0], Unit) and items[0].role == "io":
            return [items[0], Group(scope, items[1:], 1, words), *tail] if len(items) > 1 else [*items, *tail]
        return [Group(scope, items, 1, words), *tail]

    def differ(self, uses: Sequence[Scope]) -> bool:
        """Whether uses of a block would not all be drawn alike."""
        drawn = {
            tuple((unit.title, unit.sign, text.shape_words(unit.shape, self.sizes)) for unit in units_of(items))
            for scope in uses[:COMPARED]
            for items in [self._opened(scope, set())]
        }
        return len(drawn) > 1

    def _inner(self, scope: Scope, closed: set[Scope]) -> list[Element]:
        return limited(Folder(self.sizes).fold(self._opened(scope, closed)))

    def _opened(self, scope: Scope, closed: set[Scope]) -> list[Element]:
        net = net_of(self.graph, self.naming, scope, closed, self.outside(scope))
        say(self.graph, [unit for unit in net.units if not unit.detail], self.show | {"normalisation", "activation"})
        given = self._given(scope)
        if not given:
            return decompose(net, list(range(len(net.units))), {})
        order = sorted({at for index in given for at in ancestors(net, net.of_node[index])})
        if len(given) == 1:
            return decompose(net, order, {})
        ends: list[int] = []
        for index, name in given.items():
            ends.append(len(net.units))
            net.units.append(Unit(ends[-1], name, "io", self.graph.nodes[index].shape, key=f"given {name}"))
            net.before.append([net.of_node[index]])
        return decompose(net, [*order, *ends], {})

    def _given(self, scope: Scope) -> dict[int, str]:
        """The values of a scope that are read outside of it, or are outputs, with the words for them."""
        inner = {node.index for node in scope.nodes()}
        found = {output.node for output in self.graph.outputs} & inner
        found |= {
            index
            for node in self.graph.nodes
            if node.index not in inner
            for index in data_inputs(node)
            if index in inner
        }
        if not found and scope.output in inner:
            found = {scope.output}
        nodes = [self.graph.nodes[index] for index in sorted(found)]
        return {node.index: text.clean(text.human(node.label or node.name or node.path)) for node in nodes}

    def outside(self, scope: Scope) -> dict[int, str]:
        """What a scope reads from outside, with the words for it."""
        nodes = list(scope.nodes())
        inner = {node.index for node in nodes}
        read = dict.fromkeys(index for node in nodes for index in data_inputs(node))
        found = [index for index in read if index not in inner and not is_parameter(self.graph.nodes[index])]
        if len(found) < 2:
            return dict.fromkeys(found, "previous layer")
        named = dict(zip(scope.inputs, scope.input_names, strict=False))
        return {index: text.clean(text.human(named.get(index) or self.graph.nodes[index].path)) for index in found}

    def _focus_title(self, scope: Scope) -> str:
        name = block_name(scope) or scope.path
        values = parameters(scope)
        numbers = [value for value in values.values() if isinstance(value, int) and not isinstance(value, bool)]
        if scope.block is not None and not text.same_name(scope.name, scope.block.name) and 0 < len(numbers) <= 3:
            name = f"{name} ({', '.join(map(str, numbers))})"
        return text.clean(name)


def _level(scope: Scope) -> int:
    """How many blocks and sequences deep a scope lies; the network is 0."""
    level = 0
    current: Scope | None = scope
    while current is not None:
        level += current.kind in ("block", "sequence")
        current = current.parent
    return level


def _levels(root: Scope) -> list[tuple[Scope, int]]:
    """Every block and sequence below the network, with its level."""
    found: list[tuple[Scope, int]] = []
    stack = [(root, 0)]
    while stack:
        scope, level = stack.pop()
        for item in scope.items:
            if isinstance(item, Scope):
                inner = level + (item.kind in ("block", "sequence"))
                if item.kind in ("block", "sequence"):
                    found.append((item, inner))
                stack.append((item, inner))
    return found
