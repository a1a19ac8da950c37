"""The parts of the JSON Schema for some keys of a spec: its claims, its loss, its outputs."""

from __future__ import annotations

from archspec.language.schema_values import GROUPED, Schema, lenient

_NUMBER_CLAIM: Schema = {
    "description": "A number, or {is: 569e6, within: 0.01}.",
    "anyOf": [
        {"type": ["number", "string"], "pattern": GROUPED},
        {
            "type": "object",
            "required": ["is"],
            "additionalProperties": False,
            "properties": {
                "is": {"type": ["number", "string"], "pattern": GROUPED},
                "within": {"type": "number", "minimum": 0, "description": "Relative tolerance."},
            },
        },
    ],
}
CLAIM_VALUES: Schema = {
    "parameters": _NUMBER_CLAIM,
    "multiply_adds": _NUMBER_CLAIM,
    "shapes": {
        "type": "object",
        "description": "Shape of a step's output: layer1: [64, 56, 56].",
        "additionalProperties": {"type": "array", "items": {"type": "integer"}},
    },
    "receptive_field": {
        "type": ["integer", "array", "object"],
        "description": "Receptive field of the output, or of steps by name: {layer4: 435}.",
    },
    "valid_sizes": {
        "type": "object",
        "description": "Valid sizes of each symbol, as `archspec check` prints them: {H: H ≥ 29}.",
        "additionalProperties": {"type": "string"},
    },
}
LOSS: Schema = {
    "type": "object",
    "additionalProperties": False,
    "required": ["cross_entropy"],
    "properties": {
        "cross_entropy": {
            "description": "Cross-entropy over classes.",
            "type": ["object", "null"],
            "additionalProperties": False,
            "properties": {
                "weights": {
                    **lenient({"type": "array", "items": {"type": "number", "minimum": 0}}),
                    "description": "A weight for each class.",
                },
                "label_smoothing": {
                    **lenient({"type": "number", "minimum": 0, "exclusiveMaximum": 1}),
                    "description": "The part of each label that is spread over all classes.",
                },
                "ignore": {
                    **lenient({"type": "integer"}),
                    "description": "The mask value of pixels to ignore. Default: 255.",
                },
            },
        },
    },
}
OUTPUT: Schema = {
    "anyOf": [
        {"type": "string", "description": "The step whose output it is."},
        {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "from": {"type": "string", "description": "The step whose output it is."},
                "training": {
                    "type": ["boolean", "string"],
                    "description": "Whether the output exists in training only.",
                },
                "loss_weight": {"type": ["number", "string"], "description": "Weight of the output in the loss."},
                "when": {"type": ["boolean", "string"], "description": "Whether the network has this output."},
            },
        },
    ],
}

_ROWS: Schema = {"type": "integer", "minimum": 0}
REUSE: Schema = {
    "description": "An earlier step to apply again with the same weights, or its transpose.",
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "additionalProperties": False,
            "required": ["step"],
            "properties": {
                "step": {"type": "string", "description": "The earlier step."},
                "transposed": {
                    "description": "Whether its transpose is applied, without a bias; of a conv or a linear.",
                    **lenient({"type": "boolean"}),
                },
                "output_padding": {
                    "description": "Rows added at the end of the output of a transposed convolution.",
                    **lenient({"anyOf": [_ROWS, {"type": "array", "items": _ROWS, "minItems": 1, "maxItems": 3}]}),
                },
            },
        },
    ],
}
