"""Inlay hints: each step's output at the end of its line, in the first or the chosen use of its block."""

from __future__ import annotations

from lsprotocol import types

from archspec.editor import measures
from archspec.editor.documents import Document
from archspec.editor.lines import Lines
from archspec.editor.settings import Hints
from archspec.editor.standing import standing
from archspec.editor.study import Study
from archspec.graph import Node, Scope


def hints(document: Document, lines: range, wanted: Hints) -> list[types.InlayHint]:
    """The hints for the steps that begin on some of a text's lines (counted from 1).

    While a text is not valid YAML, it gets the hints of the last one that was, on the lines that have not changed.
    """
    here = standing(document)
    if here is None:
        return []
    found: list[types.InlayHint] = []
    for line, said in _by_line(document, here.study, wanted).items():
        there = here.line(line)
        if there is not None and there in lines:
            found.append(_hint(here.lines, there, said))
    return found


def _hint(lines: Lines, line: int, said: str) -> types.InlayHint:
    end = len(lines.lines[line - 1].rstrip()) + 1
    return types.InlayHint(lines.position(line, end), said, padding_left=True)


def _by_line(document: Document, study: Study, wanted: Hints) -> dict[int, str]:
    """The hint at the end of each line, for the first step that begins on it."""
    found: dict[int, str] = {}
    for (line, _), items in sorted(study.made.items()):
        if line in found:
            continue
        item = shown_use(document, study, items)
        node = study.output(item)
        said = "" if node is None else _described(study, item, node, wanted)
        if said:
            found[line] = said
    return found


def shown_use(document: Document, study: Study, items: list[Node | Scope]) -> Node | Scope:
    """Of the items that a step makes, the one in the chosen use of its block, or else the first."""
    for item in items:
        scope = study.scope(item)
        name = scope.block.name if scope.block is not None else ""
        if document.chosen.get(name) == scope.path:
            return item
    return items[0]


def _described(study: Study, item: Node | Scope, node: Node, wanted: Hints) -> str:
    """The text of a hint for an item that a step makes; ``node`` gives its value."""
    report = study.report
    parts: list[str] = []
    if wanted.shape != "off":
        parts.append(measures.shape(report, node, wanted.shape == "numbers"))
    if report is not None and wanted.field:
        seen = measures.field(report, node)
        parts.append(f"sees {seen}" if seen else "")
    if report is not None and wanted.cost:
        parts.append(measures.brief_cost(report, item))
    return " · ".join(part for part in parts if part)
