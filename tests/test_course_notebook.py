"""The notebook of the course's first part is that page, and all of its cells run."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.notebook import NOTEBOOK, text


def test_the_notebook_is_the_page(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-golden"):
        NOTEBOOK.write_text(text(), encoding="utf-8")
    assert NOTEBOOK.read_text(encoding="utf-8") == text(), "first_part.ipynb is old: `make golden` renews it"


def shown(source: str, names: dict[str, Any]) -> Any:
    """Run a cell; the value of its last line, as a notebook shows it."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if isinstance(last, ast.Expr) else None


def test_the_cells_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    names: dict[str, Any] = {}
    values = [shown("".join(cell["source"]), names) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert (55, 224, 112) in values  # the sizes of three first layers
    reports = [value for value in values if hasattr(value, "total")]
    assert [report.parameters for report in reports] == [34_944, 34_848, 200_704, 110_592]
