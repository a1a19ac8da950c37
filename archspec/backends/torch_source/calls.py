"""The parts of a forward: calls, and the statements that contain them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from archspec.families.templates import Ref

_MEASURED = re.compile(r"\{(\d+)\}\.shape")


@dataclass(slots=True)
class Call:
    """One step of a forward: an expression with placeholders ``{0}``, ``{1}`` … for the values it reads."""

    text: str
    reads: tuple[Ref, ...]
    gives: tuple[Ref, ...]
    atomic: bool = True
    training: bool = False
    heavy: bool = False
    """Whether it is a layer with weights; a line should have at most one."""
    named: tuple[str, ...] = ()
    """The spec's names for its values."""
    member: str = ""
    """The name of the member it calls, which may name its value in place of ``x``."""
    place: int | None = None
    """The index of the member it calls on one value, where the class is a list; otherwise None."""
    merges: bool = False
    spans: tuple[str, ...] = ()
    views: int | None = None
    """The position of the value read whose memory its own value shares; None when it allocates memory."""

    @property
    def wants_names(self) -> set[Ref]:
        """The values read that need names, so that their lifetimes are explicit.

        These are values whose size is read, and the third of ``a + b + c``, since ``a + b`` would run before it exists.
        """
        found = {self.reads[int(place)] for place in _MEASURED.findall(self.text)}
        return found | set(self.reads[2:]) if self.merges and not self.atomic else found

    @property
    def constant(self) -> bool:
        """Whether it is only a parameter, which runs nothing."""
        return not self.reads and "(" not in self.text


@dataclass(slots=True)
class Loop:
    """Calls repeated in a loop, where each iteration reads the results of the one before."""

    head: str
    body: list[Call]
    reads: tuple[Ref, ...]
    begin: tuple[Ref, ...]
    """The values an iteration starts from: ``reads`` in the first, then ``carried`` of the one before."""
    carried: tuple[Ref, ...]
    gives: tuple[Ref, ...]
    spans: tuple[str, ...]


def flat(calls: Iterable[Call | Loop]) -> Iterator[Call]:
    """The calls, those in loops included."""
    for call in calls:
        if isinstance(call, Loop):
            yield from call.body
        else:
            yield call


@dataclass(slots=True)
class Statement:
    """An assignment; or, without targets, a ``del``, the expression that is returned, or the head of a loop."""

    targets: tuple[str, ...]
    text: str
    training: bool
    refs: tuple[Ref, ...]
    spans: tuple[str, ...] = ()
    body: list[Statement] = field(default_factory=list)
    """The statements in the loop."""
    applies: tuple[int, str] | None = None
    """The index of the member and the name, where it calls one member of a list on one name."""

    @property
    def turn(self) -> tuple[int, str] | None:
        """``applies`` where the result is assigned to the same name: ``x = self[3](x)``."""
        return self.applies if self.applies and not self.training and self.targets == self.applies[1:] else None

    @property
    def line(self) -> str:
        """The statement as source text."""
        return f"{', '.join(self.targets)} = {self.text}" if self.targets else self.text
