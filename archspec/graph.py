"""The intermediate representation: a spec with every name resolved and every expression evaluated.

It has two views of the same network.  The *graph* has one node for each application of an op, in execution order, and
one edge for each tensor between them; :attr:`Graph.digraph` is the same in networkx.  The *scopes* are the tree of
block uses and sequences that the nodes belong to; they become classes in the emitted source and clusters in a diagram.
"""

from __future__ import annotations

import gc
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from archspec.diagnostics import Frame, Span
from archspec.ops import Op, Shape
from archspec.records import record
from archspec.schema import BlockDefinition, Step
from archspec.sizes import Dim

if TYPE_CHECKING:
    import networkx


@contextmanager
def uncollected() -> Iterator[None]:
    """Pause the cyclic garbage collector while a graph is built.

    A graph under construction only grows.  With the collector it takes up to 1.7 times as long at 100,000 nodes.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


ScopeKind = Literal["network", "block", "sequence", "branch", "merge", "container"]


class Inlined(dict[str, Any]):
    """The values of a block written inline, as the variables of a loop of one iteration; ``step`` is its use."""

    __slots__ = ("step",)

    def __init__(self, values: Mapping[str, Any], step: Step) -> None:
        super().__init__(values)
        self.step = step


@dataclass(slots=True, eq=False, repr=False)
class Scope:
    """One scope: the network itself, one use of a block, a ``sequence``, a keyed branch, or a named merge.

    A ``container`` holds a step with a dotted name: ``convs`` for ``conv as convs.0``.  Each such step has its own; all
    containers with the same path are one module.

    ``items`` are the nodes and scopes directly inside, in execution order.  ``values`` are the names that expressions
    in this scope can use: parameters and ``let``, but *not* the variables of loops around a use of the block.
    """

    kind: ScopeKind
    name: str
    path: str
    parent: Scope | None
    block: BlockDefinition | None = None
    """The definition, for ``network`` and ``block``; None otherwise."""
    step: Step | None = None
    """The step that opened it; it is the same in all uses of the block that contains the step."""
    values: Mapping[str, Any] = field(default_factory=dict)
    loops: tuple[Mapping[str, Any], ...] = ()
    """The variables bound by the ``for`` clauses on the opening step, outermost first."""
    copy: tuple[int, ...] = ()
    """The indices of this copy in the loops around the step, up to the block's edge."""
    inputs: tuple[int, ...] = ()
    """Indices of the nodes that a use of a block (or the network) has as inputs; empty for other scopes."""
    input_names: tuple[str, ...] = ()
    """Their names in a use of a block, as Python names; empty if the block has one unnamed input."""
    output: int = -1
    """Index of the node whose value is the scope's value (an input of the scope if the scope is the identity)."""
    reuse: Scope | None = None
    """The scope whose modules this scope reuses; its nodes then have ``reuse`` set too."""
    aside: bool = False
    checkpoint: bool = False
    """Whether training computes the values inside again for the gradients, instead of keeping them."""
    depth: int = 0
    items: list[Node | Scope] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<{self.kind} {self.path or self.name}>"

    @property
    def owner(self) -> Scope:
        """The block use (or network) that this scope is written in: itself, or the nearest one around it."""
        scope = self
        while scope.block is None and scope.parent is not None:
            scope = scope.parent
        return scope

    @property
    def members(self) -> list[Node | Scope]:
        """``items``, with each container replaced by its content."""
        if not any(isinstance(item, Scope) and item.kind == "container" for item in self.items):
            return self.items
        found: list[Node | Scope] = []
        for item in self.items:
            found += item.members if isinstance(item, Scope) and item.kind == "container" else [item]
        return found

    @property
    def prefix(self) -> str:
        """The prefix of the names in a container, ``convs.``; empty for any other scope."""
        if self.kind != "container":
            return ""
        return (self.parent.prefix if self.parent is not None else "") + f"{self.name}."

    def scopes(self) -> Iterator[Scope]:
        """This scope and every scope inside at any depth, outer ones first."""
        stack = [self]
        while stack:
            scope = stack.pop()
            yield scope
            stack += [item for item in scope.items if isinstance(item, Scope)]

    def nodes(self) -> Iterator[Node]:
        """Every node inside at any depth, in execution order."""
        stack: list[Iterator[Node | Scope]] = [iter(self.items)]
        while stack:
            for item in stack[-1]:
                if isinstance(item, Scope):
                    stack.append(iter(item.items))
                    break
                yield item
            else:
                stack.pop()

    def stack(self) -> tuple[Frame, ...]:
        """The block uses around this scope, innermost first."""
        frames: list[Frame] = []
        scope: Scope | None = self
        while scope is not None:
            if scope.kind == "block" and scope.block is not None and scope.step is not None:
                where = f" as `{scope.path}`" if scope.path else ""
                frames.append(Frame(f"block `{scope.block.name}`{where}", scope.step.span))
            scope = scope.parent
        return tuple(frames)


@dataclass(slots=True, eq=False, repr=False)
class Node:
    """One application of an op.

    ``op`` is None for an input of the network.  ``inputs`` are the indices of the nodes that it reads, references last.
    """

    index: int
    op: Op | None
    inputs: tuple[int, ...]
    shape: Shape
    scope: Scope
    name: str
    """Its name in its scope: as given, or its position; empty for what has none (unnamed merges, network inputs' own
    name)."""
    path: str
    """Module path, and the key of every table.  An unnamed merge has none of its own as a module: it is given its
    scope's
    path and a running word (``layer1.0.add``), unique in the graph."""
    span: Span
    step: Step | None = None
    loops: tuple[Mapping[str, Any], ...] = ()
    copy: tuple[int, ...] = ()
    pinned: tuple[Shape, ...] | None = None
    """Shapes of its inputs, if the op needed numbers for symbolic sizes; None otherwise."""
    label: str | None = None
    named: bool = False
    """Whether the spec names the step."""
    counted: bool = False
    """Whether it is counted in its scope (its name can be its number); False for unnamed merges."""
    is_module: bool = False
    """Whether it must be a module at its path: it has a name, is counted in a ``sequence``, or has weights."""
    reuse: Node | None = None
    """The node whose weights it reuses."""
    aside: bool = False
    training_only: bool = False
    """Whether only outputs of training need it."""
    dead: bool = False
    """Whether no output needs it: its modules exist, so that weights load, but they are never run."""

    def __repr__(self) -> str:
        return f"<node {self.index} {self.path}>"


@record
class Output:
    """One output of the network."""

    name: str
    node: int
    training: bool = False
    """Whether it exists in training only."""
    loss_weight: float = 1.0
    span: Span | None = None


@record
class Loss:
    """Cross-entropy over classes: the ignored target, a weight for each class, label smoothing."""

    ignore: int | None = None
    weights: tuple[float, ...] | None = None
    label_smoothing: float = 0.0


@record
class Part:
    """A use of another spec: its path, that spec's chain of files, and the effect of rewrites on its weights."""

    path: str
    chain: tuple[str, ...]
    inside: str = ""
    """The path inside that spec, if only a part is used: its keys lose this prefix."""
    stages: tuple[Any, ...] = ()


@dataclass(slots=True, eq=False, repr=False)
class Graph:
    """A network: its nodes in execution order, the scope tree, inputs, outputs and the spec's sizes."""

    name: str
    root: Scope
    nodes: list[Node]
    inputs: dict[str, int]
    """Input name -> node index."""
    outputs: tuple[Output, ...]
    sizes: dict[str, int]
    """Symbol -> the number used where one is needed."""
    source: str | None = None
    """URL of the paper."""
    pins: list[tuple[Dim, int, int]] = field(default_factory=list)
    """Sizes that were fixed to a number, with the index of the node that fixed them, such as a flatten before linear.
    """
    task: str = "classification"
    """The task: classification or segmentation."""
    loss: Loss = field(default_factory=Loss)
    """The training loss."""
    chain: tuple[str, ...] = ()
    """The spec's file and those that it extends; ``convert-weights`` identifies it by them."""
    parts: tuple[Part, ...] = ()
    """Other specs used inside."""
    doc: str | None = None
    """The spec's description."""
    spec: str = ""
    """The name of the spec's file, for users."""
    stages: tuple[Any, ...] = ()
    """The effect of each rewrite on the weights, in order (:class:`archspec.rewrites.Stage`)."""
    _digraph: networkx.MultiDiGraph | None = field(default=None, init=False, repr=False)
    _consumers: list[list[int]] | None = field(default=None, init=False, repr=False)
    _firsts: array[int] | None = field(default=None, init=False, repr=False)

    @property
    def digraph(self) -> networkx.MultiDiGraph:
        """The graph in networkx: nodes by index, each with its ``node``; an edge for each input, keyed by position.

        It is made when first needed: checking a network needs neither the graph nor the import of networkx.
        """
        if self._digraph is None:
            import networkx

            self._digraph = networkx.MultiDiGraph()
            self._digraph.add_nodes_from((node.index, {"node": node}) for node in self.nodes)
            for node in self.nodes:
                for place, source in enumerate(node.inputs):
                    self._digraph.add_edge(source, node.index, key=place)
        return self._digraph

    def __repr__(self) -> str:
        return f"<graph {self.name} of {len(self.nodes)} nodes>"

    def connect(self) -> None:
        """Mark the nodes that only training needs, and those that nothing needs; called when all nodes exist."""
        always = self._needed(output.node for output in self.outputs if not output.training)
        training = self._needed(output.node for output in self.outputs if output.training)
        for node in self.nodes:
            node.training_only = not always[node.index] and bool(training[node.index])
            node.dead = not always[node.index] and not training[node.index]

    def _needed(self, outputs: Iterable[int]) -> bytearray:
        needed = bytearray(len(self.nodes))
        for index in outputs:
            needed[index] = 1
        for node in reversed(self.nodes):
            if needed[node.index]:
                for source in node.inputs:
                    needed[source] = 1
        return needed

    def part(self) -> None:
        """Take the graph apart, so that its memory is free at once and no collector has to look for it."""
        for scope in list(self.root.scopes()):
            scope.items.clear()
        self.nodes.clear()

    def node(self, path: str) -> Node:
        """The node at a path; raises KeyError."""
        return self.by_path[path]

    @property
    def by_path(self) -> dict[str, Node]:
        """Path -> node."""
        return {node.path: node for node in self.nodes}

    def consumers(self, index: int) -> list[int]:
        """Indices of the nodes that read a node, in order, once for each input position."""
        if self._consumers is None:
            self._consumers = [[] for _ in self.nodes]
            for node in self.nodes:
                for source in node.inputs:
                    self._consumers[source].append(node.index)
        return self._consumers[index]

    @property
    def firsts(self) -> Sequence[int]:
        """For each node, the index of the first that applies the same op to inputs of the same shapes.

        What depends on these alone (conditions, cost, windows) is the same for both.  Nodes made from one step share
        their op and shapes as objects, which are compared by identity: the nodes keep them alive.
        """
        if self._firsts is None:
            seen: dict[tuple[int, ...], int] = {}
            self._firsts = array(
                "l",
                (
                    node.index
                    if node.op is None
                    else seen.setdefault((id(node.op), *map(id, self.shapes_in(node))), node.index)
                    for node in self.nodes
                ),
            )
        return self._firsts

    def tensors(self, node: Node) -> dict[str, tuple[str, tuple[int, ...]]]:
        """The tensors that a node owns, by name: the key in the ``state_dict``, and the shape.

        Empty for a node that uses the weights of another.
        """
        if node.op is None or node.reuse is not None:
            return {}
        return {
            weight.name: (f"{node.path}.{weight.name}" if weight.name else node.path, tuple(weight.shape))
            for weight in node.op.weights(self.shapes_in(node))
        }

    @property
    def state(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the network's ``state_dict``, by key."""
        return dict(entry for node in self.nodes for entry in self.tensors(node).values())

    def shapes_in(self, node: Node) -> tuple[Shape, ...]:
        """Shapes of a node's inputs, with numbers where the node's op needs them."""
        return node.pinned or tuple(self.nodes[index].shape for index in node.inputs)
