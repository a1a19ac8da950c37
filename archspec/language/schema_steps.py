"""The part of the JSON Schema for steps: ops with their arguments, library blocks with their parameters."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from archspec.diagnostics import Diagnostics
from archspec.elaborate.loader import Loader
from archspec.language.schema_keys import REUSE
from archspec.language.schema_values import (
    CLAUSE,
    NAME,
    Schema,
    lenient,
    without_titles,
)
from archspec.ops import Op
from archspec.schema import STEP_KEYS
from archspec.syntax import Node, plain

REQUIRED = "(required)"
"""The description of a block's parameter without a default."""
_STEP_KEYS: Schema = {
    "from": {
        "type": ["string", "array"],
        "items": {
            "type": ["string", "object"],
            "required": ["step"],
            "additionalProperties": False,
            "properties": {
                "step": {"type": "string", "description": "A name with expressions in it: f$i."},
                "for": {"type": "string", "description": "Several: i in range(n)."},
                "when": {"type": ["boolean", "string"], "description": "Which of them are read."},
            },
        },
        "minItems": 1,
        "description": "The input of the step: an earlier step, a label, `input` or `previous`; a list for a merge.  "
        "`{step: f$i, for: i in range(n)}` in the list stands for several.",
    },
    "when": {"type": ["boolean", "string"], "description": "A condition; the step is left out if it is false."},
    "repeat": {
        "type": ["integer", "string"],
        "minimum": 0,
        "description": "Number of copies of the step, one after another.",
    },
    "for": {
        "type": "string",
        "pattern": CLAUSE,
        "description": "A clause such as `i in range(4)`; one copy of the step for each value, one after another.",
    },
    "label": {"type": "string", "description": "A name for the step's output; it does not change the step's path."},
    "aside": {
        "type": "boolean",
        "description": "Whether the next step ignores this one and reads the output before it.",
    },
    "init": {"$ref": "#/definitions/initialiser"},
    "inline": {
        "type": "boolean",
        "description": "Whether a block's steps stand in the scope around, named and numbered there.",
    },
    "checkpoint": {
        "type": "boolean",
        "description": "Whether training computes a block's or sequence's values again instead of keeping them.",
    },
}
"""The keys allowed beside a step's own key."""


def alone(operations: dict[str, type[Op]], blocks: Schema) -> list[str]:
    """Ops and blocks that need no arguments; an editor offers these as words, the others as keys."""
    ready = [
        name
        for name, kind in operations.items()
        if not kind.merges and not any(field.is_required() for field in kind.model_fields.values())
    ]
    return [
        *ready,
        *(
            name
            for name, block in blocks.items()
            if all(param.get("description") != REQUIRED for param in block["properties"].values())
        ),
    ]


def bare_step(names: Iterable[str]) -> Schema:
    return {
        "anyOf": [{"enum": list(names)}, {"type": "string", "pattern": NAME}],
        "description": "An op or a block without arguments, with ` as name` if it is named.",
    }


def full_step(operations: dict[str, type[Op]], blocks: Schema) -> Schema:
    """A step with arguments; the key is an op or a block, perhaps with `` as name``."""
    assert set(_STEP_KEYS) == STEP_KEYS
    calls: Schema = {name: ref(f"op.{name}") for name in operations}
    calls |= {name: ref(f"block.{name}") for name in blocks}
    calls["sequence"] = {**ref("steps"), "description": "Steps in a scope of their own."}
    groups: Schema = {
        "steps": {
            **ref("steps"),
            "description": "Steps without a scope of their own, to repeat or leave out together.",
        },
        "reuse": REUSE,
    }
    words = set(alone(operations, blocks))
    keys = {name: call for name, call in calls.items() if name not in words}
    return {
        "type": "object",
        "minProperties": 1,
        "properties": {**keys, **groups, **_STEP_KEYS},
        "patternProperties": {
            rf"^{name}(\s+as\s+.+)?$" if name in words else rf"^{name}\s+as\s+.+$": call for name, call in calls.items()
        },
        "propertyNames": {"pattern": NAME},
        "additionalProperties": ref("own-block"),
    }


def op_schema(kind: type[Op]) -> Schema:
    """The schema of an op's arguments; of a merge's, its branches."""
    fields = {name: _argument(name, given, kind) for name, given in _fields(kind).items()}
    described: Schema = {"description": _first_line(kind.__doc__)}
    if not kind.merges:
        return {
            **described,
            "type": ["object", "null"],
            "additionalProperties": False,
            "properties": fields,
        }
    return {
        **described,
        "type": ["object", "array", "null"],
        "items": ref("branch"),
        "properties": fields,
        "additionalProperties": ref("branch"),
    }


def _fields(kind: type[Op]) -> Schema:
    return without_titles(kind.model_json_schema()).get("properties", {})


def _argument(name: str, given: Schema, kind: type[Op]) -> Schema:
    if name == "init":
        return {**ref("initialiser"), "description": given.get("description", "")}
    found = lenient(given)
    description = found.pop("description", "")
    default = found.pop("default", None)
    if kind.model_fields[name].is_required():
        description += " (required)"
    return {"description": _with_default(description, default), **found}


def _with_default(description: str, default: Any) -> str:
    """A description with the default.  Under the key ``default``, editors would insert it into the file unasked."""
    if default is None:
        return description
    return f"{description} ({json.dumps(default, ensure_ascii=False)} when left out)".strip()


def library_block(name: str) -> Schema:
    """The schema of a library block's parameters, each of its default's type."""
    diagnostics = Diagnostics()
    file = Loader(diagnostics).library(name)
    assert file is not None, diagnostics.all
    assert file.whole is not None, f"library block {name} has no steps"
    model = file.whole.model
    return {
        "description": " ".join((model.doc or name).split()),
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {param: _param(default) for param, default in model.params.items()},
    }


_ANYTHING: Schema = {"type": ["string", "number", "boolean", "array", "object"]}
"""Any value.  Without a type, editors offer the key without a colon; with ``string`` first, they add only the colon."""


def _param(default: Node) -> Schema:
    value = plain(default)
    if value is None:
        return {"description": REQUIRED, **_ANYTHING}
    if isinstance(value, str) and "$" in value:
        return {"description": f"{value} when left out", **_ANYTHING}
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    found: Schema = {"description": _with_default("", value), "type": kinds.get(type(value), "object")}
    if found["type"] == "string":
        found["type"] = ["string", "object"]  # a block, perhaps with arguments bound
    if found["type"] == "integer":
        either = [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]
        found = {"description": found["description"], "anyOf": either}
    return lenient(found)


def ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]
