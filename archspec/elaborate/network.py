"""The network around the steps: its inputs and sizes, its outputs, and what of it runs when."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from archspec import expressions
from archspec.diagnostics import Fault, Span, did_you_mean, printable
from archspec.elaborate import learning, unused
from archspec.elaborate.blocks import overlay_keys, variant_overlay
from archspec.elaborate.loader import Variant
from archspec.elaborate.nodes import Excess
from archspec.elaborate.places import OUTSIDE, UNKNOWN, Place, Use, check_name
from archspec.elaborate.values import Text, UnknownValue, bind, evaluate
from archspec.graph import Graph, Output, Scope
from archspec.ops import Shape, ShapeError
from archspec.schema import IDENTIFIER, BlockDefinition, SpecFile
from archspec.sizes import Dim, symbol, symbols
from archspec.source import Items, Scalar
from archspec.source import Mapping as YamlMapping
from archspec.source import Node as YamlNode

if TYPE_CHECKING:
    from archspec.elaborate.builder import Builder


def build(
    builder: Builder, variant: Variant, overrides: Mapping[str, tuple[Any, Span]], sizes: Mapping[str, int]
) -> Graph | None:
    """The graph of a variant, or None with diagnostics added."""
    definition = variant.definition
    diagnostics = builder.diagnostics
    file = definition.file
    root = Scope("network", "", "", None, definition)
    graph: Graph | None = None
    try:
        given = variant_overlay(variant)
        keys = overlay_keys(variant) | {name: span for name, (_, span) in overrides.items()}
        given |= {name: (_text(value, variant), span) for name, (value, span) in overrides.items()}
        numbers = {name: number for name, (number, _) in variant.sizes.items()} | dict(sizes)
        builder.nodes.set_sizes(numbers)
        inputs: dict[str, int] = {}
        first = _bind_inputs(builder, definition, given, root, inputs, keys)
        known = {name for node in builder.nodes.all for dim in node.shape.dims for name in symbols(dim)}
        for name in numbers.keys() - known:
            span = variant.sizes[name][1] if name in variant.sizes else None
            hint = did_you_mean(name, known) or f"its symbols are {', '.join(sorted(known)) or 'none'}"
            diagnostics.error("unknown-size", f"no input has a size called `{printable(name)}`", span, hint)
        root.values = first
        records = {name: builder.record(index) for name, index in inputs.items()}
        records["input"] = builder.record(next(iter(inputs.values())))
        use = Use(definition, file, dict(first), inputs, first, 0, records=records)
        place = Place(root, use, None, modules=False)
        root.inputs = tuple(inputs.values())
        last = builder.steps(definition.steps, place, OUTSIDE, next(iter(inputs.values())))
        root.output = last
        outputs = _outputs(builder, definition, place, last)
        if UNKNOWN not in {output.node for output in outputs} and not diagnostics.errors:
            graph = Graph(
                variant.name, root, builder.nodes.all, inputs, outputs, numbers, variant.source, builder.nodes.pins
            )
            shape = graph.nodes[learning.main_output(outputs).node].shape
            speaks = variant.speaks("loss")
            graph.task, graph.loss = learning.task(variant.speaks("task"), shape), learning.loss(speaks, first, shape)
            graph.chain, graph.parts = variant.chain, tuple(builder.parts)
            outermost = variant.outermost or file
            graph.doc, graph.spec = outermost.model.doc or file.model.doc, variant.shown
    except Fault as fault:
        diagnostics.add(fault.diagnostic)
    except Excess as excess:
        diagnostics.add(excess.fault.diagnostic)
    except UnknownValue:
        pass
    if graph is None:
        return None
    graph.connect()
    unused.warn(builder, file, graph)
    return graph


def _text(value: Any, variant: Variant) -> Any:
    if isinstance(value, str) and not isinstance(value, Text):
        return Text(value, variant.outermost)
    if isinstance(value, (list, tuple)):
        return [_text(item, variant) for item in value]
    if isinstance(value, dict):
        return {_text(key, variant): _text(item, variant) for key, item in value.items()}
    return value


def _bind_inputs(
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
            "a network says what it takes, and this spec has no `inputs`",
            definition.steps[0].what_span if definition.steps else definition.span.part(0, 1),
            "write `inputs: {image: [3, H, W]}`; a spec without inputs is a block",
        )
    bare = BlockDefinition(definition.name, model.model_copy(update={"let": {}}), definition.file, definition.span, ())
    values = bind(bare, given, definition.span.part(0, 1), builder.diagnostics, root, {}, keys)
    for name, node in declared.items():
        span = node.span
        check_name(name, span)
        if name in values:
            raise Fault("name-twice", f"`{name}` is a parameter and an input at once", span)
        index = builder.nodes.input(name, _shape(name, node, values, definition.file), root, span).index
        inputs[name] = index
    if not model.let:
        return values
    records = {name: builder.record(index) for name, index in inputs.items()}
    records["input"] = builder.record(next(iter(inputs.values())))
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
                    f"the channels of input `{name}` are a number",
                    item.span,
                    "channels come first: [3, H, W]",
                )
            dims.append(symbol(str(value)))
        elif isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 10_000_000:
            dims.append(value)
        else:
            raise Fault(
                "bad-input",
                f"`{printable(str(value), 40)}` is no size of an input",
                item.span,
                "a number, or a symbol such as H",
            )
    try:
        return Shape.of(*dims)
    except ShapeError as error:
        raise Fault("bad-input", f"input `{name}`: {error}", node.span) from None


# -- outputs -----------------------------------------------------------------------------------------------------------


def _outputs(builder: Builder, definition: BlockDefinition, place: Place, last: int) -> tuple[Output, ...]:
    declared = definition.model.outputs
    if not declared:
        return (Output("output", last),)
    outputs: list[Output] = []
    failed = False
    for name, node in declared.items():
        try:
            output = _output(builder, name, node, place, last)
        except Fault as fault:
            failed = True
            builder.report(fault, place, node.span)
            continue
        if output is not None:
            outputs.append(output)
    if failed:
        return (Output("output", UNKNOWN),)
    if not outputs:
        builder.diagnostics.error("no-outputs", "the network has no output", next(iter(declared.values())).span)
        return (Output("output", UNKNOWN),)
    if all(output.training for output in outputs):
        builder.diagnostics.error(
            "no-outputs", "every output is for training only", outputs[0].span, "one output must be there in evaluation"
        )
    return tuple(outputs)


def _output(builder: Builder, name: str, node: YamlNode, place: Place, last: int) -> Output | None:
    if not IDENTIFIER.match(name) or keyword.iskeyword(name) or name.startswith("_") or name in ("count", "index"):
        raise Fault("bad-name", f"`{printable(name)}` is no name for an output", node.span)
    names = builder.names(place, OUTSIDE, last)
    fields: dict[str, YamlNode] = {"from": node}
    if isinstance(node, YamlMapping):
        fields = {str(key.text): value for key, value in node.entries}
        known = ("from", "training", "loss_weight", "when")
        for key, _ in node.entries:
            if key.text not in known:
                raise Fault(
                    "unknown-key",
                    f"`{printable(key.text)}` is no key of an output",
                    key.span,
                    did_you_mean(str(key.text), known),
                )
    source = fields.get("from")
    if not isinstance(source, Scalar) or not isinstance(source.value, str):
        raise Fault("bad-from", f"output `{name}` names no step", (source or node).span, f"write `{name}: step`")
    when = fields.get("when")
    if when is not None:
        wanted = when.value if isinstance(when, Scalar) else None
        if isinstance(wanted, str):
            bare = wanted[2:-1] if wanted.startswith("$(") and wanted.endswith(")") else wanted.removeprefix("$")
            wanted = expressions.evaluate(expressions.parse(bare, when.span), names)
        if not isinstance(wanted, bool):
            raise Fault("not-a-condition", "`when` is true or false", when.span)
        if not wanted:
            return None
    training = evaluate(fields["training"], names, place.use.file) if "training" in fields else False
    if not isinstance(training, bool):
        raise Fault("wrong-type", "`training` is true or false", fields["training"].span)
    weight = evaluate(fields["loss_weight"], names, place.use.file) if "loss_weight" in fields else 1.0
    if isinstance(weight, bool) or not isinstance(weight, (int, float)):
        raise Fault("wrong-type", "`loss_weight` is a number", fields["loss_weight"].span)
    path = str(evaluate(source, names, place.use.file))
    entry = place.find(path, source.span, last)
    return Output(name, entry.value, training, float(weight), node.span)


def block_output(builder: Builder, definition: BlockDefinition, place: Place, last: int) -> int:
    """The value of a use of a block that names outputs: the first that is not for training only; all can be tapped."""
    main = UNKNOWN
    for output in _outputs(builder, definition, place, last):
        if not output.training and main == UNKNOWN:
            main = output.node
    return main
