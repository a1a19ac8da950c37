"""The bytes alive at each time: as numbers, and in a second pass as formulas that describe a peak."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Bytes = Any
"""An ``int``, or a :class:`Formula` when ``Live`` runs to a mark; both can be added."""

Kind = Literal["value", "again", "saved", "passing", "prepared", "weights", "gradient", "input gradient", "sum"]
"""What a tensor is to the step that it belongs to.

``value``: its output; ``again``: its output, computed a second time; ``saved``: what it saves besides inputs and
output, and ``passing`` what it saves only where the gradient of an input is wanted; ``prepared``: its input with
padding; ``weights``: the gradients of its weights; ``gradient``: the gradient of its output, and ``input gradient``
that of one of its inputs; ``sum``: the gradients of its output, added.
"""


@dataclass(slots=True, eq=False)
class Tensor:
    """One tensor of a run: what it is, its step by index, its bytes, and the number of references to it."""

    kind: Kind
    step: int
    size: Bytes
    held: int = 0


@dataclass(slots=True)
class Live:
    """The bytes alive, and the peak of their sum."""

    now: Bytes = 0
    peak: Bytes = 0
    at: str = ""
    mark_at: int = 0
    """The number of the mark at the peak, from 1."""
    marks: int = 0

    def hold(self, tensor: Tensor) -> None:
        """Add a reference to a tensor; its size counts with the first."""
        if not tensor.held:
            self.now += tensor.size
        tensor.held += 1

    def release(self, tensor: Tensor) -> None:
        """Remove a reference to a tensor; the last one frees it."""
        tensor.held -= 1
        if not tensor.held:
            self.now -= tensor.size

    def mark(self, step: str, more: Bytes = 0) -> None:
        """Record that a step runs, with ``more`` temporary bytes."""
        self.marks += 1
        if self.now + more > self.peak:
            self.peak, self.at, self.mark_at = self.now + more, step, self.marks


@dataclass(slots=True)
class LiveAt(Live):
    """What is alive at one mark, as formulas or as numbers."""

    stop: int = 0
    """The number of the mark, from 1."""
    alive: list[tuple[Tensor | None, Bytes]] = field(default_factory=list)
    """The tensors alive at that mark, and under None the temporary memory of the step."""
    _held: dict[Tensor, None] = field(default_factory=dict)

    def hold(self, tensor: Tensor) -> None:
        """Add a reference to a tensor."""
        if not tensor.held and self.marks < self.stop:
            self._held[tensor] = None
        tensor.held += 1

    def release(self, tensor: Tensor) -> None:
        """Remove a reference to a tensor."""
        tensor.held -= 1
        if not tensor.held and self.marks < self.stop:
            del self._held[tensor]

    def mark(self, step: str, more: Bytes = 0) -> None:
        """Record that a step runs, with ``more`` temporary bytes."""
        self.marks += 1
        if self.marks == self.stop:
            self.alive = [(tensor, tensor.size) for tensor in self._held]
            self.alive += [(None, more)] if more else []
            self.peak, self.at, self.mark_at = sum((size for _, size in self.alive), 0), step, self.marks
