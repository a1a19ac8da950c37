"""The shape of a spec file: which keys there are and what each may hold.

pydantic checks the outer structure and its errors become diagnostics at the line they speak of.  Values that may hold
expressions stay located YAML nodes; only elaboration, which knows ops and blocks, can say whether they fit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from archspec import expressions
from archspec.diagnostics import Diagnostics, Fault, Span, did_you_mean, printable
from archspec.expressions import Clause, Expression, Interpolation
from archspec.source import Items, Mapping, Node, Scalar

LANGUAGE_VERSION = 1

STEP_KEYS = frozenset({"from", "when", "repeat", "for", "label", "aside", "init"})
"""What may stand beside the one key that says what a step does."""

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_AS = re.compile(r"(?P<what>.*?)(?:\s+as\s+(?P<name>.*))?\Z", re.DOTALL)

Located = Annotated[Any, Field(description="any value; may hold expressions")]


def _word(value: Any) -> Any:
    return value.value if isinstance(value, Scalar) else value


def _names_to_nodes(value: Any) -> Any:
    """A mapping as a dict of located nodes; a bare null is an empty one."""
    if isinstance(value, Mapping):
        return {str(key.text): node for key, node in value.entries}
    if isinstance(value, Scalar) and value.value is None:
        return {}
    return value


def _list_of_nodes(value: Any) -> Any:
    return list(value.items) if isinstance(value, Items) else value


Word = Annotated[str, BeforeValidator(_word), Field(strict=True)]
Whole = Annotated[int, BeforeValidator(_word), Field(strict=True)]
Nodes = Annotated[dict[str, Any], BeforeValidator(_names_to_nodes)]
NodeList = Annotated[list[Any], BeforeValidator(_list_of_nodes)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, frozen=True, populate_by_name=True)


class BlockModel(_Model):
    """A block: parameters and inputs to outputs, as a list of steps."""

    doc: Word | None = Field(None, description="What the block is, in one line.")
    params: Nodes = Field(
        default_factory=dict, description="Parameters: a value is a default, no value means required."
    )
    let: Nodes = Field(default_factory=dict, description="Derived values, evaluated in order.")
    inputs: Nodes | None = Field(None, description="Names of the inputs, when there are several.")
    steps: NodeList = Field(description="What is applied, in order.")
    outputs: Nodes | None = Field(None, description="Named outputs; without it the last step is the output.")
    example: Located = Field(None, description="A use of the block and its input shape, run by the tests.")
    source: Word | None = Field(None, description="Address of the paper.")


class SpecModel(_Model):
    """A spec file: a network or a block of its own, and the blocks it is written with."""

    archspec: Literal[1] = Field(description="Language version.")
    name: Word | None = Field(None, description="Name of the network; the emitted class is called so.")
    doc: Word | None = Field(None, description="What the network is, in a line or two.")
    source: Word | None = Field(None, description="Address of the paper.")
    task: Word | None = Field(None, description="classification or segmentation.")
    loss: Located = Field(None, description="The loss, when it is not the task's own.")
    extends: Located = Field(None, description="The spec this one is a variant of.")
    imports: Located = Field(None, alias="import", description="Specs and block files to use here.")
    rewrite: NodeList = Field(default_factory=list, description="Rewrites applied to the extended spec, in order.")
    params: Nodes = Field(
        default_factory=dict, description="Parameters: a value is a default, no value means required."
    )
    let: Nodes = Field(default_factory=dict, description="Derived values, evaluated in order.")
    inputs: Nodes | None = Field(None, description="Inputs and their shapes, channels first: image: [3, H, W].")
    sizes: Nodes = Field(default_factory=dict, description="The number a symbol stands for where one is wanted.")
    defaults: Nodes = Field(
        default_factory=dict, description="Arguments that every use of an op in this file starts from."
    )
    blocks: Nodes = Field(default_factory=dict, description="Blocks of this file.")
    steps: NodeList | None = Field(None, description="What is applied, in order.")
    outputs: Nodes | None = Field(None, description="Named outputs; without it the last step is the output.")
    expect: Nodes = Field(default_factory=dict, description="Claims that `archspec check` holds the network to.")
    example: Located = Field(None, description="A use of the block and its input shape, run by the tests.")


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One step as written: what it applies, its name, its arguments and what stands beside it."""

    what: str
    """Op, block, ``$param``, ``sequence`` or ``steps``."""
    what_span: Span
    name: str | Interpolation | Expression | None
    name_span: Span | None
    body: Node | None
    """Arguments (a mapping), branches or steps (a list); None for a bare step."""
    span: Span
    reads: Node | None = None
    """``from``: a name, or a list of them."""
    when: Expression | bool | None = None
    clauses: tuple[Clause, ...] = ()
    repeat: Node | None = None
    label: str | Interpolation | Expression | None = None
    label_span: Span | None = None
    aside: bool = False
    init: Node | None = None
    steps: tuple[Step, ...] | None = None
    """The parsed body of ``sequence`` and ``steps``, which can be nothing else."""

    def argument(self, name: str) -> Node | None:
        """An argument as written, or None."""
        return self.body.get(name) if isinstance(self.body, Mapping) else None


@dataclass(slots=True, eq=False)
class BlockDefinition:
    """A block, or a whole spec seen as one."""

    name: str
    model: BlockModel | SpecModel
    file: SpecFile
    span: Span
    steps: tuple[Step, ...]
    uses: set[str] = field(default_factory=set)
    """Parameters and ``let`` names some use has read; what is left over is warned of."""


@dataclass(slots=True, eq=False)
class SpecFile:
    """A parsed file: its model, its blocks, and the located mapping it came from."""

    key: str
    """What identifies the file: its resolved path."""
    shown: str
    """How users know it."""
    model: SpecModel
    node: Mapping
    folder: Any
    blocks: dict[str, BlockDefinition] = field(default_factory=dict)
    whole: BlockDefinition | None = None
    used_blocks: set[str] = field(default_factory=set)
    imports: dict[str, Any] = field(default_factory=dict)
    templates: dict[int, Any] = field(default_factory=dict)
    """Parsed expressions by the identity of their scalar, which lives as long as the file."""


def parse_file(node: Node, key: str, shown: str, folder: Any, diagnostics: Diagnostics) -> SpecFile | None:
    """A located file as a :class:`SpecFile`; None, with diagnostics added, where its structure is wrong."""
    if not isinstance(node, Mapping):
        diagnostics.error(
            "structure", "a spec is a mapping that begins with `archspec: 1`", node.span, "see `archspec schema`"
        )
        return None
    version = node.get("archspec")
    if version is None:
        diagnostics.error(
            "missing-key",
            "the file does not say which language version it is written in",
            node.span.part(0, 1),
            "begin it with `archspec: 1`",
        )
    elif not (isinstance(version, Scalar) and version.value == LANGUAGE_VERSION and version.value is not True):
        diagnostics.error("language-version", "this archspec reads language version 1 only", version.span)
        return None
    model = _validate(SpecModel, node, diagnostics, {"archspec": 1})
    if model is None:
        return None
    file = SpecFile(key, shown, model, node, folder)
    for name, body in model.blocks.items():
        block = _parse_block(name, body, node, file, diagnostics)
        if block is not None:
            file.blocks[name] = block
    name = model.name or re.sub(r"\W", "_", str(shown).rsplit("/", 1)[-1].removesuffix(".yaml"))
    if model.name is not None and not re.match(r"[A-Za-z][A-Za-z0-9_ .+-]{0,79}\Z", model.name):
        diagnostics.error(
            "bad-name",
            f"`{printable(model.name)}` is no name for a network",
            _span_of(node, ("name",)),
            "a letter, then letters, digits, `_`, `-`, `.` or spaces",
        )
        return None
    if model.steps is not None:
        steps = parse_steps(model.steps, diagnostics)
        file.whole = BlockDefinition(name, model, file, node.span, steps)
    elif model.extends is None and not model.blocks and model.imports is None:
        diagnostics.error(
            "missing-key", "the file has neither `steps` nor `extends` nor `blocks`", node.span.part(0, 1)
        )
        return None
    return file


def _parse_block(
    name: str, body: Node, node: Mapping, file: SpecFile, diagnostics: Diagnostics
) -> BlockDefinition | None:
    blocks = node.get("blocks")
    key = blocks.key(name) if isinstance(blocks, Mapping) else None
    span = key.span if key is not None else body.span
    if not IDENTIFIER.match(name):
        diagnostics.error("bad-name", f"`{printable(name)}` is no name for a block", span, "letters, digits and `_`")
        return None
    if isinstance(body, Items):
        return BlockDefinition(
            name, BlockModel.model_construct(steps=list(body.items)), file, span, parse_steps(body.items, diagnostics)
        )
    if not isinstance(body, Mapping):
        diagnostics.error("structure", f"block `{name}` is neither a mapping nor a list of steps", body.span)
        return None
    model = _validate(BlockModel, body, diagnostics)
    if model is None:
        return None
    return BlockDefinition(name, model, file, span, parse_steps(model.steps, diagnostics))


def _validate(
    kind: type[Any], node: Mapping, diagnostics: Diagnostics, known: dict[str, Any] | None = None
) -> Any | None:
    """A model over a located mapping, or None with a diagnostic for each thing wrong with it."""
    data: dict[str, Any] = {str(key.text): value for key, value in node.entries}
    try:
        return kind.model_validate(data | (known or {}))
    except ValidationError as failure:
        for error in failure.errors(include_url=False):
            _report(kind, node, error, diagnostics)
    return None


_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "dict_type": "a mapping of names",
    "list_type": "a list",
    "bool_type": "true or false",
}


def _report(kind: type[BaseModel], node: Mapping, error: Any, diagnostics: Diagnostics) -> None:
    loc = tuple(error["loc"])
    name = str(loc[0]) if loc else ""
    keys = {info.alias or field_name for field_name, info in kind.model_fields.items()}
    if error["type"] == "extra_forbidden":
        key = node.key(name)
        diagnostics.error(
            "unknown-key",
            f"`{printable(name)}` is no key of {'a spec' if kind is SpecModel else 'a block'}",
            key.span if key else node.span,
            did_you_mean(name, keys) or f"the keys are {', '.join(sorted(keys))}",
        )
    elif error["type"] == "missing":
        diagnostics.error("missing-key", f"`{name}` is missing", node.span.part(0, 1))
    else:
        expected = _EXPECTED.get(error["type"], "something else")
        diagnostics.error("wrong-type", f"`{name}` should be {expected}", _span_of(node, loc))


def _span_of(node: Node, loc: tuple[Any, ...]) -> Span:
    """The span of what a pydantic error location speaks of, or of the nearest thing around it."""
    for part in loc:
        inner = node.get(str(part)) if isinstance(node, Mapping) else None
        if isinstance(node, Items) and isinstance(part, int) and part < len(node.items):
            inner = node.items[part]
        if inner is None:
            break
        node = inner
    return node.span


def parse_steps(nodes: Any, diagnostics: Diagnostics) -> tuple[Step, ...]:
    """Steps of a list of located nodes; a step that is wrong is reported and left out."""
    steps = []
    for node in nodes:
        try:
            steps.append(parse_step(node, diagnostics))
        except Fault as fault:
            diagnostics.add(fault.diagnostic)
    return tuple(steps)


def parse_step(node: Node, diagnostics: Diagnostics) -> Step:
    """One step.  Raises :class:`Fault` when it is none; faults in nested steps are collected instead."""
    if isinstance(node, Scalar):
        if not isinstance(node.value, str):
            raise Fault("not-a-step", f"a step is an op or a block, not `{printable(node.text)}`", node.span)
        what, name, name_span = _as(node)
        return Step(what, _what_span(node, what), name, name_span, None, node.span)
    if isinstance(node, Items):
        raise Fault(
            "not-a-step",
            "a list stands where one step is wanted",
            node.span,
            "group steps with `steps:` or `sequence:`",
        )
    calls = [(key, value) for key, value in node.entries if str(key.text) not in STEP_KEYS]
    if not calls:
        raise Fault("not-a-step", "the step says nothing to apply", node.span, "name an op or a block")
    if len(calls) > 1:
        second = calls[1][0]
        raise Fault(
            "several-calls",
            f"the step applies both `{printable(calls[0][0].text)}` and `{printable(second.text)}`",
            second.span,
            did_you_mean(str(second.text), STEP_KEYS)
            or "arguments are indented below the op; beside it may stand only " + ", ".join(sorted(STEP_KEYS)),
        )
    key, value = calls[0]
    if not isinstance(key.value, str):
        raise Fault("not-a-step", f"a step is an op or a block, not `{printable(key.text)}`", key.span)
    what, name, name_span = _as(key)
    body = None if isinstance(value, Scalar) and value.value is None else value
    if what in ("sequence", "steps") and not isinstance(body, Items):
        if body is None:
            raise Fault("empty-steps", f"`{what}` has no steps", key.span, "write `[]` for none")
        raise Fault("wrong-type", f"`{what}` takes a list of steps", value.span)
    inner = parse_steps(body.items, diagnostics) if what in ("sequence", "steps") and isinstance(body, Items) else None
    return Step(
        what,
        _what_span(key, what),
        name,
        name_span,
        body,
        key.span,
        reads=_reads(node),
        when=_when(node),
        clauses=_clauses(node),
        repeat=node.get("repeat"),
        label=_label(node),
        label_span=_value_span(node, "label"),
        aside=_aside(node),
        init=node.get("init"),
        steps=inner,
    )


def _what_span(key: Scalar, what: str) -> Span:
    return key.span.part(0, len(what)) if key.plain else key.span


def _as(key: Scalar) -> tuple[str, str | Interpolation | Expression | None, Span]:
    """What and name of ``conv as conv1``, and where the name stands."""
    text = str(key.value)
    match = _AS.match(text)
    if match is None:
        raise Fault("not-a-step", "a step is `op` or `op as name`", key.span)
    what, name = match["what"], match["name"]
    if name is None:
        return what, None, key.span
    if not name.strip():
        raise Fault("bad-name", "nothing stands after `as`", key.span)
    span = key.span.part(match.start("name"), match.end("name")) if key.plain else key.span
    return what, _template(name, span, key.plain), span


def _template(text: str, span: Span, plain: bool) -> str | Interpolation | Expression:
    """Text that may hold expressions."""
    return expressions.template(Scalar(text, text, span, plain)) or text.replace("$$", "$")


def _reads(node: Mapping) -> Node | None:
    reads = node.get("from")
    if reads is None:
        return None
    items = reads.items if isinstance(reads, Items) else (reads,)
    for item in items:
        if not (isinstance(item, Scalar) and isinstance(item.value, str)):
            hint = "steps are named, never counted" if isinstance(item, Scalar) else None
            raise Fault("bad-from", "`from` is the name of a step, or a list of names", item.span, hint)
    if not items:
        raise Fault("bad-from", "`from` names nothing", reads.span)
    return reads


def _when(node: Mapping) -> Expression | bool | None:
    when = node.get("when")
    if when is None:
        return None
    if isinstance(when, Scalar) and isinstance(when.value, bool):
        return when.value
    if not isinstance(when, Scalar) or not isinstance(when.value, str):
        hint = "compare it with something: `n > 0`"
        raise Fault("not-a-condition", "`when` is an expression that is true or false", when.span, hint)
    return _bare(when)


def _bare(scalar: Scalar) -> Expression:
    """An expression written without ``$``; one written with it all the same is understood."""
    found = expressions.template(scalar)
    if isinstance(found, Expression):
        return found
    return expressions.parse(str(scalar.value), scalar.span)


def _clauses(node: Mapping) -> tuple[Clause, ...]:
    loop = node.get("for")
    if loop is None:
        return ()
    if not isinstance(loop, Scalar) or not isinstance(loop.value, str):
        raise Fault("wrong-type", "`for` is a clause such as `i in range(4)`", loop.span)
    return (expressions.parse_clause(loop.value, loop.span),)


def _label(node: Mapping) -> str | Interpolation | Expression | None:
    label = node.get("label")
    if label is None:
        return None
    if not isinstance(label, Scalar) or not isinstance(label.value, str):
        raise Fault("wrong-type", "`label` is a name", label.span)
    return _template(label.value, label.span, label.plain)


def _value_span(node: Mapping, name: str) -> Span | None:
    value = node.get(name)
    return value.span if value is not None else None


def _aside(node: Mapping) -> bool:
    aside = node.get("aside")
    if aside is None:
        return False
    if not isinstance(aside, Scalar) or not isinstance(aside.value, bool):
        raise Fault("wrong-type", "`aside` is true or false", aside.span)
    return aside.value
