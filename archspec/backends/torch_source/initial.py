"""How weights start: the statements at the end of the network's constructor, and of parameters where they are made.

Where every layer of a kind starts alike, a loop over all modules says so; other tensors are named one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from archspec.backends.torch_source.constructor import attribute
from archspec.backends.torch_source.layout import lay_out
from archspec.backends.torch_source.names import is_name, quoted
from archspec.families.items import Reader
from archspec.families.templates import Entry, Series, Template
from archspec.graph import Graph, Node, Scope
from archspec.ops import Module
from archspec.records import record

FEWEST = 3
"""Tensors that start in the same way from which on a loop over them reads better than a statement for each."""


@record
class Way:
    """How one tensor of a kind of layer starts; ``optional`` where a layer may lack it.

    ``apart`` has the statements of single layers, by how those are reached: each is drawn once.
    """

    tensor: str
    statement: str
    optional: bool
    apart: tuple[tuple[str, str], ...] = ()

    def lines(self, module: str, indent: int) -> list[str]:
        """The statements, where ``module`` is known to have the tensor."""
        found: list[str] = []
        layers: dict[str, list[str]] = {}
        for layer, statement in self.apart:
            layers.setdefault(statement, []).append(layer)
        for position, (statement, alike) in enumerate(layers.items()):
            test = f"{module} is {alike[0]}" if len(alike) == 1 else f"{module} in ({', '.join(alike)})"
            found += lay_out(f"{'elif' if position else 'if'} {test}:", indent)
            found += lay_out(statement.format(tensor=f"{module}.{self.tensor}"), indent + 4)
        if self.apart:
            found.append(f"{' ' * indent}else:")
            indent += 4
        return found + lay_out(self.statement.format(tensor=f"{module}.{self.tensor}"), indent)


@dataclass(slots=True)
class Initial:
    """What the constructors say of how weights start."""

    loop: list[str] = field(default_factory=list)
    """Lines for the network's own constructor."""
    inside: dict[Template, list[str]] = field(default_factory=dict)
    """Lines for the constructor of each class."""
    helpers: dict[str, None] = field(default_factory=dict)


def initial_statements(graph: Graph, reader: Reader, templates: Sequence[Template]) -> Initial:
    """How every tensor that ``init`` speaks of starts."""
    found = Initial()
    modules: dict[int, Module] = {}
    said: dict[int, dict[str, str]] = {}
    tensors: dict[tuple[str, str], list[Node]] = {}
    for node in graph.nodes:
        if node.op is None or node.reuse is not None or not node.is_module:
            continue
        shapes = graph.shapes_in(node)
        weights = [weight for weight in node.op.weights(shapes) if weight.trainable]
        module = reader.module(node) if weights else None
        if module is None:
            continue
        modules[node.index], said[node.index] = module, node.op.initial(shapes)
        if said[node.index] and node.op.init is not None:
            found.helpers.update(dict.fromkeys(node.op.init.helpers))
        for weight in weights:
            tensors.setdefault((module.target, weight.name), []).append(node)
    uniform: dict[str, list[Way]] = {}
    single: dict[tuple[int, str], str] = {}
    after: dict[tuple[int, str], str] = {}
    for (kind, tensor), nodes in tensors.items():
        own = {(node.index, tensor): said[node.index].get(tensor) for node in nodes}
        given = {key: way for key, way in own.items() if way is not None}
        if not given:
            continue
        usual, count = Counter(given.values()).most_common(1)[0]
        most = len(given) == len(own) and 4 * count >= 3 * len(own) and len(set(own.values())) <= FEWEST
        if tensor and most and _is_whole(kind, modules):
            fewer = len(nodes) < sum(1 for module in modules.values() if module.target == kind)
            optional = tensor == "bias" and (fewer or "Conv" in kind)
            apart: list[tuple[str, str]] = []
            for node in nodes:
                way = given[node.index, tensor]
                if way != usual:
                    place = _place(graph, reader, node)
                    if place is None or len(apart) == FEWEST:
                        after[node.index, tensor] = way
                    else:
                        apart.append((place, way))
            uniform.setdefault(kind, []).append(Way(tensor, usual, optional, tuple(apart)))
        else:
            single.update(given)
    for template in templates:
        lines = _inside(template, single)
        if lines:
            found.inside[template] = lines
    left: dict[str, list[str]] = {}
    for (index, tensor), way in {**single, **after}.items():
        left.setdefault(way, []).append(_join(graph.nodes[index].path, tensor))
    found.loop = _loop(uniform) + _named({way: [(path, "") for path in paths] for way, paths in left.items()})
    return found


def _place(graph: Graph, reader: Reader, node: Node) -> str | None:
    """How a layer is reached from the network: ``self.classifier[1]``."""
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


def _inside(template: Template, single: dict[tuple[int, str], str]) -> list[str]:
    """Lines for the tensors of a class that start alike in all its uses; takes them out of ``single``."""
    found: dict[str, list[tuple[str, str]]] = {}
    loops: list[str] = []
    for entry in template.entries:
        if isinstance(entry, Entry) and entry.kind == "chain" and entry.condition is None:
            loops += _chain_loop(entry, single)
    for prefix, entry, optional in _members("", template.entries):
        nodes = [item.what for item in entry.items if item is not None and isinstance(item.what, Node)]
        if not nodes or nodes[0].op is None or any(node.reuse is not None for node in nodes):
            continue
        for tensor in (*nodes[0].op.tensors, ""):
            ways = {single.get((node.index, tensor)) for node in nodes}
            way = ways.pop()
            if ways or way is None:
                continue
            for node in nodes:
                del single[node.index, tensor]
            path = _join(_join(prefix, entry.name), tensor)
            direct = f"self.{path}" if tensor != "bias" and not prefix and is_name(entry.name) else ""
            holder = optional or (entry if direct and not tensor else None)
            if holder is not None:
                holder.initial.append(way.format(tensor=direct or f"self.get_parameter({quoted(path)})"))
            else:
                found.setdefault(way, []).append((path, direct))
    return loops + _named(found)


def _members(
    prefix: str, entries: Sequence[Entry | Series], optional: Entry | None = None
) -> Iterator[tuple[str, Entry, Entry | None]]:
    """The modules of a class whose paths are the same in all its uses, with what some uses lack that holds them."""
    for entry in entries:
        if isinstance(entry, Series) or (entry.condition is not None and prefix):
            return
        holder = optional or (entry if entry.condition is not None else None)
        if entry.kind == "module":
            yield prefix, entry, holder
        elif entry.kind == "chain":
            yield from _members(_join(prefix, entry.name), entry.children, holder)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name else path or name


def _is_whole(kind: str, modules: dict[int, Module]) -> bool:
    """Whether ``isinstance`` finds the layers of a kind and no others."""
    helpers = {module.helper for module in modules.values() if module.helper is not None}
    return kind.startswith("nn.") and not any(f"({kind})" in helper for helper in helpers)


def _branches(kinds: dict[str, list[Way]], module: str, indent: int) -> list[str]:
    """A branch for each kind of layer; kinds that start in the same way share one."""
    margin = " " * indent
    alike: dict[tuple[Way, ...], list[str]] = {}
    for kind, ways in kinds.items():
        alike.setdefault(tuple(ways), []).append(kind)
    lines: list[str] = []
    for position, (ways, names) in enumerate(alike.items()):
        test = f"{'elif' if position else 'if'} isinstance({module}, {' | '.join(names)})"
        if len(ways) == 1 and ways[0].optional:
            lines += lay_out(f"{test} and {module}.{ways[0].tensor} is not None:", indent)
            lines += ways[0].lines(module, indent + 4)
            continue
        lines += lay_out(f"{test}:", indent)
        for way in ways:
            if way.optional:
                lines.append(f"{margin}    if {module}.{way.tensor} is not None:")
            lines += way.lines(module, indent + (8 if way.optional else 4))
    return lines


def _loop(uniform: dict[str, list[Way]]) -> list[str]:
    """One loop over all modules of the network."""
    return ["        for module in self.modules():", *_branches(uniform, "module", 12)] if uniform else []


def _chain_loop(entry: Entry, single: dict[tuple[int, str], str]) -> list[str]:
    """One loop over a chain whose layers of a kind all start alike; takes their tensors out of ``single``."""
    nodes: dict[str, list[Node]] = {}
    for child in entry.children:
        if not isinstance(child, Entry) or child.kind != "module":
            return []
        for item in child.items:
            if item is not None and item.module is not None and isinstance(item.what, Node):
                nodes.setdefault(item.module.target, []).append(item.what)
    found: dict[str, list[Way]] = {}
    for kind, alike in nodes.items():
        if not kind.startswith("nn.") or len(alike) < FEWEST or alike[0].op is None:
            continue
        for tensor in alike[0].op.tensors:
            ways = [single.get((node.index, tensor)) for node in alike]
            if ways[0] is not None and len(set(ways)) == 1:
                found.setdefault(kind, []).append(Way(tensor, ways[0], tensor == "bias" and "Conv" in kind))
                for node in alike:
                    del single[node.index, tensor]
    if not found:
        return []
    return [f"        for layer in {attribute(entry.member or entry.name)}:", *_branches(found, "layer", 12)]


def _named(single: dict[str, list[tuple[str, str]]]) -> list[str]:
    """A statement for each tensor, or a loop over many that start in the same way."""
    lines: list[str] = []
    for way, tensors in single.items():
        if len(tensors) < FEWEST:
            for path, text in tensors:
                lines += lay_out(way.format(tensor=text or f"self.get_parameter({quoted(path)})"), 8)
            continue
        ends = {path.rpartition(".")[2] for path, _ in tensors}
        if len(ends) == 1 and all(text.count(".") == 2 for _, text in tensors):
            listed = ", ".join(text.rpartition(".")[0] for _, text in tensors)
            lines += lay_out(f"for layer in ({listed}):", 8)
            lines += lay_out(way.format(tensor=f"layer.{ends.pop()}"), 12)
            continue
        listed = ", ".join(quoted(path) for path, _ in tensors)
        lines += lay_out(f"for name in ({listed}):", 8)
        lines += lay_out(way.format(tensor="self.get_parameter(name)"), 12)
    return lines
