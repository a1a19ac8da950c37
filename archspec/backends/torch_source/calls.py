"""What a forward is made of: calls, and the statements that hold them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from archspec.families.templates import Ref

_MEASURED = re.compile(r"\{(\d+)\}\.shape")


@dataclass(slots=True)
class Call:
    """One step of a forward: an expression over places ``{0}``, ``{1}`` … for what it reads."""

    text: str
    reads: tuple[Ref, ...]
    gives: tuple[Ref, ...]
    atomic: bool = True
    training: bool = False
    heavy: bool = False
    """Whether it is a layer with weights, of which a line should hold one."""
    named: tuple[str, ...] = ()
    """What the spec calls its values."""
    member: str = ""
    """What it is called itself: a name for its value beside ``x``."""
    place: int | None = None
    """Its place in the list that the class is, where it calls that member on one value."""
    merges: bool = False
    spans: tuple[str, ...] = ()
    views: int | None = None
    """Which of the values it reads its own shares the memory of; None when it takes memory."""

    @property
    def wants_names(self) -> set[Ref]:
        """The values that have names, so that it is plain how long they live.

        Those whose size is asked for; and in ``a + b + c`` the third, or ``a + b`` would run before it is there.
        """
        found = {self.reads[int(place)] for place in _MEASURED.findall(self.text)}
        return found | set(self.reads[2:]) if self.merges and not self.atomic else found

    @property
    def constant(self) -> bool:
        """Whether it is a parameter."""
        return not self.reads and "(" not in self.text


@dataclass(slots=True)
class Loop:
    """Calls made several times, each time with what the time before them gave."""

    head: str
    body: list[Call]
    reads: tuple[Ref, ...]
    begin: tuple[Ref, ...]
    """What each turn finds: ``reads`` the first, ``carried`` of the turn before the others."""
    carried: tuple[Ref, ...]
    gives: tuple[Ref, ...]
    spans: tuple[str, ...]


def flat(calls: Iterable[Call | Loop]) -> Iterator[Call]:
    """The calls, those in loops too."""
    for call in calls:
        if isinstance(call, Loop):
            yield from call.body
        else:
            yield call


@dataclass(slots=True)
class Statement:
    """An assignment; the end of names, when it has no targets; the expression that is returned; the head of a loop."""

    targets: tuple[str, ...]
    text: str
    training: bool
    refs: tuple[Ref, ...]
    spans: tuple[str, ...] = ()
    body: list[Statement] = field(default_factory=list)
    """What stands in the loop."""
    applies: tuple[int, str] | None = None
    """Where it is one member of a list called on one name: the member's place and the name."""

    @property
    def turn(self) -> tuple[int, str] | None:
        """``applies`` where the value takes the name over: ``x = self[3](x)``."""
        return self.applies if self.applies and not self.training and self.targets == self.applies[1:] else None

    @property
    def line(self) -> str:
        """The statement as it is written."""
        return f"{', '.join(self.targets)} = {self.text}" if self.targets else self.text
