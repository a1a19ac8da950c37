"""How weights start: the statements at the end of the network's constructor."""

from __future__ import annotations

from archspec.backends.torch_source.items import Reader
from archspec.backends.torch_source.layout import lay_out
from archspec.graph import Graph


def initial_statements(graph: Graph, reader: Reader) -> tuple[list[str], list[str]]:
    """Lines for the network's constructor, and helpers they need: a loop for each kind of layer where all of it starts alike."""
    said: dict[str, dict[str, str]] = {}
    target: dict[str, str] = {}
    helpers: dict[str, None] = {}
    tensors: dict[tuple[str, str], list[str]] = {}
    for node in graph.nodes:
        if node.op is None or node.reuse is not None or not node.is_module:
            continue
        shapes = graph.shapes_in(node)
        weights = node.op.weights(shapes)
        module = reader.module(node) if weights else None
        if module is None:
            continue
        statements = node.op.initial(shapes)
        target[node.path] = module.target
        said[node.path] = statements
        if statements and node.op.init is not None:
            helpers.update(dict.fromkeys(node.op.init.helpers))
        for weight in weights:
            if weight.trainable:
                tensors.setdefault((module.target, weight.name), []).append(node.path)
    uniform: dict[str, list[tuple[str, str, bool]]] = {}
    single: dict[str, list[str]] = {}
    for (kind, tensor), paths in tensors.items():
        ways = {said[path].get(tensor) for path in paths}
        if ways == {None}:
            continue
        if len(ways) == 1 and None not in ways and kind.startswith("nn.") and kind != "nn.Parameter":
            all_have = len(paths) == sum(1 for other in target.values() if other == kind)
            uniform.setdefault(kind, []).append((tensor, str(ways.pop()), all_have))
            continue
        for path in paths:
            way = said[path].get(tensor)
            if way is not None:
                single.setdefault(way, []).append(f"{path}.{tensor}" if tensor else path)
    lines: list[str] = []
    if uniform:
        lines.append("        for module in self.modules():")
        for position, (kind, statements) in enumerate(uniform.items()):
            lines.append(f"            {'elif' if position else 'if'} isinstance(module, {kind}):")
            for tensor, way, always in statements:
                indent = 16
                if not always:
                    lines.append(f"                if module.{tensor} is not None:")
                    indent = 20
                lines += lay_out(way.format(tensor=f"module.{tensor}"), indent)
    for way, paths in single.items():
        if len(paths) == 1:
            lines += lay_out(way.format(tensor=f'self.get_parameter("{paths[0]}")'), 8)
            continue
        listed = ", ".join(f'"{path}"' for path in paths)
        lines += lay_out(f"for name in ({listed}):", 8)
        lines += lay_out(way.format(tensor="self.get_parameter(name)"), 12)
    return lines, list(helpers)
