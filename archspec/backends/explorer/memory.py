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
        release = plan.release(False)
        turns = []
        roots: dict[int, int] = {}
        for node in graph.nodes:
            runs = plan.runs(node, False)
            before = [roots[index] for index in release.get(2 * node.index, ())]
            turn: list[Any] = [node.index, 0, before, -1, 0, 0, []]
            if runs:
                root = roots[node.index] = plan.root(node, False)
                turn[1] = numbers.bytes(plan.prepared(node))
                turn[3:6] = root, numbers.bytes(plan.stored(root)), numbers.bytes(plan.scratch(node, False))
            turn[6] = [roots[index] for index in release.get(2 * node.index + 1, ())]
            if runs or before or turn[6]:
                turns.append(turn)
    except ValueError:
        return None
    weights = [sum(_number(plan.weights(node, kind), numbers) for node in graph.nodes) for kind in (True, False)]
    return {"turns": turns, "weights": sum(weights), "fixed": int(_fixed(graph, plan))}


def _number(amount: Any, numbers: Numbers) -> int:
    return amount if isinstance(amount, int) else amount.at(Evaluation({}))


def _fixed(graph: Graph, plan: Schedule) -> bool:
    reordered = plan.strides.reordered
    return not any(
        node.op is not None
        and (node.op.regroups or may_gather(node.op))
        and not all(regroups_freely(graph, node, reordered, position) for position in range(len(node.inputs)))
        for node in graph.nodes
    )
