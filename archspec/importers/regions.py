"""Finds modules in files that have none: the layers between a value and the merge where all its branches end.

A region reads one value and gives one, and no inner value is read outside, so that it can be a block.  An activation
after the merge belongs to the region.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from archspec import ops
from archspec.importers.assembly import Assembly
from archspec.importers.network import Frame, Layer

LONGEST = 64
"""The most layers in one region; a longer one does not become a block."""


@dataclass(slots=True, eq=False)
class Unit:
    """One layer, or the consecutive layers of one module."""

    layers: list[Layer]
    name: str

    @property
    def gives(self) -> int:
        """Its last value."""
        return self.layers[-1].gives

    def reads(self) -> list[int]:
        """The values it reads from outside, once for each reading."""
        made = {layer.gives for layer in self.layers}
        found = [value for layer in self.layers for value in (*layer.reads, *layer.refers.values())]
        return [value for value in found if value not in made]

    def has_weights(self) -> bool:
        """Whether any layer in it has weights."""
        return any(ops.find(layer.op).weights is not ops.Op.weights for layer in self.layers)


@dataclass(slots=True, eq=False)
class Names:
    """The name of a region, its class, and its members' names, empty for those that need none."""

    name: str
    kind: str
    members: list[str]


Naming = Callable[[Unit, Sequence[Unit]], Names | None]
"""A function from a region's merge and units to names; it returns None if their names have nothing in common."""


def find(assembly: Assembly, outputs: Sequence[int], naming: Naming) -> dict[str, str]:
    """Put the layers of each region into a module of its own; returns the moved layers' new paths by their old ones."""
    units = _units(assembly)
    read_by = Counter(value for unit in units for value in unit.reads())
    read_by.update(outputs)
    renamed: dict[str, str] = {}
    end = 0
    found = _regions(units, read_by)
    kinds = Counter(_ops(units[begin : last + 1]) for begin, last in found)
    for begin, last in found:
        if begin < end or kinds[_ops(units[begin : last + 1])] == 1:  # inside another region, or nothing is repeated
            continue
        names = naming(_merge(units[begin : last + 1]), units[begin : last + 1])
        if names is None:
            continue
        end = last + 1
        frame = Frame(names.name, names.kind, assembly.root)
        for unit, member in zip(units[begin:end], names.members, strict=True):
            _move(unit, member, frame, renamed)
    for key in [key for key in assembly.weights if key.rpartition(".")[0] in renamed]:
        path, _, tensor = key.rpartition(".")
        assembly.weights[f"{renamed[path]}.{tensor}"] = assembly.weights.pop(key)
    return renamed


def key(tensor: str, renamed: dict[str, str]) -> str:
    """The key of a tensor whose layer may have moved."""
    path, _, name = tensor.rpartition(".")
    return f"{renamed[path]}.{name}" if path in renamed else tensor


def _units(assembly: Assembly) -> list[Unit]:
    found: list[Unit] = []
    before: Frame | None = None
    for layer in assembly.layers:
        frame = layer.frame
        while frame.parent is not None and frame.parent.parent is not None:
            frame = frame.parent
        if frame is before and frame.parent is not None:
            found[-1].layers.append(layer)
        else:
            found.append(Unit([layer], frame.path or layer.path))
        before = frame
    return found


def _ops(units: Sequence[Unit]) -> tuple[str, ...]:
    return tuple(layer.op for unit in units for layer in unit.layers)


def _merge(units: Sequence[Unit]) -> Unit:
    """The last merge of a region."""
    return next(unit for unit in reversed(units) if _merges(unit))


def _merges(unit: Unit) -> bool:
    layer = unit.layers[0]
    return len(unit.layers) == 1 and ops.find(layer.op).merges and len(set(layer.reads)) > 1


def _regions(units: Sequence[Unit], read_by: Counter[int]) -> list[tuple[int, int]]:
    """The first and last unit of each region, in order; regions share no unit."""
    found: list[tuple[int, int]] = []
    for position, unit in enumerate(units):
        if not _merges(unit):
            continue
        begin = _begin(units, position, read_by)
        if begin is None or not any(each.has_weights() for each in units[begin:position]):
            continue
        after = units[position + 1] if position + 1 < len(units) else None
        last = position
        if after is not None and after.reads() == [unit.gives] and read_by[unit.gives] == 1 and _acts(after):
            last += 1
        found.append((begin, last))
    return [one for one, two in pairwise([*found, (len(units), 0)]) if two[0] > one[1]]


def _acts(unit: Unit) -> bool:
    kinds = {ops.find(layer.op).kind for layer in unit.layers}
    return kinds == {"activation"} and not unit.has_weights()


def _begin(units: Sequence[Unit], position: int, read_by: Counter[int]) -> int | None:
    """Where the region that ends in a merge begins, so that all branches come from one value; None if there is none."""
    wanted = set(units[position].reads())
    inside: Counter[int] = Counter(units[position].reads())
    at = position
    while len(wanted) > 1:
        at -= 1
        if at < 0 or position - at > LONGEST:
            return None
        unit = units[at]
        if unit.gives not in wanted or read_by[unit.gives] != inside[unit.gives]:
            return None
        wanted.discard(unit.gives)
        reads = unit.reads()
        wanted |= set(reads)
        inside.update(reads)
    return at if at < position else None


def _move(unit: Unit, member: str, around: Frame, renamed: dict[str, str]) -> None:
    """Put a unit into a module under another name."""
    path = f"{around.path}.{member}" if member else ""
    frame = unit.layers[0].frame
    if frame.parent is None:  # a single layer
        layer = unit.layers[0]
        if layer.path:
            renamed[layer.path] = path
        layer.path, layer.frame, layer.named = path, around, layer.named and bool(member)
        return
    assert frame.parent.parent is None, "modules of one level"
    for layer in unit.layers:
        if layer.path:
            renamed[layer.path] = layer.path = path + layer.path.removeprefix(frame.path)
    frame.path, frame.parent = path, around


def by_tag(merge: Unit, units: Sequence[Unit]) -> Names | None:
    """Names for units that share a number, such as ``res2a``, ``res2a_branch1`` and ``bn2a_branch1``, without it."""
    parts = re.fullmatch(r"([A-Za-z_]+?)_?(\d\w*)", merge.name)
    if parts is None:
        return None
    kind, tag = parts[1], parts[2]
    members: list[str] = []
    for unit in units:
        if not unit.has_weights():
            members.append("")
            continue
        if tag not in unit.name:
            return None
        members.append(unit.name.replace(tag, "", 1).strip("_"))
    given = [member for member in members if member]
    if len(set(given)) < len(given) or any(not re.match("[A-Za-z]", member) for member in given):
        return None
    return Names(merge.name, kind, members)


class Order:
    """Names regions by their order, and their members likewise."""

    def __init__(self) -> None:
        self._count: dict[str, int] = {}

    def __call__(self, merge: Unit, units: Sequence[Unit]) -> Names | None:
        """``residual3`` with ``conv1``, ``conv2``."""
        kind = "residual" if any(layer.op == "add" for unit in units for layer in unit.layers) else "branches"
        self._count[kind] = self._count.get(kind, 0) + 1
        members: list[str] = []
        within: dict[str, int] = {}
        for unit in units:
            word = re.sub(r"\d+\Z", "", unit.name)
            if unit.has_weights():
                within[word] = within.get(word, 0) + 1
            members.append(f"{word}{within[word]}" if unit.has_weights() else "")
        return Names(f"{kind}{self._count[kind]}", kind, members)
