"""Why torch refuses a run at given sizes, in evaluation or in training, on one image or on several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from archspec.analyses.opaque import refusals as refusals_of_opaque
from archspec.analyses.refusals import author, explain, explain_coupled
from archspec.analyses.shapes import conditions, coupled_failures, refusals
from archspec.diagnostics import Diagnostic
from archspec.graph import Graph, Node
from archspec.ops.common.runs import Run
from archspec.sizes import Evaluation, Solution, failure


def refused(graph: Graph, run: Run, sizes: Mapping[str, int], solutions: Mapping[str, Solution]) -> list[Diagnostic]:
    """Why a network does not run at given sizes, with one error for each wrong size; empty if it runs.

    ``solutions`` are the valid sizes of such a run on several images.  Conditions on a symbol without a number are
    skipped.
    """
    opaque = refusals_of_opaque(graph, "what it does is not known, so no run of it can be told")
    if opaque:
        return opaque
    found = [explain(graph, each, solutions[each.symbol]) for each in refusals(solutions, sizes)]
    found += [explain_coupled(graph, condition) for condition in coupled_failures(solutions, sizes)]
    if run.training:
        found = [replace(each, message=f"in training {each.message}") for each in found]
    if not found and run.alone:
        node = _refusing(graph, run, sizes)
        found = [] if node is None else [_explain_alone(graph, run, sizes, node)]
    return found


def _refusing(graph: Graph, run: Run, sizes: Mapping[str, int]) -> Node | None:
    """The first step that refuses a batch of one."""
    evaluation = Evaluation(sizes)
    for condition in conditions(graph, run):
        try:
            if failure(condition, evaluation) is not None:
                return author(graph, condition)
        except ValueError:
            continue
    return None


def _explain_alone(graph: Graph, run: Run, sizes: Mapping[str, int], node: Node) -> Diagnostic:
    at = "".join(f" {'and' if index else 'at'} {name} = {size}" for index, (name, size) in enumerate(sizes.items()))
    message = f"{'in training ' if run.training else ''}`{node.path}` cannot normalise a batch of one image{at}"
    details = ("each channel then has a single value, so its variance is 0",)
    return Diagnostic("batch-refused", message, node.span, "use a batch of at least 2", details, node.scope.stack())
