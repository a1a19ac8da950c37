"""The fewest steps that a block runs, known before it is walked: what is bound to be too much is refused at once.

Blocks that use one another twice over double with each level; walking them up to the bound takes half a minute.  Each
block is looked through once, and counts what it uses as often as that is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from archspec import ops
from archspec.diagnostics import Diagnostics, SpecError
from archspec.schema import BlockDefinition, SpecFile, Step, parse_steps
from archspec.syntax import Items, Mapping, Node, Scalar


class Fewest:
    """Remembers the counts of blocks.

    What a condition, a `for` or an expression decides counts as nothing: the count is a bound from below.
    """

    def __init__(self) -> None:
        self._known: dict[BlockDefinition, int] = {}
        self._written: dict[BlockDefinition, tuple[int, Counter[BlockDefinition]]] = {}
        self._copies: dict[Step, int] = {}

    @property
    def size(self) -> int:
        """How much is remembered."""
        return len(self._known) + len(self._copies)

    def of_copy(self, step: Step, file: SpecFile) -> int:
        """The steps that one copy of a step runs at least, itself among them."""
        if step not in self._copies:
            own, uses = _counted([(inner, 1) for inner in _inner(step)], file)
            uses.update([used] if (used := _used(step, file)) is not None else [])
            self._copies[step] = 1 + own + sum(count * self.of(used) for used, count in uses.items())
        return self._copies[step]

    def of(self, definition: BlockDefinition) -> int:
        """The steps that a use of the block runs at least; a block that uses itself counts that use as nothing."""
        waiting, begun = [definition], set[BlockDefinition]()
        while waiting:
            here = waiting[-1]
            if here in self._known:
                waiting.pop()
                continue
            if here not in self._written:
                self._written[here] = _counted([(step, 1) for step in here.steps], here.file)
            own, uses = self._written[here]
            begun.add(here)
            missing = [used for used in uses if used not in self._known and used not in begun]
            waiting += missing
            if not missing:
                self._known[here] = own + sum(count * self._known.get(used, 0) for used, count in uses.items())
        return self._known[definition]


def _counted(waiting: list[tuple[Step, int]], file: SpecFile) -> tuple[int, Counter[BlockDefinition]]:
    """How many steps some steps, each so many times, are, and how often they use each block of their file."""
    own, uses = 0, Counter[BlockDefinition]()
    while waiting:
        step, times = waiting.pop()
        times *= _copies(step)
        if not times:
            continue
        own += times
        used = _used(step, file)
        if used is not None:
            uses[used] += times
        waiting += ((inner, times) for inner in _inner(step))
    return own, uses


def _used(step: Step, file: SpecFile) -> BlockDefinition | None:
    """The block of its file that a step uses."""
    return file.blocks.get(step.what) if step.what not in ops.names() else None


def _inner(step: Step) -> Iterable[Step]:
    """The steps written inside a step."""
    return step.steps or _branches(step)


def _copies(step: Step) -> int:
    """How often a step runs at least."""
    if step.clauses or step.when not in (None, True):
        return 0
    if step.repeat is None:
        return 1
    count = step.repeat.value if isinstance(step.repeat, Scalar) else None
    return max(count, 0) if type(count) is int else 0


def _branches(step: Step) -> Iterator[Step]:
    """The steps in the branches of a merge."""
    if step.what not in ops.names() or not ops.find(step.what).merges or step.body is None:
        return
    try:
        for branch in _inside(step.body):
            yield from parse_steps(branch.items if isinstance(branch, Items) else [branch], Diagnostics())
    except SpecError:  # a hundred steps that are none, told where they are run
        return


def _inside(body: Node) -> tuple[Node, ...]:
    """The branches of a list; those of a mapping that are lists, where others may be arguments."""
    if isinstance(body, Mapping):
        return tuple(value for _, value in body.entries if isinstance(value, Items))
    return body.items if isinstance(body, Items) else ()
