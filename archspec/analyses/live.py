"""The bytes alive at each time: as numbers, and in a second pass as formulas that describe a peak."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Bytes = Any
"""An ``int``, or a :class:`Formula` when ``Live`` runs to a mark; both can be added."""


@dataclass(slots=True)
class Live:
    """Bytes of each tensor, its number of references, and the peak of the sum."""

    stop: int = 0
    """The mark whose sum is kept; 0 for the largest sum."""
    sizes: dict[object, Bytes] = field(default_factory=dict)
    held: dict[object, int] = field(default_factory=dict)
    now: Bytes = 0
    peak: Bytes = 0
    at: str = ""
    mark_at: int = 0
    """The number of the mark at the peak, from 1."""
    marks: int = 0
    alive: list[tuple[object, Bytes]] = field(default_factory=list)
    """The tensors alive at that mark, and under None the temporary memory of the step."""

    def hold(self, tensor: object, size: Bytes) -> None:
        """Add a reference to a tensor; ``size`` counts with the first."""
        held = self.held.get(tensor, 0)
        if held == 0:
            self.sizes[tensor] = size
            self.now = self.now + size
        self.held[tensor] = held + 1

    def release(self, tensor: object) -> None:
        """Remove a reference to a tensor; the last one frees it."""
        left = self.held[tensor] = self.held[tensor] - 1
        if left == 0:
            self.now = self.now - self.sizes[tensor]

    def mark(self, step: str, more: Bytes = 0) -> None:
        """Record that a step runs, with ``more`` temporary bytes."""
        self.marks += 1
        if self.marks == self.stop if self.stop else self.now + more > self.peak:
            self.peak, self.at, self.mark_at = self.now + more, step, self.marks
            if self.stop:
                self.alive = [(tensor, self.sizes[tensor]) for tensor, count in self.held.items() if count]
                self.alive += [(None, more)] if more else []
