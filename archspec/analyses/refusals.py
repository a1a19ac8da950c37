"""Why a size is refused, in words: the step, both sides of its condition, and the valid sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archspec.analyses.shapes import Refusal
from archspec.diagnostics import Diagnostic, Span
from archspec.graph import Graph, Node
from archspec.sizes import (
    Condition,
    Dim,
    Equal,
    Evaluation,
    Failure,
    Several,
    Size,
    Solution,
    complaint,
    statement,
    text,
)


def author(graph: Graph, condition: Condition) -> Node:
    """The node that imposes a condition."""
    index = condition.author
    assert isinstance(index, int)
    return graph.nodes[index]


def first_author(graph: Graph, solution: Solution) -> Span | None:
    """The place of the step with the first condition on a symbol."""
    for imposed in solution.imposed:
        return author(graph, imposed.condition).span
    return None


def explain(graph: Graph, refusal: Refusal, solution: Solution) -> Diagnostic:
    """A size that does not fit, as a diagnostic at the first step that refuses it."""
    first = refusal.failures[0]
    node = author(graph, first.condition)
    name = refusal.symbol
    nearest = [f"{name} = {size}" for size in (refusal.below, refusal.above) if size is not None]
    hint = f"nearest valid sizes: {' and '.join(nearest)}" if nearest else None
    details = [f"valid: {solution.describe()}"]
    evaluation = Evaluation({name: refusal.size})
    details += [_side(graph, failure, evaluation) for failure in refusal.failures[:3]]
    if len(refusal.failures) > 3:
        details.append(f"and {len(refusal.failures) - 3} more")
    fixed = isinstance(first.condition, Equal) and not isinstance(first.condition.right, Size)
    if fixed and solution.valid.is_finite:
        hint = (
            "the size is fixed where this flattens into a dense layer: pool globally before it (`global_avg_pool`), "
            "or build for another size (`sizes:` in a spec that extends this one, or load(…, sizes=…))"
        )
        if nearest:
            details.append(f"nearest valid sizes: {' and '.join(nearest)}")
    return Diagnostic(
        "size-refused", f"{name} = {refusal.size} does not fit `{node.path}`", node.span, hint,
        tuple(details), node.scope.stack(),
    )  # fmt: skip


def fitting(graph: Graph, solutions: Mapping[str, Solution], index: int) -> str:
    """The valid sizes of a network, in words, for the hint of a step that refuses the spec's sizes."""
    refused = [
        solution
        for name, solution in solutions.items()
        if name in graph.sizes and any(one.condition.author == index for one in solution.check(graph.sizes[name]))
    ]
    coupled = {statement(one): one for each in solutions.values() for one in each.coupled if one.author == index}
    if not refused:
        return f"it needs {' and '.join(coupled)}"
    equal = any(isinstance(one, Equal) and one.author == index for each in refused for one in each.conditions)
    return fits(refused, graph.sizes, equal)


def fits(refused: Sequence[Solution], sizes: Mapping[str, int], equal: bool) -> str:
    """The valid sizes in words; ``equal`` if the failing condition is that two sizes are equal."""
    same_stride = ": give the other branch the same stride" if equal else ""
    if any(solution.valid.is_empty for solution in refused):
        return f"no input size fits{same_stride}"
    found = ", ".join(solution.describe() for solution in refused)
    if all(solution.valid.is_finite for solution in refused):
        return f"only {found} fits{same_stride}"
    near = [_nearest(solution, sizes[solution.symbol]) for solution in refused]
    return f"it fits for {found}; nearest: {', '.join(near)}"


def _nearest(solution: Solution, size: int) -> str:
    found = [str(near) for near in (solution.previous(size), solution.next(size)) if near is not None]
    return f"{solution.symbol} = {' or '.join(found)}"


def explain_coupled(graph: Graph, condition: Condition) -> Diagnostic:
    """The diagnostic of a condition over two symbols that fails."""
    node = author(graph, condition)
    hint = "a channel with a single value cannot be normalised" if isinstance(condition, Several) else None
    return Diagnostic(
        "size-refused", f"`{node.path}` needs {statement(condition)}", node.span, hint, (), node.scope.stack()
    )  # fmt: skip


def _side(graph: Graph, failure: Failure, evaluation: Evaluation) -> str:
    """Both sides of a failing condition, each with the step that has it if two paths are merged."""
    from archspec.analyses.conditions import meeting  # here, because few runs need it

    condition = failure.condition
    branches = meeting(graph, author(graph, condition), condition)
    if branches:
        numbers = (failure.left, failure.right)
        brought = [
            f"`{graph.nodes[index].path}` has {_valued(dim, number)}"
            for (index, dim, _), number in zip(branches, numbers, strict=True)
        ]
        return f"along the {branches[0][2]} " + " and ".join(brought)
    return complaint(condition, evaluation)


def _valued(dim: Dim, number: int) -> str:
    return f"{text(dim)} = {number}" if isinstance(dim, Size) else str(number)
