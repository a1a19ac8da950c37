"""The values of scalars: YAML 1.2's core schema, with ``_`` allowed between the digits of integers."""

from __future__ import annotations

import re
from typing import TypeAlias

from archspec.diagnostics import Fault, Span, printable

Value: TypeAlias = None | bool | int | float | str

_WORDS: dict[str, None | bool | float] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **{sign + word: float(sign + "inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_INTEGER = re.compile(r"[-+]?[0-9](?:_?[0-9])*|0o[0-7](?:_?[0-7])*|0x[0-9a-fA-F](?:_?[0-9a-fA-F])*")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NUMBER_START = frozenset("+-.0123456789")
_LONGEST_NUMBER = 1000

CORE_TAG = "tag:yaml.org,2002:"
SCALAR_TAGS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "null": (type(None),),
}
CORE_TAGS = (*SCALAR_TAGS, "seq", "map")


def resolve(text: str, span: Span | None = None) -> Value:
    """The value of an unquoted scalar.

    Raises :class:`Fault` ``number-range`` for a number too large to be intended.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_START:
        return text
    if _INTEGER.fullmatch(text):
        if len(text) > _LONGEST_NUMBER:
            raise Fault("number-range", f"an integer of {len(text):,} characters is too large", span)
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    if _FLOAT.fullmatch(text):
        value = float(text)
        if value in (float("inf"), float("-inf")):
            hint = "write `.inf` for infinity"
            raise Fault("number-range", f"{printable(text, 40)} is too large for a number", span, hint)
        return value
    return text


def tagged(tag: str, text: str, span: Span) -> Value:
    """The value of a scalar with an explicit core tag; raises :class:`Fault` ``tag`` where the text does not fit it."""
    kind = tag.removeprefix(CORE_TAG)
    if kind == "str":
        return text
    if kind not in SCALAR_TAGS:
        raise Fault("tag", f"`!!{kind}` cannot be put on a scalar", span)
    value = resolve(text, span)
    if not isinstance(value, SCALAR_TAGS[kind]) or (isinstance(value, bool) and kind != "bool"):
        raise Fault("tag", f"`!!{kind}` does not fit `{printable(text, 40)}`", span)
    return float(value) if kind == "float" and isinstance(value, int) else value
