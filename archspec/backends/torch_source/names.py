"""Names for the emitted file, unique within a namespace, and text made safe for comments."""

from __future__ import annotations

import builtins
import keyword
import re
import textwrap
import unicodedata
from collections.abc import Iterable

MODULE_NAMES = frozenset({"torch", "nn", "F", "Tensor", "OrderedDict", "NamedTuple", "math", "divisible"})
"""The names that the emitted file imports, and that of its own function."""

RESERVED = (
    frozenset(keyword.kwlist) | frozenset(keyword.softkwlist) | frozenset(dir(builtins)) | MODULE_NAMES | {"self"}
)

_ACRONYMS = {word.lower(): word for word in ("BN", "ReLU", "SE", "FCN", "ASPP", "SPPF", "FPN", "MLP", "GELU", "SiLU")}


class Namespace:
    """Chooses names that differ from reserved names and from those chosen before."""

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self._taken = set(RESERVED)
        self._taken.update(reserved)
        self._next: dict[str, int] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._taken

    @property
    def given(self) -> frozenset[str]:
        """All names that are taken."""
        return frozenset(self._taken)

    def reserve(self, names: Iterable[str]) -> None:
        """Mark names as taken."""
        self._taken.update(names)

    def claim(self, wanted: str) -> str:
        """The name if it is free, otherwise the name followed by a number; it is taken from then on."""
        name = identifier(wanted)
        if name in self._taken:
            number = self._next.get(name, 2)
            while f"{name}_{number}" in self._taken:
                number += 1
            self._next[name] = number + 1
            name = f"{name}_{number}"
        self._taken.add(name)
        return name


def identifier(text: str) -> str:
    """Text as an ASCII identifier."""
    name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_") or "value"
    return name if not name[0].isdigit() else f"_{name}"


def is_name(text: str) -> bool:
    """Whether a text can follow ``self.`` unchanged."""
    return text.isascii() and text.isidentifier() and not keyword.iskeyword(text) and not text.startswith("__")


def quoted(text: str) -> str:
    """Text as a string literal, in double quotes where nothing needs escaping."""
    plain = text.isascii() and text.isprintable() and not set(text) & set('"\\')
    return f'"{text}"' if plain else repr(text)


def class_name(text: str) -> str:
    """``conv_bn_relu`` as ``ConvBNReLU``, ``SqueezeNet 1.0`` as ``SqueezeNet1_0``."""
    name = ""
    for word in re.findall(r"[0-9A-Za-z]+", text):
        joint = "_" if name[-1:].isdigit() and word[0].isdigit() else ""
        name += joint + (_ACRONYMS.get(word.lower()) or word[0].upper() + word[1:])
    return name if name[:1].isalpha() else f"Net{name}"


def one_line(text: str, limit: int = 300) -> str:
    """Text from a spec made safe for a comment or docstring: one line, without anything that could end either."""
    plain = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text[:limit])
    return " ".join(plain.replace("\\", "/").replace('"', "'").split())


def docstring(paragraphs: Iterable[str], width: int, indent: int) -> list[str]:
    """The lines of a docstring, wrapped; a single line where it fits."""
    texts = [one_line(text) for text in paragraphs if text.strip()]
    margin = " " * indent
    single = f'{margin}"""{texts[0] if texts else ""}"""'
    if len(texts) == 1 and len(single) <= width:
        return [single]
    lines = ['"""' + texts[0]] if texts else ['"""']
    wrapped: list[str] = []
    for number, text in enumerate([lines[0], *texts[1:]]):
        if number:
            wrapped.append("")
        room = width - indent - (3 if len(texts) < 2 else 0)
        wrapped += textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]
    if len(wrapped) == 1:
        return [f'{margin}{wrapped[0]}"""']
    return [margin + line if line else "" for line in [*wrapped, '"""']]
