"""The intermediate representation: what a spec means once every name is resolved and every expression evaluated.

Two views of the same network.  The *graph* holds one node for each application of an op, in the order they run, with an
edge for each tensor that flows; :attr:`Graph.digraph` is that in networkx.  The *scopes* are the tree of block uses and
sequences the nodes belong to: what becomes classes in the emitted source and clusters in a diagram.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping
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
    """Pause the cyclic garbage collector: a graph in the making only grows, and to look through it again and again
    costs up to 1.7 times at 100,000 nodes.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


ScopeKind = Literal["network", "block", "sequence", "branch", "merge", "container"]


@dataclass(slots=True, eq=False, repr=False)
class Scope:
    """One scope: the network itself, one use of a block, a ``sequence``, a keyed branch, or a named merge.

    A ``container`` is what a step with a dotted name lies in, ``convs`` of ``conv as convs.0``: there is one for each
    such step, and all of one path are one module.

    ``items`` are the nodes and scopes directly inside, in the order they run.  ``values`` are the names an expression
    in this scope may use: parameters and ``let``; what loops around a use of a block bound is *not* among them.
    """

    kind: ScopeKind
    name: str
    path: str
    parent: Scope | None
    block: BlockDefinition | None = None
    """The definition, for ``network`` and ``block``; None otherwise."""
    step: Step | None = None
    """The step that opened it; shared by all uses of the block that step stands in."""
    values: Mapping[str, Any] = field(default_factory=dict)
    loops: tuple[Mapping[str, Any], ...] = ()
    """What the ``for`` clauses on the opening step bound, outermost first."""
    copy: tuple[int, ...] = ()
    """Which copy this is of a step with ``for``: one index for each enclosing loop up to the block's edge."""
    inputs: tuple[int, ...] = ()
    """Indices of the nodes a use of a block (or the network) reads as its input(s); empty for other scopes."""
    input_names: tuple[str, ...] = ()
    """What a use of a block calls them, as names of Python; empty where the block has one that it does not name."""
    output: int = -1
    """Index of the node whose value is the scope's value (an input node of the scope when it is the identity)."""
    reuse: Scope | None = None
    """The scope whose modules this one applies again; its nodes then have ``reuse`` set too."""
    aside: bool = False
    depth: int = 0
    items: list[Node | Scope] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<{self.kind} {self.path or self.name}>"

    @property
    def owner(self) -> Scope:
        """The block use (or the network) this scope is written in: itself, or the nearest one around."""
        scope = self
        while scope.block is None and scope.parent is not None:
            scope = scope.parent
        return scope

    @property
    def members(self) -> list[Node | Scope]:
        """``items``, with what containers hold in the place of these."""
        if not any(isinstance(item, Scope) and item.kind == "container" for item in self.items):
            return self.items
        found: list[Node | Scope] = []
        for item in self.items:
            found += item.members if isinstance(item, Scope) and item.kind == "container" else [item]
        return found

    @property
    def prefix(self) -> str:
        """Of a container: what the names in it begin with, ``convs.``; empty for any other scope."""
        if self.kind != "container":
            return ""
        return (self.parent.prefix if self.parent is not None else "") + f"{self.name}."

    def scopes(self) -> Iterator[Scope]:
        """Itself and every scope inside, however deep; those around come before those within."""
        stack = [self]
        while stack:
            scope = stack.pop()
            yield scope
            stack += [item for item in scope.items if isinstance(item, Scope)]

    def nodes(self) -> Iterator[Node]:
        """Every node inside, however deep, in the order they run."""
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
        """The block uses that led here, innermost first."""
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

    ``op`` is None for an input of the network.  ``inputs`` are the indices of the nodes it reads, references last.
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
    """Shapes of what it reads, where the op wanted numbers for symbolic sizes; None when it takes them as they are."""
    label: str | None = None
    named: bool = False
    """Whether the spec names the step."""
    counted: bool = False
    """Whether it has a place in its scope (its name may be its number); False for unnamed merges."""
    is_module: bool = False
    """Whether it must be a module at its path: named, counted in a ``sequence``, or it holds weights."""
    reuse: Node | None = None
    """The node whose weights it applies again."""
    aside: bool = False
    training_only: bool = False
    """Whether only training outputs need it."""
    dead: bool = False
    """Whether no output needs it: its modules exist, so that weights load, but nothing runs them."""

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
    """Cross-entropy over classes: the target that is passed over, a weight for each class, label smoothing."""

    ignore: int | None = None
    weights: tuple[float, ...] | None = None
    label_smoothing: float = 0.0


@record
class Part:
    """A scope that is a use of another spec: its path, that spec's chain of files, what rewrites did to its weights."""

    path: str
    chain: tuple[str, ...]
    inside: str = ""
    """The path in that spec which is used, when it is not the whole: its keys lose this prefix."""
    stages: tuple[Any, ...] = ()


@dataclass(slots=True, eq=False, repr=False)
class Graph:
    """A network: its nodes in execution order, the scope tree, inputs, outputs and the sizes it is written for."""

    name: str
    root: Scope
    nodes: list[Node]
    inputs: dict[str, int]
    """Input name -> node index."""
    outputs: tuple[Output, ...]
    sizes: dict[str, int]
    """Symbol -> the number used where one is wanted."""
    source: str | None = None
    """The paper's address."""
    pins: list[tuple[Dim, int, int]] = field(default_factory=list)
    """Sizes that were fixed to a number, with the node (by index) that fixed them: flatten before linear does."""
    task: str = "classification"
    """What it is trained for: classification or segmentation."""
    loss: Loss = field(default_factory=Loss)
    """How it is trained for it."""
    chain: tuple[str, ...] = ()
    """The spec's file and those it extends, by which ``convert-weights`` knows it."""
    parts: tuple[Part, ...] = ()
    """Other specs used inside."""
    doc: str | None = None
    """What the spec says it is."""
    spec: str = ""
    """The spec's file, as users know it."""
    stages: tuple[Any, ...] = ()
    """What each rewrite did to the weights, in order (:class:`archspec.rewrites.Stage`)."""
    _digraph: networkx.MultiDiGraph | None = field(default=None, init=False, repr=False)
    _consumers: list[list[int]] | None = field(default=None, init=False, repr=False)

    @property
    def digraph(self) -> networkx.MultiDiGraph:
        """The graph in networkx: nodes by index with the ``node``, an edge for each reading with its place as key.

        It is made when first asked for: neither it nor its import is needed to check a network.
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
        """Mark what only training needs and what nothing needs; the nodes are all there."""
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

    def node(self, path: str) -> Node:
        """The node at a path; raises KeyError."""
        return self.by_path[path]

    @property
    def by_path(self) -> dict[str, Node]:
        """Path -> node."""
        return {node.path: node for node in self.nodes}

    def consumers(self, index: int) -> list[int]:
        """Indices of the nodes that read a node, in order, once for each reading."""
        if self._consumers is None:
            self._consumers = [[] for _ in self.nodes]
            for node in self.nodes:
                for source in node.inputs:
                    self._consumers[source].append(node.index)
        return self._consumers[index]

    def shapes_in(self, node: Node) -> tuple[Shape, ...]:
        """Shapes of what a node reads, with numbers where the node's op wants them."""
        return node.pinned or tuple(self.nodes[index].shape for index in node.inputs)
