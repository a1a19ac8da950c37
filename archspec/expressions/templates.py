"""``$name`` and ``$(…)`` in YAML scalars."""

from __future__ import annotations

import re

from archspec.diagnostics import Fault, printable
from archspec.expressions import tree as t
from archspec.expressions.parser import parse_located
from archspec.syntax import Scalar

_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_CLOSERS = {"(": ")", "[": "]", "{": "}"}
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", re.DOTALL)


def template(scalar: Scalar) -> t.Expression | t.Interpolation | None:
    """The meaning of a scalar with ``$``: an expression, a text with expressions in it, or None without any.

    A scalar that is exactly one ``$name`` or ``$(…)`` is that expression; ``$$`` is a ``$``.  Raises :class:`Fault`:
    ``unclosed-expression``, ``dollar``, and what :func:`parse` raises.
    """
    text = scalar.value
    if not isinstance(text, str) or "$" not in text:
        return None
    home = t.Located(text, *t.locate(text, scalar.span))
    parts: list[str | t.Expression] = []
    plain = ""
    position = 0
    while (dollar := text.find("$", position)) >= 0:
        plain += text[position:dollar]
        begin = dollar + 1
        name = _NAME.match(text, begin)
        if text.startswith("$", begin):
            plain += "$"
            position = begin + 1
            continue
        if name:
            begin, end, position = begin, name.end(), name.end()
        elif text.startswith("(", begin):
            begin += 1
            end = _closing(home, begin, scalar)
            position = end + 1
        else:
            hint = "write `$name` or `$(…)` for a value, and `$$` for a `$`"
            raise Fault("dollar", "a `$` must be followed by a name or `(`", home.place((dollar, dollar + 1)), hint)
        if plain:
            parts.append(plain)
            plain = ""
        parts.append(parse_located(_inside(home, begin, end)))
    plain += text[position:]
    if plain:
        parts.append(plain)
    if len(parts) == 1 and isinstance(parts[0], t.Expression):
        return parts[0]
    return t.Interpolation(home.text, home.span, home.exact, tuple(parts))


def _inside(home: t.Located, begin: int, end: int) -> t.Located:
    """The text of an expression, with its place in the source."""
    text = home.text[begin:end]
    if home.span is None:
        return t.Located(text, None, False)
    if home.exact:
        return t.Located(text, home.span.part(begin, end), True)
    return t.Located(text, *t.locate(text, home.span))


def _closing(home: t.Located, begin: int, scalar: Scalar) -> int:
    """The position of the bracket that closes a ``$(``; brackets and quotes inside are skipped."""
    text = home.text
    waiting = [")"]
    position = begin
    while position < len(text):
        character = text[position]
        quoted = _QUOTED.match(text, position) if character in "\"'" else None
        if quoted:
            position = quoted.end()
            continue
        if character in _CLOSERS:
            waiting.append(_CLOSERS[character])
        elif character == waiting[-1]:
            waiting.pop()
            if not waiting:
                return position
        position += 1
    span = home.place((begin - 2, len(text)))
    shown = printable(text[begin - 2 :], 60)
    if scalar.plain:
        hint = "inside `{…}` and `[…]` a `,` ends the value and ` #` begins a comment: quote it, or use `let:`"
    else:
        hint = "count the brackets"
    raise Fault("unclosed-expression", f"`{shown}` has no closing `)`", span, hint)
