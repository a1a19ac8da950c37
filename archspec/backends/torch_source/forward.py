"""A class's forward: calls in the order written, nested where a line has room, with as few names as possible."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from archspec.backends.torch_source.calls import Call, Loop, Statement, flat
from archspec.backends.torch_source.holding import Held
from archspec.backends.torch_source.layout import WIDTH
from archspec.backends.torch_source.names import Namespace
from archspec.backends.torch_source.nesting import Pending, filled, is_readable, nestable
from archspec.backends.torch_source.pieces import together
from archspec.families.templates import Ref

FAR = 5
"""Distance in calls between a value and a reader from which the value gets a name of its own."""
_SHORT = ("x", "y", "z")
"""The names for values without a name of their own."""


@dataclass(slots=True)
class Body:
    """Builds the statements of one forward."""

    names: Namespace
    bound: dict[Ref, str]
    """The names of values; at first those of the inputs."""
    statements: list[Statement] = field(default_factory=list)
    _left: Counter[Ref] = field(default_factory=Counter)
    _total: Counter[Ref] = field(default_factory=Counter)
    _pending: list[Pending] = field(default_factory=list)
    _mine: set[str] = field(default_factory=set)
    _merged: set[Ref] = field(default_factory=set)
    _far: set[Ref] = field(default_factory=set)
    _beside: set[Ref] = field(default_factory=set)
    """Values made, returned or merged together with others: each has its own name, to tell them apart."""
    _held: Held = field(default_factory=Held)
    _spare: list[str] = field(default_factory=list)
    """The names made for values without one of their own, where :data:`_SHORT` was not enough."""
    _wanted: dict[Ref, str] = field(default_factory=dict)
    """In a loop, the names from which the next iteration reads its values."""
    careful: bool = False
    """Whether lines were split or names deleted to lower peak memory."""
    _margin: int = 8

    def run(self, calls: Sequence[Call | Loop], returned: Sequence[Ref]) -> list[str]:
        """Fill ``statements``; returns the expressions of the values that the forward returns."""
        self._mine.update(self.bound.values())
        calls = together(calls)
        made: dict[Ref, int] = {}
        self._held.note(calls, returned)
        for call in calls:
            if isinstance(call, Loop):
                self._left.update((*call.reads, *call.carried))
        for position, call in enumerate(flat(calls)):
            self._left.update(call.reads)
            if call.merges:
                self._merged.update(call.reads)
                if len(call.reads) > len(_SHORT):
                    self._beside.update(call.reads)
            made.update((ref, position) for ref in call.gives)
            if len(call.gives) > 1:
                self._beside.update(call.gives)
            self._far.update(ref for ref in call.reads if position - made.get(ref, position) >= FAR)
        self._left.update(returned)
        if len(returned) > 1:
            self._beside.update(returned)
        self._total = Counter(self._left)
        for call in calls:
            if isinstance(call, Loop):
                self._loop(call)
            else:
                self._add(call)
        return self._return(returned)

    def _return(self, returned: Sequence[Ref]) -> list[str]:
        tail = [entry.refs[0] for entry in self._pending]
        if tail and (tail != [ref for ref in returned if ref in tail] or len(tail) > 1 or self._pending[0].training):
            self._flush()
            tail = []
        if tail and len(returned) > 1:
            self._flush()
            tail = []
        return [self._pending[-1].text if ref in tail else self.bound[ref] for ref in returned]

    def spans_left(self) -> tuple[str, ...]:
        """The places in the spec of the steps in the returned expression."""
        return tuple(span for entry in self._pending for span in entry.spans)

    def _add(self, call: Call) -> None:
        if call.constant:  # it runs nothing, so its position does not matter
            self.bound[call.gives[0]] = call.text
            return
        if self._pending and self._pending[-1].training != call.training:
            self._flush()
        if self._pending and self._outlived(call):
            self.careful = True
            self._flush()
        if not call.training:
            self._let_go()
        if not call.wants_names.isdisjoint(entry.refs[0] for entry in self._pending):
            self._flush()
        nested = self._nested(call)
        if nested:
            del self._pending[-len(nested) :]
            texts = {entry.refs[0]: entry for entry in nested}
            self._held.read(texts, 0)
        else:
            waiting = {entry.refs[0] for entry in self._pending}
            if any(ref in waiting for ref in call.reads):
                self._flush()
            texts = {}
        entry = Pending(
            call.gives,
            filled(call, texts, self.bound),
            (*(ref for ref in call.reads if ref not in texts), *(ref for entry in nested for ref in entry.reads)),
            call.named,
            call.member,
            tuple(span for entry in nested for span in entry.spans) + call.spans,
            call.atomic,
            call.training,
            call.heavy or any(entry.heavy for entry in nested),
            1 + max((entry.deep for entry in nested), default=0),
            (call.views is None and not call.training) + sum(entry.takes for entry in nested),
            None if call.place is None or nested else (call.place, self.bound[call.reads[0]]),
        )
        if len(call.gives) != 1:
            self._flush()
            self._assign(entry)
            return
        self._pending.append(entry)
        if self._left[call.gives[0]] != 1:
            self._flush()

    def _loop(self, loop: Loop) -> None:
        """Add a loop: the names an iteration starts from are assigned the values for the next one at its end."""
        self._flush()
        self._let_go()
        names = [self._taken_over(*pair) for pair in zip(loop.reads, loop.begin, strict=True)]
        around = [ref for ref in self.bound if ref not in loop.begin]
        self._left.update(around)  # names from outside the loop keep their values in each iteration
        self._held.keep((*around, *loop.gives))
        before, self.statements = self.statements, []
        self._margin += 4
        self._wanted.update(zip(loop.carried, names, strict=True))
        for call in loop.body:
            self._add(call)
        self._flush()
        moved = [(name, self.bound[ref]) for name, ref in zip(names, loop.carried, strict=True)]
        moved = [(name, found) for name, found in moved if name != found]
        if moved:
            targets, values = zip(*moved, strict=True)
            self.statements.append(Statement(targets, ", ".join(values), False, ()))
        self._read(loop.carried)
        self._held.bind(names, loop.gives)
        self._let_go()
        self._margin -= 4
        before.append(Statement((), loop.head, False, (), loop.spans, self.statements))
        self.statements = before
        self._read(around)
        self._held.read((), 1)
        self._held.read(loop.gives, 0)
        self.bound.update(zip(loop.gives, names, strict=True))

    def _taken_over(self, ref: Ref, begin: Ref) -> str:
        """The name for a value that a loop starts from: its own if nothing else reads it, or a new one."""
        name = self.bound[ref]
        self._read([ref])
        named = ref.entry < 0 and name not in _SHORT  # an input keeps its name
        if ref in self.bound or name not in self._mine or named:
            copy = self._name(begin, "", set(self.bound.values()))
            self.statements.append(Statement((copy,), name, False, ()))
            name = copy
        self.bound[begin] = name
        self._held.bind([name], [begin])
        return name

    def _read(self, refs: Iterable[Ref]) -> None:
        """Record reads of values that are not reads of a pending call."""
        refs = list(refs)
        for ref in refs:
            self._left[ref] -= 1
            if self._left[ref] == 0:
                del self.bound[ref]
        self._held.read(refs, 0)

    def _outlived(self, call: Call) -> bool:
        """Whether names would keep values alive, while a call runs, that only the pending expressions still read."""
        reads = [ref for entry in self._pending for ref in entry.reads]
        return call.views is None and not call.training and self._held.dies(reads)

    def _nested(self, call: Call) -> list[Pending]:
        """The pending expressions to nest inside a call: the last ones, if the call reads them in their order."""
        inner = nestable(call, self._pending)
        wholly = len(inner)
        waiting = {entry.refs[0]: next(iter(entry.named), "") or entry.member or "x" for entry in self._pending}
        while inner and not is_readable(call, inner, waiting | self.bound, WIDTH - self._margin):
            inner = inner[1:]
        if inner and len(inner) < wholly:
            self._flush(len(self._pending) - len(inner))
        return inner

    # -- names ---------------------------------------------------------------------------------------------------------

    def _flush(self, count: int | None = None) -> None:
        """Assign the first ``count`` pending expressions to names; all of them without ``count``."""
        for entry in self._pending[:count]:
            self._assign(entry)
        del self._pending[:count]

    def _assign(self, entry: Pending) -> None:
        self._read(entry.reads)
        self._held.read((), entry.takes)
        busy = set(self.bound.values())
        if entry.training:
            busy.update(self._held.names)  # an assignment under `if self.training` frees nothing outside training
        targets: list[str] = []
        for position, ref in enumerate(entry.refs):
            wanted = entry.named[position] if position < len(entry.named) else ""
            if not wanted and len(entry.refs) == 1 and ref in self._beside and not entry.member.startswith("branch"):
                wanted = entry.member
            if not wanted and entry.member.startswith("branch") and (ref in self._merged or "x" in busy):
                base = re.sub(r"_\d+[a-z]?$", "", entry.member)
                wanted = entry.member if base in busy or (base in self.names and base not in self._mine) else base
            if self._left[ref] == 0:
                target = "_"
            else:
                target = self._name(ref, wanted, busy, entry.member)
                busy.add(target)
            if target != "_":
                self.bound[ref] = target
            targets.append(target)
        if targets == ["_"]:
            return
        self.statements.append(
            Statement(tuple(targets), entry.text, entry.training, entry.refs, entry.spans, applies=entry.applies)
        )
        if not entry.training:
            self._held.bind(targets, entry.refs)
            self._let_go()

    def _let_go(self) -> None:
        """Delete names that hold values with no reads left, if a later call allocates memory."""
        names = self._held.idle()
        if names and self._held.to_come:
            self._held.forget(names)
            self.careful = True
            self.statements.append(Statement((), f"del {', '.join(names)}", False, ()))

    def _name(self, ref: Ref, wanted: str, busy: set[str], member: str = "") -> str:
        """A name: ``x`` along the chain, the value's own name where it is read later, ``y`` and ``z`` beside ``x``."""
        kept = self._wanted.get(ref)
        if kept is not None and kept not in busy:
            return kept
        apart = ref in self._beside or wanted.startswith("branch")
        if wanted and (self._total[ref] > 1 or "x" in busy or apart):
            if wanted in self._mine and wanted not in busy:
                return wanted
            name = self.names.claim(wanted)
            self._mine.add(name)
            return name
        # Binding a name releases what it held, so names whose values have no reads left come first.
        short = (*_SHORT, *self._spare)
        freed = [name for name in self._held.idle() if name in short]
        for name in () if ref in self._far and member else (*freed, *short):
            if name not in busy and (name in self._mine or name not in self.names):
                if name not in self._mine:
                    self._mine.add(self.names.claim(name))
                return name
        name = self.names.claim(member or "value")
        self._mine.add(name)
        if not member:
            self._spare.append(name)
        return name
