"""The valid sizes as data: the sets, and every condition, which the page evaluates to tell why a size is refused."""

from __future__ import annotations

from typing import Any

from archspec.analyses.report import Report
from archspec.backends.explorer.tables import Kept, Numbers, whole
from archspec.sizes import AtLeast, Condition, Equal, Residue, Several, Solution, sides, statement

KINDS: dict[type, int] = {AtLeast: 0, Several: 1, Equal: 2, Residue: 3}
"""The number of each kind of condition; 4 is ``left ≤ right``."""


class Limits:
    """The distinct conditions, and the solution for each symbol."""

    def __init__(self, report: Report, numbers: Numbers) -> None:
        self.conditions = Kept()
        self._numbers = numbers
        trained = report.valid_sizes_training
        self.symbols = [
            self._solution(name, found, trained[name].describe()) for name, found in report.valid_sizes.items()
        ]

    def _solution(self, name: str, found: Solution, training: str) -> dict[str, Any]:
        valid = found.valid
        return {
            "name": name,
            "valid": found.describe(),
            "training": training,
            "intervals": [list(map(whole, interval)) for interval in valid.intervals],
            "start": whole(valid.start),
            "modulus": whole(valid.modulus),
            "residues": [list(map(whole, interval)) for interval in valid.residues],
            "own": [self._condition(condition) for condition in found.conditions],
            "undecided": [self._condition(condition) for condition in found.undecided],
            "coupled": [self._condition(condition) for condition in found.coupled],
        }

    def _condition(self, condition: Condition) -> int:
        """The number of a condition."""
        return self.conditions.place(condition, lambda: self._row(condition))

    def _row(self, condition: Condition) -> list[Any]:
        """Kind, two sizes, the step that imposes the condition, its wording, the remainders it allows."""
        left, right = (self._numbers.dim(side) for side in sides(condition))
        allowed = list(map(list, condition.allowed)) if isinstance(condition, Residue) else []
        return [KINDS.get(type(condition), 4), left, right, condition.author, statement(condition), allowed]
