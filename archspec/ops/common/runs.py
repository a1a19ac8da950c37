"""The ways a network can run that decide which sizes torch accepts."""

from __future__ import annotations

from collections.abc import Sequence

from archspec.records import record
from archspec.sizes import Condition, Dim, Several


@record
class Run:
    """Training or evaluation, on one image or on a batch of several."""

    training: bool = False
    alone: bool = False
    """Whether the batch is one image: a mean over the batch is then over the values of one image."""


EVALUATION = Run()
TRAINING = Run(training=True)


def several(dims: Sequence[Dim], author: object) -> list[Condition]:
    """Conditions of torch for a normalisation over ``dims``: more than one value."""
    sizes = tuple(dim for dim in dims if dim != 1)
    return [] if any(isinstance(dim, int) for dim in sizes) else [Several(sizes, author)]
