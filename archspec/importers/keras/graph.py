"""The calls of a model's layers in an order of execution, with nested models flattened.

Keras 3 records a call as arguments that contain tensors, Keras 2 as a list of tensors; a ``Sequential`` records none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from archspec.diagnostics import Fault, printable
from archspec.importers.keras.settings import Settings

DEEPEST = 12
MODELS = ("Functional", "Model", "Sequential")
OPERATIONS = "keras.src.ops."
"""The module of operations between tensors that are not layers: ``a + b``."""


@dataclass(slots=True, eq=False)
class Call:
    """One call of a layer."""

    settings: Settings
    kind: str
    module: str
    name: str
    """Its name, prefixed by those of the enclosing models."""
    reads: list[Any]
    """Values as :class:`Ref`, and plain numbers."""
    gives: int
    first: bool = True
    """Whether this is the layer's first call."""


@dataclass(slots=True, eq=False)
class Ref:
    """A value by its number."""

    value: int


@dataclass(slots=True, eq=False)
class Flat:
    """A flattened model."""

    calls: list[Call] = field(default_factory=list)
    inputs: list[tuple[int, str, tuple[int | None, ...]]] = field(default_factory=list)
    outputs: list[tuple[int, str]] = field(default_factory=list)
    count: int = 0
    shapes: dict[int, Any] = field(default_factory=dict)
    """By value, the shape that the layers that read it note; whatever the file has there."""

    def fresh(self) -> int:
        """The number of a new value."""
        self.count += 1
        return self.count - 1


def flat(config: dict[str, Any]) -> Flat:
    """A whole model, flattened; raises :class:`Fault`."""
    found = Flat()
    kind = config.get("class_name")
    if kind not in MODELS:
        said = f"there is nothing for a model of class `{printable(str(kind), 60)}`"
        raise Fault(
            "not-importable", said, None, "only functional and sequential models are stored as data; others are code"
        )
    found.outputs = [(value, name) for value, name in _model(found, config, "", None, 0)]
    return found


def _model(
    found: Flat, given: dict[str, Any], prefix: str, inputs: Sequence[int] | None, depth: int
) -> list[tuple[int, str]]:
    """The outputs of a model called on some values; the outermost model's inputs are those of the network."""
    if depth > DEEPEST:
        raise Fault("too-deep", f"models are nested more than {DEEPEST} deep")
    config = given.get("config")
    layers = config if isinstance(config, list) else config.get("layers") if isinstance(config, dict) else None
    if not isinstance(layers, list) or not all(isinstance(layer, dict) for layer in layers):
        raise Fault("file-syntax", f"the model `{printable(prefix or 'itself', 60)}` has no list of layers")
    if given.get("class_name") == "Sequential":
        return _sequential(found, config if isinstance(config, dict) else {}, layers, prefix, inputs, depth)
    assert isinstance(config, dict)
    return _functional(found, config, layers, prefix, inputs, depth)


def _sequential(
    found: Flat, config: dict[str, Any], layers: list[Any], prefix: str, inputs: Sequence[int] | None, depth: int
) -> list[tuple[int, str]]:
    named = [(_name(layer, prefix), layer) for layer in layers]
    if inputs is None:
        shape = next((shape for _, layer in named[:1] if (shape := _shape(layer)) is not None), None)
        shape = shape or _dims(config.get("build_input_shape"))
        if shape is None:
            raise Fault("bad-input", "the model has no input of its own", None, "give its size: --input 3x224x224")
        value = found.fresh()
        name = named[0][0] if named and named[0][1].get("class_name") == "InputLayer" else "image"
        found.inputs.append((value, name, shape))
        current = [value]
    else:
        current = list(inputs)
    last = "output"
    for name, layer in named:
        if layer.get("class_name") == "InputLayer":
            continue
        built = layer.get("build_config")
        if len(current) == 1 and isinstance(built, dict):
            found.shapes[current[0]] = built.get("input_shape")
        current = _call(found, layer, f"{prefix}{name}", [Ref(value) for value in current], True, depth)
        last = name
    return [(value, last) for value in current]


@dataclass(slots=True, eq=False)
class _Node:
    """One call recorded by a functional model."""

    layer: dict[str, Any]
    name: str
    index: int
    args: list[Any]


def _functional(
    found: Flat, config: dict[str, Any], layers: list[Any], prefix: str, inputs: Sequence[int] | None, depth: int
) -> list[tuple[int, str]]:
    nodes: list[_Node] = []
    values: dict[tuple[str, int, int], int] = {}
    shapes: dict[tuple[str, int, int], Any] = {}
    seen: set[str] = set()
    for layer in layers:
        name = _name(layer, prefix)
        if name in seen:
            raise Fault("not-importable", f"two layers are called `{printable(name, 60)}`")
        seen.add(name)
        if layer.get("class_name") == "InputLayer":
            continue
        calls = layer.get("inbound_nodes")
        if not isinstance(calls, list):
            raise Fault("file-syntax", f"`{printable(name, 60)}`: its calls are not a list")
        nodes += [_Node(layer, name, index, _arguments(call, name, shapes)) for index, call in enumerate(calls)]
    by_name = {_name(layer, prefix): layer for layer in layers}
    for at, (name, index, tensor) in enumerate(_keys(config.get("input_layers"), "input_layers")):
        if inputs is not None and at >= len(inputs):
            raise Fault("not-importable", f"the model `{printable(prefix, 60)}` is given too few inputs")
        value = found.fresh() if inputs is None else inputs[at]
        values[name, index, tensor] = value
        if inputs is None:
            shape = _shape(by_name.get(name, {}))
            if shape is None:
                raise Fault("bad-input", f"the input `{printable(name, 60)}` has no shape")
            found.inputs.append((value, name, shape))
    outputs = _keys(config.get("output_layers"), "output_layers")
    for node in _sorted(nodes, values, outputs):
        args = [Ref(values[arg]) if isinstance(arg, tuple) else arg for arg in node.args]
        given = _call(found, node.layer, f"{prefix}{node.name}", args, node.index == 0, depth)
        values |= {(node.name, node.index, tensor): value for tensor, value in enumerate(given)}
        for tensor, value in enumerate(given):
            found.shapes.setdefault(value, shapes.get((node.name, node.index, tensor)))
    for key in outputs:
        if key not in values:
            raise Fault("no-outputs", f"no layer makes the output `{printable(key[0], 60)}`")
    return [(values[key], key[0]) for key in outputs]


def _sorted(
    nodes: Sequence[_Node], known: dict[tuple[str, int, int], int], outputs: Sequence[tuple[str, int, int]]
) -> list[_Node]:
    """Calls in topological order, depth first: the calls that one input needs are consecutive.

    Keras itself lists calls by depth, which interleaves parallel branches.
    """
    places = {(node.name, node.index): at for at, node in enumerate(nodes)}
    makers: list[list[int]] = []
    for node in nodes:
        wanted = [arg for arg in node.args if isinstance(arg, tuple) and arg not in known]
        for name, index, _ in wanted:
            if (name, index) not in places:
                said = f"`{printable(node.name, 60)}` reads `{printable(name, 60)}`, which no layer gives"
                raise Fault("not-importable", said)
        makers.append([places[name, index] for name, index, _ in wanted])
    found: list[_Node] = []
    done, open_ = set[int](), set[int]()
    starts = [places[name, index] for name, index, _ in outputs if (name, index) in places]
    stack = [*reversed(range(len(nodes))), *reversed(starts)]
    while stack:
        at = stack[-1]
        waiting = [maker for maker in makers[at] if maker not in done] if at not in done else []
        if waiting and at in open_ and any(maker in open_ for maker in waiting):
            said = f"`{printable(nodes[at].name, 60)}` depends on its own output"
            raise Fault("not-importable", said)
        if waiting:
            open_.add(at)
            stack += reversed(waiting)
            continue
        stack.pop()
        if at not in done:
            done.add(at)
            found.append(nodes[at])
    return found


def _call(found: Flat, layer: dict[str, Any], name: str, args: list[Any], first: bool, depth: int) -> list[int]:
    kind, module = layer.get("class_name"), layer.get("module") or ""
    if kind in MODELS:
        inner = [arg.value for arg in args if isinstance(arg, Ref)]
        return [value for value, _ in _model(found, layer, f"{name}/", inner, depth + 1)]
    config = layer.get("config")
    if not isinstance(kind, str) or not isinstance(module, str) or not isinstance(config, dict):
        raise Fault("file-syntax", f"`{printable(name, 60)}` is not a layer with a class and a configuration")
    what = f"`{printable(name, 60)}` ({printable(kind, 40)})"
    value = found.fresh()
    found.calls.append(Call(Settings(config, what), kind, module, name, args, value, first))
    return [value]


# -- how calls are noted -----------------------------------------------------------------------------------------------


def _arguments(call: Any, name: str, shapes: dict[tuple[str, int, int], Any]) -> list[Any]:
    """The arguments of a call: tensors as (layer, call, tensor), and numbers; raises :class:`Fault`.

    The shapes that the call notes of tensors are added to ``shapes``.
    """
    if isinstance(call, dict):
        found = _walk(call.get("args", []), 0, shapes)
        if any(isinstance(one, tuple) for one in _walk(list((call.get("kwargs") or {}).values()), 0, shapes)):
            raise Fault("not-importable", f"`{printable(name, 60)}` gets a tensor by keyword, which is not supported")
        return found
    if not isinstance(call, list):
        raise Fault("file-syntax", f"`{printable(name, 60)}`: a call is neither a mapping nor a list")
    found = [_key(tensor, name) for tensor in call]
    for tensor in call:
        more = tensor[3] if len(tensor) > 3 else {}
        if isinstance(more, dict) and any(isinstance(value, list) for value in more.values()):
            raise Fault("not-importable", f"`{printable(name, 60)}` gets a tensor by keyword, which is not supported")
        if isinstance(more, dict):
            found += [value for key, value in more.items() if key == "y" and type(value) in (int, float)]
    return found


def _walk(value: Any, depth: int, shapes: dict[tuple[str, int, int], Any]) -> list[Any]:
    if depth > DEEPEST:
        raise Fault("too-deep", f"the arguments of a call are nested more than {DEEPEST} deep")
    if isinstance(value, list):
        return [one for each in value for one in _walk(each, depth + 1, shapes)]
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        config = value.get("config")
        config = config if isinstance(config, dict) else {}
        key = _key(config.get("keras_history"), "a call")
        shapes[key] = config.get("shape")
        return [key]
    return [] if value is None else [value]


def _key(found: Any, name: str) -> tuple[str, int, int]:
    """The key of a tensor: its layer's name, the index of the layer's call, the index of the call's output."""
    if isinstance(found, list) and len(found) >= 3:
        layer, index, tensor = found[:3]
        if isinstance(layer, str) and type(index) is int and type(tensor) is int:
            return layer, index, tensor
    raise Fault("file-syntax", f"`{printable(name, 60)}`: a tensor must be a list of a layer and two numbers")


def _keys(found: Any, what: str) -> list[tuple[str, int, int]]:
    """The keys of a model's inputs or outputs, which are recorded as one tensor, a list, or a mapping by name."""
    if isinstance(found, dict):
        found = list(found.values())
    if isinstance(found, list) and found and isinstance(found[0], str):
        found = [found]
    if not isinstance(found, list):
        raise Fault("file-syntax", f"`{what}` is not a list")
    return [_key(one, what) for one in found]


def _name(layer: dict[str, Any], prefix: str) -> str:
    config = layer.get("config")
    name = layer.get("name") or (config.get("name") if isinstance(config, dict) else None)
    if not isinstance(name, str):
        raise Fault("file-syntax", f"a layer of `{printable(prefix or 'the model', 60)}` has no name")
    return name


def _shape(layer: dict[str, Any]) -> tuple[int | None, ...] | None:
    config = layer.get("config")
    if not isinstance(config, dict):
        return None
    return _dims(config.get("batch_shape") or config.get("batch_input_shape"))


def _dims(found: Any) -> tuple[int | None, ...] | None:
    if not isinstance(found, list) or not 2 <= len(found) <= 8:
        return None
    if any(one is not None and (type(one) is not int or one < 1) for one in found):
        return None
    return tuple(found[1:])
