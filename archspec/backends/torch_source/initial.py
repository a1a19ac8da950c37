"""Initialisation of weights: statements at the end of the network's constructor, and after parameters are created.

Where all layers of a kind in the network, a class or a chain are initialised alike, a loop over the modules does it;
other tensors are initialised one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from archspec.backends.torch_source.initial_classes import attributes, statements_of
from archspec.backends.torch_source.initial_lines import (
    FEWEST,
    Statements,
    Tensor,
    Way,
    is_whole,
    joined,
    loop,
    may_lack,
    named,
)
from archspec.backends.torch_source.layout import lay_out_all
from archspec.backends.torch_source.names import is_name
from archspec.families.items import Reader
from archspec.families.templates import Template
from archspec.graph import Graph, Node, Scope
from archspec.ops import Module


@dataclass(slots=True)
class Initial:
    """The lines of constructors that initialise weights."""

    loop: list[str] = field(default_factory=list)
    """Lines for the network's own constructor."""
    inside: dict[Template, list[str]] = field(default_factory=dict)
    """Lines for the constructor of each class."""
    helpers: dict[str, None] = field(default_factory=dict)


def initial_statements(graph: Graph, reader: Reader, templates: Sequence[Template]) -> Initial:
    """The statements that initialise every tensor that ``init`` mentions."""
    found = Initial()
    modules: dict[int, Module] = {}
    tensors: dict[tuple[str, str], dict[Node, str | None]] = {}
    for node in graph.nodes:
        if node.op is None or node.reuse is not None or not node.is_module:
            continue
        shapes = graph.shapes_in(node)
        weights = [weight for weight in node.op.weights(shapes) if weight.trainable]
        module = reader.module(node) if weights else None
        if module is None:
            continue
        modules[node.index], said = module, node.op.initial(shapes)
        if said and node.op.init is not None:
            found.helpers.update(dict.fromkeys(node.op.init.helpers))
        for weight in weights:
            tensors.setdefault((module.target, weight.name), {})[node] = said.get(weight.name)
    uniform, single, after = _sorted(graph, reader, modules, tensors)
    for template in templates:
        lines = statements_of(template, single, modules)
        if lines:
            found.inside[template] = lay_out_all(lines, 8)
    typed = attributes(templates)
    left = [
        (_tensor(typed, modules, graph.nodes[index], tensor), way)
        for (index, tensor), way in (*single.items(), *after.items())
    ]
    found.loop = lay_out_all([*loop("self.modules()", uniform), *named(left)], 8)
    return found


def _sorted(
    graph: Graph,
    reader: Reader,
    modules: Mapping[int, Module],
    tensors: Mapping[tuple[str, str], Mapping[Node, str | None]],
) -> tuple[dict[str, list[Way]], Statements, Statements]:
    """Statements for whole kinds of layers, for single tensors, and for exceptions that follow those of their kind."""
    kinds = Counter(module.target for module in modules.values())
    uniform: dict[str, list[Way]] = {}
    single: Statements = {}
    after: Statements = {}
    for (kind, tensor), ways in tensors.items():
        usual = _usual(ways.values()) if tensor and is_whole(kind, modules.values()) else None
        if usual is None:
            single.update({(node.index, tensor): way for node, way in ways.items() if way is not None})
            continue
        apart: list[tuple[str, str]] = []
        for node, way in ways.items():
            if way is not None and way != usual:
                place = _place(graph, reader, node)
                if place is None or len(apart) == FEWEST:
                    after[node.index, tensor] = way
                else:
                    apart.append((place, way))
        optional = may_lack(kind, tensor) or (tensor == "bias" and len(ways) < kinds[kind])
        uniform.setdefault(kind, []).append(Way(tensor, usual, optional, tuple(apart)))
    return uniform, single, after


def _usual(ways: Iterable[str | None]) -> str | None:
    """The initialisation that at least three quarters of the layers of a kind have, or None."""
    counts = Counter(ways)
    given = Counter({way: count for way, count in counts.items() if way is not None})
    if len(given) < len(counts) or len(counts) > FEWEST:
        return None
    usual, count = given.most_common(1)[0]
    return usual if 4 * count >= 3 * counts.total() else None


def _place(graph: Graph, reader: Reader, node: Node) -> str | None:
    """The expression for a layer in the network: ``self.classifier[1]``; None where it has none."""
    text, scope = "self", graph.root
    for name in node.path.split("."):
        if is_name(name):
            text += f".{name}"
        elif scope is not None and reader.is_chain(scope) and name == str(_position(reader, scope, name)):
            text += f"[{name}]"
        else:
            return None
        inner = [item for item in scope.items if isinstance(item, Scope) and item.name == name] if scope else []
        scope = inner[0] if len(inner) == 1 else None
    return text


def _position(reader: Reader, scope: Scope, name: str) -> int:
    return next((at for at, item in enumerate(reader.inside(scope)) if item.name == name), -1)


def _tensor(typed: set[Node | Scope], modules: Mapping[int, Module], node: Node, name: str) -> Tensor:
    """A tensor, with its path in the network."""
    around: list[Node | Scope] = [node]
    scope = node.scope
    while scope.parent is not None:
        around.append(scope)
        scope = scope.parent
    reached = name and typed.issuperset(around)
    optional = may_lack(modules[node.index].target, name)
    return Tensor(joined(node.path, name), f"self.{node.path}" if reached else "", optional)
