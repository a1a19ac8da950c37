"""One walk for many equal uses of a block, and for many equal sequences.

What the steps of a block make depends on the block, the values of its parameters and the shapes that it reads, and on
nothing else in most uses: names do not reach out of a block.  The first equal use is walked, the second is walked and
taken down, and every further one is made from what was taken down.  A use that said something, failed, or read more
than its key holds is always walked, so that what a spec becomes and what is said of it are the same either way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from archspec.elaborate.blocks import Bound
from archspec.elaborate.builder import Builder
from archspec.elaborate.places import Entry, Loop, Place, used
from archspec.elaborate.stamps import (
    Branched,
    Consulted,
    EntryStamp,
    Key,
    Looked,
    NodeStamp,
    PlaceStamp,
    Stamp,
    frozen,
    value_in,
)
from archspec.elaborate.taking import Taking
from archspec.elaborate.values import spoken
from archspec.graph import Node, Scope
from archspec.schema import Step


def use(builder: Builder, bound: Bound, place: Place, walk: Callable[[], int]) -> int:
    """The value of a use of a block whose scope is open: made from a stamp, or by ``walk``."""
    inputs = tuple(place.use.inputs.values())
    return _run(builder, _use_key(builder, bound, place, inputs), place, inputs, walk)


def sequence(builder: Builder, step: Step, place: Place, loop: Loop, walk: Callable[[], int]) -> int:
    """The value of a sequence whose scope is open: made from a stamp, or by ``walk``.

    Its steps see the names of the block around, so those that are written in it are a part of what decides.  One that
    names a step outside is always walked.
    """
    inputs = (place.start,)
    return _run(builder, _sequence_key(builder, step, place, loop), place, inputs, walk)


def _run(builder: Builder, key: Key | None, place: Place, inputs: Sequence[int], walk: Callable[[], int]) -> int:
    if key is None:
        return walk()
    stamps, load = builder.loader.stamps, builder.watch.load
    stamp, current = stamps.find(key, load)
    if stamp is not None and not current:
        if _holds(builder, stamp, place):
            stamps.keep(key, stamp, load)
        else:
            stamps.drop(key)
            stamp = None
    if stamp is not None:
        if _affordable(builder, stamp, place):
            return _press(builder, stamp, place, inputs)
        return walk()
    if not stamps.wants(key):
        return walk()
    taking = Taking(builder, place, inputs)
    value: int | None = None
    try:
        value = walk()
        return value
    finally:
        stamp = taking.end(value)
        if stamp is not None:
            stamps.keep(key, stamp, load)


def _use_key(builder: Builder, bound: Bound, place: Place, inputs: Sequence[int]) -> Key | None:
    """All that decides what a use makes; None where that is not known."""
    if not builder.loader.stamped or bound.variant is not None or bound.values or bound.rewrites:
        return None
    nodes, use = builder.nodes, place.use
    values = frozen(use.values)
    if values is None or min(inputs) < 0 or nodes.is_special(inputs):
        return None
    same = () if len(inputs) == 1 else (tuple(use.inputs), tuple(map(inputs.index, inputs)))
    return (bound.definition, values, nodes.shapes(inputs), same, builder.numbers)


def _sequence_key(builder: Builder, step: Step, place: Place, loop: Loop) -> Key | None:
    """All that decides what a sequence makes; None where that is not known."""
    use = place.use
    if not builder.loader.stamped or place.start < 0 or builder.nodes.is_special((place.start,)) or use.labels:
        return None
    words = use.file.words.get(step)
    if words is None:
        words = use.file.words[step] = frozenset(spoken([step.body]))
    if not words.isdisjoint(use.records):
        return None
    values = frozen({name: value for name, value in use.values.items() if name in words})
    loops = frozen({"loops": list(loop.loops)})
    if values is None or loops is None:
        return None
    return (step, values, loops, loop.copy, builder.nodes.shapes((place.start,)), builder.numbers)


def _holds(builder: Builder, stamp: Stamp, place: Place) -> bool:
    """Whether names still mean what they did when an earlier load took the stamp down; what it left is left again."""
    span = place.use.definition.span
    for act in stamp.acts:
        if isinstance(act, Looked):
            found = builder.blocks.named(act.what, act.file, act.handed, span)
            if found is None or found is not act.found:
                return False
        elif isinstance(act, Consulted) and builder.defaults.source(act.file, act.name) is not act.source:
            return False
    for act in stamp.acts:
        if isinstance(act, Branched):
            builder.branched(act)
    return True


def _affordable(builder: Builder, stamp: Stamp, place: Place) -> bool:
    """Whether the limits would let the walk end; where they might not, it is walked, and stops where it must."""
    work = builder.work
    return (
        work.copies + stamp.copies <= builder.nodes.maximum
        and work.affords(stamp.spent)
        and place.use.depth + stamp.deepest <= builder.maximum_depth
    )


def _press(builder: Builder, stamp: Stamp, place: Place, inputs: Sequence[int]) -> int:
    """Make the nodes and scopes of a use from a stamp; names inside are made when something reads them."""
    nodes, work = builder.nodes, builder.work
    work.copies += stamp.copies
    work.spent += stamp.spent
    if work.pulse is not None:
        work.pulse()
    watch, depth = builder.watch, place.use.depth
    if watch.acts is not None:
        watch.acts.update(dict.fromkeys(stamp.acts))
    watch.deepest = max(watch.deepest, depth + stamp.deepest)
    start = len(nodes.all)
    for dim, number, index in stamp.pins:
        nodes.trial.pins.append((dim, number, start + index))
    _items(nodes.all, nodes.path, stamp, place.scope, inputs)
    for one, two in stamp.seconds:
        nodes.seconds[start + one] = start + two
    place.unfilled = lambda: _fill(nodes.all, place, stamp.place, start, inputs)
    if stamp.place.labels and place.scope.block is None:
        _fill(nodes.all, place, replace(stamp.place, names={}), start, inputs)  # the labels are those of the use around
    return value_in(stamp.value, start, inputs)


def _items(
    made: list[Node],
    unnamed: Callable[[str], str],
    stamp: Stamp,
    outermost: Scope,
    inputs: Sequence[int],
) -> None:
    start, index, depth = len(made), len(made), outermost.depth
    scopes = [outermost]
    for item in stamp.items:
        if type(item) is NodeStamp:
            scope = scopes[item.scope]
            reads = item.inputs
            step = item.step
            if item.counted:
                path = f"{scope.path}.{item.name}" if scope.path else item.name
            else:
                path = unnamed(f"{scope.path}.{item.op.keyword}()" if scope.path else f"{item.op.keyword}()")
            node = Node(
                index,
                item.op,
                (value_in(reads[0], start, inputs),)
                if len(reads) == 1
                else tuple([value_in(read, start, inputs) for read in reads]),
                item.shape,
                scope,
                item.name,
                path,
                step.what_span,
                step,
                item.loops,
                item.copy,
                item.pinned,
                item.label,
                item.named,
                item.counted,
                item.is_module,
                None if item.reuse is None else made[start + item.reuse],
                item.aside,
            )
            made.append(node)
            scope.items.append(node)
            index += 1
            continue
        assert not isinstance(item, NodeStamp)
        parent = scopes[item.parent]
        scope = Scope(
            item.kind,
            item.name,
            f"{parent.path}.{item.name}" if parent.path else item.name,
            parent,
            item.block,
            item.step,
            item.values,
            item.loops,
            item.copy,
            tuple([value_in(read, start, inputs) for read in item.inputs]),
            item.input_names,
            value_in(item.output, start, inputs),
            None if item.reuse is None else scopes[item.reuse],
            item.aside,
            item.checkpoint,
            depth + item.depth,
        )
        parent.items.append(scope)
        scopes.append(scope)


def _fill(made: list[Node], place: Place, stamp: PlaceStamp, start: int, inputs: Sequence[int]) -> None:
    """Give a place the names of what stands in it."""
    scopes = [*_ordered(place.scope)]
    entries: dict[int, Entry] = {}

    def filled(stamp: PlaceStamp, into: Place) -> Place:
        for names, stamped in ((into.names, stamp.names), (into.use.labels, stamp.labels)):
            names.update((name, entry(each, into)) for name, each in stamped.items())
        return into

    def entry(each: EntryStamp, around: Place) -> Entry:
        found = entries.get(id(each))
        if found is None:
            inner = None if each.place is None else filled(each.place, opened(each.place, around))
            node = None if each.node is None else made[start + each.node]
            value = value_in(each.value, start, inputs)
            found = entries[id(each)] = Entry(value, each.span, inner, node, each.step)
        return found

    def opened(stamp: PlaceStamp, around: Place) -> Place:
        scope, use = scopes[stamp.scope], around.use
        block = scope.block
        if stamp.inputs is not None and block is not None:
            named = {name: value_in(index, start, inputs) for name, index in stamp.inputs.items()}
            use = used(block, dict(scope.values), named, use, {})
        return Place(scope, use, around, stamp.modules)

    filled(stamp, place)


def _ordered(scope: Scope) -> list[Scope]:
    """A scope and those inside, in the order they were made."""
    found: list[Scope] = []
    waiting = [scope]
    while waiting:
        here = waiting.pop()
        found.append(here)
        waiting += [item for item in reversed(here.items) if isinstance(item, Scope)]
    return found
