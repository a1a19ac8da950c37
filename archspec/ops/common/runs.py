"""How a network runs, as far as that decides which sizes torch takes."""

from __future__ import annotations

from collections.abc import Sequence

from archspec.records import record
from archspec.sizes import Condition, Dim, Several


@record
class Run:
    """In training or in evaluation, on one image or on a batch of several."""

    training: bool = False
    alone: bool = False
    """Whether the batch is one image: a mean over the batch then has no more values than one image brings."""


EVALUATION = Run()
TRAINING = Run(training=True)


def several(dims: Sequence[Dim], author: object) -> list[Condition]:
    """What torch asks of a normalisation that works out a mean over ``dims``: more than one value."""
    sizes = tuple(dim for dim in dims if dim != 1)
    return [] if any(isinstance(dim, int) for dim in sizes) else [Several(sizes, author)]
