"""An ONNX file as plain records: nodes, tensors, inputs and outputs.

Subgraphs of control flow and local functions are not read.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from archspec.diagnostics import Fault, printable
from archspec.importers import protobuf
from archspec.importers.protobuf import BYTES, FLOAT, INT32, INT64, MESSAGE, OPTIONAL, REPEATED
from archspec.importers.tensors import read_bytes
from archspec.records import record

_MESSAGES: protobuf.Table = {
    "Entry": (("key", 1, OPTIONAL, BYTES, ""), ("value", 2, OPTIONAL, BYTES, "")),
    "Tensor": (
        ("dims", 1, REPEATED, INT64, ""),
        ("data_type", 2, OPTIONAL, INT32, ""),
        ("float_data", 4, REPEATED, BYTES, ""),
        ("int32_data", 5, REPEATED, INT32, ""),
        ("int64_data", 7, REPEATED, INT64, ""),
        ("name", 8, OPTIONAL, BYTES, ""),
        ("raw_data", 9, OPTIONAL, BYTES, ""),
        ("double_data", 10, REPEATED, BYTES, ""),
        ("external_data", 13, REPEATED, MESSAGE, "Entry"),
        ("data_location", 14, OPTIONAL, INT32, ""),
    ),
    "Attribute": (
        ("name", 1, OPTIONAL, BYTES, ""),
        ("f", 2, OPTIONAL, FLOAT, ""),
        ("i", 3, OPTIONAL, INT64, ""),
        ("s", 4, OPTIONAL, BYTES, ""),
        ("t", 5, OPTIONAL, MESSAGE, "Tensor"),
        ("floats", 7, REPEATED, FLOAT, ""),
        ("ints", 8, REPEATED, INT64, ""),
        ("strings", 9, REPEATED, BYTES, ""),
        ("type", 20, OPTIONAL, INT32, ""),
    ),
    "Node": (
        ("input", 1, REPEATED, BYTES, ""),
        ("output", 2, REPEATED, BYTES, ""),
        ("name", 3, OPTIONAL, BYTES, ""),
        ("op_type", 4, OPTIONAL, BYTES, ""),
        ("attribute", 5, REPEATED, MESSAGE, "Attribute"),
        ("domain", 7, OPTIONAL, BYTES, ""),
        ("metadata_props", 9, REPEATED, MESSAGE, "Entry"),
    ),
    "Dim": (("dim_value", 1, OPTIONAL, INT64, ""), ("dim_param", 2, OPTIONAL, BYTES, "")),
    "Shape": (("dim", 1, REPEATED, MESSAGE, "Dim"),),
    "TensorType": (("elem_type", 1, OPTIONAL, INT32, ""), ("shape", 2, OPTIONAL, MESSAGE, "Shape")),
    "Type": (("tensor_type", 1, OPTIONAL, MESSAGE, "TensorType"),),
    "Value": (("name", 1, OPTIONAL, BYTES, ""), ("type", 2, OPTIONAL, MESSAGE, "Type")),
    "Graph": (
        ("node", 1, REPEATED, MESSAGE, "Node"),
        ("name", 2, OPTIONAL, BYTES, ""),
        ("initializer", 5, REPEATED, MESSAGE, "Tensor"),
        ("input", 11, REPEATED, MESSAGE, "Value"),
        ("output", 12, REPEATED, MESSAGE, "Value"),
        ("value_info", 13, REPEATED, MESSAGE, "Value"),
        ("sparse_initializer", 15, REPEATED, MESSAGE, "Entry"),
    ),
    "Opset": (("domain", 1, OPTIONAL, BYTES, ""), ("version", 2, OPTIONAL, INT64, "")),
    "Model": (("graph", 7, OPTIONAL, MESSAGE, "Graph"), ("opset_import", 8, REPEATED, MESSAGE, "Opset")),
}
"""Name, number, label, type and nested message of the fields of ``onnx.proto`` that describe a network."""

OPSETS = range(7, 25)
"""The supported versions of the operator sets."""

MOST_NODES = 1_000_000
MOST_AXES = 8


@record
class Stored:
    """A tensor of the file, whose numbers are not decoded yet."""

    name: str
    dims: tuple[int, ...]
    message: Any


@dataclass(slots=True, eq=False)
class Node:
    """One node of the graph."""

    name: str
    op: str
    domain: str
    inputs: list[str]
    outputs: list[str]
    attributes: Mapping[str, Any]
    namespace: str = ""
    """The enclosing modules with their classes, as torch's exporter records them."""
    written: str = ""
    """The operator as the file has it, where a pattern has put one of ours in its place."""

    @property
    def shown(self) -> str:
        """Its name in diagnostics."""
        name = self.name or (self.outputs[0] if self.outputs else "")
        return f"`{printable(name, 80)}` ({printable(self.written or self.op, 40)})"


@record
class Input:
    """An input: its name and sizes; None for a size that the file leaves open."""

    name: str
    dims: tuple[int | None, ...]


@record
class Model:
    """A whole file."""

    name: str
    opset: int
    nodes: list[Node]
    stored: Mapping[str, Stored]
    inputs: list[Input]
    outputs: list[str]
    graph: Any

    def shapes(self) -> dict[str, tuple[int | str | None, ...]]:
        """The sizes that the file says of values: numbers, words that stand for one, None for what it leaves open."""
        found: dict[str, tuple[int | str | None, ...]] = {}
        for values in (self.graph.input, self.graph.value_info, self.graph.output):
            for value in values:
                kind = value.type.tensor_type
                if kind.HasField("shape") and len(kind.shape.dim) <= MOST_AXES:
                    found[text(value.name)] = tuple(map(_size, kind.shape.dim))
        return found


def _size(dim: Any) -> int | str | None:
    if dim.HasField("dim_value"):
        return dim.dim_value if dim.dim_value > 0 else None
    return text(dim.dim_param) or None


@cache
def message_classes() -> Mapping[str, Any]:
    """The messages as classes; raises :class:`Fault` if protobuf is not installed."""
    return protobuf.message_classes("onnx", _MESSAGES, "an .onnx file")


def read(path: Path) -> Model:
    """The model of a file; raises :class:`Fault`."""
    shown = printable(str(path))
    made = message_classes()["Model"]()
    content = read_bytes(path, protobuf.MOST_BYTES)
    if not protobuf.is_filled(made, content):
        raise Fault("unreadable-file", f"`{shown}` is not an ONNX file, or is broken")
    del content
    opsets = [opset.version for opset in made.opset_import if opset.domain in (b"", b"ai.onnx")]
    if not made.HasField("graph") or len(opsets) != 1:
        raise Fault("unreadable-file", f"`{shown}` has no graph, or does not state its opset")
    if opsets[0] not in OPSETS:
        said = f"`{shown}` is of opset {opsets[0]}; opsets {OPSETS[0]} to {OPSETS[-1]} are read"
        raise Fault("not-importable", said)
    graph = made.graph
    if len(graph.node) > MOST_NODES:
        raise Fault("too-large", f"`{shown}` has more than {MOST_NODES:,} nodes")
    if graph.sparse_initializer:
        raise Fault("not-importable", f"`{shown}` has sparse tensors")
    stored: dict[str, Stored] = {}
    for tensor in graph.initializer:
        name = text(tensor.name)
        if name in stored:
            raise Fault("unreadable-file", f"the tensor `{printable(name, 60)}` is given twice")
        stored[name] = stored_of(tensor, name)
    inputs = [_input(value) for value in graph.input if text(value.name) not in stored]
    outputs = [text(value.name) for value in graph.output]
    nodes = [node for node in map(_node, graph.node) if not _is_tensor(node, stored)]
    return Model(text(graph.name), opsets[0], nodes, stored, inputs, outputs, graph)


def _is_tensor(node: Node, stored: dict[str, Stored]) -> bool:
    """Whether a node only gives a tensor, which is then stored: a constant, or another name of a stored tensor."""
    found: Any = None
    if node.op == "Constant":
        found = node.attributes.get("value")
    elif node.op == "Identity" and len(node.inputs) == 1:
        found = stored.get(node.inputs[0])
    if not isinstance(found, Stored) or len(node.outputs) != 1 or node.outputs[0] in stored:
        return False
    stored[node.outputs[0]] = Stored(node.outputs[0], found.dims, found.message)
    return True


def stored_of(tensor: Any, name: str) -> Stored:
    """A tensor of the file from its message; raises :class:`Fault`."""
    dims = tuple(tensor.dims)
    if len(dims) > MOST_AXES or min(dims, default=0) < 0:
        raise Fault("unreadable-file", f"the tensor `{printable(name, 60)}` has an impossible shape")
    return Stored(name, dims, tensor)


def text(value: bytes) -> str:
    """A name as text, whatever its bytes."""
    return value.decode("utf-8", "replace")


def _input(value: Any) -> Input:
    name = text(value.name)
    if not value.type.HasField("tensor_type"):
        raise Fault("not-importable", f"the input `{printable(name, 60)}` is not a tensor")
    kind = value.type.tensor_type
    if kind.elem_type not in (1, 10, 11, 16):
        raise Fault("not-importable", f"the input `{printable(name, 60)}` does not hold floating-point numbers")
    if len(kind.shape.dim) > MOST_AXES:
        raise Fault("not-importable", f"the input `{printable(name, 60)}` has more than {MOST_AXES} axes")
    dims = (dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None for dim in kind.shape.dim)
    return Input(name, tuple(dims))


def _node(node: Any) -> Node:
    namespace = next((entry.value for entry in node.metadata_props if entry.key == b"namespace"), b"")
    attributes = {text(each.name): _attribute(each) for each in node.attribute}
    inputs, outputs = list(map(text, node.input)), list(map(text, node.output))
    return Node(text(node.name), text(node.op_type), text(node.domain), inputs, outputs, attributes, text(namespace))


def _attribute(given: Any) -> Any:
    kind = given.type
    if kind == 1 or (not kind and given.HasField("f")):
        return short(given.f)
    if kind == 2 or (not kind and given.HasField("i")):
        return given.i
    if kind == 3 or (not kind and given.HasField("s")):
        return text(given.s)
    if kind == 4 or (not kind and given.HasField("t")):
        return stored_of(given.t, text(given.t.name))
    if kind == 6 or (not kind and given.floats):
        return [short(value) for value in given.floats]
    if kind == 7 or (not kind and given.ints):
        return list(given.ints)
    if kind == 8 or (not kind and given.strings):
        return list(map(text, given.strings))
    return None


def short(value: float) -> float:
    """The shortest decimal number that rounds to a 32-bit float: 1e-05 for 9.99999974737875e-06."""
    near = float(f"{value:.7g}")
    try:
        return near if struct.pack("f", near) == struct.pack("f", value) else value
    except OverflowError:
        return value
