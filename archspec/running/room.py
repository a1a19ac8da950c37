"""Whether a machine has enough memory: checked before a run, and reported when torch's allocation fails.

A system that overcommits memory does not refuse an allocation: it kills the process.  So a request that cannot fit
is refused by its size.  Imports torch only when something runs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod

from archspec.diagnostics import Diagnostic, SpecError
from archspec.graph import Graph

NUMBER = 4
"""Bytes of one weight; networks are created in float32."""


def check_weights_fit(graph: Graph) -> None:
    """Raise :class:`SpecError` ``no-memory``, at the step with the most weights, if the weights do not fit."""
    found: dict[int, int] = {}
    for node in graph.nodes:
        if node.op is not None and node.reuse is None:
            weights = node.op.weights(graph.shapes_in(node))
            found[node.index] = NUMBER * sum(prod(weight.shape) for weight in weights)
    needed, there = sum(found.values()), memory_there()
    if there is not None and needed > there:
        most = graph.nodes[max(found, key=lambda index: found[index])]
        message = (
            f"the weights of `{graph.name}` need {_gigabytes(needed)} GB, and this machine has {_gigabytes(there)}"
        )
        hint = f"`{most.path}` has the most: {_gigabytes(found[most.index])} GB"
        raise SpecError([Diagnostic("no-memory", message, most.span, hint)])


def check_fits(needed: int, what: str, hint: str) -> None:
    """Raise :class:`SpecError` ``no-memory`` if ``what`` needs more bytes than the machine has."""
    there = memory_there()
    if there is not None and needed > there:
        raise SpecError([Diagnostic("no-memory", _message(f"{what} needs", needed, there), hint=hint)])


@contextmanager
def refusals_told(message: str, hint: str) -> Iterator[None]:
    """Turn torch's out-of-memory errors, on any device, into :class:`SpecError` ``no-memory``."""
    import torch

    try:
        yield
    except (torch.OutOfMemoryError, MemoryError):
        raise SpecError([Diagnostic("no-memory", message, hint=hint)]) from None
    except RuntimeError as error:  # on the CPU torch's allocator has no exception of its own
        if "allocate memory" not in str(error):
            raise
        raise SpecError([Diagnostic("no-memory", message, hint=hint)]) from None


def memory_there() -> int | None:
    """Bytes of memory that the machine has; None if its system does not report it."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # no sysconf, as on Windows; no such name; no answer
        return None


def _message(wants: str, needed: int, there: int) -> str:
    return f"{wants} {_gigabytes(needed)} GB, and this machine has {_gigabytes(there)}"


def _gigabytes(amount: int) -> str:
    return f"{amount / 1e9:,.1f}"
