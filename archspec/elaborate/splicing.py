"""Splicing a graph into another: how a rewritten spec becomes a block of the network that imports it.

Its nodes are made again in the network's graph, on the values that the use reads, so shapes and conditions are exact
for that use.  Its scopes, names and labels stay, so they can be read by name.
"""

from __future__ import annotations

from archspec.diagnostics import Fault
from archspec.elaborate.builder import Builder
from archspec.elaborate.places import UNKNOWN, Entry, Loop, Place, Use
from archspec.graph import Graph, Node, Scope


def splice(
    builder: Builder, graph: Graph, scope: Scope, place: Place, use: Use, inputs: list[int], inside: str = ""
) -> tuple[Place, int]:
    """Make a graph's nodes again inside ``scope``; returns the place for lookups, and the value of its first output.

    ``inside`` takes only the scope at that path, which must read only the graph's inputs; raises KeyError otherwise.
    """
    made: dict[int, int] = dict(zip(graph.inputs.values(), inputs, strict=True))
    if inside:
        part = _scope_at(graph.root, inside)
        within = {node.index for node in part.nodes()} | made.keys()
        if any(index not in within for node in part.nodes() for index in node.inputs):
            raise KeyError(inside)
        inner = Place(scope, use, place, modules=part.kind == "sequence")
        _items(builder, graph, part, inner, made, use)
        return inner, made.get(part.output, UNKNOWN)
    inner = Place(scope, use, place, modules=False)
    _items(builder, graph, graph.root, inner, made, use)
    main = next(output for output in graph.outputs if not output.training)
    for output in graph.outputs:
        if output.name not in inner.names and output.name not in use.labels:
            use.labels[output.name] = Entry(made.get(output.node, UNKNOWN), output.span)
    return inner, made.get(main.node, UNKNOWN)


def _scope_at(scope: Scope, path: str) -> Scope:
    """The scope inside one at a path; raises KeyError."""
    for part in path.split("."):
        found = next((item for item in scope.items if isinstance(item, Scope) and item.name == part), None)
        if found is None:
            raise KeyError(path)
        scope = found
    return scope


def _items(
    builder: Builder,
    graph: Graph,
    old: Scope,
    place: Place,
    made: dict[int, int],
    outermost: Use,
    scopes: dict[Scope, Scope] | None = None,
) -> None:
    scopes = {} if scopes is None else scopes  # by the id of the original scope
    for item in old.items:
        if isinstance(item, Node):
            _node(builder, graph, item, place, made, outermost)
            continue
        scope = Scope(
            item.kind,
            item.name,
            place.join(item.name),
            place.scope,
            item.block,
            item.step,
            item.values,
            item.loops,
            item.copy,
            tuple(made.get(index, UNKNOWN) for index in item.inputs),
            reuse=None if item.reuse is None else scopes.get(item.reuse),
            aside=item.aside,
            depth=place.use.depth + (item.block is not None),
        )
        scope.input_names = item.input_names
        scopes[item] = scope
        place.scope.items.append(scope)
        use = place.use
        if item.block is not None:
            named = {name: made.get(index, UNKNOWN) for name, index in zip(_inputs(item), item.inputs, strict=False)}
            use = Use(item.block, item.block.file, dict(item.values), named, use.spec_values, use.depth + 1, use)
        inner = Place(scope, use, place, modules=item.kind in ("sequence", "branch", "merge"))
        _items(builder, graph, item, inner, made, outermost, scopes)
        scope.output = made.get(item.output, UNKNOWN)
        place.names[item.name] = Entry(scope.output, item.step.span if item.step else None, place=inner, step=item.step)


def _inputs(scope: Scope) -> list[str]:
    return list(scope.input_names) or ["input"]


def _node(builder: Builder, graph: Graph, node: Node, place: Place, made: dict[int, int], outermost: Use) -> None:
    assert node.op is not None
    if node.step is None:
        raise Fault("rewrite-refused", f"`{node.path}` is not part of any spec", node.span)
    reads = tuple(made.get(index, UNKNOWN) for index in node.inputs)
    loop = Loop({}, node.loops, node.copy)
    name = node.name if node.counted else ""
    new = builder.nodes.add(node.op, reads, node.step, place, loop, name, named=node.named)
    made[node.index] = new.index if new is not None else UNKNOWN
    entry = Entry(made[node.index], node.span, node=new, step=node.step)
    if new is not None:
        new.label = node.label
        if node.reuse is not None and made.get(node.reuse.index, UNKNOWN) >= 0:
            new.reuse, new.is_module = builder.nodes.all[made[node.reuse.index]], False
    if node.counted:
        place.names[node.name] = entry
    if node.label is None:
        return
    place.use.labels.setdefault(node.label, entry)
    # The last step of a block may have a label that was given outside the block.  If it is unique, every surrounding
    # use sees it.
    if builder.labels_once(graph, node.label):
        use = place.use
        while use.caller is not None and use is not outermost:
            use = use.caller
            use.labels.setdefault(node.label, entry)
