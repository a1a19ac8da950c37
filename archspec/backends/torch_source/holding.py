"""Which names of a forward hold memory that nothing reads any more.

A tensor lives as long as a name holds it, read or not.  The forward is written so that none outlives its last reader
while something else takes memory, which is what :mod:`archspec.analyses.memory` counts on.  What the forward itself was
called with is left out: the caller holds that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from archspec.backends.torch_source.calls import Call, Loop
from archspec.families.templates import Ref

INPUTS = -1
"""The entry whose outputs are what a forward was called with."""


@dataclass(slots=True)
class Held:
    """Memory by the first value that lies in it; views of it are readers like any other."""

    names: dict[str, Ref] = field(default_factory=dict)
    """The names bound so far, with the memory each holds."""
    _memory: dict[Ref, Ref] = field(default_factory=dict)
    _left: Counter[Ref] = field(default_factory=Counter)
    to_come: int = 0
    """Calls that take memory and stand in no statement yet."""

    def note(self, calls: Iterable[Call | Loop], returned: Iterable[Ref]) -> None:
        """What is going to be read, and how many calls take memory."""
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
        """Whether a name holds memory that nothing reads after these."""
        held = set(self.names.values())
        counts = Counter(self._of(ref) for ref in reads)
        return any(ref in held and count >= self._left[ref] for ref, count in counts.items())

    def keep(self, refs: Iterable[Ref]) -> None:
        """A loop begins, in which these must not end, nor what may be needed in the next turn."""
        self._left.update(self._of(ref) for ref in refs)
        self.to_come += 1

    def read(self, reads: Iterable[Ref], takes: int) -> None:
        """A statement reads values and takes memory so many times."""
        self._left.subtract(self._of(ref) for ref in reads)
        self.to_come -= takes

    def bind(self, names: Iterable[str], refs: Iterable[Ref]) -> None:
        """Names hold values from now on."""
        for name, ref in zip(names, refs, strict=True):
            self.names.pop(name, None)
            if self._of(ref).entry != INPUTS:
                self.names[name] = self._of(ref)

    def idle(self) -> list[str]:
        """The names that hold what nothing reads any more."""
        return [name for name, ref in self.names.items() if self._left[ref] <= 0]

    def forget(self, names: Iterable[str]) -> None:
        """Names hold nothing from now on."""
        for name in names:
            del self.names[name]
