"""The resolved graph as a spec of blocks: `archspec expand --blocks`.

What is built is what :mod:`archspec.backends.spec_text` writes.  Here the uses of a block share a body, with parameters
for what differs and loops for what repeats.  They are found in the graph alone, as in an imported network and by the
same code: the original formulas are not kept, since a rewrite may have made them wrong.
"""

from __future__ import annotations

from typing import Any

from archspec.backends.spec_text import inputs_of, learning, quoted
from archspec.graph import Graph, Node, Scope
from archspec.importers.network import Frame, Layer, Network, Output
from archspec.importers.writing import written
from archspec.ops.common.init import Init
from archspec.sizes import text


def expand(graph: Graph) -> str:
    """The spec, as YAML text, that has the same graph."""
    values = {index: place for place, index in enumerate(graph.inputs.values())}
    for node in graph.nodes:
        if node.op is not None:
            first = node.index - 1 if node.op.follows else node.index
            values[node.index] = values[first] if node.op.follows else len(values)
    frames: dict[Scope, Frame] = {graph.root: Frame("", graph.name)}
    layers: dict[int, Layer] = {}
    for node in graph.nodes:
        if node.op is not None and not node.op.follows:
            layers[node.index] = _layer(graph, node, values, _frame(node.scope, frames), layers)
    head = [f"source: {quoted(graph.source)}"] if graph.source else []
    network = Network(
        name=graph.name,
        inputs=[
            (name, tuple(text(dim) for dim in graph.nodes[index].shape.dims)) for name, index in graph.inputs.items()
        ],
        sizes=dict(graph.sizes),
        layers=list(layers.values()),
        outputs=[
            Output(output.name, values[output.node], output.training, output.loss_weight) for output in graph.outputs
        ],
        doc=graph.doc or "",
        initial=True,
        head=[*head, *learning(graph)],
    )
    channels = {values[node.index]: node.shape.channels for node in graph.nodes if isinstance(node.shape.dims[0], int)}
    return written(network, channels)


def _layer(graph: Graph, node: Node, values: dict[int, int], frame: Frame, layers: dict[int, Layer]) -> Layer:
    op = node.op
    assert op is not None
    main, referred = inputs_of(node, graph.nodes)
    fields = [name for name in op.references if getattr(op, name) is not None]
    shared = node.reuse is not None and bool(op.weights(graph.shapes_in(node)))
    read = graph.consumers(node.index) or any(output.node == node.index for output in graph.outputs)
    return Layer(
        op.keyword,
        {name: value for name, value in _given(op).items() if name not in fields},
        [values[index] for index in main],
        values[node.index],
        frame,
        node.path if node.named or node.counted or node.is_module else "",
        dict(zip(fields, (values[index] for index in referred), strict=True)),
        layers[node.reuse.index] if shared and node.reuse is not None else None,
        aside=not read,
        named=node.named,
    )


def _given(op: Any) -> dict[str, Any]:
    """The arguments of an op that differ from its defaults."""
    found: dict[str, Any] = {}
    for name, field in type(op).model_fields.items():
        value = getattr(op, name)
        if field.is_required() or value != field.get_default():
            found[name] = value.plain() if isinstance(value, Init) else value
    return found


def _frame(scope: Scope, frames: dict[Scope, Frame]) -> Frame:
    """The module call of a scope; branches, merges and containers have none of their own."""
    found = frames.get(scope)
    if found is not None:
        return found
    assert scope.parent is not None
    parent = _frame(scope.parent, frames)
    if scope.kind not in ("block", "sequence"):
        found = parent
    else:
        again = scope.reuse
        numbered = all(item.name.isdigit() for item in scope.items)
        found = Frame(
            (again or scope).path,
            scope.block.name if scope.block is not None else "Sequential",
            parent,
            chain=numbered,
            checkpoint=scope.checkpoint,
        )
    frames[scope] = found
    return found
