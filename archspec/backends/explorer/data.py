"""Everything a page knows of a network, as plain data: all that Python hands to the page's script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archspec.analyses.report import Report
from archspec.backends.diagram.focusing import focused
from archspec.backends.explorer import memory, opening
from archspec.backends.explorer.boxes import Box, Boxes
from archspec.backends.explorer.limits import Limits
from archspec.backends.explorer.steps import Steps
from archspec.backends.explorer.tables import Fields, Numbers, words
from archspec.backends.explorer.texts import Files, pytorch
from archspec.graph import uncollected
from archspec.records import record


@record
class Link:
    """A link to a related page: its title, and its relative address."""

    words: str
    target: str


@uncollected()
def data(
    report: Report, depth: int | None = None, focus: str | None = None, links: Sequence[Link] = ()
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The data of a network's page, with sizes, costs and memory as formulas that its script evaluates.

    The second part holds the texts beside the figure, which the page reads after drawing it.
    """
    graph, sizes = report.graph, report.sizes
    numbers = Numbers()
    files = Files(graph)
    fields = Fields(graph, sizes, numbers)
    steps = Steps(report, numbers, fields, files)
    found = Boxes(graph, sizes)
    shown = None if focus is None else found.box(focused(graph, focus)[0])
    boxes = [_box(box, numbers, steps) for box in found.boxes]
    limits = Limits(report, numbers)
    turns = memory.schedule(graph, dict(sizes), numbers)
    paper = graph.source if graph.source and graph.source.startswith("https://") else ""
    return {
        "name": graph.name,
        "doc": graph.doc or "",
        "paper": paper,
        "links": [[link.words, link.target] for link in links],
        "sizes": dict(sizes),
        "inputs": list(graph.inputs.values()),
        "outputs": [[output.name, output.node, int(output.training)] for output in graph.outputs],
        "symbols": limits.symbols,
        "conditions": limits.conditions.rows,
        "notes": [str(note) for note in report.size_notes],
        "steps": steps.rows,
        "scopes": steps.scopes,
        "shared": steps.shared.rows,
        "axes": fields.axes,
        "fields": fields.rows.rows,
        "tables": numbers.tables.rows,
        "memory": turns,
        "boxes": boxes,
        "root": found.root,
        "open": opening.opened(found, depth, shown),
        "at": -1 if shown is None else shown,
        "dims": numbers.dims.rows,
        "words": words(numbers.words),
        "formulas": numbers.formulas.rows,
    }, {"torch": pytorch(graph, files), "files": files.rows}


def _box(box: Box, numbers: Numbers, steps: Steps) -> dict[str, Any]:
    """A box as data, without empty entries and without what its own steps already hold: their path, their sizes."""
    row: dict[str, Any] = {
        "k": box.key,
        "t": box.title,
        "d": box.detail,
        "r": box.role,
        "g": box.sign,
        "n": [node.index for node in box.nodes],
        "z": [numbers.dim(dim) for dim in box.shape.dims] if box.shape is not None else [],
        "c": box.count if box.count > 1 else 0,
        "w": int(box.training),
        "b": box.body,
    }
    if box.kind != "step":
        row["y"] = box.kind
    if box.scope is not None:
        row["s"] = steps.scope(box.scope)
    if box.nodes:
        own = [numbers.dim(dim) for dim in box.nodes[-1].shape.dims]
        row["z"] = [] if row["z"] == own else row["z"]
        path = box.nodes[0].path
        row["k"] = "" if box.key == path else row["k"]
    return {name: value for name, value in row.items() if value or name == "t"}
