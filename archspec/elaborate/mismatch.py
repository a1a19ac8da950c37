"""Messages for shapes that do not fit: both sides with their steps, as formulas and numbers, and the sizes that fit."""

from __future__ import annotations

from collections.abc import Sequence

from archspec.analyses.refusals import fits
from archspec.diagnostics import Fault, Frame
from archspec.graph import Node
from archspec.ops import Op, Shape, ShapeError
from archspec.schema import Step
from archspec.sizes import Condition, Equal, Evaluation, Size, complaint, names, solve, text
from archspec.syntax import Mapping as YamlMapping


def formula(shape: Shape) -> str:
    """A shape for people: ``64 × ⌊H/2⌋ × ⌊W/2⌋``."""
    return " × ".join(text(dim) for dim in shape.dims)


def refused(
    nodes: Sequence[Node], evaluation: Evaluation, op: Op, inputs: Sequence[int], step: Step, error: ShapeError
) -> Fault:
    """The fault of an op that refuses its inputs, at the argument at fault or at the step."""
    span = step.what_span
    if error.argument is not None and isinstance(step.body, YamlMapping):
        given = step.body.get(error.argument)
        span = given.span if given is not None else span
    found = sides(nodes, evaluation, inputs)
    return Fault("shape-mismatch", _led(op, str(error)), span, error.hint, found, linked(nodes, found, inputs))


def unmet(
    nodes: Sequence[Node],
    evaluation: Evaluation,
    op: Op,
    inputs: Sequence[int],
    step: Step,
    failing: Sequence[Condition],
) -> Fault:
    """The fault of conditions that do not hold at the spec's own sizes; its message is about the first."""
    message = _led(op, complaint(failing[0], evaluation))
    hint = _when(failing, evaluation)
    found = sides(nodes, evaluation, inputs)
    return Fault("shape-mismatch", message, step.what_span, hint, found, linked(nodes, found, inputs))


def empty(
    nodes: Sequence[Node], evaluation: Evaluation, op: Op, inputs: Sequence[int], step: Step, shape: Shape
) -> Fault:
    """The fault of an output without rows."""
    hint = "the input is too small for so many strides; `sizes` sets its size"
    said = _led(op, f"the output is empty: {formula(shape)}")
    found = sides(nodes, evaluation, inputs)
    return Fault("empty", said, step.what_span, hint, found, linked(nodes, found, inputs))


def sides(nodes: Sequence[Node], evaluation: Evaluation, inputs: Sequence[int]) -> tuple[str, ...]:
    """A line for each step that is read: its name, its shape as a formula, and as numbers."""
    lines = []
    for node in _steps(nodes, inputs):
        numbers = [evaluation.known(dim) for dim in node.shape.dims]
        what = node.path if node.op is None else f"{node.path} (line {node.span.line})"
        line = f"{what}: {formula(node.shape)}"
        if any(isinstance(dim, Size) for dim in node.shape.dims) and None not in numbers:
            line += f", here {' × '.join(str(number) for number in numbers)}"
        lines.append(line)
    return tuple(lines)


def linked(nodes: Sequence[Node], lines: Sequence[str], inputs: Sequence[int]) -> tuple[Frame, ...]:
    """The place of each step that is read, with its line of :func:`sides`."""
    return tuple(Frame(line, node.span) for line, node in zip(lines, _steps(nodes, inputs), strict=True))


def _steps(nodes: Sequence[Node], inputs: Sequence[int]) -> list[Node]:
    """The nodes that are read, each once; for a pool's indices, the pool."""
    found: dict[int, Node] = {}
    for index in inputs:
        op = nodes[index].op
        step = index - 1 if op is not None and op.follows else index
        found[step] = nodes[step]
    return list(found.values())


def _led(op: Op, message: str) -> str:
    """A message that begins with the op's name."""
    return message if message.startswith(f"{op.keyword} ") else f"`{op.keyword}`: {message}"


def _when(failing: Sequence[Condition], evaluation: Evaluation) -> str | None:
    """The sizes at which these conditions hold, for each symbol separately."""
    known = dict.fromkeys(name for one in failing for name in sorted(names(one)) if name in evaluation.values)
    solutions = [solve(name, failing) for name in known]
    if not solutions or any(solution.coupled for solution in solutions):
        return None
    return fits(solutions, evaluation.values, isinstance(failing[0], Equal))
