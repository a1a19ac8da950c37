"""The inputs of a network: bind parameters, read shapes, evaluate ``let``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archspec.diagnostics import Fault, Span, printable
from archspec.elaborate.binding import bind
from archspec.elaborate.builder import Builder
from archspec.elaborate.places import check_name
from archspec.elaborate.values import evaluate
from archspec.graph import Scope
from archspec.ops import Shape, ShapeError
from archspec.schema import IDENTIFIER, BlockDefinition, SpecFile
from archspec.sizes import Dim, symbol
from archspec.syntax import Items
from archspec.syntax import Node as YamlNode


def bind_inputs(
    builder: Builder,
    definition: BlockDefinition,
    given: dict[str, tuple[Any, Span]],
    root: Scope,
    inputs: dict[str, int],
    keys: Mapping[str, Span],
) -> dict[str, Any]:
    """Bind parameters, then make the inputs (whose channels may use them), then ``let`` (which may use the inputs)."""
    model = definition.model
    declared = model.inputs
    if not declared:
        raise Fault(
            "no-inputs",
            "a network must declare its inputs, and this spec has no `inputs`",
            definition.steps[0].what_span if definition.steps else definition.span.part(0, 1),
            "write `inputs: {image: [3, H, W]}`; a spec without inputs is a block",
        )
    bare = BlockDefinition(definition.name, model.model_copy(update={"let": {}}), definition.file, definition.span, ())
    values = bind(bare, given, definition.span.part(0, 1), builder.diagnostics, root, {}, keys)
    for name, node in declared.items():
        span = node.span
        check_name(name, span)
        if name in values:
            raise Fault("name-twice", f"`{name}` is both a parameter and an input", span)
        index = builder.nodes.input(name, _shape(name, node, values, definition.file), root, span).index
        inputs[name] = index
    if not model.let:
        return values
    records = builder.records(inputs)
    return bind(definition, given, definition.span.part(0, 1), builder.diagnostics, root, records)


def _shape(name: str, node: YamlNode, values: Mapping[str, Any], file: SpecFile) -> Shape:
    """The shape of an input: channels, then spatial sizes that are numbers or symbols.  Raises Fault."""
    if not isinstance(node, Items) or not node.items:
        raise Fault(
            "bad-input", f"input `{name}` has no shape", node.span, f"write `{name}: [3, H, W]`, channels first"
        )
    dims: list[Dim] = []
    for position, item in enumerate(node.items):
        value = evaluate(item, values, file)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if (
            isinstance(value, str)
            and IDENTIFIER.match(value)
            and len(value) <= 20
            and value not in ("input", "previous")
        ):
            if position == 0:
                raise Fault(
                    "bad-input",
                    f"the channels of input `{name}` must be a number",
                    item.span,
                    "channels come first: [3, H, W]",
                )
            dims.append(symbol(str(value)))
        elif isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 10_000_000:
            dims.append(value)
        else:
            raise Fault(
                "bad-input",
                f"`{printable(str(value), 40)}` is not a valid input size",
                item.span,
                "write a number, or a symbol such as H",
            )
    try:
        return Shape.of(*dims)
    except ShapeError as error:
        raise Fault("bad-input", f"input `{name}`: {error}", node.span) from None
