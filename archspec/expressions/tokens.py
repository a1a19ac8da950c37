"""Expression text to tokens, and the faults for characters that the language does not have."""

from __future__ import annotations

import keyword
import re
from typing import NamedTuple

from archspec.diagnostics import Fault, printable
from archspec.expressions.tree import Located, Place

LONGEST_TEXT = 2_000
LARGEST_LITERAL_BITS = 4_096
KEYWORDS = frozenset({"and", "or", "not", "in", "if", "else", "for", "is", "True", "False", "None"})
_FOREIGN_KEYWORDS = frozenset(set(keyword.kwlist) - KEYWORDS)


class Token(NamedTuple):
    """One word of an expression; ``kind`` is ``number``, ``text``, ``name``, ``keyword``, ``operator`` or ``end``."""

    kind: str
    text: str
    at: Place
    value: int | float | str | None = None


_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\n]+)
    | (?P<number>(?:0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+
        |(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9][0-9_]*)?))
    | (?P<name>[A-Za-z_][A-Za-z_0-9]*)
    | (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    | (?P<operator>\*\*=|//=|<<=|>>=|\.\.\.|\*\*|//|<=|>=|==|!=|<>|:=|->|<<|>>|&&|\|\||[-+*/%|&^@]=
        |[-+*/%<>()\[\]{},:.=!~|&^@;?$])
    """,
    re.VERBOSE,
)
_OPERATORS = frozenset(["+", "-", "*", "/", "//", "%", "**", "<", ">", "<=", ">=", "==", "!=", *"()[]{},:.="])
_FOREIGN_OPERATORS = {
    "&&": "write `and`",
    "||": "write `or`",
    "&": "write `and`",
    "|": "write `or`",
    "!": "write `not`",
    "^": "write `**` for a power",
    "<>": "write `!=`",
    "?": "write `a if condition else b`",
    ":=": "define the value under `let:`",
    "$": "inside an expression write a name without `$`",
    "<<": "multiply by a power: `* 2**n`",
    ">>": "divide by a power: `// 2**n`",
}
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"'}


def tokenize(home: Located) -> list[Token]:
    """The tokens of an expression's text, an ``end`` token last; raises :class:`Fault` ``expression-syntax``."""
    text = home.text
    if len(text) > LONGEST_TEXT:
        said = f"an expression of {len(text):,} characters; {LONGEST_TEXT:,} are allowed"
        raise Fault("expression-limit", said, home.span, "define its parts under `let:`")
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _unknown_character(home, position)
        kind, word, at = match.lastgroup or "", match.group(), match.span()
        position = match.end()
        if kind == "number":
            tokens.append(Token(kind, word, at, _number(home, word, at)))
        elif kind == "text":
            tokens.append(Token(kind, word, at, _text(home, word, at)))
        elif kind == "name":
            tokens.append(_word(home, word, at))
        elif kind == "operator":
            if word not in _OPERATORS:
                said = f"`{word}` is not part of the language"
                raise Fault("expression-syntax", said, home.place(at), _FOREIGN_OPERATORS.get(word))
            tokens.append(Token(kind, word, at))
    # The end is shown at the last character, where a reader looks for what is missing.
    tokens.append(Token("end", "", (max(len(text) - 1, 0), max(len(text), 1))))
    return tokens


def _word(home: Located, word: str, at: Place) -> Token:
    if word in _FOREIGN_KEYWORDS:
        raise Fault("expression-syntax", f"`{word}` is not part of the language", home.place(at))
    following = home.text[at[1] : at[1] + 1]
    if following in ("'", '"') and word not in KEYWORDS:
        hint = (
            "write the text outside `$(…)`: `layer$(i)`; inside, use `+`: `'layer' + str(i)`"
            if "f" in word.lower()
            else None
        )
        raise Fault(
            "expression-syntax", f"`{word}{following}…` texts are not part of the language", home.place(at), hint
        )
    return Token("keyword" if word in KEYWORDS else "name", word, at)


def _number(home: Located, word: str, at: Place) -> int | float:
    following = home.text[at[1] : at[1] + 1]
    if following.isalnum() or following in ("_", "."):
        said = f"`{printable(word, 40)}` is followed directly by `{printable(following)}`"
        raise Fault("expression-syntax", said, home.place(at))
    try:
        value = int(word, 0) if re.fullmatch(r"0[xXoObB].*|[0-9_]+", word) else float(word)
    except ValueError:
        hint = "write it without the leading 0" if re.match(r"0[0-9_]", word) else None
        raise Fault("expression-syntax", f"`{printable(word, 40)}` is not a number", home.place(at), hint) from None
    if value == float("inf") if isinstance(value, float) else value.bit_length() > LARGEST_LITERAL_BITS:
        raise Fault("expression-limit", f"`{printable(word, 40)}` is too large a number", home.place(at))
    return value


def _text(home: Located, word: str, at: Place) -> str:
    def unescape(match: re.Match[str]) -> str:
        code = match.group(1)
        if code in _ESCAPES:
            return _ESCAPES[code]
        number = int(code[1:], 16) if len(code) > 1 else -1
        if number < 0 or number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
            raise Fault(
                "expression-syntax", f"`\\{printable(code)}` is not an escape", home.place(at), "write `\\\\` for `\\`"
            )
        return chr(number)

    return _ESCAPE.sub(unescape, word[1:-1])


def _unknown_character(home: Located, position: int) -> Fault:
    character = home.text[position]
    span = home.place((position, position + 1))
    if character in "\"'":
        return Fault("expression-syntax", f"the quote `{character}` is never closed", span)
    if character.isalpha():
        return Fault(
            "expression-syntax", f"`{character}` cannot stand in a name", span, "names are a–z, A–Z, 0–9 and `_`"
        )
    return Fault("expression-syntax", f"`{printable(character)}` is not part of the language", span)
