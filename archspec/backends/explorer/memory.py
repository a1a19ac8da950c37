"""The memory schedule of an inference as data: what each step allocates and when it is freed, as formulas.

The page replays it at any size, as :mod:`archspec.analyses.memory` does.
"""

from __future__ import annotations

from typing import Any

from archspec.analyses.memory import BYTES
from archspec.analyses.schedule import Schedule
from archspec.analyses.strides import may_gather, regroups_freely
from archspec.backends.explorer.tables import Numbers
from archspec.graph import Graph
from archspec.sizes import Evaluation


def schedule(graph: Graph, sizes: dict[str, int], numbers: Numbers) -> dict[str, Any] | None:
    """The turns of an inference on one sample in float32; None if a symbol has no number.

    A turn is ``[step, prepared, freed before, root, stored, temporary, freed after]``.  ``fixed`` is true if the same
    steps are copies and views at every size, so that the turns hold at every size.
    """
    try:
        plan = Schedule(graph, Evaluation(sizes), 1, BYTES["float32"], symbolic=True)
        (before, after), roots = plan.released(False), plan.roots(False)
        turns = []
        for node in graph.nodes:
            runs = plan.runs(node, False)
            turn: list[Any] = [node.index, 0, [roots[freed] for freed in before[node.index]], -1, 0, 0, []]
            if runs:
                root = roots[node.index]
                turn[1] = numbers.bytes(plan.amounts[node.index].prepared)
                turn[3:6] = root, numbers.bytes(plan.amounts[root].stored), numbers.bytes(plan.scratch(node, False))
            turn[6] = [roots[freed] for freed in after[node.index]]
            if runs or turn[2] or turn[6]:
                turns.append(turn)
    except ValueError:
        return None
    weights = [_number(amount(node)) for amount in (plan.weights, plan.buffers) for node in graph.nodes]
    return {"turns": turns, "weights": sum(weights), "fixed": int(_fixed(graph, plan))}


def _number(amount: Any) -> int:
    return amount if isinstance(amount, int) else amount.at(Evaluation({}))


def _fixed(graph: Graph, plan: Schedule) -> bool:
    reordered = plan.strides.reordered
    return not any(
        node.op is not None
        and (node.op.regroups or may_gather(node.op))
        and not all(regroups_freely(graph, node, reordered, position) for position in range(len(node.inputs)))
        for node in graph.nodes
    )
