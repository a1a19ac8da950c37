"""Shapes of every step, and the input sizes for which the network is valid.

The rules are those of :mod:`archspec.sizes`; a condition's author is the index of the node that imposes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from archspec.analyses.alike import Alike
from archspec.graph import Graph, Node
from archspec.ops import Op, Shape
from archspec.ops.common.runs import EVALUATION, Run
from archspec.records import record
from archspec.sizes import (
    AtLeast,
    Condition,
    Equal,
    Evaluation,
    Failure,
    Size,
    Solution,
    fails,
    failure,
    joined,
    solve,
    symbols,
)


def shapes(graph: Graph) -> dict[str, Shape]:
    """Shape of every step's output, exact in the symbols."""
    return {node.path: node.shape for node in graph.nodes}


def shapes_at(graph: Graph, sizes: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """Shape of every step's output as numbers."""
    evaluation = Evaluation(sizes)
    return {node.path: tuple(evaluation.of(dim) for dim in node.shape.dims) for node in graph.nodes}


def conditions(graph: Graph, run: Run = EVALUATION) -> Iterator[Condition]:
    """The conditions on sizes in a run, in execution order."""
    said: set[Size] = set()
    for node, found in _imposed(graph, run):
        for condition in found:
            yield replace(condition, author=node.index)
        for dim in node.shape.dims:
            if isinstance(dim, Size) and dim not in said:
                said.add(dim)
                if joined(dim):  # its factors are sizes of the map before
                    continue
                yield AtLeast(dim, 1, node.index)


def _imposed(graph: Graph, run: Run) -> Iterator[tuple[Node, Sequence[Condition]]]:
    """What each step of a run imposes besides an output that is not empty, without authors.

    Of steps that are alike only the first is among them.
    """
    pins: dict[int, list[Condition]] = {}
    for dim, number, index in graph.pins:
        pins.setdefault(index, []).append(Equal(dim, number))
    tried: set[int] = set()
    for node, first, own in zip(graph.nodes, graph.firsts, _IMPOSED[run.training, run.alone].of(graph), strict=True):
        if node.dead or (node.training_only and not run.training):
            continue
        pinned = pins.get(node.index, ())
        if first not in tried:
            tried.add(first)
            yield node, (*pinned, *(own or ()))
        elif pinned:
            yield node, pinned


def _question(run: Run) -> Alike[tuple[Condition, ...]]:
    """What ops impose on the sizes of their inputs in a run."""

    def imposed(op: Op, inputs: Sequence[Shape], output: Shape) -> tuple[Condition, ...]:
        return () if type(op).conditions is Op.conditions else tuple(op.conditions(inputs, None, run))

    return Alike(imposed)


_IMPOSED = {(training, alone): _question(Run(training, alone)) for training in (False, True) for alone in (False, True)}


def graph_symbols(graph: Graph) -> tuple[str, ...]:
    """The symbols of the inputs, in the order they are written."""
    found: dict[str, None] = {}
    for index in graph.inputs.values():
        for dim in graph.nodes[index].shape.dims:
            found.update(dict.fromkeys(sorted(symbols(dim))))
    return tuple(found)


def valid_sizes(graph: Graph, run: Run = EVALUATION) -> dict[str, Solution]:
    """For each symbol, the set of valid sizes in a run, with the steps that impose it."""
    found = list(conditions(graph, run))
    return {name: solve(name, found) for name in graph_symbols(graph)}


def differs(graph: Graph, run: Run) -> bool:
    """Whether a run has conditions that evaluation does not have."""
    asked = set(conditions(graph))
    return any(condition not in asked for condition in conditions(graph, run))


def runs(graph: Graph, run: Run, sizes: Mapping[str, int]) -> bool:
    """Whether a network runs at given sizes; raises ``ValueError`` if a symbol has no number."""
    evaluation = Evaluation(sizes)
    for node, found in _imposed(graph, run):
        if any(failure(condition, evaluation) is not None for condition in found):
            return False
        if not all(isinstance(dim, int) or evaluation.of(dim) > 0 or joined(dim) for dim in node.shape.dims):
            return False
    return True


@record
class Refusal:
    """Why a size is refused: the symbol, the failing conditions, and the nearest valid sizes."""

    symbol: str
    size: int
    failures: tuple[Failure, ...]
    below: int | None
    above: int | None


def refusals(solutions: Mapping[str, Solution], sizes: Mapping[str, int]) -> list[Refusal]:
    """Why the given sizes do not fit; empty if they do."""
    found = []
    for name, size in sizes.items():
        solution = solutions.get(name)
        if solution is not None and not solution.contains(size):
            failures = tuple(solution.check(size))
            found.append(Refusal(name, size, failures, solution.previous(size), solution.next(size)))
    return found


def coupled_failures(solutions: Mapping[str, Solution], sizes: Mapping[str, int]) -> list[Condition]:
    """Conditions between different symbols (a height against a width) that fail at the given sizes.

    A condition on a symbol without a number is skipped.
    """
    evaluation = Evaluation(sizes)
    coupled = dict.fromkeys(condition for solution in solutions.values() for condition in solution.coupled)
    return [condition for condition in coupled if fails(condition, evaluation)]
