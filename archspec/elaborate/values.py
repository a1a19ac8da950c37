"""From located YAML to values: evaluate expressions, bind parameters, check types."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from archspec import expressions, vocabulary
from archspec.diagnostics import Diagnostics, Fault, Span, printable
from archspec.expressions import Expression, Record, Work
from archspec.graph import Scope
from archspec.ops import Shape
from archspec.schema import IDENTIFIER, STEP_KEYS, BlockDefinition, SpecFile, Step
from archspec.source import Items, Node, Scalar
from archspec.source import Mapping as YamlMapping

RESERVED = frozenset({"input", "previous"})


class Text(str):
    """Text from a spec that remembers its file, so that a block name is looked up in the file where it was written."""

    file: SpecFile | None

    def __new__(cls, value: str, file: SpecFile | None) -> Text:
        text = super().__new__(cls, value)
        text.file = file
        return text


class TensorRecord(Record):
    """The attributes of a tensor in an expression: ``input.channels`` and ``input.size``."""

    def __init__(self, shape: Shape | None, size: Callable[[Shape], list[int]]) -> None:
        self._shape = shape
        self._size = size

    def attribute(self, name: str) -> object:
        if self._shape is None:
            raise UnknownValue
        if name == "channels":
            return self._shape.channels
        if name == "size":
            return self._size(self._shape)
        raise KeyError(name)

    def attribute_names(self) -> tuple[str, ...]:
        return ("channels", "size")


class UnknownValue(Exception):
    """A value depends on a step that failed; everything that depends on it is skipped without a message."""


def evaluate(node: Node, names: Mapping[str, Any], file: SpecFile | None) -> Any:
    """The value of a located node: numbers, text, lists and dicts, with expressions evaluated.  Raises Fault."""
    if isinstance(node, Scalar):
        if not isinstance(node.value, str):
            return node.value
        if "$" not in node.value:
            return Text(node.value, file)
        found = _template(node, file)
        if found is None:
            return Text(node.value, file)
        if isinstance(found, Expression):
            return _written(expressions.evaluate(found, names, file and file.work), file)
        return Text(expressions.interpolate(found, names, file and file.work), file)
    if isinstance(node, Items):
        return [evaluate(item, names, file) for item in node.items]
    return {Text(key.text, file): evaluate(value, names, file) for key, value in node.entries}


def _written(value: Any, file: SpecFile | None) -> Any:
    """The value of an expression of a file, with its texts marked as written there."""
    if type(value) is str:
        return Text(value, file)
    if isinstance(value, list | tuple):
        return [_written(item, file) for item in value]
    if isinstance(value, dict):
        return {_written(key, file): _written(item, file) for key, item in value.items()}
    return value


def _template(node: Scalar, file: SpecFile | None) -> expressions.Expression | expressions.Interpolation | None:
    """The expression in a scalar, parsed once for each place in a file."""
    if file is None:
        return expressions.template(node)
    if id(node) not in file.templates:
        file.templates[id(node)] = (expressions.template(node), node)
    return file.templates[id(node)][0]


def text(value: Any, names: Mapping[str, Any], span: Span | None, what: str, work: Work) -> str:
    """A name that may be a template (``layer$(i + 1)``), as text."""
    if isinstance(value, str):
        return value
    if isinstance(value, Expression):
        result = expressions.evaluate(value, names, work)
        if isinstance(result, float) and result.is_integer():
            result = int(result)
        if isinstance(result, bool) or not isinstance(result, (str, int)):
            raise Fault("wrong-type", f"{what} must be text, not `{printable(repr(result))}`", span)
        return str(result)
    return expressions.interpolate(value, names, work)


def kind(value: Any) -> str:
    """The type of a value, in words."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int):
        return "a whole number"
    if isinstance(value, float):
        return "a number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, dict):
        return "a block with arguments"
    return "nothing" if value is None else "a value"


def conform(value: Any, default: Any, name: str, span: Span | None) -> Any:
    """Check a value for a parameter with this default; raises :class:`Fault` for another type."""
    if default is None:
        return value
    wanted, got = kind(default), kind(value)
    if wanted == got:
        return value
    if wanted == "a whole number" and isinstance(value, float):
        if value.is_integer():
            return int(value)
        hint = "round it with floor(…) or round(…), or make the default a float: write `1.0` for `1`"
        raise Fault("wrong-type", f"parameter `{name}` must be a whole number, not {value:g}", span, hint)
    if wanted == "a number" and got == "a whole number":
        return float(value)
    if wanted == "a whole number" and got == "a list" and value and all(type(item) is int for item in value):
        return value  # one number for each axis; the op itself checks it
    if {wanted, got} == {"text", "a block with arguments"}:
        return value
    shown = f"`{printable(str(value), 60)}`" if isinstance(value, (str, int, float)) else got
    hint = "true and false are written without quotes" if wanted == "true or false" else None
    raise Fault("wrong-type", f"parameter `{name}` must be {wanted}, but {shown} is {got}", span, hint)


def bind(
    definition: BlockDefinition,
    given: Mapping[str, tuple[Any, Span]],
    at: Span | None,
    diagnostics: Diagnostics,
    scope: Scope,
    records: Mapping[str, Any],
    keys: Mapping[str, Span] | None = None,
) -> dict[str, Any]:
    """Bind parameters and ``let`` of one use of a block; reports errors, then raises UnknownValue.

    ``given`` are the arguments by name with their places; defaults are evaluated in order and can use the parameters
    before them.  ``keys`` are the places of the argument names.  ``scope`` is that of the use: an error in the block's
    own defaults or ``let`` is reported with the stack of uses; an error in an argument is reported at the use.
    """
    params = definition.model.params
    failed = False
    outside = scope.parent.stack() if scope.parent is not None else ()

    def report(fault: Fault, inside: bool) -> None:
        found = fault.diagnostic
        span = found.span or at
        stack = scope.stack() if inside else outside
        diagnostics.error(found.code, found.message, span, found.hint, details=found.details, stack=stack)

    for name, (_, span) in given.items():
        if name not in params:
            failed = True
            hint = other_argument(name, params) or (
                f"its parameters are {', '.join(params)}" if params else "it has no parameters"
            )
            what = f"`{definition.name}` has no parameter `{printable(name)}`"
            report(Fault("unknown-argument", what, (keys or {}).get(name, span), hint), False)
    unknown = failed  # it may be a misspelling of a missing one
    values: dict[str, Any] = {}
    for name, node in params.items():
        inside = True
        try:
            _check_name(name, node, definition)
            default = evaluate(node, values, definition.file)
            inside = False
            if name in given:
                value, span = given[name]
                values[name] = conform(value, default, name, span)
            elif required(node) and unknown:
                continue
            elif required(node):
                raise Fault(
                    "missing-argument",
                    f"`{definition.name}` needs `{name}`",
                    at,
                    f"write `{definition.name}: {{{name}: …}}`",
                )
            else:
                values[name] = default
        except Fault as fault:
            failed = True
            report(fault, inside)
    if failed:
        raise UnknownValue
    for name, node in definition.model.let.items():
        try:
            _check_name(name, node, definition)
            if name in values:
                raise Fault("name-twice", f"`{name}` is both a parameter and a `let`", node.span)
            values[name] = evaluate(node, {**values, **records}, definition.file)
        except Fault as fault:
            failed = True
            report(fault, True)
    if failed:
        raise UnknownValue
    return values


def required(node: Node) -> bool:
    """Whether a parameter written so has to be given; one whose default is ``null`` need not be."""
    return isinstance(node, Scalar) and node.nothing


def _check_name(name: str, node: Node, definition: BlockDefinition) -> None:
    if name in RESERVED or name in expressions.FUNCTIONS:
        raise Fault(
            "bad-name", f"`{name}` is reserved: it has a meaning in expressions", node.span, "choose another name"
        )
    if not IDENTIFIER.match(name) or len(name) > 80:
        raise Fault(
            "bad-name", f"`{printable(name)}` is not a valid name for a value of `{definition.name}`", node.span
        )


def other_argument(name: str, known: Collection[str]) -> str | None:
    """The hint for an argument that is not in ``known``: where it belongs, or its name here."""
    if name in STEP_KEYS:
        return f"`{name}` is a key of the step: write it in the column of the op, not among the arguments"
    return vocabulary.argument(name, known)


def arguments(
    node: Node | None, names: Mapping[str, Any], file: SpecFile, what: str, known: Sequence[str]
) -> dict[str, tuple[Any, Span]]:
    """The evaluated arguments of a step, with their places.  ``known`` are the possible ones.  Raises Fault."""
    if node is None:
        return {}
    if not isinstance(node, YamlMapping):
        raise Fault("positional-argument", f"arguments of `{what}` must be named", node.span, _named(node, what, known))
    return {str(key.text): (evaluate(value, names, file), value.span) for key, value in node.entries}


def _named(node: Scalar | Items, what: str, known: Sequence[str]) -> str:
    """The hint for arguments without names: their names, in order."""
    if not known:
        return f"`{what}` takes no arguments: write only `{what}`"
    written = [item.text for item in (node.items if isinstance(node, Items) else (node,)) if isinstance(item, Scalar)]
    if not written or len(written) > len(known) or sum(map(len, written)) > 60:
        return f"write `{what}: {{{known[0]}: …}}`"
    pairs = (f"{name}: {printable(value)}" for name, value in zip(known, written, strict=False))
    return f"write `{what}: {{{', '.join(pairs)}}}`"


def listed_arguments(fields: Iterable[str]) -> str:
    """The hint that lists the possible arguments."""
    names = [name for name in fields if name != "init"]
    return f"it has {', '.join(names)}" if names else "it has no arguments"


def mention(step: Step, word: str) -> Span | None:
    """The place where a step uses a name: in ``from``, in ``when``, or in an expression among its arguments."""
    for source in step.reads or ():
        if str(source.name.value).split(".")[0] == word:
            return source.name.span
    pattern = re.compile(rf"\b{word}\b")
    if isinstance(step.when, Expression) and pattern.search(step.when.text):
        return step.when.span
    arguments = [value for _, value in step.body.entries] if isinstance(step.body, YamlMapping) else [step.body]
    for node in arguments:
        if (
            isinstance(node, Scalar)
            and isinstance(node.value, str)
            and "$" in node.value
            and pattern.search(node.value)
        ):
            return node.span
    return None
