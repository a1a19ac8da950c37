"""The resolved graph as a spec again: `archspec expand`.

Every block use, loop and expression is written out, so what it prints is what is built: the same modules at the same
paths, in the same order, fed by the same values.  Scopes become ``sequence``; a step that does not read the one
before it
says so with ``from``, and what is read that way has a ``label``.  Comments tell which line each scope came from.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from archspec.graph import Graph, Node, Scope
from archspec.ops import Op
from archspec.ops.common.init import Init
from archspec.ops.common.tied import TiedConvTranspose, TiedLinear
from archspec.sizes import text
from archspec.syntax import flow


def expand(graph: Graph) -> str:
    """The spec, as YAML text, that means the same as ``graph`` with nothing left to resolve."""
    return "\n".join(_Writer(graph).lines()) + "\n"


class _Writer:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._labels = self._choose_labels()

    # -- what needs a label --------------------------------------------------------------------------------------------

    def _choose_labels(self) -> dict[int, str]:
        """A label for each node that some step reads from elsewhere: as written where possible, always unique."""
        graph = self.graph
        taken = {node.name for node in graph.nodes} | {scope.name for scope in graph.root.scopes()}
        labels = {index: name for name, index in graph.inputs.items()}
        taken |= set(labels.values())
        for node in graph.nodes:
            if node.label is not None and node.op is not None and node.label not in taken:
                taken.add(node.label)
                labels[node.index] = node.label
        wanted = sorted(self._read_by_name() - labels.keys())
        prefix = "t"
        while any(name.startswith(prefix) and name[len(prefix) :].isdigit() for name in taken):
            prefix += "_"
        return labels | {index: f"{prefix}{index}" for index in wanted}

    def _read_by_name(self) -> set[int]:
        found = {output.node for output in self.graph.outputs}
        current = self.graph.root.inputs[0] if self.graph.root.inputs else -1

        def visit(scope: Scope, current: int) -> int:
            for item in scope.items:
                if isinstance(item, Scope):
                    current = visit(item, current)
                    continue
                main, referred = inputs_of(item, self.graph.nodes)
                found.update(referred)
                if len(main) > 1 or (main and main[0] != current):
                    found.update(main)
                if item.reuse is not None and self._holds_weights(item):
                    found.add(item.reuse.index)
                if _flows(item):
                    current = item.index
            if current != scope.output and scope.output >= 0:
                found.add(scope.output)
                current = scope.output
            return current

        visit(self.graph.root, current)
        return found

    def _holds_weights(self, node: Node) -> bool:
        return node.op is not None and bool(node.op.weights(self.graph.shapes_in(node)))

    # -- text ----------------------------------------------------------------------------------------------------------

    def lines(self) -> Iterator[str]:
        """The file, line by line."""
        graph = self.graph
        yield "archspec: 1"
        yield f"name: {quoted(graph.name)}"
        if graph.source:
            yield f"source: {quoted(graph.source)}"
        yield from learning(graph)
        yield "inputs:"
        for name, index in graph.inputs.items():
            dims = ", ".join(text(dim) for dim in graph.nodes[index].shape.dims)
            yield f"  {name}: [{dims}]"
        if graph.sizes:
            yield "sizes: {" + ", ".join(f"{name}: {size}" for name, size in graph.sizes.items()) + "}"
        start = graph.root.inputs[0]
        body, _ = self._steps(graph.root, start, 1)
        yield "steps:" if body else "steps: []"
        yield from body
        outputs = graph.outputs
        last = graph.root.output
        if len(outputs) == 1 and outputs[0].name == "output" and outputs[0].node == last:
            return
        yield "outputs:"
        for output in outputs:
            source = self._labels[output.node]
            if not output.training and output.loss_weight == 1.0:
                yield f"  {output.name}: {source}"
            else:
                training = "true" if output.training else "false"
                given = f"{{from: {source}, training: {training}, loss_weight: {flow(output.loss_weight)}}}"
                yield f"  {output.name}: {given}"

    def _steps(self, scope: Scope, current: int, depth: int) -> tuple[list[str], int]:
        """The steps of a scope that reads ``current``, and the value it gives."""
        lines: list[str] = []
        position = 0
        margin = "  " * depth
        for item in scope.items:
            if isinstance(item, Scope) and item.kind == "container":
                inner, current = self._steps(item, current, depth)
                lines += inner
                continue
            counted = (isinstance(item, Scope) or item.counted) and not scope.prefix
            if counted and item.name.isdigit():
                while position < int(item.name):
                    lines.append(f"{margin}- identity")
                    position += 1
            position += counted
            if isinstance(item, Scope):
                inner, value = self._steps(item, current, depth + 2)
                name = "" if item.name.isdigit() and not scope.prefix else f" as {scope.prefix}{item.name}"
                note = _note(item)
                lines.append(f"{margin}- sequence{name}:{'' if inner else ' []'}{note}")
                lines += inner
                lines += [f"{margin}  checkpoint: true"] if item.checkpoint else []
                current = value
            elif item.op is None or not item.op.follows:
                lines += self._node(item, current, margin)
                if _flows(item):
                    current = item.index
        if current != scope.output and scope.output >= 0 and not scope.prefix:
            lines += [f"{margin}- steps: []", f"{margin}  from: {self._labels[scope.output]}"]
            current = scope.output
        return lines, current

    def _node(self, node: Node, current: int, margin: str) -> list[str]:
        op = node.op
        assert op is not None
        main, referred = inputs_of(node, self.graph.nodes)
        if node.reuse is not None and self._holds_weights(node):
            lines = [f"{margin}- reuse: {_reused(op, self._labels[node.reuse.index])}"]
        else:
            fields = dict(zip((f for f in op.references if getattr(op, f) is not None), referred, strict=True))
            arguments = _arguments(op, {field: self._labels[index] for field, index in fields.items()})
            name = f" as {node.scope.prefix}{node.name}" if node.named else ""
            given = f": {arguments}" if arguments != "{}" else ""
            bare = op.merges and not given
            beside = len(main) > 1 or (main and main[0] != current) or node.index in self._labels
            if not given and beside:
                given = ": {}" if not bare else ":"
            lines = [f"{margin}- {op.keyword}{name}{given}"]
        if len(main) > 1:
            lines.append(f"{margin}  from: [{', '.join(self._labels[index] for index in main)}]")
        elif main and main[0] != current:
            lines.append(f"{margin}  from: {self._labels[main[0]]}")
        if node.index in self._labels:
            lines.append(f"{margin}  label: {self._labels[node.index]}")
        return lines


def inputs_of(node: Node, nodes: list[Node]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What a node reads by `from`, and what its arguments name; for the second value of a call, the call's step."""
    op = node.op
    if op is None or op.follows:
        return (), ()
    reads = tuple(index - bool((source := nodes[index].op) and source.follows) for index in node.inputs)
    split = len(reads) - op.referred
    return reads[:split], reads[split:]


def _flows(node: Node) -> bool:
    """Whether the chain goes on from a node's value; a parameter stands beside the chain."""
    return node.op is not None and (node.op.merges or node.op.sources > 0) and not node.op.follows


def _note(scope: Scope) -> str:
    if scope.block is None or scope.step is None:
        return ""
    return f"  # {scope.block.name}, {scope.step.span.source.name}:{scope.step.span.line}"


def _arguments(op: Op, referred: dict[str, str]) -> str:
    """The arguments that differ from the op's defaults, in flow style."""
    values: dict[str, Any] = {}
    for name, field in type(op).model_fields.items():
        value = getattr(op, name)
        if name in referred:
            values[name] = referred[name]
        elif field.is_required() or value != field.get_default():
            values[name] = value.plain() if isinstance(value, Init) else value
    return flow(values)


def _reused(op: Op, label: str) -> str:
    """What `reuse` takes: the label of the step, and how it is transposed."""
    if not isinstance(op, TiedConvTranspose | TiedLinear):
        return label
    padding = op.output_padding if isinstance(op, TiedConvTranspose) else 0
    return flow({"step": label, "transposed": True, **({"output_padding": padding} if padding else {})})


def quoted(value: str) -> str:
    """Text as a quoted scalar."""
    return json.dumps(value, ensure_ascii=False)


def learning(graph: Graph) -> Iterator[str]:
    """What the network is trained for, where its outputs alone would not say."""
    main = next(output for output in graph.outputs if not output.training)
    if graph.task != ("segmentation" if graph.nodes[main.node].shape.rank else "classification"):
        yield f"task: {graph.task}"
    loss = {
        "ignore": graph.loss.ignore,
        "weights": graph.loss.weights,
        "label_smoothing": graph.loss.label_smoothing,
    }
    said = {name: value for name, value in loss.items() if value}
    if graph.loss.ignore == 0:
        said["ignore"] = 0
    if said:
        yield f"loss: {{cross_entropy: {flow(said)}}}"
