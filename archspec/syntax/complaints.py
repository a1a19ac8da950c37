"""The YAML parser, with its errors reworded for the user and placed where the mistake is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from archspec.diagnostics import Fault, Frame, Source, Span, printable
from archspec.syntax.text import lines


def events(text: str, source: Source) -> Iterator[Any]:
    """PyYAML's events; raises :class:`Fault` ``yaml-syntax`` or ``tab`` where the text is not YAML."""
    import yaml

    try:
        yield from yaml.parse(text, Loader=_loader())
    except yaml.MarkedYAMLError as error:
        raise _complaint(error, source) from None
    except (yaml.YAMLError, UnicodeError, ValueError, OverflowError, RecursionError) as error:
        message = printable(lines(str(error))[0]) or type(error).__name__
        raise Fault("yaml-syntax", f"this is not YAML: {message}", Span(source, 1, 1, 1, 1)) from None


@cache
def _loader() -> Any:
    """The event parser: libyaml's where PyYAML was built with it, for speed; the same events and marks."""
    import yaml

    return getattr(yaml, "CLoader", yaml.Loader)


class _Complaint(NamedTuple):
    """A parser's error (libyaml's or PyYAML's words) and our message, shown where the construct begins if clearer."""

    pattern: str
    message: str
    hint: str | None = None
    at_beginning: bool = False


_QUOTE = "quote a text that contains `: ` or ` #`, or begins with one of ``[ ] { } & * ! | > % @ ` ' \" ``"
_CLOSE = "is not closed, or a `,` is missing"
_COMPLAINTS = (
    _Complaint(r"quoted.*(end of stream|document (indicator|separator))", "this quote is never closed", None, True),
    _Complaint(r"unknown escape", "unknown escape in a double-quoted text", "write `\\\\`, or use single quotes"),
    _Complaint(r"found unexpected ':'", "a `:` is not expected here", "write `key: value`, with a space"),
    _Complaint(r"hexdecimal|hexadecimal|invalid Unicode", "broken escape in a double-quoted text"),
    _Complaint(r"flow sequence", f"a list that begins with `[` {_CLOSE}", "write `[a, b]`", True),
    _Complaint(r"flow mapping", f"a mapping that begins with `{{` {_CLOSE}", "write `{key: value, …}`", True),
    _Complaint(r"mapping values are not allowed", "a `:` is not expected here", f"check the indentation; {_QUOTE}"),
    _Complaint(r"expected ':'", "a key without a `:`", "write `key: value`; check the indentation", True),
    _Complaint(
        r"block mapping",
        "this does not belong to the mapping around it",
        "align the keys of a mapping in one column, and the items of a list too",
    ),
    _Complaint(
        r"sequence entries are not allowed|expected '-' indicator|block (sequence|collection)",
        "a `- ` is not expected here, or one is missing",
        "align the items of a list in one column, each after `- `",
    ),
    _Complaint(r"mapping keys are not allowed", "a key is not expected here", "check the indentation"),
    _Complaint(r"block scalar", "broken text block after `|` or `>`", "write the text on the lines below, indented"),
    _Complaint(r"(anchor|alias)", "broken anchor or alias", "quote the text if you mean `&` or `*`"),
    _Complaint(r"tag|directive|incompatible", "tags and directives (`!`, `%`) are not part of the language", _QUOTE),
    _Complaint(r"cannot start any token", "a text cannot begin with this character", "quote the text"),
    _Complaint(r"document start|node content", "this is not expected here", _QUOTE),
)


def _complaint(error: Any, source: Source) -> Fault:
    said = f"{error.context or ''} {error.problem or ''}"
    found = next((known for known in _COMPLAINTS if re.search(known.pattern, said)), None)
    noticed = _character(error.problem_mark or error.context_mark, source)
    tab = _tab_before(noticed)
    if tab is not None:
        return Fault("tab", "the line is indented with a tab; YAML needs spaces", tab, "indent with two spaces")
    item = _bare_item(noticed)
    if item is not None:
        word, span = item
        hint = f"write `- {printable(word, 60)}:` with a colon if keys follow, without it if none do"
        message = f"`{printable(word, 60)}` has keys below it but no `:`"
        return Fault("yaml-syntax", message, span, hint, (f"the first key is at {noticed.source.name}:{noticed.line}",))
    if found is None:
        return Fault("yaml-syntax", f"this is not YAML: {printable(said.strip())}", noticed)
    began = _character(error.context_mark, source) if error.context_mark else noticed
    quoted = found.pattern.startswith("quoted")
    if found.at_beginning and (began.line != noticed.line or quoted):
        details = () if quoted else (f"noticed at {noticed}",)
        return Fault("yaml-syntax", found.message, began, _hint(found.hint, began), details)
    message, hint = found.message, _hint(found.hint, noticed)
    if found.pattern == "block mapping" and _before(noticed).strip():
        message, hint = "nothing more can follow on this line", _hint(_QUOTE, noticed)
    if began.line == noticed.line:
        return Fault("yaml-syntax", message, noticed, hint)
    return Fault("yaml-syntax", message, noticed, hint, (f"it began at {began}",), (Frame("it began here", began),))


def _hint(usual: str | None, span: Span) -> str | None:
    """The hint that fits the contents of the line, or else the usual one."""
    line, before = span.source.lines[span.line - 1], _before(span).rstrip()
    here = line[span.column - 1 : span.column]
    if "$(" in line:
        # Commas, brackets and colons of an expression mean something else to YAML.
        return 'quote an expression that contains `,`, `[`, `{`, `: ` or ` #`: `"$(…)"`'
    if re.match(r"\s*-[^\s-]", line):
        return "write an item of a list as `- item`, with a space"
    if before.endswith(("'", '"')):
        return "a text that begins with a quote ends at the next one: put the whole text in the other kind of quotes"
    if here and here in "]}":
        return f"there is one `{here}` too many"
    return usual


_ITEM = re.compile(r"\s*(?:- +)*-(?P<blank> +)(?P<word>[^\s#\[\]{}&*!|>%@`'\"][^#]*?)(?:\s*|\s+#.*)")
_KEY = re.compile(r"(?P<indentation> *)[^\s#'\"\-\[\]{}][^:]*:(?:\s|$)")
_BLANK = re.compile(r"\s*(?:#.*)?")


def _bare_item(noticed: Span) -> tuple[str, Span] | None:
    """The list item (``- relu``) that is a plain word, though the line of the error gives it keys; or None."""
    known = noticed.source.lines
    key = _KEY.match(known[noticed.line - 1])
    above = noticed.line - 1
    while above > 0 and _BLANK.fullmatch(known[above - 1]):
        above -= 1
    item = _ITEM.fullmatch(known[above - 1]) if above > 0 else None
    if key is None or item is None or ": " in item["word"] or item["word"].endswith(":"):
        return None
    if len(key["indentation"]) < item.start("blank"):
        return None  # left of the item's column: the key belongs to an outer collection
    return item["word"], Span(noticed.source, above, item.start("word") + 1, above, item.end("word") + 1)


def _before(span: Span) -> str:
    return span.source.lines[span.line - 1][: span.column - 1]


def _character(mark: Any, source: Source) -> Span:
    line = min(mark.line + 1, len(source.lines)) if mark else 1
    column = min(mark.column, len(source.lines[line - 1])) + 1 if mark else 1
    return Span(source, line, column, line, column + 1)


def _tab_before(span: Span) -> Span | None:
    """The tab in the indentation that causes an error at this place, or None."""
    line = span.source.lines[span.line - 1]
    indentation = line[: len(line) - len(line.lstrip())]
    if "\t" not in indentation or span.column > len(indentation) + 1:
        return None
    column = indentation.index("\t") + 1
    return Span(span.source, span.line, column, span.line, column + 1)
