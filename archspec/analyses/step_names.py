"""The names by which a step is spoken of: in ``expect``, in rewrites, in ``rf --of`` and ``render --focus``.

A step has its path from the root, of names and of the numbers of unnamed steps: ``stage.0.conv``, ``stage.0.2``.  A
label is known in the scope that it stands in and in every scope around: ``pool4``, ``backbone.pool4``.  Where two steps
have the same label, the one that lies less deep is meant; two at one depth have to be told apart by the scope.
``from`` and ``outputs`` read the same names while a graph is made (:mod:`archspec.elaborate.places`).
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

from archspec.diagnostics import did_you_mean, printable
from archspec.graph import Graph, Scope
from archspec.records import record

T = TypeVar("T", bound=Hashable)


class Named(NamedTuple, Generic[T]):
    """A step or scope, its path and label, and the paths of the scopes around it, the innermost first."""

    what: T
    path: str
    label: str | None
    around: tuple[str, ...]


@record
class StepNames(Generic[T]):
    """Things by name; ``unclear`` has the labels that several things have, with the names that tell them apart."""

    found: dict[str, T]
    unclear: dict[str, tuple[str, ...]]

    def complaint(self, name: str, more: Collection[str] = ()) -> tuple[str, str | None]:
        """What is wrong with a name that is not in ``found``, and a hint."""
        said = printable(name, 80)
        if name in self.unclear:
            names = self.unclear[name]
            several = " or ".join(f"`{printable(one, 80)}`" for one in names[:3]) + (" …" if len(names) > 3 else "")
            return f"`{said}` is the label of {len(names)} steps", f"write {several}"
        return f"there is no step or label `{said}`", did_you_mean(name, [*self.found, *more])


def step_names(things: Iterable[Named[T]]) -> StepNames[T]:
    """The names of things; a path is never taken for a label."""
    found: dict[str, T] = {}
    labels: dict[str, list[tuple[int, str, T]]] = {}
    for what, path, label, around in things:
        found.setdefault(path, what)
        if label is not None:
            own = f"{around[0]}.{label}" if around and around[0] else label
            for scope in around or ("",):
                labels.setdefault(f"{scope}.{label}" if scope else label, []).append((len(around), own, what))
    unclear: dict[str, tuple[str, ...]] = {}
    for name, several in labels.items():
        least = min(depth for depth, _, _ in several)
        nearest = {own: what for depth, own, what in several if depth == least}
        if name in found:
            continue
        if len(set(nearest.values())) == 1:
            found[name] = next(iter(nearest.values()))
        else:
            unclear[name] = tuple(nearest)
    return StepNames(found, unclear)


def values(graph: Graph) -> StepNames[int]:
    """The indices of nodes by name: of steps, of what scopes give, of outputs."""
    around = {scope: _around(scope) for scope in graph.root.scopes()}
    things = [Named(node.index, node.path, node.label, around[node.scope]) for node in graph.nodes]
    for scope in around:
        if scope.parent is not None and scope.output >= 0:
            things.append(Named(scope.output, scope.path, own_label(graph, scope), around[scope.parent]))
    names = step_names(things)
    for output in graph.outputs:
        names.found.setdefault(output.name, output.node)
    return names


def scopes(graph: Graph) -> StepNames[Scope]:
    """The scopes by name, those around before those within."""
    return step_names(
        Named(scope, scope.path, own_label(graph, scope), _around(scope.parent))
        for scope in _within(graph.root)
        if scope.parent is not None
    )


def own_label(graph: Graph, scope: Scope) -> str | None:
    """The label that a scope's own step gives it."""
    if scope.output < 0 or scope.step is None or scope.step.label is None:
        return None
    return graph.nodes[scope.output].label


def _around(scope: Scope | None) -> tuple[str, ...]:
    found: list[str] = []
    while scope is not None:
        found.append(scope.path)
        scope = scope.parent
    return tuple(found)


def _within(root: Scope) -> Iterator[Scope]:
    stack = [root]
    while stack:
        scope = stack.pop()
        yield scope
        stack += [item for item in reversed(scope.items) if isinstance(item, Scope)]
