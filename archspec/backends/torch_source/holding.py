"""The names of a forward that hold memory with no reads left.

A tensor lives as long as a name holds it, read or not.  The forward is written so that no tensor outlives its last
reader while another call allocates memory, as :mod:`archspec.analyses.memory` assumes.  The inputs of the forward are
left out: the caller holds them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from archspec.backends.torch_source.calls import Call, Loop
from archspec.families.templates import Ref

INPUTS = -1
"""The number of the entry whose outputs are the inputs of the forward."""


@dataclass(slots=True)
class Held:
    """The memory held by names.  The first value in it identifies it; reads of views count as reads of the memory."""

    names: dict[str, Ref] = field(default_factory=dict)
    """The names bound now, with the memory each holds."""
    _memory: dict[Ref, Ref] = field(default_factory=dict)
    _left: Counter[Ref] = field(default_factory=Counter)
    to_come: int = 0
    """The number of calls that allocate memory and are not part of a statement yet."""

    def note(self, calls: Iterable[Call | Loop], returned: Iterable[Ref]) -> None:
        """Count all reads to come, and the calls that allocate memory."""
        for call in calls:
            if isinstance(call, Loop):
                self._left.update(self._of(ref) for ref in call.reads)
                self.note(call.body, call.carried)
                continue
            if call.constant:
                continue
            self._left.update(self._of(ref) for ref in call.reads)
            self.to_come += call.views is None and not call.training
            for ref in call.gives:
                self._memory[ref] = ref if call.views is None else self._of(call.reads[call.views])
        self._left.update(self._of(ref) for ref in returned)

    def _of(self, ref: Ref) -> Ref:
        return self._memory.get(ref, ref)

    def dies(self, reads: Sequence[Ref]) -> bool:
        """Whether a name holds memory of which these are the last reads."""
        held = set(self.names.values())
        counts = Counter(self._of(ref) for ref in reads)
        return any(ref in held and count >= self._left[ref] for ref, count in counts.items())

    def keep(self, refs: Iterable[Ref]) -> None:
        """Begin a loop: these values stay alive in it, and the next iteration is expected to allocate memory."""
        self._left.update(self._of(ref) for ref in refs)
        self.to_come += 1

    def read(self, reads: Iterable[Ref], takes: int) -> None:
        """Record a statement that reads values and has ``takes`` calls that allocate memory."""
        self._left.subtract(self._of(ref) for ref in reads)
        self.to_come -= takes

    def bind(self, names: Iterable[str], refs: Iterable[Ref]) -> None:
        """Record that names hold values from now on."""
        for name, ref in zip(names, refs, strict=True):
            self.names.pop(name, None)
            if self._of(ref).entry != INPUTS:
                self.names[name] = self._of(ref)

    def idle(self) -> list[str]:
        """The names that hold memory with no reads left."""
        return [name for name, ref in self.names.items() if self._left[ref] <= 0]

    def forget(self, names: Iterable[str]) -> None:
        """Record that names hold nothing from now on."""
        for name in names:
            del self.names[name]
