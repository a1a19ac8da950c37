"""Typed access to the fields of a message by name; fields that are never asked for are reported as errors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archspec.diagnostics import Diagnostics, Fault, Span, did_you_mean, printable
from archspec.importers.caffe.prototxt import Document, Field, Message, Scalar

MOST = 1_000_000_000
OF_TRAINING = ("weight_filler", "bias_filler", "filler", "engine", "lr_mult", "decay_mult")
"""Keys of messages within a layer that affect how it is trained or run, not its output."""


class Fields:
    """One message, read field by field."""

    def __init__(self, document: Document, message: Message, what: str, span: Span | None = None) -> None:
        self.document = document
        self.what = what
        self.place = span or document.span(message)
        self._by_name: dict[str, list[Field]] = {}
        for each in message.fields:
            self._by_name.setdefault(each.name, []).append(each)
        self._asked: set[str] = set()
        self._inner: list[Fields] = []

    def span(self, name: str) -> Span:
        """The place of a field; of the message if the field is missing."""
        found = self._by_name.get(name)
        return self.document.span(found[0]) if found else self.place

    def has(self, name: str) -> bool:
        """Whether a field is present."""
        return name in self._by_name

    def all(self, name: str) -> list[Scalar | Message]:
        """Every value of a field."""
        self._asked.add(name)
        return [each.value for each in self._by_name.get(name, ())]

    def scalars(self, name: str) -> list[Scalar]:
        """Every value of a field that holds no messages; raises :class:`Fault`."""
        found: list[Scalar] = []
        for value in self.all(name):
            if isinstance(value, Message):
                raise self.wrong(name, "must be a message")
            found.append(value)
        return found

    def messages(self, name: str, apart: bool = False) -> list[Fields]:
        """Every message of a field; those ``apart`` must be closed separately.  Raises :class:`Fault`."""
        found: list[Fields] = []
        for each in self._by_name.get(name, ()):
            if not isinstance(each.value, Message):
                raise self.wrong(name, "is a message")
            found.append(Fields(self.document, each.value, name, self.document.span(each)))
        self._asked.add(name)
        self._inner += [] if apart else found
        return found

    def message(self, name: str) -> Fields:
        """The single message of a field; an empty one if there is none."""
        found = self.messages(name)
        if len(found) > 1:
            raise self.wrong(name, "is given twice")
        if found:
            return found[0]
        return Fields(self.document, Message(self.place.line, self.place.column), name, self.place)

    def _one(self, name: str) -> Scalar | None:
        found = self.scalars(name)
        if len(found) > 1:
            raise self.wrong(name, "is given twice")
        return found[0] if found else None

    def text(self, name: str, usual: str = "") -> str:
        """A string; raises :class:`Fault`."""
        found = self._one(name)
        if found is not None and found.kind != "text":
            raise self.wrong(name, "must be a text in double quotes")
        return usual if found is None else found.text

    def texts(self, name: str) -> list[str]:
        """Every string of a field."""
        found = self.scalars(name)
        if any(each.kind != "text" for each in found):
            raise self.wrong(name, "must be a text in double quotes")
        return [each.text for each in found]

    def word(self, name: str, words: Iterable[str], usual: str) -> str:
        """One of some words; raises :class:`Fault`."""
        found = self._one(name)
        if found is None:
            return usual
        words = list(words)
        if found.text not in words:
            raise self.wrong(name, f"must be one of {', '.join(words)}", found)
        return found.text

    def flag(self, name: str, usual: bool) -> bool:
        """True or false; raises :class:`Fault`."""
        return self.word(name, ("true", "false", "1", "0", "True", "False"), str(usual)) in ("true", "True", "1")

    def whole(self, name: str, usual: int, least: int = 0) -> int:
        """A whole number; raises :class:`Fault`."""
        found = self.wholes(name, least)
        if len(found) > 1:
            raise self.wrong(name, "is given twice")
        return found[0] if found else usual

    def wholes(self, name: str, least: int = 0) -> list[int]:
        """Every whole number of a field; raises :class:`Fault`."""
        return [self._whole(name, each, least) for each in self.scalars(name)]

    def _whole(self, name: str, given: Scalar, least: int) -> int:
        digits = given.text.lstrip("-+")
        if given.kind == "number" and digits.isdecimal() and len(digits) < 12:
            value = int(given.text)
            if least <= value <= MOST:
                return value
        raise self.wrong(name, f"must be a whole number of at least {least}", given)

    def number(self, name: str, usual: float) -> float:
        """A number; raises :class:`Fault`."""
        found = self._one(name)
        return usual if found is None else self._number(name, found)

    def numbers(self, name: str) -> list[float]:
        """Every number of a field; raises :class:`Fault`."""
        return [self._number(name, each) for each in self.scalars(name)]

    def _number(self, name: str, given: Scalar) -> float:
        try:
            value = float(given.text.rstrip("fF")) if given.kind == "number" else float("nan")
        except ValueError:
            value = float("nan")
        if not abs(value) < 1e30:
            raise self.wrong(name, "is a number", given)
        return value

    def wrong(self, name: str, said: str, at: Scalar | None = None) -> Fault:
        """The fault for a field's value."""
        span = self.document.span(at) if at is not None else self.span(name)
        given = f", not `{printable(at.text, 30)}`" if at is not None else ""
        return Fault("wrong-value", f"`{name}` {said}{given}", span)

    def close(self, diagnostics: Diagnostics, ignored: Iterable[str] = ()) -> None:
        """Report every field that was not asked for, in nested messages too; ``ignored`` ones do not affect outputs."""
        passed = self._asked | set(ignored)
        for name in self._by_name:
            if name in passed:
                continue
            hint = did_you_mean(name, passed)
            said = f"`{printable(self.what, 60)}` has a key that is not known: `{printable(name, 60)}`"
            diagnostics.error("not-importable", said, self.span(name), hint)
        for inner in self._inner:
            inner.close(diagnostics, OF_TRAINING)

    def __repr__(self) -> Any:
        return f"<fields of {self.what}>"
