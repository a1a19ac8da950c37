"""Why a size is refused, in words: the step, both sides, and the sizes that do fit."""

from __future__ import annotations

from archspec.analyses.shapes import Refusal
from archspec.diagnostics import Diagnostic, Span
from archspec.graph import Graph, Node
from archspec.sizes import AtLeast, AtMost, Condition, Dim, Equal, Residue, Size, Solution, text


def author(graph: Graph, condition: Condition) -> Node:
    """The node that imposes a condition."""
    index = condition.author
    assert isinstance(index, int)
    return graph.nodes[index]


def first_author(graph: Graph, solution: Solution) -> Span | None:
    """Where the first condition on a symbol comes from."""
    for imposed in solution.imposed:
        return author(graph, imposed.condition).span
    return None


def explain(graph: Graph, refusal: Refusal, solution: Solution) -> Diagnostic:
    """A size that does not fit, as a diagnostic at the first step that refuses it."""
    first = refusal.failures[0]
    node = author(graph, first.condition)
    name = refusal.symbol
    nearest = [f"{name} = {size}" for size in (refusal.below, refusal.above) if size is not None]
    hint = f"nearest that fit: {' and '.join(nearest)}" if nearest else None
    details = [f"valid: {solution.describe()}"]
    details += [_side(failure.condition, failure.left, failure.right) for failure in refusal.failures[:3]]
    if len(refusal.failures) > 3:
        details.append(f"and {len(refusal.failures) - 3} more")
    fixed = isinstance(first.condition, Equal) and not isinstance(first.condition.right, Size)
    if fixed and solution.valid.is_finite:
        hint = (
            "the size is fixed where this flattens into a dense layer: pool globally before it (`global_avg_pool`), "
            "or build for another size (`sizes:` in a spec that extends this one, or load(…, sizes=…))"
        )
    return Diagnostic(
        "size-refused", f"{name} = {refusal.size} does not fit: `{node.path}` refuses it", node.span, hint,
        tuple(details), node.scope.stack(),
    )  # fmt: skip


def explain_coupled(graph: Graph, condition: Condition) -> Diagnostic:
    """A condition between two symbols that fails."""
    node = author(graph, condition)
    return Diagnostic(
        "size-refused", f"`{node.path}` wants {words(condition)}", node.span, None, (), node.scope.stack()
    )  # fmt: skip


def _side(condition: Condition, left: int, right: int) -> str:
    match condition:
        case AtLeast(term, least):
            return f"{text(term)} = {left}, and {least} is the least"
        case AtMost(one, other):
            return f"{_valued(one, left)} does not fit into {_valued(other, right)}"
        case Equal(one, other):
            return f"{_valued(one, left)} meets {_valued(other, right)}"
        case Residue(term, modulus, _):
            return f"{text(term)} = {left} leaves {right} when divided by {modulus}"


def _valued(dim: Dim, number: int) -> str:
    return f"{text(dim)} = {number}" if isinstance(dim, Size) else str(number)


def words(condition: Condition) -> str:
    """A condition in words."""
    match condition:
        case AtLeast(term, least):
            return f"{text(term)} ≥ {least}"
        case AtMost(left, right):
            return f"{text(left)} ≤ {text(right)}"
        case Equal(left, right):
            return f"{text(left)} = {text(right)}"
        case Residue(term, modulus, allowed):
            ranges = ", ".join(str(low) if low == high else f"{low}–{high}" for low, high in allowed)
            return f"{text(term)} mod {modulus} ∈ {{{ranges}}}"
