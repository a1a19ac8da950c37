"""Making nodes: infer shapes, try conditions at the spec's own sizes, report faults with both sides."""

from __future__ import annotations

from collections.abc import Sequence

from archspec.analyses.trial import NoNumber, Trial
from archspec.diagnostics import Diagnostics, Excess, Fault, Frame, Span
from archspec.elaborate import mismatch
from archspec.elaborate.places import UNKNOWN, Loop, Place
from archspec.expressions import Work
from archspec.graph import Node, Scope
from archspec.ops import Op, Shape, ShapeError
from archspec.records import record
from archspec.schema import Step
from archspec.sizes import Dim, text


@record
class Misfit:
    """A step that does not fit at the spec's own sizes."""

    fault: Fault
    node: int
    stack: tuple[Frame, ...]
    said: int
    """Number of diagnostics before it."""


class Nodes:
    """The nodes of a graph that is being built."""

    def __init__(self, diagnostics: Diagnostics, work: Work, maximum: int) -> None:
        self.all: list[Node] = []
        self.work = work
        self.maximum = maximum
        self.diagnostics = diagnostics
        self.trial = Trial({})
        self.misfits: list[Misfit] = []
        """The steps that do not fit at the spec's own sizes, except those that follow from another."""
        self.seconds: dict[int, int] = {}
        """By node, the node of the second value that its call gives."""
        self._doubtful: set[int] = set()
        self._paths: dict[str, int] = {}

    def tick(self, span: Span, place: Place) -> None:
        """Count one more step, whether it makes a node or not; raises if there are too many."""
        self.work.copies += 1
        if self.work.pulse is not None:
            self.work.pulse()
        if self.work.copies > self.maximum:
            raise Excess(self.too_many(span))

    def expect(self, steps: int, span: Span) -> None:
        """Raise at once where so many more steps, which are bound to be run, are too many."""
        if self.work.copies + steps > self.maximum:
            raise Excess(self.too_many(span))

    def too_many(self, span: Span) -> Fault:
        """The fault of a graph with too many nodes."""
        return Fault(
            "too-many-nodes",
            f"the network has more than {self.maximum:,} steps",
            span,
            "a larger limit can be set where the spec is loaded: load(…, bounds=Bounds(nodes=…))",
        )

    def shape(self, index: int) -> Shape | None:
        """Shape of a value; None if it is unknown."""
        return self.all[index].shape if index >= 0 else None

    def shapes(self, indices: Sequence[int]) -> tuple[Shape, ...]:
        """Shapes of known values."""
        return tuple(self.all[index].shape for index in indices)

    def read_by(self, node: Node) -> tuple[Shape, ...]:
        """Shapes of a node's inputs, with numbers where its op needs them."""
        return node.pinned or self.shapes(node.inputs)

    def pin(self, dim: Dim) -> int:
        """Fix a size to its number and return it.  Raises Fault if the symbol has no number."""
        try:
            return self.trial.pin(dim, len(self.all))
        except NoNumber as error:
            raise _no_number(error) from None

    def input(self, name: str, shape: Shape, scope: Scope, span: Span) -> Node:
        """A node for an input of the network."""
        node = Node(len(self.all), None, (), self.trial.same(shape), scope, name, name, span)
        self.all.append(node)
        self._paths[name] = 1
        return node

    def add(
        self, op: Op, inputs: tuple[int, ...], step: Step, place: Place, loop: Loop, name: str, named: bool
    ) -> Node | None:
        """Apply an op; returns None if an input is unknown.  Raises Fault if the shapes do not fit."""
        if UNKNOWN in inputs:
            return None
        index, evaluation = len(self.all), self.trial.evaluation
        try:
            shapes, shape = self.trial.infer(op, self.shapes(inputs), index)
        except ShapeError as error:
            raise mismatch.refused(self.all, evaluation, op, inputs, step, error) from None
        except NoNumber as error:
            raise _no_number(error) from None
        misfit = self._misfit(op, shapes, inputs, shape, step)
        if misfit is not None or (self._doubtful and not self._doubtful.isdisjoint(inputs)):
            if misfit is not None and self._doubtful.isdisjoint(inputs):
                self.misfits.append(Misfit(misfit, index, place.stack(), len(self.diagnostics.all)))
            self._doubtful.add(index)
        counted = name != ""
        path = place.join(name) if counted else self.path(place.join(f"{op.keyword}()"))
        node = Node(
            index,
            op,
            inputs,
            shape,
            place.scope,
            name,
            path,
            step.what_span,
            step,
            loop.loops,
            loop.copy,
            named=named,
            counted=counted,
            is_module=counted and (named or place.modules or _has_weights(op, shapes)),
            aside=step.aside,
            pinned=shapes if op.pins else None,
        )
        self.all.append(node)
        place.scope.items.append(node)
        if op.follows:
            self.seconds[index - 1] = index
        return node

    def path(self, path: str) -> str:
        """A key for an unnamed merge that no step of a spec can have: ``layer1.0.add()``, then ``layer1.0.add-2()``."""
        count = self._paths[path] = self._paths.get(path, 0) + 1
        return path if count == 1 else f"{path[:-2]}-{count}()"

    def is_special(self, values: Sequence[int]) -> bool:
        """Whether one of some values may not fit at the spec's own sizes, or has a second value beside it."""
        if not (self._doubtful or self.seconds):
            return False
        return not self._doubtful.isdisjoint(values) or not self.seconds.keys().isdisjoint(values)

    def _misfit(self, op: Op, shapes: Sequence[Shape], inputs: Sequence[int], shape: Shape, step: Step) -> Fault | None:
        """The fault of conditions that do not hold at the spec's own sizes, though other sizes may fit."""
        trial = self.trial
        if trial.is_sound(op, shapes):
            return None
        failing = trial.failing(op, shapes, len(self.all))
        if failing:
            return mismatch.unmet(self.all, trial.evaluation, op, inputs, step, failing)
        if (not shapes or shape is not shapes[0]) and trial.is_empty(shape):  # else it was tried when it was made
            return mismatch.empty(self.all, trial.evaluation, op, inputs, step, shape)
        trial.found_sound(op, shapes)
        return None

    def has_weights(self, scope: Scope) -> bool:
        """Whether a scope has weights of its own."""
        return any(
            node.reuse is None and node.op is not None and node.op.weights(self.read_by(node)) for node in scope.nodes()
        )


def _no_number(error: NoNumber) -> Fault:
    # Written out here, because the reference lists the messages that it finds next to a code.
    return Fault("no-size", f"this step needs a number for {text(error.dim)}, and the spec has none", None, error.hint)


def _has_weights(op: Op, shapes: Sequence[Shape]) -> bool:
    return type(op).weights is not Op.weights and bool(op.weights(shapes))
