"""The nodes and scopes of a network while it is being rewritten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from archspec.graph import Node, Scope
from archspec.ops import Op, Shape
from archspec.schema import Step


@dataclass(eq=False, slots=True)
class DraftNode:
    """One node of a draft.  ``old`` is what it was in the graph before, None for a new one."""

    op: Op | None
    inputs: list[DraftNode]
    scope: DraftScope
    name: str
    named: bool
    counted: bool
    old: Node | None
    shape: Shape
    """Its shape before the rewrite; for a new node that of the node it stands beside."""
    like: Node | None = None
    """The node whose place in the spec it has: itself before, or the one it stands beside."""
    label: str | None = None
    reuse: DraftNode | None = None
    readers: list[DraftNode] = field(default_factory=list)
    """Who reads it, once for each reading."""
    gives: list[DraftScope] = field(default_factory=list)
    """The scopes whose value it is."""
    feeds: list[DraftScope] = field(default_factory=list)
    """The scopes that read it as their input."""

    @property
    def path(self) -> str:
        """The path of the node, as it is now."""
        name = self.name
        if not self.counted and self.old is not None:
            name = self.old.path.rpartition(".")[2]
        return self.scope.join(name)

    @property
    def step(self) -> Step | None:
        """The step it stands at."""
        return self.like.step if self.like is not None else None

    @property
    def shapes_in(self) -> tuple[Shape, ...]:
        """Shapes of what it reads, before the rewrite."""
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
    """Names that are taken in it, those of labels included."""
    grown: bool = False
    """Whether steps without names came in, so that those behind them are to be counted anew."""

    @property
    def path(self) -> str:
        """The module path, as it is now."""
        return self.parent.join(self.name) if self.parent is not None else ""

    def join(self, name: str) -> str:
        """The path of a name in this scope."""
        return f"{self.path}.{name}" if self.path else name

    def count(self) -> None:
        """Call the steps without names by their numbers again, where some came in; gaps that were left stay."""
        position = 0
        for item in self.items if self.grown else ():
            if isinstance(item, DraftNode) and not item.counted:
                continue
            if not item.name or item.name.isdigit():
                position = max(int(item.name or 0), position)
                item.name = str(position)
            position += 1

    def nodes(self) -> Iterator[DraftNode]:
        """Every node inside, however deep, in execution order; edits behind the one given are seen."""
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
        """A name for a new step here: the one wanted, or with a number behind it; none is called by its number."""
        name, count = wanted, 1
        self.grown |= not wanted
        if not wanted:
            return ""
        while name in self.names:
            count += 1
            name = f"{wanted}_{count}"
        self.names.add(name)
        return name
