"""A pydantic model's errors as diagnostics, each at the key or value in the YAML that it speaks of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from pydantic import BaseModel, ValidationError

from archspec import vocabulary
from archspec.diagnostics import Diagnostic, Span, printable
from archspec.records import record
from archspec.syntax import Items, Node, Scalar
from archspec.syntax import Mapping as YamlMapping

_KINDS = {
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "float_type": "a number",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_type": "a word or a mapping",
    "string_type": "text",
}
"""What a value must be, by the type of pydantic's error."""


@record
class Words:
    """How the errors of one kind of file are told."""

    what: str
    """The whole of it: ``a recipe``."""
    code: str = "wrong-type"
    """The code of an error that only pydantic's message describes."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """What a value must be, by further types of pydantic's errors."""
    hints: Mapping[str, str] = field(default_factory=dict)
    """The hint where a key at the top is missing or its value is wrong."""


def complaints(
    kind: type[BaseModel], node: YamlMapping, failure: ValidationError, words: Words
) -> Iterator[Diagnostic]:
    """A diagnostic for each error of the model ``kind`` that validated a mapping."""
    for error in failure.errors(include_url=False):
        yield _complaint(kind, node, error, words)


def _complaint(kind: type[BaseModel], node: YamlMapping, error: Any, words: Words) -> Diagnostic:
    loc, problem = tuple(error["loc"]), str(error["type"])
    name = _name(loc)
    hint = words.hints.get(name)
    span = _place(node, loc, by_key=problem == "extra_forbidden")
    if problem == "extra_forbidden":
        key, known = str(loc[-1]), _keys(kind, loc[:-1])
        where = f"`{_name(loc[:-1])}`" if len(loc) > 1 else words.what
        hint = vocabulary.key(key, known) or f"the keys are {', '.join(known)}"
        return Diagnostic("unknown-key", f"{where} has no key `{printable(key, 60)}`", span, hint)
    if problem == "missing":
        return Diagnostic("missing-key", f"`{name}` is missing", span and span.part(0, 1), hint)
    wanted = _KINDS.get(problem) or words.kinds.get(problem)
    if wanted is not None:
        return Diagnostic("wrong-type", f"`{name}` must be {wanted}", span, hint)
    message = str(error["msg"]).removeprefix("Value error, ")
    message = printable(message.replace("Input should", "it should") if problem != "value_error" else message)
    return Diagnostic(words.code, f"`{name}`: {message}" if name else message, span, hint)


def _name(loc: tuple[Any, ...]) -> str:
    return printable(".".join(map(str, loc)), 80)


def _keys(model: Any, loc: tuple[Any, ...]) -> list[str]:
    """The keys of the model at a place."""
    for part in loc:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(str(part))
        model = _model(field.annotation) if field is not None else None
        if model is None:
            return []
    return sorted(field.alias or name for name, field in model.model_fields.items())


def _model(annotation: Any) -> type[BaseModel] | None:
    """The model in a field's type: ``SGD | None``, ``list[Transform]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_model(each) for each in getattr(annotation, "__args__", ()))
    return next((each for each in inner if each is not None), None)


def _place(node: Node, loc: tuple[Any, ...], by_key: bool) -> Span | None:
    """The span of what is at a place, or of its key; or of the innermost thing around it.

    None for data that came from no text.
    """
    key: Span | None = None
    for part in loc:
        inner = node.get(str(part)) if isinstance(node, YamlMapping) else None
        found = node.key(str(part)) if isinstance(node, YamlMapping) else None
        key = found.span if found is not None else None
        if isinstance(node, Items) and isinstance(part, int) and part < len(node.items):
            inner = node.items[part]
        if inner is None:
            break
        node = inner
    nothing = isinstance(node, Scalar) and node.nothing
    span = key if key is not None and (by_key or nothing) else node.span
    return span if span.source.lines else None
