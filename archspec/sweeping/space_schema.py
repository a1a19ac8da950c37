"""The JSON Schema of a space file, with which an editor completes and checks it (draft 7, as that of a spec)."""

from __future__ import annotations

import json
from typing import Any

from archspec.analyses.memory import BYTES
from archspec.sweeping.rows import MEASURES
from archspec.sweeping.space import TRAINING, SpaceModel

_VALUES = {"type": "array", "minItems": 1, "description": "The values that are tried."}
_COUNT = {"type": "integer", "minimum": 1}
_LIMIT = {"type": ["number", "string"]}

_KEYS: dict[str, dict[str, Any]] = {
    "spec": {"type": "string"},
    "space": {"type": "object", "additionalProperties": _VALUES},
    "sizes": {"type": "array", "minItems": 1, "items": {"type": ["integer", "string"]}},
    "batch": _COUNT,
    "dtype": {"enum": list(BYTES)},
    "limits": {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: {**_LIMIT, "description": measure.title} for name, measure in MEASURES.items()},
    },
    "training": {
        "type": "object",
        "additionalProperties": False,
        "properties": dict.fromkeys(TRAINING, _VALUES),
    },
}


def space_schema() -> dict[str, Any]:
    """The schema as plain data."""
    fields = SpaceModel.model_fields
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "a space of variants",
        "description": "A spec and the values of its parameters that `archspec sweep` tries.",
        "type": "object",
        "required": [name for name, field in fields.items() if field.is_required()],
        "additionalProperties": False,
        "properties": {name: {"description": field.description, **_KEYS[name]} for name, field in fields.items()},
    }


def text() -> str:
    """The schema as the text of a file."""
    return json.dumps(space_schema(), indent=2, ensure_ascii=False) + "\n"
