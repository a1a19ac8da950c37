"""The JSON Schema of a spec file, with which an editor completes and checks it (draft 7, as yaml-language-server uses).

It is made from the compiler's own definitions: the keys of :mod:`archspec.schema`, every op's arguments, the parameters
of every library block.  It cannot check expressions or the arguments of the user's own blocks, and accepts any;
`archspec check` has the last word.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from archspec import ops
from archspec.analyses.expectations import CLAIMS
from archspec.diagnostics import Diagnostics
from archspec.elaborate.loader import Loader
from archspec.elaborate.shipped import library_names, more_names, spec_names
from archspec.language import rewrite_schema
from archspec.language.schema_keys import CLAIM_VALUES, LOSS, OUTPUT, REUSE
from archspec.language.schema_values import (
    CLAUSE,
    NAME,
    Schema,
    any_of,
    lenient,
    with_messages,
    without_titles,
)
from archspec.ops import Op
from archspec.ops.common.initialisers import Init
from archspec.schema import STEP_KEYS, BlockModel, SpecModel
from archspec.source import Node, plain

REQUIRED = "(required)"
"""The description of a block's parameter without a default."""


def json_schema() -> Schema:
    """The schema of a spec file as plain data; deterministic, including the order of keys."""
    blocks = {name: _library_block(name) for name in sorted(library_names())}
    operations = {name: ops.find(name) for name in sorted(ops.names())}
    definitions: Schema = {
        "steps": {"type": "array", "items": _ref("step"), "description": "Steps, applied in order."},
        "step": {"anyOf": [_ref("bare-step"), _ref("full-step")]},
        "bare-step": _bare_step(_alone(operations, blocks)),
        "full-step": _full_step(operations, blocks),
        "branch": {"anyOf": [_ref("steps"), _ref("step")], "description": "A list of steps, or one step."},
        "block": _block(),
        "spec-name": _spec_name(),
        "own-block": {
            "type": ["object", "array", "null"],
            "description": "Arguments of a block.",
        },
        **_initialisers(),
        **rewrite_schema.definitions(),
    }
    for name, kind in operations.items():
        definitions[f"op.{name}"] = _op(kind)
    for name, block in blocks.items():
        definitions[f"block.{name}"] = block
    whole = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "a whole spec",
        "description": "A neural network, or blocks for networks, as archspec reads it.",
        "type": "object",
        "required": ["archspec"],
        "additionalProperties": False,
        "properties": _properties(SpecModel, _spec_keys(operations, blocks)),
        "definitions": definitions,
    }
    return with_messages(whole)


def text() -> str:
    """The schema as the text of a file."""
    return _written(json_schema(), 0) + "\n"


# -- the file ---------------------------------------------------------------------------------------------------------


def _properties(model: type[BaseModel], known: Schema) -> Schema:
    """A property for each key of a model, with the description it has there."""
    found: Schema = {}
    for name, field in model.model_fields.items():
        key = field.alias or name
        found[key] = {"description": field.description or "", **known.get(key, {})}
    return found


def _spec_keys(operations: dict[str, type[Op]], blocks: Schema) -> Schema:
    """The schema of each key's value in a spec."""
    arguments = {name: _ref(f"op.{name}") for name in operations} | {name: _ref(f"block.{name}") for name in blocks}
    imported: Schema = {
        "type": "object",
        "required": ["spec"],
        "additionalProperties": False,
        "properties": {
            "spec": _ref("spec-name"),
            "params": {"type": "object", "description": "Values for its parameters."},
            "rewrite": _ref("rewrites"),
        },
    }
    return {
        **_shared_keys(),
        "archspec": {"const": 1},
        "task": {"enum": ["classification", "segmentation"]},
        "loss": {"anyOf": [{"enum": ["cross_entropy"]}, LOSS]},
        "extends": _ref("spec-name"),
        "import": {"type": "object", "additionalProperties": {"anyOf": [_ref("spec-name"), imported]}},
        "rewrite": _ref("rewrites"),
        "inputs": {
            "type": "object",
            "additionalProperties": {
                "type": ["array", "null"],
                "items": {"type": ["integer", "string"], "minimum": 1},
                "minItems": 1,
                "maxItems": 4,
            },
        },
        "sizes": {"type": "object", "additionalProperties": lenient({"type": "integer", "minimum": 1})},
        "defaults": {"type": "object", "properties": arguments, "additionalProperties": {"type": ["object", "null"]}},
        "blocks": {"type": "object", "additionalProperties": _ref("block")},
        "expect": {
            "type": "object",
            "properties": {claim: CLAIM_VALUES.get(claim, {}) for claim in CLAIMS},
            "additionalProperties": False,
        },
    }


def _shared_keys() -> Schema:
    """The schemas of the keys that specs and blocks share."""
    return {
        "name": {"type": "string"},
        "doc": {"type": "string"},
        "source": {"type": "string"},
        "params": {"type": "object"},
        "let": {"type": "object"},
        "inputs": {
            "type": "object",
            "additionalProperties": {
                "type": ["null", "integer", "string", "array"],
                "description": "Nothing for one value; a number, or an expression that gives one, for several.",
            },
        },
        "steps": _ref("steps"),
        "outputs": {"type": "object", "additionalProperties": OUTPUT},
        "example": {"type": "object"},
    }


def _block() -> Schema:
    described = {
        "type": "object",
        "required": ["steps"],
        "additionalProperties": False,
        "properties": _properties(BlockModel, _shared_keys()),
    }
    return {"anyOf": [described, _ref("steps")], "description": "A block of this file."}


def _spec_name() -> Schema:
    names = [*sorted(spec_names()), *sorted(more_names())]
    return {"description": "A shipped spec, or the path of a file.", "anyOf": [{"enum": names}, {"type": "string"}]}


# -- steps ------------------------------------------------------------------------------------------------------------

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


def _alone(operations: dict[str, type[Op]], blocks: Schema) -> list[str]:
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


def _bare_step(names: Iterable[str]) -> Schema:
    return {
        "anyOf": [{"enum": list(names)}, {"type": "string", "pattern": NAME}],
        "description": "An op or a block without arguments, with ` as name` if it is named.",
    }


def _full_step(operations: dict[str, type[Op]], blocks: Schema) -> Schema:
    """A step with arguments; the key is an op or a block, perhaps with `` as name``."""
    assert set(_STEP_KEYS) == STEP_KEYS
    calls: Schema = {name: _ref(f"op.{name}") for name in operations}
    calls |= {name: _ref(f"block.{name}") for name in blocks}
    calls["sequence"] = {**_ref("steps"), "description": "Steps in a scope of their own."}
    groups: Schema = {
        "steps": {
            **_ref("steps"),
            "description": "Steps without a scope of their own, to repeat or leave out together.",
        },
        "reuse": REUSE,
    }
    words = set(_alone(operations, blocks))
    keys = {name: call for name, call in calls.items() if name not in words}
    return {
        "type": "object",
        "minProperties": 1,
        "properties": {**keys, **groups, **_STEP_KEYS},
        "patternProperties": {
            rf"^{name}(\s+as\s+.+)?$" if name in words else rf"^{name}\s+as\s+.+$": call for name, call in calls.items()
        },
        "propertyNames": {"pattern": NAME},
        "additionalProperties": _ref("own-block"),
    }


def _op(kind: type[Op]) -> Schema:
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
        "items": _ref("branch"),
        "properties": fields,
        "additionalProperties": _ref("branch"),
    }


def _fields(kind: type[Op]) -> Schema:
    return without_titles(kind.model_json_schema()).get("properties", {})


def _argument(name: str, given: Schema, kind: type[Op]) -> Schema:
    if name == "init":
        return {**_ref("initialiser"), "description": given.get("description", "")}
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


def _library_block(name: str) -> Schema:
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


def _initialisers() -> Schema:
    """The schema of ``init`` as a whole, and of one tensor's initialiser."""

    class Carrier(BaseModel):
        init: Init

    whole = without_titles(Carrier.model_json_schema())["properties"]["init"]
    *single, by_tensor = (lenient(option) for option in whole["anyOf"])
    by_tensor["properties"] = dict.fromkeys(by_tensor["properties"], _ref("tensor-initialiser"))
    return {
        "initialiser": {
            "description": "How the weights are initialised: an initialiser, or one for each tensor.",
            "anyOf": [_ref("tensor-initialiser"), by_tensor],
        },
        "tensor-initialiser": any_of(single),
    }


# -- writing ---------------------------------------------------------------------------------------------------------


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]


def _written(value: Any, indent: int, room: int = 118) -> str:
    """JSON text with each value on one line where it fits."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value or len(line) <= room - indent:
        return line
    margin = " " * (indent + 2)
    if isinstance(value, dict):
        keys = [f"{json.dumps(key, ensure_ascii=False)}: " for key in value]
        lines = [
            margin + key + _written(item, indent + 2, room - len(key))
            for key, item in zip(keys, value.values(), strict=True)
        ]
        return "{\n" + ",\n".join(lines) + f"\n{' ' * indent}}}"
    if all(isinstance(item, str) for item in value):
        words = ", ".join(json.dumps(item, ensure_ascii=False).replace(" ", "\0") for item in value)
        text = textwrap.fill(words, 118, initial_indent=margin, subsequent_indent=margin, break_on_hyphens=False)
        return f"[\n{text}\n{' ' * indent}]".replace("\0", " ")
    return "[\n" + ",\n".join(margin + _written(item, indent + 2, room) for item in value) + f"\n{' ' * indent}]"
