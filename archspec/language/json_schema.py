"""The JSON Schema of a spec file, with which an editor completes and checks it (draft 7, as yaml-language-server uses).

It is made from the compiler's own definitions: the keys of :mod:`archspec.schema`, every op's arguments, the parameters
of every library block.  It cannot check expressions or the arguments of the user's own blocks, and accepts any;
`archspec check` has the last word.
"""

from __future__ import annotations

import json
import textwrap
from typing import Any

from pydantic import BaseModel

from archspec import ops
from archspec.analyses.expectations import CLAIMS
from archspec.elaborate.shipped import library_names, more_names, spec_names
from archspec.language import rewrite_schema
from archspec.language.schema_keys import CLAIM_VALUES, LOSS, OUTPUT
from archspec.language.schema_steps import alone, bare_step, full_step, library_block, op_schema, ref
from archspec.language.schema_values import (
    Schema,
    any_of,
    lenient,
    with_messages,
    without_titles,
)
from archspec.ops import Op
from archspec.ops.common.init import Init
from archspec.schema import BlockModel, SpecModel


def json_schema() -> Schema:
    """The schema of a spec file as plain data; deterministic, including the order of keys."""
    blocks = {name: library_block(name) for name in sorted(library_names())}
    operations = {name: ops.find(name) for name in sorted(ops.names())}
    definitions: Schema = {
        "steps": {"type": "array", "items": ref("step"), "description": "Steps, applied in order."},
        "step": {"anyOf": [ref("bare-step"), ref("full-step")]},
        "bare-step": bare_step(alone(operations, blocks)),
        "full-step": full_step(operations, blocks),
        "branch": {"anyOf": [ref("steps"), ref("step")], "description": "A list of steps, or one step."},
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
        definitions[f"op.{name}"] = op_schema(kind)
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
    arguments = {name: ref(f"op.{name}") for name in operations} | {name: ref(f"block.{name}") for name in blocks}
    imported: Schema = {
        "type": "object",
        "required": ["spec"],
        "additionalProperties": False,
        "properties": {
            "spec": ref("spec-name"),
            "params": {"type": "object", "description": "Values for its parameters."},
            "rewrite": ref("rewrites"),
        },
    }
    return {
        **_shared_keys(),
        "archspec": {"const": 1},
        "task": {"enum": ["classification", "segmentation"]},
        "loss": {"anyOf": [{"enum": ["cross_entropy"]}, LOSS]},
        "extends": ref("spec-name"),
        "import": {"type": "object", "additionalProperties": {"anyOf": [ref("spec-name"), imported]}},
        "rewrite": ref("rewrites"),
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
        "blocks": {"type": "object", "additionalProperties": ref("block")},
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
        "steps": ref("steps"),
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
    return {"anyOf": [described, ref("steps")], "description": "A block of this file."}


def _spec_name() -> Schema:
    names = [*sorted(spec_names()), *sorted(more_names())]
    return {"description": "A shipped spec, or the path of a file.", "anyOf": [{"enum": names}, {"type": "string"}]}


def _initialisers() -> Schema:
    """The schema of ``init`` as a whole, and of one tensor's initialiser."""

    class Carrier(BaseModel):
        init: Init

    whole = without_titles(Carrier.model_json_schema())["properties"]["init"]
    *single, by_tensor = (lenient(option) for option in whole["anyOf"])
    by_tensor["properties"] = dict.fromkeys(by_tensor["properties"], ref("tensor-initialiser"))
    return {
        "initialiser": {
            "description": "How the weights are initialised: an initialiser, or one for each tensor.",
            "anyOf": [ref("tensor-initialiser"), by_tensor],
        },
        "tensor-initialiser": any_of(single),
    }


# -- writing ---------------------------------------------------------------------------------------------------------


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
