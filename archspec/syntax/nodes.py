"""Located plain data: the nodes of YAML text, and Python data as the same nodes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from archspec.diagnostics import Fault, Span
from archspec.records import record


@dataclass(frozen=True)
class Limits:
    """The limits of YAML that is read; the nodes behind an alias are counted each time it is used."""

    text_bytes: int = 1_000_000
    nodes: int = 200_000
    depth: int = 100
    scalar_length: int = 100_000


DEFAULT_LIMITS = Limits()


@record
class Scalar:
    """One YAML scalar: its value, its text without quotes, its span, and whether it was written unquoted."""

    value: None | bool | int | float | str
    text: str
    span: Span
    plain: bool

    @property
    def nothing(self) -> bool:
        """Whether the value is missing, as in ``channels:``; false for ``channels: null``."""
        return self.value is None and not self.text


@record
class Items:
    """A YAML sequence."""

    items: tuple[Node, ...]
    span: Span


@record
class Mapping:
    """A YAML mapping, its entries in the order written; keys are looked up by their text."""

    entries: tuple[tuple[Scalar, Node], ...]
    span: Span
    _by_text: dict[str, tuple[Scalar, Node]] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_text", {entry[0].text: entry for entry in self.entries})

    def get(self, key: str) -> Node | None:
        """The value of a key, or None where there is no such key."""
        entry = self._by_text.get(key)
        return entry[1] if entry else None

    def key(self, key: str) -> Scalar | None:
        """The key as a node, which has its span; None where there is no such key."""
        entry = self._by_text.get(key)
        return entry[0] if entry else None

    @property
    def keys(self) -> tuple[str, ...]:
        """The text of each key, in the order written."""
        return tuple(key.text for key, _ in self.entries)

    def __contains__(self, key: object) -> bool:
        return key in self._by_text


Node: TypeAlias = Scalar | Items | Mapping

_WORDS = {None: "null", True: "true", False: "false"}


def plain(node: Node) -> Any:
    """A node as Python data: a dict (its keys are the keys' values), a list or a scalar."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Items):
        return [plain(item) for item in node.items]
    return {key.value: plain(value) for key, value in node.entries}


def literal(value: Any, span: Span, limits: Limits = DEFAULT_LIMITS) -> Node:
    """Python data (dict, list, tuple, scalar) as nodes that all have the same span.

    Raises :class:`Fault`: ``not-data`` for anything else, ``too-deep`` for data nested too deeply.
    """
    return _literal(value, span, limits.depth)


def _literal(value: Any, span: Span, depth: int) -> Node:
    if not isinstance(value, dict | list | tuple):
        return _literal_scalar(value, span)
    if depth == 0:
        raise Fault("too-deep", "the value is nested too deeply", span)
    if isinstance(value, dict):
        entries = ((_literal_scalar(key, span), _literal(item, span, depth - 1)) for key, item in value.items())
        return Mapping(tuple(entries), span)
    return Items(tuple(_literal(item, span, depth - 1) for item in value), span)


def _literal_scalar(value: Any, span: Span) -> Scalar:
    if value is None or isinstance(value, bool):
        return Scalar(value, _WORDS[value], span, True)
    if isinstance(value, int | float):
        return Scalar(value, repr(value), span, True)
    if isinstance(value, str):
        return Scalar(value, value, span, False)
    hint = "use numbers, texts, booleans, None, and lists and dicts of these"
    raise Fault("not-data", f"a Python {type(value).__name__} is not plain data", span, hint)
