"""The lines of PyTorch that a step becomes, found in the source that `archspec compile` writes.  Imports no torch."""

from __future__ import annotations

import ast

from archspec.backends.torch_source import Emitted, emitted
from archspec.editor.study import Study
from archspec.graph import Node, Scope

MOST_NODES = 3_000
"""The most nodes of a network whose source is emitted for a pop-up."""
MOST_LINES = 12


def torch_lines(study: Study, item: Node | Scope) -> list[str]:
    """The lines that create a step's module and that call it; empty for a network with errors or a very large one."""
    source = _source(study)
    if source is None or item.step is None:
        return []
    span = item.step.what_span
    place = f"{span.source.name}:{span.line}"
    ran = {number for number, places in source.lines.items() if place in places}
    tree = ast.parse(source.text)
    text = source.text.splitlines()
    name = item.name.split(".")[0]
    found: list[str] = []
    for owner in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        used = [
            statement
            for method in owner.body
            if isinstance(method, ast.FunctionDef) and method.name == "forward"
            for statement in method.body
            if any(line in ran for line in range(statement.lineno, (statement.end_lineno or statement.lineno) + 1))
        ]
        if not used:
            continue
        made = [
            statement
            for method in owner.body
            if isinstance(method, ast.FunctionDef) and method.name == "__init__"
            for statement in ast.walk(method)
            if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == f"self.{name}"
        ]
        for statement in (*made, *used):
            lines = text[statement.lineno - 1 : statement.end_lineno]
            indentation = len(lines[0]) - len(lines[0].lstrip())
            found += [line[indentation:] for line in lines]
        break
    return found if len(found) <= MOST_LINES else [*found[:MOST_LINES], "…"]


def _source(study: Study) -> Emitted | None:
    """The emitted source of a text's network, computed once."""
    if study.spec is None or study.spec.misfits or len(study.spec.graph.nodes) > MOST_NODES:
        return None
    if study.emitted is None:
        study.emitted = emitted(study.spec.graph)
    return study.emitted
