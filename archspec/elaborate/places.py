"""Scopes while they are being filled: names taken, labels, and what ``from`` can see."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from archspec.diagnostics import Fault, Frame, Span, did_you_mean, printable
from archspec.graph import Node, Scope
from archspec.ops.common.module_attributes import LIST_ATTRIBUTES, MODULE_ATTRIBUTES, TRACED_ATTRIBUTES
from archspec.records import record
from archspec.schema import IDENTIFIER, BlockDefinition, SpecFile, Step

if TYPE_CHECKING:
    from archspec.rewrites import Stage, Under

_NUMBER = re.compile(r"(0|[1-9][0-9]{0,5})\Z")
"""A number, which a step in a container can also have as a name, like the modules of an ``nn.ModuleList``."""
STEP_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(-[A-Za-z0-9_]+)*\Z")
"""Names of steps: identifiers, and words joined by dashes, as in torchvision's RegNet."""

_ATTRIBUTES = MODULE_ATTRIBUTES | LIST_ATTRIBUTES
UNKNOWN = -1
"""The value of a step that failed: every step that reads it is unknown too, without a further message."""


@dataclass(slots=True, eq=False)
class Entry:
    """A named thing: its value, and its node or scope."""

    value: int
    span: Span | None
    place: Place | None = None
    node: Node | None = None
    step: Step | None = None


@dataclass(slots=True, eq=False)
class Use:
    """One use of a block while its steps are run."""

    definition: BlockDefinition
    file: SpecFile
    values: dict[str, Any]
    inputs: dict[str, int]
    spec_values: Mapping[str, Any]
    """Parameters of the spec in whose file the steps are written; ``defaults`` can use them."""
    depth: int
    caller: Use | None = None
    labels: dict[str, Entry] = field(default_factory=dict)
    records: dict[str, Any] = field(default_factory=dict)
    stages: tuple[Stage | Under, ...] = ()
    """The rewrites applied to the spec, if the block is a rewritten spec."""
    spec_depth: int = 0
    """The depth of the use that ``spec_values`` are from."""

    def vanished(self, name: str) -> str | None:
        """The rewrite that removed a step or label; None if none did."""
        return next((stage.name for stage in reversed(self.stages) if name in stage.lost), None)


def used(
    definition: BlockDefinition,
    values: dict[str, Any],
    inputs: dict[str, int],
    caller: Use,
    spec_values: Mapping[str, Any],
    records: dict[str, Any] | None = None,
) -> Use:
    """A use of a block by the steps of another; ``spec_values`` are those of a part of a spec."""
    depth = spec_depth = caller.depth + 1
    if definition.file.whole is definition:
        spec_values = values
    elif definition.file is caller.file:
        spec_values, spec_depth = caller.spec_values, caller.spec_depth
    file = definition.file
    use = Use(definition, file, values, inputs, spec_values, depth, caller, records=records or {})
    use.spec_depth = spec_depth
    return use


@dataclass(slots=True, eq=False)
class Place:
    """A scope while it is being filled."""

    scope: Scope
    use: Use
    parent: Place | None
    modules: bool
    """Whether every counted step is a module (in a ``sequence`` and in keyed branches)."""
    names: dict[str, Entry] = field(default_factory=dict)
    count: int = 0
    around: Place | None = None
    """For a block written inline: the place of its use, whose scope its steps stand in."""
    inline: Frame | None = None
    """That use, as messages show it."""
    start: int = UNKNOWN
    """The value that a sequence starts from; `input` inside the sequence means another one."""
    unfilled: Callable[[], None] | None = None
    """Fills ``names`` and the use's labels, which are not made before something reads them."""

    def fill(self) -> None:
        """Make the names inside, if they are not there yet."""
        if self.unfilled is not None:
            unfilled, self.unfilled = self.unfilled, None
            unfilled()

    def stack(self) -> tuple[Frame, ...]:
        """The block uses around, innermost first, those written inline too."""
        if self.around is None:
            outer = self.parent if self.parent is not None and self.parent.scope is self.scope.parent else None
            own = self.scope.stack()
            above = self.scope.parent.stack() if self.scope.parent is not None else ()
            return own[: len(own) - len(above)] + outer.stack() if outer is not None else own
        assert self.inline is not None
        return (self.inline, *self.around.stack())

    def join(self, name: str) -> str:
        """The path of a name in this scope."""
        return f"{self.scope.path}.{name}" if self.scope.path else name

    def claim(self, name: str, span: Span, entry: Entry) -> None:
        """Give a step a name in this scope; raises Fault if it is taken or not a valid name."""
        if not (self.scope.kind == "container" and _NUMBER.match(name)):
            check_name(name, span)
        other = self.names.get(name)
        if other is None and name in self.use.labels:
            other = self.use.labels[name]
        place = self.around
        while other is None and place is not None:
            other, place = place.names.get(name), place.around
        if other is not None:
            where = f", first at {other.span}" if other.span else ""
            hint = (
                "the name of a repeated step must vary, for example `conv$(i + 1)`"
                if _same_step(other.span, span)
                else None
            )
            said = f"the name `{name}` is used twice in one scope{where}"
            raise Fault("name-twice", said, span, hint, related=_first(other))
        self.names[name] = entry

    def label(self, name: str, span: Span, entry: Entry) -> None:
        """Register a label, which must be unique in the use of the block."""
        if not IDENTIFIER.match(name) or len(name) > 80:
            raise Fault(
                "bad-name",
                f"`{printable(name)}` is not a valid label",
                span,
                "use a letter or `_`, then letters, digits and `_`",
            )
        if name in ("input", "previous"):
            raise Fault("bad-name", f"the label `{name}` is reserved: it has a meaning in `from`", span)
        other = self.use.labels.get(name) or self.names.get(name)
        if other is not None:
            where = f", first at {other.span}" if other.span else ""
            raise Fault("name-twice", f"the name `{name}` is used twice{where}", span, related=_first(other))
        self.use.labels[name] = entry

    def several(self, path: str) -> list[int] | None:
        """The values of an input of the block that is several; None where the name is another's."""
        inputs = self.use.inputs
        if f"{path}.0" not in inputs or self._named(path) is not None:
            return None
        return [value for name, value in inputs.items() if name.partition(".")[0] == path]

    def _named(self, head: str) -> Entry | None:
        """The step or label of a name, in this scope, then outwards to the block's edge."""
        place: Place | None = self
        while place is not None and place.use is self.use:
            if head in place.names:
                return place.names[head]
            place = place.parent
        return self.use.labels.get(head)

    def find(self, path: str, span: Span, current: int) -> Entry:
        """Look up a name or path of ``from``, in this scope and then outwards to the block's edge.  Raises Fault."""
        use = self.use
        if path == "previous":
            return Entry(current, None)
        if path == "input":
            return Entry(next(iter(use.inputs.values())), None)
        head, *rest = path.split(".")
        entry = self._named(head)
        if entry is None and path in use.inputs:
            return Entry(use.inputs[path], None)
        if entry is None and head in use.inputs:
            entry = Entry(use.inputs[head], None)
        if entry is None and f"{head}.0" in use.inputs:
            count = sum(name.partition(".")[0] == head for name in use.inputs)
            hint = f"name one of them: `{head}.0`" + (f" … `{head}.{count - 1}`" if count > 1 else "")
            raise Fault("unknown-name", f"`{head}` is {count} inputs, and one is wanted here", span, hint)
        if entry is None or head.isdigit():
            raise self._unknown(path, head, span)
        for index, part in enumerate(rest):
            inner = entry.place
            shown = ".".join([head, *rest[:index]])
            if inner is None and entry.value == UNKNOWN:
                return Entry(UNKNOWN, span)  # it failed, which is already reported
            if inner is None:
                raise Fault("unknown-name", f"`{shown}` has no steps inside, so it has no `{printable(part)}`", span)
            inner.fill()
            found = inner.names.get(part) or inner.use.labels.get(part)
            if found is None:
                names = [name for name in (*inner.names, *inner.use.labels) if not name.isdigit()]
                hint = did_you_mean(part, names) or (f"it has {', '.join(names[:12])}" if names else None)
                taken = inner.use.vanished(".".join(rest[index:])) or inner.use.vanished(part)
                if taken is not None:
                    message = (
                        f"`{shown}` has no step or label `{printable(part)}` any more: the rewrite `{taken}` removed it"
                    )
                    raise Fault("unknown-name", message, span, "use another step, or delete that rewrite")
                raise Fault("unknown-name", f"`{shown}` has no step or label `{printable(part)}`", span, hint)
            entry = found
        if entry.value == UNKNOWN and entry.place is not None and self._within(entry.place):
            said = f"`{printable(path)}` is not finished here: this step is inside it"
            hint = "name a step inside it, or `input` for what it reads"
            raise Fault("unknown-name", said, span, hint)
        return entry

    def _within(self, other: Place) -> bool:
        """Whether a scope is this one or around it."""
        place: Place | None = self
        while place is not None and place is not other:
            place = place.parent
        return place is other

    def _unknown(self, path: str, head: str, span: Span) -> Fault:
        names: list[str] = ["input", "previous", *self.use.labels, *self.use.inputs]
        place: Place | None = self
        while place is not None and place.use is self.use:
            names += [name for name in place.names if not name.isdigit()]
            place = place.parent
        hint = did_you_mean(head, names)
        if head.isdigit():
            hint = "give the step a name or a `label`; a number can only stand after the name of a scope"
        return Fault("unknown-name", f"no earlier step or label is called `{printable(path)}`", span, hint)


def _first(entry: Entry) -> tuple[Frame, ...]:
    """The place where a name was given first."""
    return () if entry.span is None else (Frame("the first", entry.span),)


def _same_step(one: Span | None, other: Span) -> bool:
    """Whether two spans are on the same line of the same file, like copies of a repeated step."""
    return one is not None and (one.source.name, one.line) == (other.source.name, other.line)


def check_name(name: str, span: Span) -> None:
    """Check the name of a step: an identifier that shadows nothing.  Raises Fault."""
    if name in _GOOD_NAMES:
        return
    if not STEP_NAME.match(name) or len(name) > 80:
        hint = "use a letter or `_`, then letters, digits, `_` and `-`"
        if name.isdigit():
            hint = "delete `as`: an unnamed step is numbered by its position"
        raise Fault("bad-name", f"`{printable(name)}` is not a valid step name", span, hint)
    if keyword.iskeyword(name):
        raise Fault("bad-name", f"`{name}` is a Python keyword, and the step's name becomes a Python attribute", span)
    if name in _ATTRIBUTES or name.startswith("__") or (name.startswith("_") and name.endswith("_hooks")):
        raise Fault("bad-name", f"the name `{name}` would shadow an attribute of nn.Module", span)
    if name in TRACED_ATTRIBUTES:
        raise Fault("bad-name", f"a step named `{name}` cannot be exported: torch's traced modules use that name", span)
    if name in ("input", "previous"):
        raise Fault("bad-name", f"`{name}` is reserved: it has a meaning in `from`", span)
    if len(_GOOD_NAMES) < MOST_NAMES:
        _GOOD_NAMES.add(name)


MOST_NAMES = 10_000
_GOOD_NAMES: set[str] = set()
"""Names that were checked before: the copies of a block have the same ones."""


@record
class Loop:
    """The variables bound by the ``for`` clauses around a step, and the index of this copy."""

    names: Mapping[str, Any]
    loops: tuple[Mapping[str, Any], ...] = ()
    copy: tuple[int, ...] = ()
    merged: bool = False
    """Whether the step is inside an unnamed merge, where a step with weights must have a name."""

    def inner(self, bound: Mapping[str, Any], index: int) -> Loop:
        """The state inside one more loop."""
        return Loop({**self.names, **bound}, (*self.loops, bound), (*self.copy, index), self.merged)

    def branch(self) -> Loop:
        """The state inside an unnamed merge."""
        return self if self.merged else Loop(self.names, self.loops, self.copy, True)

    def own_scope(self) -> Loop:
        """The state inside a new scope."""
        return Loop(self.names, self.loops, self.copy, False) if self.merged else self


OUTSIDE = Loop({})


@record
class Visit:
    """One copy of a step, with the place where it runs."""

    step: Step
    place: Place
    loop: Loop
    current: int
    """The value of the step before."""
    key: str | None = None
    """A name given from outside, as for a branch."""
