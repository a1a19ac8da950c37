"""Text in diagrams: how wide it is, how shapes are written, and what of a user's text is fit to print.

Widths are Arial's, so that boxes are as wide as their words whatever program draws them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

import graphviz

from archspec import sizes as symbolic
from archspec.ops import Shape

BOX, SMALL, LEGEND, REPEAT, SIGN = 10.5, 8.5, 9.0, 11.5, 12.5
"""Font sizes in points: a box's first line; its second line and edge labels; the legend; ×N; the sign of a merge."""

LONGEST = 48
"""Characters of one line; what is longer ends in an ellipsis."""

_ADVANCES = (
    "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 556 278 "
    "278 584 584 584 556 1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 667 778 722 667 611 722 "
    "667 944 667 667 611 278 278 278 469 556 333 556 556 500 556 556 278 556 556 222 222 500 222 833 556 556 556 "
    "556 333 500 278 556 500 722 500 500 500 334 260 334 584 "
)
_WIDTHS = {chr(32 + index): int(advance) for index, advance in enumerate(_ADVANCES.split())} | {
    "×": 584, "·": 333, "−": 584, "…": 1000, "→": 1000, "↑": 1000, "½": 834, "²": 333, "α": 578,
}  # fmt: skip
_WIDEST = 1000

_REPLACED = str.maketrans({"‖": "||", "∥": "||", "–": "-", "—": "-", "‐": "-", "“": '"', "”": '"', "‘": "'", "’": "'"})


def width(text: str, size: float) -> float:
    """The width of a line of Arial, in points; a character unknown here counts as the widest."""
    return sum(_WIDTHS.get(character, _WIDEST) for character in text) * size / 1000


def clean(text: str, limit: int = LONGEST) -> str:
    """One line that any of the engines can draw: control characters gone, blanks folded, length bounded."""
    shown = "".join(
        " " if unicodedata.category(character)[0] in "CZ" else character
        for character in text[: 4 * limit].translate(_REPLACED)
    )
    shown = re.sub(r" {3,}", "  ", shown).strip()
    return shown if len(shown) <= limit else shown[: limit - 1].rstrip() + "…"


def markup(text: str) -> str:
    """Text inside an HTML-like label."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def plain(text: str) -> str:
    """Text as a plain label: nothing in it is an escape, nor makes it HTML-like."""
    return graphviz.nohtml(text.replace("\\", "\\\\"))


def from_left(text: str) -> str:
    """Text as a label that is written from its left end on, so that no font lets it run over what is left of it."""
    return f"{plain(text)}\\l"


def dimension(dim: symbolic.Dim, sizes: Mapping[str, int]) -> int | str:
    """A size as a number where its symbols have numbers, otherwise as a formula."""
    if isinstance(dim, int):
        return dim
    if symbolic.symbols(dim) <= sizes.keys():
        return symbolic.value(dim, sizes)
    return _rounded(symbolic.text(dim))


def _rounded(formula: str) -> str:
    """A formula as figures have it: ``H/2`` for ⌊H/2⌋ and ⌊(H+1)/2⌋, whichever way an odd size is rounded."""
    halved = re.fullmatch(r"⌊\(?(\w+)(?:\+(\d+))?\)?/(\d+)⌋", formula)
    if halved and int(halved[2] or 0) < int(halved[3]):
        return f"{halved[1]}/{halved[3]}"
    return formula if "⌊" not in formula else formula.replace("⌊", "floor(").replace("⌋", ")")


def spatial(shape: Shape | None, sizes: Mapping[str, int]) -> tuple[int | str, ...]:
    """The spatial sizes alone, for telling whether they change."""
    return () if shape is None else tuple(dimension(dim, sizes) for dim in shape.spatial)


def shape_words(shape: Shape | None, sizes: Mapping[str, int]) -> str:
    """``64×112×112``; with symbols ``64 × H/2 × W/2``; the channels alone where every spatial size is 1."""
    if shape is None:
        return ""
    dims = (
        shape.dims
        if any(dim != 1 for dim in shape.spatial)
        else [dim for dim in shape.dims if dim != 1] or shape.dims[:1]
    )
    parts = [dimension(dim, sizes) for dim in dims]
    sign = "×" if all(isinstance(part, int) for part in parts) else " × "
    return clean(sign.join(map(str, parts)))


def ratio(before: Sequence[int | str], after: Sequence[int | str]) -> str:
    """How spatial sizes change, as papers write it: ``/2``, ``↑2``, or nothing."""
    if len(before) != len(after) or not before:
        return ""
    first, last = before[0], after[0]
    if not isinstance(first, int) or not isinstance(last, int) or min(first, last) < 2 or first == last:
        return ""
    down, up = round(first / last), round(last / first)
    return f"/{down}" if down > 1 else f"↑{up}" if up > 1 else ""


def human(name: str) -> str:
    """A name as words: ``grid_reduction`` → ``grid reduction``, ``inception_a`` → ``inception A``."""
    words = re.sub(r"(?<=[a-z]{2})(?=\d+[a-z]\Z)", " ", name.replace("_", " ").strip())
    return re.sub(r" ([a-z])\Z", lambda match: " " + match[1].upper(), words)


def same_name(name: str, block: str) -> bool:
    """Whether a step's name is its block's, numbered: ``fire2`` of ``fire``, ``inception3a`` of ``inception_v1``."""
    numbered = re.match(r"(.*?[A-Za-z])_?\d+[a-z]?\Z", name)
    stem, whole = (re.sub(r"[_\W]", "", words).lower() for words in (numbered[1] if numbered else name, block))
    return len(stem) > 1 and (whole.startswith(stem) or stem.startswith(whole))
