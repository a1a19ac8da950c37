"""How descriptions of the language write values, shapes and arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic.fields import FieldInfo

from archspec.sizes import text as size_text


def field_row(name: str, field: FieldInfo) -> tuple[str, str, str]:
    """An argument's name, its default (``required``, or nothing if it is none), and its description."""
    default = "required" if field.is_required() else "" if field.default is None else flow(field.default)
    return field.alias or name, default, field.description or ""


def signature(name: str, field: FieldInfo) -> str:
    """An argument with its default, as a call would give it: ``std: 1.0``; the name alone if it has no default."""
    return name if field.is_required() else f"{name}: {flow(field.default)}"


def flow(value: Any) -> str:
    """A plain value in YAML's flow style."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return str(value)


def shape(dims: Iterable[Any]) -> str:
    """Sizes with × between them: ``64×H×W``."""
    return "×".join(dim if isinstance(dim, str) else size_text(dim) for dim in dims)
