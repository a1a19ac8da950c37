"""The weights that a training starts from: a file's, or those of a library's name.

Imports torch.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from archspec.diagnostics import Diagnostic, printable
from archspec.running.named_weights import load_named
from archspec.training.data import Data


def start_from(network: nn.Module, weights: str, data: Data) -> tuple[Diagnostic, ...]:
    """Load the weights; notes on what was adapted, and on images that the library normalised otherwise."""
    named = load_named(network, weights, len(data.classes))
    theirs, ours = (named.mean, named.std), data.normalisation
    if theirs == (None, None) or ours is None or theirs == ours:
        return named.notes
    what = "were trained on images of another mean and standard deviation than these"
    told = tuple(
        f"{whose} {_numbers(mean)} and {_numbers(std)}"
        for whose, (mean, std) in (("theirs are", theirs), ("here they are", ours))
    )
    note = Diagnostic("weights-adapted", f"`{printable(weights, 80)}` {what}", details=told, severity="note")
    return (*named.notes, note)


def _numbers(values: Sequence[float] | None) -> str:
    return ", ".join(f"{each:g}" for each in values or ())
