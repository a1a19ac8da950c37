"""Merges and their branches: add, multiply, concat."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from archspec import vocabulary
from archspec.diagnostics import Fault, printable
from archspec.elaborate import operations
from archspec.elaborate.blocks import BoundOp
from archspec.elaborate.builder import Builder
from archspec.elaborate.places import UNKNOWN, Entry, Loop, Place, Visit
from archspec.elaborate.stamps import Branched
from archspec.elaborate.values import other_argument
from archspec.graph import Scope
from archspec.ops import Op
from archspec.schema import STEP_KEYS, Step, parse_step, parse_steps
from archspec.syntax import Items, Scalar
from archspec.syntax import Mapping as YamlMapping
from archspec.syntax import Node as YamlNode


def merge(
    builder: Builder,
    what: BoundOp,
    visit: Visit,
    reads: Sequence[int],
) -> int:
    """Make an add, multiply or concat of branches, or of the values listed in ``from``."""
    step, place, loop = visit.step, visit.place, visit.loop
    branches = _branches(builder, what.kind, step)
    inner, inside = place, loop.branch()
    if step.name is not None or visit.key is not None:
        scope = builder.open("merge", visit)
        inner, inside = builder.begin(visit, Place(scope, place.use, place, modules=True)), loop.own_scope()
    fields = frozenset(str(k.text) for k, _, _ in branches if k is not None)
    op, _ = operations.operation(builder, what, visit, skip=fields)
    if branches:
        if len(reads) != 1:
            raise Fault(
                "wrong-inputs",
                f"every branch of `{step.what}` starts from one value, but `from` names {len(reads)}",
                step.what_span,
                "write either branches or a list of names",
            )
        given = [(branch, [*_values(builder, branch, inner, inside, reads[0])]) for branch in branches]
        values = [value for _, found in given for value in found]
        if len(branches) > 1:
            dropped = (
                steps[0] for (_, steps, bare), found in given if bare and not found and steps[0].when is not None
            )
            builder.branched(Branched(step, len(values) > 1, next(dropped, None)))
        if len(branches) == 1:
            _warn_of_one_branch(builder, step, *branches[0])
    else:
        values = list(reads)
        if step.body is not None and not isinstance(step.body, YamlMapping):
            raise Fault("no-branches", f"`{step.what}` has no branches", step.what_span)
        if len(values) == 1 and step.reads is None:
            raise Fault(
                "no-branches",
                f"`{step.what}` has nothing to merge",
                step.what_span,
                "give it branches, or several names: `from: [previous, other]`",
            )
    if not values:
        raise Fault("no-branches", f"`when` removes every branch of `{step.what}`", step.what_span)
    node = None
    index = values[0]
    if len(values) > 1:
        node = builder.nodes.add(op, tuple(values), step, inner, loop, "", named=False)
        index = node.index if node is not None else UNKNOWN
    if inner is not place:
        return builder.close(visit, inner, index, node)
    builder.label(visit, Entry(index, step.what_span, node=node, step=step))
    return index


def warn_of_lone_branches(builder: Builder) -> None:
    """Warn of merges that have only one branch in every use, because of `when`."""
    for step, dropped in builder.lone.values():
        builder.diagnostics.warning(
            "one-branch",
            f"`when` removes this branch and leaves `{step.what}` with one, so it does nothing",
            dropped.what_span,
            f"`- {dropped.what}:` is removed as a branch; a list of one step, `- - {dropped.what}:`, "
            "stays, and equals the input where `when` is false",
            details=(f"`{step.what}` is at {step.what_span}",),
        )


def _warn_of_one_branch(builder: Builder, step: Step, key: Scalar | None, steps: tuple[Step, ...], bare: bool) -> None:
    """Warn of a merge that is written with a single branch that is not repeated."""
    if bare and (steps[0].clauses or steps[0].repeat is not None):
        return
    if key is None:
        message, span = f"`{step.what}` has only one branch, so it does nothing", step.what_span
        hint = f"each item of the list is a branch: `- {step.what}: [[…], […]]`"
    else:
        message, span = f"`{step.what}` has only one branch, `{printable(key.text, 60)}`, so it does nothing", key.span
        hint = f"a key that is not an argument names a branch: `- {step.what}: {{left: […], right: […]}}`"
    builder.diagnostics.warning("one-branch", message, span, hint)


def _branches(builder: Builder, kind: type[Op], step: Step) -> list[tuple[Scalar | None, tuple[Step, ...], bool]]:
    """The branches of a merge: key, steps, and whether it is a single bare step."""
    found = builder.branches.get(step)
    if found is None:
        found = []
        if isinstance(step.body, Items):
            found = [_branch(builder, None, item) for item in step.body.items]
        elif isinstance(step.body, YamlMapping):
            fields = kind.model_fields
            for k, item in step.body.entries:
                _refuse_argument(step, k, item, fields)
            keyed = [(k, item) for k, item in step.body.entries if str(k.text) not in fields]
            _refuse_list_of_branches(step, keyed)
            found = [_branch(builder, k, item) for k, item in keyed]
        elif step.body is not None:
            raise Fault("wrong-type", f"`{step.what}` takes a list of branches", step.body.span)
        builder.branches[step] = found
    return found


def _refuse_argument(step: Step, key: Scalar, value: YamlNode, fields: Collection[str]) -> None:
    """Raise Fault for a key that would name a branch but is clearly meant as an argument."""
    if key.text in fields:
        return
    number = isinstance(value, Scalar) and value.value is not None and not isinstance(value.value, str)
    meant = isinstance(value, Scalar) and vocabulary.same_argument(key.text, fields) is not None
    if key.text in STEP_KEYS or number or meant:
        shown = printable(key.text, 60)
        hint = other_argument(key.text, fields) or "a branch is a list of steps or one step"
        raise Fault(
            "unknown-argument",
            f"`{step.what}` has no argument `{shown}`, and the value is not a branch",
            key.span,
            hint,
        )


def _refuse_list_of_branches(step: Step, keyed: Sequence[tuple[Scalar, YamlNode]]) -> None:
    """Raise Fault for ``add: {branches: [[…], […]]}``, which names one branch and lists several under it."""
    if len(keyed) != 1 or not isinstance(keyed[0][1], Items):
        return
    key, branch = keyed[0][0], keyed[0][1]
    if any(isinstance(item, Items) for item in branch.items):
        arguments = isinstance(step.body, YamlMapping) and len(step.body.entries) > 1
        hint = (
            f"beside arguments each branch has a name of its own: `{step.what}: {{…, left: […], right: […]}}`"
            if arguments
            else f"list the branches below `{step.what}` itself: `- {step.what}: [[…], […]]`"
        )
        shown = printable(key.text, 60)
        raise Fault(
            "not-a-step",
            f"`{shown}` is not an argument of `{step.what}`: it names one branch, and lists of steps are several "
            "branches",
            key.span,
            hint,
        )


def _branch(builder: Builder, key: Scalar | None, node: YamlNode) -> tuple[Scalar | None, tuple[Step, ...], bool]:
    if isinstance(node, Items):
        return key, parse_steps(node.items, builder.diagnostics), False
    if isinstance(node, Scalar) and node.value is None:
        raise Fault("not-a-step", "a branch is a list of steps or one step", node.span, "write `[]` for the identity")
    return key, (parse_step(node, builder.diagnostics),), True


def _values(
    builder: Builder, branch: tuple[Scalar | None, tuple[Step, ...], bool], place: Place, loop: Loop, start: int
) -> Iterator[int]:
    """The values of one branch as written: one, none if ``when`` removes it, several if ``for`` repeats it."""
    key, steps, bare = branch
    numbered = place.scope.kind == "merge"
    if bare:
        step = steps[0]
        for copy in builder.walk.copies(step, place, loop):
            visit = Visit(step, place, copy, start, str(key.value) if key is not None else None)
            if builder.walk.wanted(visit):
                if step.name is not None and key is not None:
                    yield _scoped(builder, key, steps, place, copy, start)
                else:
                    yield builder.walk.step(visit)[0]
        return
    if key is None and not numbered:
        yield builder.walk.steps(steps, place, loop, start)
        return
    yield _scoped(builder, key, steps, place, loop, start)


def _scoped(builder: Builder, key: Scalar | None, steps: tuple[Step, ...], place: Place, loop: Loop, start: int) -> int:
    """Run a branch that is a scope: it has a key, or a number in a named merge."""
    name = str(key.value) if key is not None else str(place.count)
    place.count += 1
    scope = Scope(
        "branch", name, place.join(name), place.scope, loops=loop.loops, copy=loop.copy, depth=place.scope.depth
    )
    inner = Place(scope, place.use, place, modules=True)
    if key is not None:
        place.claim(name, key.span, Entry(UNKNOWN, key.span))
    place.scope.items.append(scope)
    value = builder.walk.steps(steps, inner, loop.own_scope(), start)
    scope.output = value
    place.names[name] = Entry(value, key.span if key is not None else None, place=inner)
    return value
