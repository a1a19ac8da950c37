"""Limits on evaluation, so that neither one expression nor all of a spec together run long or grow large."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from archspec.diagnostics import Excess, Fault, Span

EACH = 40
"""Evaluation steps that each copy of a network step adds to a spec's limit, so that large networks may use more."""


@dataclass
class Work:
    """The evaluation that all files of one load use together; each expression has its own limits besides."""

    steps: int = 2_500_000
    """The limit on evaluation steps before any copies are added: a few seconds."""
    copies: int = 0
    """Copies of network steps run so far, whether they made nodes or not."""
    spent: int = 0
    pulse: Callable[[], None] | None = None
    """Called for every copy of a network step; may raise to end the load, as an editor does at the next keystroke."""

    def affords(self, steps: int) -> bool:
        """Whether so much more evaluation is within the limit, whatever copies are added on the way."""
        return self.spent + steps <= self.steps + EACH * self.copies

    def spend(self, budget: Budget, span: Span | None) -> None:
        """Add what one evaluation used; raises :class:`Excess` ``expression-limit`` when the total is too large."""
        self.spent += budget.spent_steps + budget.spent_items // 4  # about the time that an element takes
        if self.spent > self.steps + EACH * self.copies:
            said = f"all expressions together take more than {self.steps:,} steps, plus {EACH} for each network step"
            hint = "a larger limit can be set where the spec is loaded: load(…, bounds=Bounds(evaluation=…))"
            raise Excess(Fault("expression-limit", f"too much to evaluate: {said}", span, hint))


@dataclass
class Budget:
    """The limits of an evaluation; expressions that share one are limited together.

    ``steps`` and ``items`` (list elements) limit totals; ``bits`` limits each integer, ``text`` each text's length.
    """

    steps: int = 1_000_000
    items: int = 100_000
    bits: int = 4_096
    text: int = 10_000
    spent_steps: int = field(default=0, init=False)
    spent_items: int = field(default=0, init=False)

    def spend(self, steps: int = 1) -> None:
        """Count steps; raises :class:`Fault` ``expression-limit`` when there are too many."""
        self.spent_steps += steps
        if self.spent_steps > self.steps:
            raise limit(f"more than {self.steps:,} evaluation steps")

    def make(self, items: int) -> None:
        """Count list elements before they are made; raises like :meth:`spend`."""
        if self.spent_items + items > self.items:
            raise limit(f"lists of more than {self.items:,} elements together")
        self.spent_items += items

    def check_text(self, length: int) -> None:
        """Refuse a text that would be too long before it is made."""
        if length > self.text:
            raise limit(f"a text of {length:,} characters; {self.text:,} are allowed")

    def check_bits(self, bits: int) -> None:
        """Refuse an integer that would be too large before it is made."""
        if bits > self.bits:
            raise limit(f"an integer of more than {self.bits:,} bits")


def limit(message: str) -> Fault:
    """The fault of an evaluation over its limits."""
    return Fault("expression-limit", f"too much to evaluate: {message}")
