"""The outputs of a network or block: ``outputs``, or its last step."""

from __future__ import annotations

import keyword

from archspec import expressions
from archspec.diagnostics import Fault, did_you_mean, printable
from archspec.elaborate.builder import Builder
from archspec.elaborate.places import OUTSIDE, UNKNOWN, Place
from archspec.elaborate.values import evaluate
from archspec.graph import Output
from archspec.schema import IDENTIFIER, BlockDefinition
from archspec.syntax import Mapping as YamlMapping
from archspec.syntax import Node as YamlNode
from archspec.syntax import Scalar


def outputs_of(builder: Builder, definition: BlockDefinition, place: Place, last: int) -> tuple[Output, ...]:
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
            "no-outputs",
            "every output is for training only",
            outputs[0].span,
            "at least one output must exist outside training",
        )
    return tuple(outputs)


def _output(builder: Builder, name: str, node: YamlNode, place: Place, last: int) -> Output | None:
    if not IDENTIFIER.match(name) or keyword.iskeyword(name) or name.startswith("_") or name in ("count", "index"):
        raise Fault("bad-name", f"`{printable(name)}` is not a valid output name", node.span)
    names = builder.names(place, OUTSIDE, last)
    fields: dict[str, YamlNode] = {"from": node}
    if isinstance(node, YamlMapping):
        fields = {str(key.text): value for key, value in node.entries}
        known = ("from", "training", "loss_weight", "when")
        for key, _ in node.entries:
            if key.text not in known:
                raise Fault(
                    "unknown-key",
                    f"an output has no key `{printable(key.text)}`",
                    key.span,
                    did_you_mean(str(key.text), known),
                )
    source = fields.get("from")
    if not isinstance(source, Scalar) or not isinstance(source.value, str):
        raise Fault("bad-from", f"output `{name}` does not name a step", (source or node).span, f"write `{name}: step`")
    when = fields.get("when")
    if when is not None:
        wanted = when.value if isinstance(when, Scalar) else None
        if isinstance(wanted, str):
            bare = wanted[2:-1] if wanted.startswith("$(") and wanted.endswith(")") else wanted.removeprefix("$")
            wanted = expressions.evaluate(expressions.parse(bare, when.span), names, place.use.file.work)
        if not isinstance(wanted, bool):
            raise Fault("not-a-condition", "`when` must be true or false", when.span)
        if not wanted:
            return None
    training = evaluate(fields["training"], names, place.use.file) if "training" in fields else False
    if not isinstance(training, bool):
        raise Fault("wrong-type", "`training` must be true or false", fields["training"].span)
    weight = evaluate(fields["loss_weight"], names, place.use.file) if "loss_weight" in fields else 1.0
    if isinstance(weight, bool) or not isinstance(weight, (int, float)):
        raise Fault("wrong-type", "`loss_weight` must be a number", fields["loss_weight"].span)
    path = str(evaluate(source, names, place.use.file))
    entry = place.find(path, source.span, last)
    return Output(name, entry.value, training, float(weight), node.span)


def block_output(builder: Builder, definition: BlockDefinition, place: Place, last: int) -> int:
    """The value of a block with named outputs: the first that is not for training only; all can be read by name."""
    main = UNKNOWN
    for output in outputs_of(builder, definition, place, last):
        if not output.training and main == UNKNOWN:
            main = output.node
    return main
