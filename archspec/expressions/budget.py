"""How much evaluation may use, so that no expression runs long or grows large, nor all of a spec's together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from archspec.diagnostics import Excess, Fault, Span

EACH = 40
"""Steps of evaluation that every copy of a step adds to what a spec may use: large networks may compute more."""


@dataclass
class Work:
    """What the expressions of all files of one load use together, beyond the bounds that each has."""

    steps: int = 2_500_000
    """Steps of evaluation there are to begin with: a few seconds."""
    copies: int = 0
    """Copies of steps run so far, whether they made nodes or not."""
    spent: int = 0
    pulse: Callable[[], None] | None = None
    """Called for every copy of a step; what it raises ends the load: an editor does so at the next keystroke."""

    def spend(self, budget: Budget, span: Span | None) -> None:
        """Add what one evaluation used up; raises :class:`Excess` ``expression-limit`` when it is too much."""
        self.spent += budget.spent_steps + budget.spent_items // 4  # the time that an element takes, about
        if self.spent > self.steps + EACH * self.copies:
            said = f"all expressions together take more than {self.steps:,} steps, plus {EACH} for each network step"
            hint = "a larger limit can be set where the spec is loaded: load(…, bounds=Bounds(evaluation=…))"
            raise Excess(Fault("expression-limit", f"too much to evaluate: {said}", span, hint))


@dataclass
class Budget:
    """What evaluation may use; share one between expressions to bound them together.

    ``steps`` and ``items`` (elements of lists made) are used up; ``bits`` bounds each integer, ``text`` each text.
    """

    steps: int = 1_000_000
    items: int = 100_000
    bits: int = 4_096
    text: int = 10_000
    spent_steps: int = field(default=0, init=False)
    spent_items: int = field(default=0, init=False)

    def spend(self, steps: int = 1) -> None:
        """Use steps up; raises :class:`Fault` ``expression-limit`` when there are none left."""
        self.spent_steps += steps
        if self.spent_steps > self.steps:
            raise limit(f"more than {self.steps:,} evaluation steps")

    def make(self, items: int) -> None:
        """Use list elements up, before they are made."""
        if self.spent_items + items > self.items:
            raise limit(f"lists of more than {self.items:,} elements together")
        self.spent_items += items

    def check_text(self, length: int) -> None:
        """Refuse a text that would be too long, before it is made."""
        if length > self.text:
            raise limit(f"a text of {length:,} characters; {self.text:,} are allowed")

    def check_bits(self, bits: int) -> None:
        """Refuse an integer that would be too large, before it is made."""
        if bits > self.bits:
            raise limit(f"an integer of more than {self.bits:,} bits")


def limit(message: str) -> Fault:
    """The fault of asking for too much."""
    return Fault("expression-limit", f"too much to evaluate: {message}")
