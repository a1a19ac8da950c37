"""Schemas of values: pydantic's schema of an argument, with expressions allowed everywhere and ``_`` in integers."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

EXPRESSION = r"\$"
"""The pattern of text that may stand for another type of value: ``$name`` or ``$(…)``."""

GROUPED = r"^[-+]?[0-9]+(_[0-9]+)+$"
"""The pattern of an integer with ``_``, which archspec reads as a number and editors as text."""

NAME = r"^\$?[A-Za-z_(]"
"""The pattern of an op, a block or a ``$param`` at the start of a step's key."""

CLAUSE = r"\bin\b"
"""The pattern of a ``for`` clause."""

MESSAGES = {
    EXPRESSION: "this needs another type of value, or an expression: $name or $(…)",
    GROUPED: "this must be a number",
    f"{EXPRESSION}|{GROUPED}": "this must be a number, or an expression: $name or $(…)",
    NAME: "this must be an op, a block or $param, optionally followed by ` as name`",
    CLAUSE: "this must be a clause such as: i in range(4)",
}
"""The message for a text that does not match a pattern."""
OTHERWISE = "this needs a text of another form, or an expression: $name or $(…)"


def without_titles(schema: Any) -> Any:
    """A schema without the titles that pydantic makes from names."""
    if isinstance(schema, list):
        return [without_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: without_titles(inner) for name, inner in value.items()}
        if key == "properties"
        else without_titles(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
    }


def lenient(schema: Schema) -> Schema:
    """A schema that also allows an expression for the whole and for every part, and ``_`` in integers."""
    if "anyOf" in schema:
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        return {**any_of([lenient(inner) for inner in schema["anyOf"]]), **rest}
    if "const" in schema or "enum" in schema:
        return any_of([schema, {"type": "string", "pattern": EXPRESSION}])
    found = dict(schema)
    if "type" not in found:
        return found
    if "items" in found:
        found["items"] = lenient(found["items"])
    if "properties" in found:
        found["properties"] = {name: lenient(inner) for name, inner in found["properties"].items()}
    kinds = _types(found)
    if "string" in kinds:
        if "pattern" in found:
            found["pattern"] = f"{EXPRESSION}|{found['pattern']}"
        return found
    found["type"] = [*kinds, "string"]
    found["pattern"] = f"{EXPRESSION}|{GROUPED}" if "integer" in kinds else EXPRESSION
    return found


def any_of(options: list[Schema]) -> Schema:
    """Any of these schemas, merged into one of several types where no keywords conflict: editors explain that better.

    Lists come last and stay separate, since an editor starts with the first option: a number, not a list of one.
    """
    flat = [inner for option in options for inner in option.get("anyOf", [option])]
    kept: list[Schema] = []
    for option in flat:
        for index, other in enumerate(kept):
            merged = _merged(other, option)
            if merged is not None:
                kept[index] = merged
                break
        else:
            kept.append(option)
    kept.sort(key=_is_list)
    if any("string" in _types(option) and option.get("pattern", "").startswith(EXPRESSION) for option in kept[:-1]):
        kept[-1] = _without_text(kept[-1])
    return kept[0] if len(kept) == 1 else {"anyOf": kept}


def _is_list(option: Schema) -> bool:
    return "array" in _types(option)


def _without_text(option: Schema) -> Schema:
    """A list without its alternative of an expression, where another option already allows one."""
    if _types(option) != ["array", "string"]:
        return option
    return {key: value for key, value in option.items() if key != "pattern"} | {"type": "array"}


def with_messages(schema: Any) -> Any:
    """A schema with a message for each pattern, which an editor shows instead of the pattern."""
    if isinstance(schema, list):
        return [with_messages(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: with_messages(value) for key, value in schema.items()}
    pattern = schema.get("pattern")
    return found | {"patternErrorMessage": MESSAGES.get(pattern, OTHERWISE)} if isinstance(pattern, str) else found


def _merged(one: Schema, other: Schema) -> Schema | None:
    """One schema that accepts what either accepts; None if their keywords conflict."""
    if one == other:
        return one
    if "type" not in one or "type" not in other or _is_list(one) != _is_list(other):
        return None
    common = set(_types(one)) & set(_types(other))
    if common - {"string"}:
        return None
    merged = {**other, **one, "type": list(dict.fromkeys([*_types(one), *_types(other)]))}
    if common and ("pattern" in one) != ("pattern" in other):
        del merged["pattern"]  # one of the two accepts any text
    for key in one.keys() & other.keys() - {"type"}:
        if key == "pattern" and one[key].startswith(EXPRESSION) and other[key].startswith(EXPRESSION):
            merged[key] = max(one[key], other[key], key=len)
        elif one[key] != other[key]:
            return None
    return merged


def _types(schema: Schema) -> list[str]:
    kind = schema.get("type", [])
    return kind if isinstance(kind, list) else [kind]
