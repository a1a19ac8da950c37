"""The nodes and scopes of a network that is being rewritten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from archspec.graph import Node, Scope
from archspec.ops import Op, Shape
from archspec.schema import Step


@dataclass(eq=False, slots=True)
class DraftNode:
    """One node of a draft.  ``old`` is the node in the old graph, None for a new node."""

    op: Op | None
    inputs: list[DraftNode]
    scope: DraftScope
    name: str
    named: bool
    counted: bool
    old: Node | None
    shape: Shape
    """Its shape before the rewrite; for a new node, that of the node next to which it was inserted."""
    like: Node | None = None
    """The node whose place in the spec it has: itself, or the node next to which it was inserted."""
    label: str | None = None
    reuse: DraftNode | None = None
    readers: list[DraftNode] = field(default_factory=list)
    """Its readers, once for each input position."""
    gives: list[DraftScope] = field(default_factory=list)
    """The scopes whose output it is."""
    feeds: list[DraftScope] = field(default_factory=list)
    """The scopes that have it as an input."""

    @property
    def path(self) -> str:
        """The current path of the node."""
        name = self.name
        if not self.counted and self.old is not None:
            name = self.old.path.rpartition(".")[2]
        return self.scope.join(name)

    @property
    def step(self) -> Step | None:
        """The step that it belongs to."""
        return self.like.step if self.like is not None else None

    @property
    def shapes_in(self) -> tuple[Shape, ...]:
        """Shapes of its inputs before the rewrite."""
        return tuple(node.shape for node in self.inputs)

    @property
    def holds_weights(self) -> bool:
        """Whether it has tensors in the ``state_dict``."""
        return self.op is not None and bool(self.op.weights(self.shapes_in))


@dataclass(eq=False, slots=True)
class DraftScope:
    """One scope of a draft."""

    old: Scope
    parent: DraftScope | None
    name: str
    items: list[DraftNode | DraftScope] = field(default_factory=list)
    output: DraftNode | None = None
    inputs: list[DraftNode] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    """Names taken in it, including labels."""
    checkpoint: bool = False
    """Whether training computes the values inside again."""
    grown: bool = False
    """Whether unnamed steps were inserted, so that later ones have to be numbered again."""

    @property
    def path(self) -> str:
        """The current module path."""
        return self.parent.join(self.name) if self.parent is not None else ""

    @property
    def label(self) -> str | None:
        """The label that its own step gives it."""
        labelled = self.old.step is not None and self.old.step.label is not None
        return self.output.label if labelled and self.output is not None else None

    def join(self, name: str) -> str:
        """The path of a name in this scope."""
        return f"{self.path}.{name}" if self.path else name

    def count(self) -> None:
        """Number the unnamed steps again, if some were inserted; gaps from removed steps stay."""
        position = 0
        for item in self.items if self.grown else ():
            if isinstance(item, DraftNode) and not item.counted:
                continue
            if not item.name or item.name.isdigit():
                position = max(int(item.name or 0), position)
                item.name = str(position)
            position += 1

    def nodes(self) -> Iterator[DraftNode]:
        """Every node inside at any depth, in execution order; edits after the current node are seen."""
        stack: list[Iterator[DraftNode | DraftScope]] = [iter(list(self.items))]
        while stack:
            for item in stack[-1]:
                if isinstance(item, DraftScope):
                    stack.append(iter(list(item.items)))
                    break
                yield item
            else:
                stack.pop()

    def free_name(self, wanted: str) -> str:
        """A free name for a new step: the wanted one, possibly with a number; empty for a numbered step."""
        name, count = wanted, 1
        self.grown |= not wanted
        if not wanted:
            return ""
        while name in self.names:
            count += 1
            name = f"{wanted}_{count}"
        self.names.add(name)
        return name
