"""Which expressions a line nests in a call, so that it is still easy to read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archspec.backends.torch_source.calls import Call
from archspec.families.templates import Ref

BEFORE = 8
"""The fewest columns that an expression leaves for the text before it: ``return`` or the name of its value."""
DEEPEST = 5
"""The deepest nesting of calls."""
_PLACE = re.compile(r"\{(\d+)\}")


@dataclass(slots=True)
class Pending:
    """An expression that is not part of a statement yet."""

    refs: tuple[Ref, ...]
    text: str
    reads: tuple[Ref, ...]
    named: tuple[str, ...]
    member: str
    spans: tuple[str, ...]
    atomic: bool
    training: bool
    heavy: bool
    deep: int
    takes: int
    """The number of calls in it that allocate memory outside training."""
    applies: tuple[int, str] | None
    """The index of the member and the name, where it calls one member of a list on one name."""


def nestable(call: Call, pending: Sequence[Pending]) -> list[Pending]:
    """The last pending expressions, where a call reads them all, each once and in their order; otherwise none."""
    waiting = {entry.refs[0]: entry for entry in pending}
    wanted = [call.reads[int(place)] for place in _PLACE.findall(call.text)]
    inner = [waiting[ref] for ref in wanted if ref in waiting]
    if len(inner) != len({entry.refs[0] for entry in inner}) or (inner and list(pending[-len(inner) :]) != inner):
        return []
    return inner


def is_readable(call: Call, inner: Sequence[Pending], names: Mapping[Ref, str], width: int) -> bool:
    """Whether a call with these expressions nested inside is easy to read, in a line of ``width`` columns."""
    if max(entry.deep for entry in inner) >= DEEPEST or (
        not call.merges and call.heavy and any(entry.heavy for entry in inner)
    ):
        return False
    text = filled(call, {entry.refs[0]: entry for entry in inner}, names)
    before = max(BEFORE, *(len(f"{name} = ") for name in (*call.named[:1], call.member)))
    if len(text) <= width - before:
        return True
    body = text[text.find("(") + 1 : -1] if text.endswith(")") else text
    return call.merges and call.atomic and len(body) <= width - 4 and len(inner) > 2


def filled(call: Call, texts: Mapping[Ref, Pending], names: Mapping[Ref, str]) -> str:
    """A call's text with the expressions in ``texts`` nested in it, and the names of all else that it reads."""

    def replace(match: re.Match[str]) -> str:
        ref = call.reads[int(match[1])]
        entry = texts.get(ref)
        if entry is None:
            return names[ref]
        before, after = call.text[: match.start()], call.text[match.end() :]
        enclosed = (before[-1:] in "([" or before.endswith(", ")) and after[:1] in (")", "]", ",")
        bare = not before and not after
        return entry.text if entry.atomic or enclosed or bare else f"({entry.text})"

    return _PLACE.sub(replace, call.text)
