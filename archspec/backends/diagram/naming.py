"""What a folded block is called, and what its second line says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from archspec.backends.diagram import text
from archspec.backends.diagram.folding import Folder, block_name, parameters, shortcut
from archspec.backends.diagram.measures import value_of
from archspec.backends.diagram.series_parallel import Element, Parallel, Unit, decompose
from archspec.backends.diagram.units import Net, Weights, build, data_inputs, words
from archspec.graph import Graph, Node, Scope
from archspec.ops import Shape
from archspec.schema import BlockDefinition

MOST = 4
"""Boxes of a block that is small enough for its channels to be its name: ``fire2  16 → 64 + 64``."""
MOST_TOLD, LONGEST_LAYERS = 16, 34
"""Boxes of a block whose layers its second line tells, and characters of that line."""


class _Uses(NamedTuple):
    """All uses of one block: the most boxes of any, and the parameters in which they differ."""

    most: int
    differing: list[str]


class Naming:
    """Names folded scopes of one graph."""

    def __init__(self, graph: Graph, sizes: Mapping[str, int], weights: Weights) -> None:
        self.graph = graph
        self.sizes = sizes
        self.weights = weights
        self._words: dict[int, str] = {}
        self._by_block: dict[BlockDefinition, _Uses] = {}

    def words(self, node: Node) -> str:
        """A node as papers write it, found once."""
        if node.index not in self._words:
            self._words[node.index] = words(self.graph, node)
        return self._words[node.index]

    def unit(self, scope: Scope) -> Unit:
        """The box of a folded scope."""
        title = self.called(scope) or (block_name(scope) if scope.kind == "block" else text.human(scope.name))
        change = text.ratio(
            text.spatial(self.input_shape(scope), self.sizes), text.spatial(self.output_shape(scope), self.sizes)
        )
        title = text.clean(title or "block", 30)
        channels = self._channels(scope) if scope.kind == "block" and not change else ""
        shown = f"{title}  {channels}" if channels else f"{title}, {change}" if change else title
        unit = Unit(0, shown, "block", self.output_shape(scope), key=scope.path or scope.name or "block")
        if scope.kind == "sequence":
            unit.detail = self._contents(scope)
            if unit.detail and scope.name.isdigit() and not self.called(scope):
                unit.title, unit.detail = unit.detail, change  # a number in a list says nothing
        elif not channels:
            unit.detail = self._layers(scope) or self._settings(scope)
        return unit

    def called(self, scope: Scope) -> str:
        """The label of a block's step, or of the block around that holds nothing but this one and a bypass."""
        if scope.step is not None and scope.step.label is not None and scope.output >= 0:
            return text.human(self.graph.nodes[scope.output].label or "")
        around = scope.parent
        if around is None or around.kind != "block" or sum(isinstance(item, Scope) for item in around.items) != 1:
            return ""
        return self.called(around)

    def input_shape(self, scope: Scope) -> Shape | None:
        """The shape of what a scope makes its output of: its main path followed back, first inputs first."""
        inner = {node.index for node in scope.nodes()}
        index = scope.output
        while index in inner:
            reads = data_inputs(self.graph.nodes[index])
            if not reads:
                return None
            index = reads[0]
        return self.graph.nodes[index].shape if index >= 0 else None

    def output_shape(self, scope: Scope) -> Shape | None:
        """The shape of what a scope gives."""
        return self.graph.nodes[scope.output].shape if scope.output >= 0 else None

    def _channels(self, scope: Scope) -> str:
        """``16 → 64 + 64`` for a block of single convolutions in a row and side by side; nothing for others."""
        if not 1 < self.weights.of(scope) <= MOST:
            return ""
        net = build(self.graph, scope.nodes(), scope, lambda _: False, self.unit, self.words)
        items = decompose(net, range(len(net.units)), {})
        if not any(isinstance(item, Parallel) for item in items):
            return ""
        parts = [self._written(item) for item in items]
        return " → ".join(part for part in parts if part) if all(part is not None for part in parts) else ""

    def _layers(self, scope: Scope) -> str:
        """``72 → 5×5 dw → 40``: channels of a block's convolutions in a row, a shortcut around them aside.

        Branches that are concatenated give their channels with + between them; nothing where it does not fit.
        """
        if self._uses(scope).most > MOST_TOLD:  # what is said of one use is said of each
            return ""
        net = build(self.graph, scope.nodes(), scope, lambda _: False, self.unit, self.words)
        shown = " → ".join(self._row(decompose(net, range(len(net.units)), {})))
        told = "→" in shown or "+" in shown
        return shown if told and len(shown) <= LONGEST_LAYERS else ""

    def _settings(self, scope: Scope) -> str:
        """``channels 256, depth 8``: what a use of a block sets differently from other uses, where it fits."""
        values = parameters(scope)
        shown = ", ".join(
            f"{text.human(name)} {values[name]}" for name in self._uses(scope).differing if name in values
        )
        return text.clean(shown) if len(shown) <= LONGEST_LAYERS else ""

    def _uses(self, scope: Scope) -> _Uses:
        """What is known of all uses of a scope's block together."""
        if scope.block is None or scope.kind != "block":
            return _Uses(self.weights.of(scope), [])
        if not self._by_block:
            scopes: dict[BlockDefinition, list[Scope]] = {}
            for below in scopes_below(self.graph.root):
                if below.kind == "block" and below.block is not None:
                    scopes.setdefault(below.block, []).append(below)
            for block, uses in scopes.items():
                tables = [parameters(use) for use in uses]
                different = [name for name in tables[0] if len({repr(table.get(name)) for table in tables}) > 1]
                self._by_block[block] = _Uses(max(map(self.weights.of, uses)), different)
        return self._by_block[scope.block]

    def _row(self, items: Sequence[Element]) -> list[str]:
        found: list[str] = []
        for item in items:
            if isinstance(item, Unit) and item.role in ("conv", "up") and item.shape is not None:
                depthwise = re.match(r"depthwise (\S+) conv", item.title)
                found.append(f"{depthwise[1]} dw" if depthwise else str(item.shape.channels))
            elif isinstance(item, Parallel):
                found += self._joined(item)
        return found

    def _joined(self, item: Parallel) -> list[str]:
        """The channels of branches: one after another where all but one only pass or gate, else those that meet."""
        sign = item.sink.sign if item.sink is not None else ""
        if sign == "||":
            ends = [given.channels if (given := value_of(branch[-1])) else None for branch in item.branches if branch]
            return [" + ".join(map(str, ends))] if None not in ends and len(ends) == len(item.branches) else []
        side = shortcut(item) if sign == "+" else None
        return [] if side is None else self._row(item.branches[1 - side])

    @staticmethod
    def _written(item: Element) -> str | None:
        if isinstance(item, Unit):
            return str(item.shape.channels) if item.role == "conv" and item.shape is not None else None
        if not isinstance(item, Parallel) or item.sink is None or item.sink.sign != "||":
            return None
        found = []
        for branch in item.branches:
            only = branch[0] if len(branch) == 1 else None
            if not isinstance(only, Unit) or only.role != "conv" or only.shape is None:
                return None
            found.append(str(only.shape.channels))
        return " + ".join(found)

    def _contents(self, scope: Scope) -> str:
        """What a sequence holds, in a few words: ``bottleneck ×3``."""
        names: list[str] = []
        for item in scope.items[:64]:
            if isinstance(item, Node):
                if item.op is not None and item.op.kind not in ("normalisation", "activation", "merge"):
                    names.append(item.op.keyword.replace("_", " "))
            elif item.block is not None:
                names.append(text.human(item.block.name))
        runs = [(name, len(list(run))) for name, run in groupby(names)]
        shown = ", ".join(f"{name} ×{count}" if count > 1 else name for name, count in runs)
        return shown if len(shown) <= 34 and len(scope.items) <= 64 else ""


def scopes_below(root: Scope) -> Iterator[Scope]:
    """Every scope inside another."""
    stack = [root]
    while stack:
        for item in stack.pop().items:
            if isinstance(item, Scope):
                yield item
                stack.append(item)


def net_of(
    graph: Graph,
    naming: Naming,
    scope: Scope,
    closed: set[Scope],
    outside: Mapping[int, str] | None = None,
    blocks_absorb: bool = True,
) -> Net:
    """The units of a scope's nodes; scopes of ``closed`` are folded, unless they would be one box anyway."""
    nodes = graph.nodes if scope is graph.root else scope.nodes()
    net = build(
        graph,
        nodes,
        scope,
        lambda below: below in closed and naming.weights.of(below) > 1,
        naming.unit,
        naming.words,
        outside,
        blocks_absorb,
    )
    for unit in net.units:
        op = unit.nodes[0].op if unit.block is None and unit.nodes else None
        if op is not None and op.titled_by_size and unit.shape is not None:
            size = text.spatial(unit.shape, naming.sizes)
            if all(isinstance(part, int) for part in size):
                unit.title = f"{op.title()} to {'×'.join(map(str, size))}"
    return net


def folded(units: Sequence[Unit], title: str, detail: str) -> Unit:
    """Several units as one box."""
    last = units[-1]
    return Unit(last.index, text.clean(title), "block", last.shape, key=last.key, detail=detail, training=last.training,
                nodes=[node for unit in units for node in unit.nodes])  # fmt: skip


__all__ = ["Folder", "Naming", "folded", "net_of"]
