"""How weights start: the statements at the end of the network's constructor, and of parameters where they are made.

Where every layer of a kind starts alike, a loop over all modules says so; other tensors are named one by one.
"""

from __future__ import annotations

from collections.abc import Sequence

from archspec.backends.torch_source.items import Reader
from archspec.backends.torch_source.layout import lay_out
from archspec.backends.torch_source.names import is_name
from archspec.backends.torch_source.templates import Entry, Template
from archspec.graph import Graph, Node
from archspec.ops import Module


def initial_statements(graph: Graph, reader: Reader, templates: Sequence[Template]) -> tuple[list[str], list[str]]:
    """Lines for the network's constructor, and the helpers that they and the parameters need."""
    helpers: dict[str, None] = {}
    inside = _in_place(graph, templates, helpers)
    modules: dict[str, Module] = {}
    said: dict[str, dict[str, str]] = {}
    tensors: dict[tuple[str, str], list[str]] = {}
    for node in graph.nodes:
        if node.op is None or node.reuse is not None or not node.is_module or node.index in inside:
            continue
        shapes = graph.shapes_in(node)
        weights = [weight for weight in node.op.weights(shapes) if weight.trainable]
        module = reader.module(node) if weights else None
        if module is None:
            continue
        modules[node.path], said[node.path] = module, node.op.initial(shapes)
        if said[node.path] and node.op.init is not None:
            helpers.update(dict.fromkeys(node.op.init.helpers))
        for weight in weights:
            tensors.setdefault((module.target, weight.name), []).append(node.path)
    uniform: dict[str, list[str]] = {}
    single: dict[str, list[str]] = {}
    for (kind, tensor), paths in tensors.items():
        ways = {said[path].get(tensor) for path in paths}
        if ways == {None}:
            continue
        if len(ways) == 1 and _is_whole(kind, modules):
            fewer = len(paths) < sum(1 for module in modules.values() if module.target == kind)
            way = str(ways.pop()).format(tensor=f"module.{tensor}")
            uniform.setdefault(kind, []).extend(_guarded(way, tensor, fewer or "Conv" in kind))
            continue
        for path in paths:
            way = said[path].get(tensor)
            if way is not None:
                single.setdefault(way, []).append(f"{path}.{tensor}" if tensor else path)
    return _loop(uniform) + _named(single), list(helpers)


def _is_whole(kind: str, modules: dict[str, Module]) -> bool:
    """Whether ``isinstance`` finds the layers of a kind and no others."""
    helpers = {module.helper for module in modules.values() if module.helper is not None}
    return kind.startswith("nn.") and not any(f"({kind})" in helper for helper in helpers)


def _guarded(way: str, tensor: str, optional: bool) -> list[str]:
    if tensor != "bias" or not optional:
        return lay_out(way, 16)
    return ["                if module.bias is not None:", *lay_out(way, 20)]


def _loop(uniform: dict[str, list[str]]) -> list[str]:
    """One loop over all modules; kinds that start in the same way share a branch."""
    if not uniform:
        return []
    kinds: dict[tuple[str, ...], list[str]] = {}
    for kind, lines in uniform.items():
        kinds.setdefault(tuple(lines), []).append(kind)
    lines = ["        for module in self.modules():"]
    for position, (body, names) in enumerate(kinds.items()):
        lines += lay_out(f"{'elif' if position else 'if'} isinstance(module, {' | '.join(names)}):", 12)
        lines += body
    return lines


def _named(single: dict[str, list[str]]) -> list[str]:
    lines: list[str] = []
    for way, paths in single.items():
        if len(paths) == 1:
            lines += lay_out(way.format(tensor=f'self.get_parameter("{paths[0]}")'), 8)
            continue
        listed = ", ".join(f'"{path}"' for path in paths)
        lines += lay_out(f"for name in ({listed}):", 8)
        lines += lay_out(way.format(tensor="self.get_parameter(name)"), 12)
    return lines


def _in_place(graph: Graph, templates: Sequence[Template], helpers: dict[str, None]) -> set[int]:
    """Which bare parameters start where they are made, all uses of their class having them start alike."""
    found: set[int] = set()
    for template in templates:
        for entry in template.entries:
            if not isinstance(entry, Entry) or entry.kind != "module" or not is_name(entry.name):
                continue
            nodes = [item.what for item in entry.items if item is not None and isinstance(item.what, Node)]
            inits = [(node.op.init, node.op.initial(())) for node in nodes if node.op is not None and not node.op.sources]
            ways = {way for init, said in inits if init is not None for way in said.values()}
            if len(inits) != len(nodes) or len(ways) != 1 or any(init is None for init, _ in inits):
                continue
            entry.initial = [ways.pop().format(tensor=f"self.{entry.name}")]
            found.update(node.index for node in nodes)
            for init, _ in inits:
                helpers.update(dict.fromkeys(init.helpers if init is not None else ()))
    return found
