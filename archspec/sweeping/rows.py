"""A row of a sweep: one variant, what it was measured to be, or why there is no such network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, field
from typing import Any

from archspec.records import record

SCORE = "score"
"""The measure of trained variants: accuracy or mean IoU, on the images held out."""

_TYPES: Mapping[str, Any] = {
    "int": int,
    "int | None": int | None,
    "str | None": str | None,
    "Mapping[str, Any]": dict,
    "Mapping[str, int]": dict,
}
"""The type in JSON of each of a row's types."""
_REQUIRED = frozenset(("number", "values", "sizes"))


@record
class Row:
    """One variant of a spec.

    Memory is in bytes, at the space's batch and dtype, weights included; None for a run that torch refuses.
    """

    number: int
    """Its place in the space, from 0."""
    values: Mapping[str, Any]
    """The parameters' values."""
    sizes: Mapping[str, int]
    reason: str | None = None
    """Why there is no such network; the measures are then None."""
    parameters: int | None = None
    multiply_adds: int | None = None
    weights: int | None = None
    inference: int | None = None
    training: int | None = None
    receptive_field: int | None = None
    """Pixels of the first input that the last map sees, along its shortest axis."""
    valid_sizes: str | None = None
    trial: Mapping[str, Any] = field(default_factory=dict)
    """What training found, if it was trained: score, epochs, settings."""

    def to_json(self) -> dict[str, Any]:
        """The row as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Row:
        """The row of such data.  Raises ``ValueError`` where a key is missing, unknown, or of another type."""
        fields = cls.__annotations__
        if not _REQUIRED <= data.keys() <= fields.keys():
            raise ValueError("the keys are not those of a row")
        for name, value in data.items():
            if not isinstance(value, _TYPES[fields[name]]) or isinstance(value, bool):
                raise ValueError(f"`{name}` is not of the type {fields[name]}")
        if not isinstance(data.get("trial", {}).get(SCORE), int | float | None):
            raise ValueError("the score is not a number")
        return cls(**data)


@record
class Measure:
    """Something that rows are compared by."""

    name: str
    title: str
    of: Callable[[Row], float | None]
    most: bool = False
    """Whether more is better."""


MEASURES = {
    measure.name: measure
    for measure in (
        Measure("parameters", "parameters", lambda row: row.parameters),
        Measure("macs", "multiply-adds", lambda row: row.multiply_adds),
        Measure("memory", "memory of a training step, bytes", lambda row: row.training),
        Measure("inference", "memory of inference, bytes", lambda row: row.inference),
        Measure("weights", "weights, bytes", lambda row: row.weights),
        Measure("field", "receptive field, pixels", lambda row: row.receptive_field, most=True),
        Measure(SCORE, "score", lambda row: row.trial.get(SCORE), most=True),
    )
}
