"""What is alive at a time, in bytes: as numbers, or a second time as formulas to say what a peak is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Bytes = Any
"""An ``int``, or a :class:`Formula` when ``Live`` runs to a mark: both add up."""


@dataclass(slots=True)
class Live:
    """Bytes by tensor, how often each is held, and the peak of their sum."""

    stop: int = 0
    """The mark whose sum is wanted, instead of the greatest; 0 for the greatest."""
    sizes: dict[object, Bytes] = field(default_factory=dict)
    held: dict[object, int] = field(default_factory=dict)
    now: Bytes = 0
    peak: Bytes = 0
    at: str = ""
    mark_at: int = 0
    """Which mark was the peak, counted from 1."""
    marks: int = 0
    alive: list[tuple[object, Bytes]] = field(default_factory=list)
    """What is held at the mark that is wanted, and None for what a step needs beside."""

    def hold(self, tensor: object, size: Bytes) -> None:
        """One more holds a tensor; ``size`` counts when it is the first."""
        if self.held.get(tensor, 0) == 0:
            self.sizes[tensor] = size
            self.now = self.now + size
        self.held[tensor] = self.held.get(tensor, 0) + 1

    def release(self, tensor: object) -> None:
        """One fewer holds a tensor, which is gone with the last."""
        self.held[tensor] -= 1
        if self.held[tensor] == 0:
            self.now = self.now - self.sizes[tensor]

    def mark(self, step: str, more: Bytes = 0) -> None:
        """A step runs, with ``more`` beside what is held."""
        self.marks += 1
        if self.marks == self.stop if self.stop else self.now + more > self.peak:
            self.peak, self.at, self.mark_at = self.now + more, step, self.marks
            if self.stop:
                self.alive = [(tensor, self.sizes[tensor]) for tensor, count in self.held.items() if count]
                self.alive += [(None, more)] if more else []
