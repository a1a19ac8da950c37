"""The measures of a step in a few words, for hints and hovers."""

from __future__ import annotations

from archspec.analyses.cost import Cost
from archspec.analyses.report import Report
from archspec.backends.reports.summary_table import short, size_in_bytes
from archspec.elaborate.mismatch import formula
from archspec.graph import Node, Scope
from archspec.sizes import Size


def shape(report: Report | None, node: Node, numbers: bool) -> str:
    """A node's shape without the batch: ``64 × ⌊H/2⌋ × ⌊W/2⌋``, or with ``numbers`` at the spec's size."""
    if numbers and report is not None and any(isinstance(dim, Size) for dim in node.shape.dims):
        at = report.shapes_at.get(node.path)
        if at is not None:
            return " × ".join(map(str, at))
    return formula(node.shape)


def field(report: Report, node: Node) -> str:
    """The receptive field of one element of a node on the first input: ``7 × 7``; empty if it is not known."""
    if not report.graph.inputs:
        return ""
    found = report.receptive_fields.get(node.path)
    if found is None:
        return ""
    if found.whole:
        return "all"
    return " × ".join(f"{size:,}" for size in found.sizes)


def cost(report: Report, item: Node | Scope) -> Cost | None:
    """The cost of a step, or of all steps in a scope."""
    return report.cost.get(item.path) if isinstance(item, Node) else report.block_costs.get(item.path)


def brief_cost(report: Report, item: Node | Scope) -> str:
    """Parameters and multiply-adds: ``9.4 k parameters, 118 M multiply-adds``; zeros are left out."""
    found = cost(report, item)
    if found is None:
        return ""
    said = [f"{short(found.parameters)} parameters"] if found.parameters else []
    said += [f"{short(found.multiply_adds)} multiply-adds"] if found.multiply_adds else []
    return ", ".join(said)


def memory(report: Report, item: Node | Scope) -> str:
    """The bytes of the weights and the activations, in float32."""
    found = cost(report, item)
    if found is None:
        return ""
    said = [f"{size_in_bytes(4 * found.parameters)} of weights"] if found.parameters else []
    said += [f"{size_in_bytes(4 * found.activations)} of activations"] if found.activations else []
    return ", ".join(said)
