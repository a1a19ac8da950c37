"""What one use of a block made, by numbers that hold for every equal use, so that it can be made again unwalked.

A value inside a stamp is a number: from 0 on a node that the use makes, from −2 downwards an input of the use, −1 a
value that is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archspec.diagnostics import Span
from archspec.elaborate.places import UNKNOWN
from archspec.elaborate.values import Text
from archspec.graph import ScopeKind
from archspec.ops import Op, Shape
from archspec.records import record
from archspec.schema import BlockDefinition, SpecFile, Step
from archspec.sizes import Dim

MOST_NODES = 200_000
"""Nodes and scopes that all stamps hold together; further uses are walked."""
MOST_SEEN = 500_000
"""Uses remembered as seen once."""


@record
class NodeStamp:
    """A node; ``scope`` is the number of its scope in the stamp, the use's own being 0."""

    op: Op
    inputs: tuple[int, ...]
    shape: Shape
    scope: int
    name: str
    step: Step
    loops: tuple[Mapping[str, Any], ...]
    copy: tuple[int, ...]
    pinned: tuple[Shape, ...] | None
    label: str | None
    named: bool
    counted: bool
    is_module: bool
    reuse: int | None
    aside: bool


@record
class ScopeStamp:
    """A scope inside the use."""

    kind: ScopeKind
    name: str
    parent: int
    block: BlockDefinition | None
    step: Step | None
    values: Mapping[str, Any]
    loops: tuple[Mapping[str, Any], ...]
    copy: tuple[int, ...]
    inputs: tuple[int, ...]
    input_names: tuple[str, ...]
    output: int
    reuse: int | None
    aside: bool
    checkpoint: bool
    depth: int
    """Block uses around it, from the stamped use on."""


@record
class EntryStamp:
    """A name or label, for who reads a step inside the use from outside."""

    value: int
    span: Span | None
    place: PlaceStamp | None
    node: int | None
    step: Step | None


@record
class PlaceStamp:
    """The names in a scope, and for a use of a block its labels and inputs."""

    scope: int
    modules: bool
    names: dict[str, EntryStamp]
    labels: dict[str, EntryStamp]
    inputs: dict[str, int] | None
    """None in a scope that is no use of a block."""


@record
class Looked:
    """A name of an op or a block that was looked up in a file, and what was found."""

    file: SpecFile
    what: str
    found: object
    """The op's class or the block's definition."""
    handed: bool
    """Whether a value named it, not the step."""


@record
class Consulted:
    """A look at a file's defaults for an op or block; ``source`` is the file that has them."""

    file: SpecFile
    name: str
    source: SpecFile


@record
class Branched:
    """A merge with several written branches: whether several had a value, and one that ``when`` removed."""

    step: Step
    many: bool
    dropped: Step | None


Act = Looked | Consulted | Branched
"""Something that a use read outside of its block, or left there, and that each load must see once."""


@record
class Stamp:
    """All that a use of a block made."""

    items: tuple[NodeStamp | ScopeStamp, ...]
    """Nodes and scopes in the order they were made."""
    place: PlaceStamp
    value: int
    nodes: int
    copies: int
    """Copies of steps that ran."""
    spent: int
    """Evaluation that expressions took."""
    deepest: int
    """Uses of blocks inside one another, from this one on."""
    pins: tuple[tuple[Dim, int, int], ...]
    seconds: tuple[tuple[int, int], ...]
    acts: tuple[Act, ...]


Key = tuple[object, ...]


class Watch:
    """What happens while steps run that decides whether equal uses can be made from a stamp."""

    def __init__(self) -> None:
        self.load = object()
        """Stands for this elaboration."""
        self.acts: dict[Act, None] | None = None
        """The acts of the use that is being taken down; None outside of one."""
        self.deepest = 0
        """The most uses of blocks inside one another."""
        self.reach = 0
        """The outermost use that something was read from, by its depth."""
        self.asked = 0
        """The outermost use in which a step was looked up by name, or a spec's values were read, by its depth."""
        self.unequal = 0
        """Counts what an equal use would not do alike, such as what is said only once."""

    def act(self, act: Act) -> None:
        """Note an act, if a use is being taken down."""
        if self.acts is not None:
            self.acts[act] = None

    def reads(self, depth: int) -> None:
        """Note that something was read from the use at this depth."""
        self.reach = min(self.reach, depth)

    def asks(self, depth: int) -> None:
        """Note that a step or a spec's values were asked for in the use at this depth."""
        self.asked = min(self.asked, depth)


class Stamps:
    """The stamps of one load, or of all loads that share a shelf.

    In one load a use is taken down when an equal one was seen before: all uses of some networks are the only ones of
    their kind.  With ``at_once`` it is taken down when it is first seen: the next load will have most uses again.
    """

    def __init__(self, at_once: bool = False) -> None:
        self._at_once = at_once
        self._known: dict[Key, tuple[Stamp, object]] = {}
        self._seen: set[int] = set()
        self._held = 0

    def find(self, key: Key, load: object) -> tuple[Stamp | None, bool]:
        """The stamp of an equal use, if there is one, and whether this load has used it before."""
        found = self._known.get(key)
        return (None, False) if found is None else (found[0], found[1] is load)

    def wants(self, key: Key) -> bool:
        """Whether a use that has no stamp should be taken down."""
        mark = hash(key)
        if self._at_once or mark in self._seen:
            return self._held < MOST_NODES
        if len(self._seen) < MOST_SEEN:
            self._seen.add(mark)
        return False

    def keep(self, key: Key, stamp: Stamp, load: object) -> None:
        """Keep the stamp of a use, or note the load that it holds for."""
        if key not in self._known:
            self._held += len(stamp.items)
        self._known[key] = stamp, load

    def drop(self, key: Key) -> None:
        """Forget a stamp that no longer holds."""
        stamp, _ = self._known.pop(key)
        self._held -= len(stamp.items)

    def tidy(self) -> None:
        """Forget all when there is much; called between loads."""
        if self._held >= MOST_NODES or len(self._seen) >= MOST_SEEN:
            self._known.clear()
            self._seen.clear()
            self._held = 0


def frozen(values: Mapping[str, Any]) -> tuple[str, tuple[SpecFile | None, ...]] | None:
    """Values as a part of a key: equal only for equal values of the same types, whose texts are from the same files.

    None for values that are not plain.
    """
    files: list[SpecFile | None] = []
    return (repr(values), tuple(files)) if _plain(values.values(), files) else None


def _plain(values: Any, files: list[SpecFile | None]) -> bool:
    for value in values:
        kind = type(value)
        if kind is int or kind is float or kind is bool or value is None:
            continue
        if kind is Text:
            files.append(value.file)
        elif kind is str:
            files.append(None)
        elif kind is list or kind is tuple:
            if not _plain(value, files):
                return False
        elif kind is not dict or not (_plain(value.keys(), files) and _plain(value.values(), files)):
            return False
    return True


def value_in(stamped: int, start: int, inputs: Sequence[int]) -> int:
    """The value that a number in a stamp means in a use whose first node is ``start``."""
    if stamped >= 0:
        return start + stamped
    return UNKNOWN if stamped == UNKNOWN else inputs[-2 - stamped]
