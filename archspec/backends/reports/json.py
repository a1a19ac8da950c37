"""A report as plain data, under the names its tables have in Python: ``shapes``, ``valid_sizes``, ``cost`` …"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from archspec.analyses.cost import Cost
from archspec.analyses.receptive_field import AxisField, ReceptiveField
from archspec.analyses.refusals import author
from archspec.analyses.report import Report
from archspec.backends.reports import memory as memory_report
from archspec.backends.reports.field import sight_json
from archspec.diagnostics import to_json
from archspec.graph import Graph
from archspec.ops import Shape
from archspec.sizes import Size, Solution, statement, text


def report(report: Report) -> dict[str, Any]:
    """The whole report; tables are keyed by step path.

    Sizes that depend on the input are formulas: ``⌊(H+1)/2⌋``.
    """
    graph = report.graph
    return {
        "name": graph.name,
        "source": graph.source,
        "sizes": dict(report.sizes),
        "inputs": {name: graph.nodes[index].path for name, index in graph.inputs.items()},
        "outputs": {
            output.name: {
                "step": graph.nodes[output.node].path,
                "training": output.training,
                "loss_weight": output.loss_weight,
            }
            for output in graph.outputs
        },
        "valid_sizes": _solutions(graph, report.valid_sizes),
        "valid_sizes_training": _solutions(graph, report.valid_sizes_training),
        "whole_sizes": _solutions(graph, report.whole_sizes),
        "conditions": [
            {
                "symbol": each.symbol,
                "text": each.text,
                "statement": each.statement,
                "step": each.step,
                "sides": [{"step": side.path, "size": side.size, "by": list(side.steps)} for side in each.sides],
                "parted": each.parted,
            }
            for each in report.conditions
        ],
        "size_notes": [{"step": note.step, "text": note.text, "when": note.when} for note in report.size_notes],
        "misalignments": [str(each) for each in report.misalignments],
        "memory": memory_report.to_json(report) if report.shapes_at else None,
        "total": _cost(report.total),
        "shapes": {path: _shape(shape) for path, shape in report.shapes.items()},
        "shapes_at": {path: list(shape) for path, shape in report.shapes_at.items()},
        "sees": {name: sight_json(report, sight) for name, sight in report.sights.items()},
        "receptive_fields": {path: _field(field) for path, field in report.receptive_fields.items()},
        "cost": {path: _cost(cost) for path, cost in report.cost.items()},
        "block_costs": {path: _cost(cost) for path, cost in report.block_costs.items()},
        "diagnostics": [to_json(diagnostic) for diagnostic in report.diagnostics],
    }


def _shape(shape: Shape) -> dict[str, Any]:
    return {"axes": list(shape.axes), "dims": [text(dim) if isinstance(dim, Size) else dim for dim in shape.dims]}


def _cost(cost: Cost) -> dict[str, Any]:
    return {
        "parameters": cost.parameters,
        "multiply_adds": cost.multiply_adds,
        "activations": cost.activations,
        "formula": str(cost.formula),
        "activation_formula": str(cost.activation_formula),
    }


def _solutions(graph: Graph, solutions: dict[str, Solution]) -> dict[str, Any]:
    return {name: _solution(graph, solution) for name, solution in solutions.items()}


def _solution(graph: Graph, solution: Solution) -> dict[str, Any]:
    imposed = []
    for part in solution.imposed:
        node = author(graph, part.condition)
        span = node.span
        place = {"file": span.source.name, "line": span.line, "column": span.column}
        imposed.append({"text": part.text, "step": node.path, "place": place})
    return {
        "text": solution.describe(),
        "least": solution.next(1),
        "imposed": imposed,
        "coupled": [statement(condition) for condition in solution.coupled],
        "undecided": [statement(condition) for condition in solution.undecided],
    }


def _field(field: ReceptiveField) -> dict[str, Any]:
    return {
        "whole": field.whole,
        "axes": {name: None if axis is None else _axis(axis) for name, axis in field.axes.items()},
    }


def _axis(axis: AxisField) -> dict[str, Any]:
    return {
        "size": axis.size,
        "stride": _number(axis.stride),
        "padding": axis.padding,
        "holes": axis.holes,
        "phases": [
            None
            if phase is None
            else {"first": phase.first, "last": phase.last, "centre": _number(phase.centre), "holes": phase.holes}
            for phase in axis.phases
        ],
    }


def _number(value: Fraction) -> int | float:
    return value.numerator if value.denominator == 1 else float(value)
