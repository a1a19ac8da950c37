"""Folding what repeats: equal neighbours become one with ×N, blocks that differ in a parameter one box of two lines.

What is equal is decided by what would be drawn, so that two blocks whose parameters have other names but the same boxes
fold, and two that differ in a word do not.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import groupby

from archspec.backends.diagram import text
from archspec.backends.diagram.repeats import Repeat, repeats
from archspec.backends.diagram.series_parallel import Element, Group, Parallel, Side, Tangle, Unit, units_of
from archspec.graph import Scope
from archspec.ops import Shape

FEW = 4
"""A branch with no more boxes than this shows each of them, equal or not: a residual block shows two convolutions."""

LONGEST_DIFFERENCE = 36
"""Characters of the second line that says what differs between folded blocks; blocks that differ in more stay apart."""


class Folder:
    """Folds a series; ``sizes`` are the numbers that spatial sizes are compared at."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self.sizes = sizes

    def fold(self, items: Sequence[Element]) -> list[Element]:
        """A series with its scopes grouped and what repeats folded."""
        return self._flat(self._runs(self._grouped(list(items), 0), True))

    # -- grouping --------------------------------------------------------------------------------------------------

    def _grouped(self, items: list[Element], level: int) -> list[Element]:
        chains = [self.scopes(item) for item in items]
        found: list[Element] = []
        keyed = zip(chains, items, strict=True)
        for key, run in groupby(keyed, key=lambda pair: pair[0][level] if len(pair[0]) > level else None):
            members = list(run)
            inner = [item for _, item in members]
            if key is None:
                found += inner
            else:
                found.append(Group(members[0][0][level], self._grouped(inner, level + 1)))
        return found

    def scopes(self, item: Element) -> tuple[Scope, ...]:
        """The open scopes that hold all of an element."""
        if isinstance(item, Side):
            return _common([item.tap.scopes, *(unit.scopes for unit in item.chain)])
        return _common([unit.scopes for unit in units_of([item])])

    # -- equal neighbours ------------------------------------------------------------------------------------------

    def _runs(self, items: list[Element], trunk: bool) -> list[Element]:
        """Equal neighbours folded, inside first."""
        for item in items:
            if isinstance(item, Group):
                item.items = self._runs(item.items, trunk)
            elif isinstance(item, Parallel):
                for branch in item.branches:
                    long = len(list(units_of(branch))) > FEW or hourglass(item)
                    branch[:] = self._flat(self._runs(self._grouped(branch, len(self.scopes(item))), long))
        return self._neighbours(self._together([self._single(item) for item in items], trunk), trunk)

    def _neighbours(self, items: list[Element], trunk: bool) -> list[Element]:
        found: list[Element] = []
        for signature, run in groupby(items, key=lambda item: self.signature(item, trunk)):
            members = list(run)
            units = [unit for unit in members if isinstance(unit, Unit)]
            if signature is None:
                found += members
            elif units:
                found += self.joined(units)
            elif len(members) > 1:
                first = members[0]
                group = first if isinstance(first, Group) else Group(_scope_of(first), [first])
                group.count = sum(member.count if isinstance(member, Group) else 1 for member in members)
                group.copies += [unit for member in members[1:] for unit in units_of([member])]
                group.copies += [unit for member in members[1:] if isinstance(member, Group) for unit in member.copies]
                self._adopt(group, _last_unit(members))
                found.append(group)
            else:
                found += members
        return found

    def _together(self, items: list[Element], trunk: bool) -> list[Element]:
        """Several elements that repeat together in one group: a pair of 1×1 and 3×3 convolutions, ×4."""
        found: list[Element] = []
        at = 0
        for repeat in self.repeats(items, trunk):
            first, copies = items[repeat.start : repeat.second], items[repeat.second : repeat.end]
            group = Group(Scope("sequence", "", "", None), self._neighbours(first, trunk), repeat.count)
            group.copies = list(units_of(copies))
            found += [*items[at : repeat.start], group]
            at = repeat.end
        return found + items[at:]

    def repeats(self, items: Sequence[Element], trunk: bool = True) -> list[Repeat]:
        """Where several elements of a series repeat together."""
        before: list[Element | None] = [None, *items]
        return repeats([self._placed(item, one, trunk) for one, item in zip(before, items, strict=False)])

    def _placed(self, item: Element, before: Element | None, trunk: bool) -> Hashable:
        """What is drawn for an element, and the sizes that it reads and has; None if it does not fold.

        As in papers, the first of several may read a map of another number of channels, but no longer vector.
        """
        signature = self.signature(item, trunk)
        read = None if before is None else _last_unit([before])
        reads = None if read is None or read.shape is None else read.shape
        size = (
            text.shape_words(reads, self.sizes)
            if reads is None or not reads.spatial
            else text.spatial(reads, self.sizes)
        )
        shapes = tuple(text.shape_words(unit.shape, self.sizes) for unit in units_of([item]))
        return None if signature is None else (signature, size, shapes)

    def joined(self, units: list[Unit]) -> list[Unit]:
        """Boxes of equal words as one; blocks whose parameters differ in too much to say stay apart."""
        runs = [units]
        if len(self._differences(units)) > LONGEST_DIFFERENCE:
            runs = [list(run) for _, run in groupby(units, key=lambda unit: unit.block and parameters(unit.block))]
        for run in runs:
            first, *others = run
            if others:
                same = all(unit.detail == first.detail for unit in others)
                told = [first.detail if same else "", self._differences(run)]
                both = "; ".join(words for words in told if words)
                first.detail = both if len(both) <= text.LONGEST else told[1]
                first.uses = [scope for unit in run for scope in unit.uses]
                first.count += sum(unit.count for unit in others)
                first.shape = others[-1].shape
                first.nodes += [node for unit in others for node in unit.nodes]
        return [run[0] for run in runs]

    @staticmethod
    def _adopt(group: Group, last: Unit | None) -> None:
        """The drawn copy gives what the last copy gives: the label after a repeat tells the shape there."""
        shown = _last_unit([group])
        if last is not None and shown is not None:
            shown.shape = last.shape

    @staticmethod
    def _single(item: Element) -> Element:
        """A group of one thing is that thing, unless it stands for several or is titled."""
        while (
            isinstance(item, Group)
            and item.count == 1
            and len(item.items) == 1
            and isinstance(item.items[0], (Unit, Group))
        ):
            item = item.items[0]
        return item

    def signature(self, item: Element, trunk: bool = True) -> Hashable:
        """What is drawn for an element; neighbours of the same signature fold.  None: never."""
        if isinstance(item, Unit):
            if item.role in ("io", "note") or item.training or item.sign or not (trunk or item.block):
                return None
            return self._unit(item)
        if isinstance(item, (Side, Tangle)):
            return None
        return self._whole(item)

    def _unit(self, unit: Unit) -> Hashable:
        if unit.block is not None and unit.block.block is not None:
            return ("block", unit.title, unit.block.block.name, unit.sign, text.spatial(unit.shape, self.sizes))
        parts = () if unit.sign else tuple(unit.parts)  # what follows a merge may belong to the next block
        return ("unit", unit.title, unit.detail, unit.role, unit.sign, unit.count, parts)

    def _whole(self, item: Element) -> Hashable:
        if isinstance(item, Unit):
            return self._unit(item)
        if isinstance(item, Parallel):
            branches = tuple(tuple(map(self._whole, branch)) for branch in item.branches)
            changed = (
                item.source is not None and item.sink is not None and self.changed(item.source.shape, item.sink.shape)
            )
            return (
                "parallel",
                branches,
                item.sink and self._unit(item.sink),
                changed and item.sink and item.sink.sign == "+",
            )
        if isinstance(item, Group):
            return ("group", item.count, tuple(map(self._whole, item.items)))
        return ("alone", id(item))

    def changed(self, before: Shape | None, after: Shape | None) -> bool:
        """Whether the size or the number of channels differs."""
        return text.shape_words(before, self.sizes) != text.shape_words(after, self.sizes)

    @staticmethod
    def _differences(units: Sequence[Unit]) -> str:
        """What differs between folded blocks: ``channels 128, 160, 160, 192``."""
        tables = [parameters(scope) for unit in units for scope in unit.uses]
        if not tables or not all(unit.uses for unit in units):
            return ""
        lines = []
        for name in tables[0]:
            values = [table.get(name) for table in tables]
            if any(value != values[0] for value in values):
                shown = [f"{value:.3g}" if isinstance(value, float) else str(value) for value in values]
                words = f"{text.human(name)} {', '.join(shown)}"
                lines.append(
                    words if len(words) <= LONGEST_DIFFERENCE else f"{text.human(name)} {shown[0]} … {shown[-1]}"
                )
        return "; ".join(lines)

    # -- ungrouping ------------------------------------------------------------------------------------------------

    def _flat(self, items: Sequence[Element]) -> list[Element]:
        """Groups that need no frame dissolved: a frame is for what repeats, and for what is titled."""
        found: list[Element] = []
        for item in items:
            if not isinstance(item, Group):
                found.append(item)
                continue
            item.items = self._flat(item.items)
            if item.scope.block is not None and item.scope.kind == "block" and any(map(_fans, item.items)):
                item.title = text.clean(item.title or block_name(item.scope), 30)
            if item.count > 1 or item.title:
                found.append(item)
            else:
                found += item.items
        return found


def _scope_of(item: Element) -> Scope:
    """Where a repeated element without a scope of its own stands."""
    for unit in units_of([item]):
        if unit.scopes:
            return unit.scopes[-1]
    return Scope("sequence", "", "", None)


def _last_unit(items: Sequence[Element]) -> Unit | None:
    last: Unit | None = None
    for unit in units_of([item for item in items if not isinstance(item, Side)]):
        last = unit
    return last


def _common(chains: Sequence[tuple[Scope, ...]]) -> tuple[Scope, ...]:
    """The scopes all chains begin with."""
    first = chains[0] if chains else ()
    length = 0
    while length < len(first) and all(len(chain) > length and chain[length] is first[length] for chain in chains):
        length += 1
    return first[:length]


def _fans(item: Element) -> bool:
    """Whether an element opens into real branches, more than a shortcut beside a path."""
    if isinstance(item, Parallel):
        return not hourglass(item) and (
            is_fan(item) or any(_fans(inner) for branch in item.branches for inner in branch)
        )
    return isinstance(item, Tangle)


def hourglass(item: Element) -> bool:
    """Whether a parallel spans an hourglass: its long branch makes the map smaller and larger again."""
    return isinstance(item, Parallel) and long_way(item) is not None


def long_way(item: Parallel) -> int | None:
    """Which branch goes down and up while the other only crosses over."""
    if len(item.branches) != 2 or item.sink is None:
        return None
    for at, branch in enumerate(item.branches):
        other = item.branches[1 - at]
        units = list(units_of(branch))
        crosses = len(other) <= 2 and all(isinstance(unit, Unit) and not unit.sign for unit in other)
        if crosses and len(units) > max(1, len(other)) and any(map(grows, [*units, item.sink])):
            return at
    return None


def grows(unit: Unit) -> bool:
    """Whether a unit makes the map larger."""
    return (unit.role == "up" and ", /" not in unit.title) or "↑" in unit.title


def is_fan(item: Parallel) -> bool:
    """Whether its branches stand side by side, as equals; a shortcut is not a branch in this sense."""
    return shortcut(item) is None


def shortcut(item: Parallel) -> int | None:
    """Which branch of a parallel is a shortcut drawn at the side: empty, or one or two boxes beside a longer path."""
    if len(item.branches) != 2 or (item.source is None and not any(item.branches)):
        return None
    counts = [len(list(units_of(branch))) for branch in item.branches]
    plain = [all(isinstance(inner, Unit) for inner in branch) for branch in item.branches]
    if 0 in counts:
        return counts.index(0)
    sign = item.sink.sign if item.sink is not None else ""
    least = 0 if counts[0] < counts[1] else 1
    if sign == "+" and counts[least] <= 2 and plain[least] and (counts[0] != counts[1] or _projects(item, 1)):
        return least if counts[0] != counts[1] else 1
    return None


def _projects(item: Parallel, branch: int) -> bool:
    """Whether a branch is a single 1×1 convolution, as beside a block of one box."""
    units = [unit for unit in item.branches[branch] if isinstance(unit, Unit)]
    return len(units) == 1 and units[0].title.startswith("1×1 conv")


def parameters(scope: Scope) -> dict[str, object]:
    """The parameters of a use of a block that are plain values."""
    if scope.block is None:
        return {}
    values = {name: scope.values.get(name) for name in scope.block.model.params}
    return {name: value for name, value in values.items() if isinstance(value, (bool, int, float, str))}


def block_name(scope: Scope) -> str:
    """What a use of a block is called: its own name where that is the block's with a number, else the block's."""
    if scope.block is None or scope.kind != "block":
        return text.human(scope.name)
    if text.same_name(scope.name, scope.block.name):
        return text.human(scope.name)
    return text.human(scope.block.name)
