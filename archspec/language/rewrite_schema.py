"""The part of the JSON Schema for ``rewrite:``: every rewrite, its options and their values."""

from __future__ import annotations

from archspec import rewrites
from archspec.language.schema_values import Schema, without_titles
from archspec.rewrites import Rewrite


def definitions() -> Schema:
    """The definitions ``rewrites``, a list or a single one, and ``rewrite``, one rewrite."""
    kinds = [rewrites.find(name) for name in sorted(rewrites.names())]
    plain = [kind.keyword for kind in kinds if not any(field.is_required() for field in kind.model_fields.values())]
    named: Schema = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": {kind.keyword: _options(kind) for kind in kinds},
    }
    one: Schema = {"$ref": "#/definitions/rewrite"}
    return {
        "rewrites": {
            "description": "Rewrites applied to the network, in order.",
            "anyOf": [{"type": "array", "items": one}, one],
        },
        "rewrite": {"anyOf": [{"enum": plain}, named]},
    }


def _options(kind: type[Rewrite]) -> Schema:
    """The schema of a rewrite's options: a mapping by name, or the main option alone."""
    found = without_titles(kind.model_json_schema())
    fields: Schema = found.get("properties", {})
    given: Schema = {"type": ["object", "null"], "properties": fields}
    given["additionalProperties"] = kind.model_config.get("extra") == "allow"
    required = found.get("required")
    if required:
        given |= {"type": "object", "required": required}
    doc = (kind.__doc__ or "").strip().partition("\n")[0]
    if kind.main is None:
        return {"description": doc, **given}
    main = {key: value for key, value in fields[kind.main].items() if key != "default"}
    return {"description": doc, "anyOf": [given, main]}
