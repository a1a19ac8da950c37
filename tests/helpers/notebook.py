"""The first page of the course as a notebook: its prose, its Python, its specs; a command is the call that does it.

Nothing is kept of what the cells print: whoever opens the notebook runs it.
"""

from __future__ import annotations

import doctest
import json
import re
import shlex
from typing import Any

from tests.helpers.places import ROOT

PAGE = ROOT / "docs" / "course" / "01-classifiers.md"
NOTEBOOK = PAGE.with_name("first_part.ipynb")

_FENCE = re.compile(r"^```(?P<language>\w+)\n(?P<body>.*?)^```$\n?", re.DOTALL | re.MULTILINE)


def notebook() -> dict[str, Any]:
    """The notebook as plain data, in nbformat 4."""
    text = PAGE.read_text(encoding="utf-8")
    cells: list[dict[str, Any]] = [_code("from pathlib import Path\n\nimport archspec")]
    end = 0
    for match in _FENCE.finditer(text):
        cells += _prose(text[end : match.start()])
        cells += _block(match["language"], match["body"])
        end = match.end()
    cells += _prose(text[end:])
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def text() -> str:
    """The notebook's file."""
    return json.dumps(notebook(), indent=1, ensure_ascii=False) + "\n"


def _prose(written: str) -> list[dict[str, Any]]:
    return [{"cell_type": "markdown", "metadata": {}, "source": _lines(written.strip())}] if written.strip() else []


def _code(source: str) -> dict[str, Any]:
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": _lines(source)}


def _lines(written: str) -> list[str]:
    return written.splitlines(keepends=True)


def _block(language: str, body: str) -> list[dict[str, Any]]:
    """The cells of a fenced block."""
    if language == "python":
        return [_code("".join(example.source for example in doctest.DocTestParser().get_examples(body)).rstrip())]
    if language == "yaml":
        name = re.match(r"# ([\w]+\.yaml)\n", body)
        assert name is not None, "a spec on the page has a file name"
        return [_code(f'Path("{name[1]}").write_text("""{body}""", encoding="utf-8")')]
    commands = [shlex.split(command) for command in re.findall(r"^\$ (.*)$", body, re.MULTILINE)]
    assert all(words[:2] == ["archspec", "check"] and len(words) == 3 for words in commands)
    return [_code(f'archspec.check(archspec.load("{words[2]}"))') for words in commands]
