"""Diagnostics about a spec: places, messages, hints, and their text.

Every stage reports a user's mistake as a :class:`Diagnostic`.  A stage that cannot continue with one value raises
:class:`Fault`.  The nearest boundary catches it, keeps the diagnostic, and continues with everything independent of the
value, so that one run reports every fault.  This module knows nothing of YAML, expressions or ops.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import field, replace
from typing import Any, Literal, NoReturn

from archspec.characters import printable, prose
from archspec.records import record

Severity = Literal["error", "warning", "note"]

MAXIMUM_DIAGNOSTICS = 100
"""Maximum number of errors in a run, after which it ends, and of warnings and notes that are kept."""

MAXIMUM_REPETITIONS = 10_000
"""Maximum number of times that errors already known come back in a loop, after which the run ends."""


@record
class Source:
    """A text that spans point into: its name for users, and its lines; a value from a call has no lines."""

    name: str
    lines: tuple[str, ...] = field(repr=False)
    path: str | None = field(default=None, repr=False, compare=False, hash=False)
    """The file, for a program that opens it; None for a text that is not a file."""


@record
class Span:
    """A range of a source: 1-based line and column, the end exclusive."""

    source: Source = field(repr=False, compare=False, hash=False)
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}" if self.source.lines else self.source.name

    def part(self, start: int, end: int) -> Span:
        """The span of characters ``start`` to ``end`` (0-based, exclusive) of a text on one line."""
        if self.line != self.end_line:
            return self
        return replace(self, column=self.column + start, end_column=max(self.column + end, self.column + start + 1))


@record
class Frame:
    """A place that has to do with a fault, and what is there: a use of a block on the way, one side of a mismatch."""

    what: str
    span: Span


@record
class Diagnostic:
    """One message about a spec.

    ``code`` is the stable kebab-case kind (``shape-mismatch``); ``details`` are further lines under the message, such
    as the two sides of a mismatch; ``stack`` has the surrounding uses of blocks, innermost first; ``related`` are the
    places that ``details`` and the message speak of, for a program that can link them.
    """

    code: str
    message: str
    span: Span | None = None
    hint: str | None = None
    details: tuple[str, ...] = ()
    stack: tuple[Frame, ...] = ()
    severity: Severity = "error"
    related: tuple[Frame, ...] = ()

    def __post_init__(self) -> None:
        """Whoever shows it: what it cites of files, arguments and checkpoints is fit for a terminal."""
        object.__setattr__(self, "message", prose(self.message))
        object.__setattr__(self, "hint", self.hint and prose(self.hint))
        object.__setattr__(self, "details", tuple(prose(line) for line in self.details))

    def __str__(self) -> str:
        return render(self)


class Fault(Exception):
    """Raised if a stage cannot continue with one value; carries the diagnostic to the boundary."""

    def __init__(
        self,
        code: str,
        message: str,
        span: Span | None = None,
        hint: str | None = None,
        details: tuple[str, ...] = (),
        related: tuple[Frame, ...] = (),
    ) -> None:
        super().__init__(message)
        self.diagnostic = Diagnostic(code, message, span, hint, details, related=related)


class Excess(Exception):
    """Raised if a bound for the whole load is exceeded: the stage ends, and no boundary continues."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


class SpecError(Exception):
    """A spec cannot be used; ``diagnostics`` says why, and ``str()`` is the text a terminal would show."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)
        super().__init__("\n" + render_all(self.diagnostics))


class Diagnostics:
    """Collects diagnostics in the order they are found.

    The same message about the same place is kept once: a fault inside a block is only reported for its first use.  The
    hundredth error ends the run: nobody reads more, and each one costs a search for similar names.  So does one that
    comes back ten thousand times, in a loop.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, Span | None], Diagnostic] = {}
        self._errors = 0
        self._again = 0
        self.told = 0
        """How often something was added, or was there already."""

    def add(self, diagnostic: Diagnostic) -> None:
        """Add a diagnostic, unless the same message about the same place is already there.

        Raises :class:`SpecError` with everything found at the hundredth error; at most a hundred warnings and notes are
        kept.
        """
        self.told += 1
        key = (diagnostic.code, "" if diagnostic.stack else diagnostic.message, diagnostic.span)
        if key in self._found:
            self._again += diagnostic.severity == "error"
            if self._again == MAXIMUM_REPETITIONS:
                self._stop(f"the same errors were found {MAXIMUM_REPETITIONS:,} times")
            return
        if diagnostic.severity != "error":
            if len(self._found) - self._errors < MAXIMUM_DIAGNOSTICS:
                self._found[key] = diagnostic
            return
        self._found[key] = diagnostic
        self._errors += 1
        if self._errors == MAXIMUM_DIAGNOSTICS:
            self._stop(f"these are the first {MAXIMUM_DIAGNOSTICS} errors")

    def _stop(self, why: str) -> NoReturn:
        message = f"{why}; the rest of the spec was not checked"
        raise SpecError((*self.all, Diagnostic("too-many-errors", message, severity="note")))

    def insert(self, at: int, diagnostic: Diagnostic) -> None:
        """Add a diagnostic at the position it would have had after ``at`` others."""
        found = list(self._found.values())
        self._found, self._errors = {}, 0
        for each in (*found[:at], diagnostic, *found[at:]):
            self.add(each)

    def error(self, code: str, message: str, span: Span | None = None, hint: str | None = None, **more: Any) -> None:
        """Add an error."""
        self.add(Diagnostic(code, message, span, hint, **more))

    def warning(self, code: str, message: str, span: Span | None = None, hint: str | None = None, **more: Any) -> None:
        """Add a warning."""
        self.add(Diagnostic(code, message, span, hint, severity="warning", **more))

    def note(self, code: str, message: str, span: Span | None = None, hint: str | None = None, **more: Any) -> None:
        """Add a note."""
        self.add(Diagnostic(code, message, span, hint, severity="note", **more))

    @property
    def all(self) -> tuple[Diagnostic, ...]:
        """Everything found, in the order found."""
        return tuple(self._found.values())

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The errors only."""
        return tuple(d for d in self._found.values() if d.severity == "error") if self._errors else ()

    def raise_if_errors(self) -> None:
        """Raise :class:`SpecError` with everything found if any of it is an error."""
        if self.errors:
            raise SpecError(self.all)


def did_you_mean(word: str, candidates: Iterable[str]) -> str | None:
    """A hint with the candidate nearest to a misspelt word, or None if none is near."""
    near = nearest(word, candidates)
    return f"did you mean `{near}`?" if near is not None else None


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate nearest to a misspelt word: equal apart from case and ``_``, or spelt similarly; or None."""
    known = sorted(set(candidates))
    lowered = {candidate.lower().replace("_", ""): candidate for candidate in known}
    plain = word.lower().replace("_", "")
    if plain in lowered:
        return lowered[plain]
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if not near:
        near = difflib.get_close_matches(plain, lowered, n=1, cutoff=0.7)
        near = [lowered[near[0]]] if near else []
    return near[0] if near else None


def render(diagnostic: Diagnostic, style: Callable[[str, str], str] | None = None) -> str:
    """A diagnostic as text: place and message, the line with a caret, details, hint, the stack of block uses.

    ``style(text, role)`` may add terminal colours; roles are ``error``, ``warning``, ``note``, ``place``, ``gutter``.
    """
    paint = style or (lambda text, role: text)
    head = paint(f"{diagnostic.severity}[{diagnostic.code}]", diagnostic.severity) + f": {diagnostic.message}"
    out = [f"{paint(str(diagnostic.span), 'place')}: {head}" if diagnostic.span else head]
    if diagnostic.span is not None:
        out += _excerpt(diagnostic.span, paint)
    out += [f"  {line}" for line in diagnostic.details]
    if diagnostic.hint:
        out.append(f"  {paint('hint', 'note')}: {diagnostic.hint}")
    out += _frames(diagnostic.stack)
    return "\n".join(out)


def _frames(stack: Sequence[Frame]) -> list[str]:
    """The lines of the stack, without the middle if it is deep."""
    lines = [f"  in {printable(frame.what, 100)} ({frame.span})" for frame in stack]
    if len(lines) > 12:
        lines[4:-4] = [f"  … {len(lines) - 8} more …"]
    return lines


def render_all(diagnostics: Iterable[Diagnostic], style: Callable[[str, str], str] | None = None) -> str:
    """Several diagnostics as text, separated by blank lines."""
    return "\n\n".join(render(diagnostic, style) for diagnostic in diagnostics)


def _excerpt(span: Span, paint: Callable[[str, str], str]) -> list[str]:
    """The faulty line and a caret under the fault; only a part of a long line."""
    if not 1 <= span.line <= len(span.source.lines):
        return []
    line = span.source.lines[span.line - 1]
    start = min(span.column - 1, len(line))
    end = min(span.end_column - 1, len(line)) if span.end_line == span.line else len(line.rstrip())
    left = max(0, start - 80)
    window = line[left : left + 120]
    text = "".join(c if printable(c) == c else " " for c in window)
    number = str(span.line)
    carets = "^" * max(1, min(end, left + 120) - start)
    return [
        f"{paint(f'  {number} |', 'gutter')} {text}".rstrip(),
        paint("  " + " " * len(number) + " |", "gutter") + " " * (start - left + 1) + paint(carets, "error"),
    ]


def to_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """A diagnostic as plain data, with the same content as the text."""
    return {
        "severity": diagnostic.severity,
        "code": diagnostic.code,
        "message": diagnostic.message,
        "place": _place(diagnostic.span),
        "hint": diagnostic.hint,
        "details": list(diagnostic.details),
        "stack": [{"what": frame.what, "place": _place(frame.span)} for frame in diagnostic.stack],
    }


def _place(span: Span | None) -> dict[str, Any] | None:
    if span is None:
        return None
    return {
        "file": span.source.name,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }
