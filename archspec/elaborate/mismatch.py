"""Shapes that do not meet, told with both sides: where each comes from, as formulas and numbers, and when they fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archspec.diagnostics import Fault
from archspec.ops import Op, Shape, ShapeError
from archspec.schema import Step
from archspec.sizes import AtLeast, AtMost, Condition, Dim, Equal, Residue, Size, failure, solve, symbols, text
from archspec.source import Mapping as YamlMapping

if TYPE_CHECKING:
    from archspec.elaborate.nodes import Nodes


def formula(shape: Shape) -> str:
    """A shape as people write it: ``64 × ⌊H/2⌋ × ⌊W/2⌋``."""
    return " × ".join(text(dim) for dim in shape.dims)


def refused(nodes: Nodes, op: Op, inputs: Sequence[int], step: Step, error: ShapeError) -> Fault:
    """An op that refuses its inputs, as a fault at the argument it names, or at the step."""
    span = step.what_span
    if error.argument is not None and isinstance(step.body, YamlMapping):
        given = step.body.get(error.argument)
        span = given.span if given is not None else span
    return Fault("shape-mismatch", _led(op, str(error)), span, error.hint, sides(nodes, inputs))


def unmet(nodes: Nodes, op: Op, inputs: Sequence[int], step: Step, condition: Condition) -> Fault:
    """A condition on sizes that does not hold at the spec's own, as a fault."""
    message = _led(op, describe(condition, nodes))
    return Fault("shape-mismatch", message, step.what_span, _when(condition), sides(nodes, inputs))


def empty(nodes: Nodes, op: Op, inputs: Sequence[int], step: Step, shape: Shape) -> Fault:
    """An output without rows, as a fault."""
    hint = "the input is too small for so many strides; `sizes` says how large it is"
    return Fault("empty", _led(op, f"nothing is left: {formula(shape)}"), step.what_span, hint, sides(nodes, inputs))


def sides(nodes: Nodes, inputs: Sequence[int]) -> tuple[str, ...]:
    """A line for each input: the step it comes from, its shape as a formula, and as numbers."""
    lines = []
    for index in inputs:
        node = nodes.all[index]
        numbers = [nodes.number(dim) for dim in node.shape.dims]
        what = node.path if node.op is None else f"{node.path} (line {node.span.line})"
        line = f"{what}: {formula(node.shape)}"
        if any(isinstance(dim, Size) for dim in node.shape.dims) and None not in numbers:
            line += f", here {' × '.join(str(number) for number in numbers)}"
        lines.append(line)
    return tuple(lines)


def holds(condition: Condition, nodes: Nodes) -> bool:
    """Whether a condition holds at the spec's sizes; true where they are not known."""
    try:
        return failure(condition, nodes.evaluation) is None
    except ValueError:
        return True


def describe(condition: Condition, nodes: Nodes) -> str:
    """A condition that does not hold, in words."""

    def side(dim: Dim) -> str:
        number = nodes.number(dim)
        return f"{text(dim)} = {number}" if isinstance(dim, Size) and number is not None else text(dim)

    match condition:
        case AtLeast(term, least):
            return f"a size of {side(term)} is too small, {least} is the least"
        case Equal(left, right):
            return f"sizes differ, {side(left)} and {side(right)}"
        case AtMost(left, right):
            return f"{side(left)} does not fit into {side(right)}"
        case Residue(term, modulus, _):
            return f"a size of {side(term)} does not divide by {modulus}"
    return "sizes do not fit"


def _led(op: Op, message: str) -> str:
    """A message that begins with the op's name, once."""
    return message if message.startswith(f"{op.keyword} ") else f"`{op.keyword}`: {message}"


def _when(condition: Condition) -> str | None:
    """For which sizes a condition would hold."""
    match condition:
        case Equal(left, right) | AtMost(left, right):
            names = symbols(left) | symbols(right)
        case AtLeast(term) | Residue(term):
            names = symbols(term)
        case _:
            return None
    if len(names) != 1:
        return None
    (name,) = names
    valid = solve(name, [condition]).valid
    if not valid.is_finite:
        return f"it holds for {valid.describe(name)}"
    if isinstance(condition, Equal):
        return "no larger input mends this: a stride in one branch wants the same in the others"
    return None
