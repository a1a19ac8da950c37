"""What archspec says of broken and hostile specs: the exact text, place and hint of every one.

``tests/invalid/NAME.yaml`` must give ``tests/invalid/NAME.txt``; ``make golden`` writes the texts anew.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import archspec
from archspec.diagnostics import Diagnostic, render_all, to_json

FOLDER = Path(__file__).parent / "invalid"
NAMES = sorted(file.stem for file in FOLDER.glob("*.yaml") if file.with_suffix(".txt").exists())


def said(path: Path) -> tuple[Diagnostic, ...]:
    """Everything said of a spec, a good one's warnings included; anything but a SpecError fails the test."""
    try:
        return archspec.check(archspec.load(path)).diagnostics
    except archspec.SpecError as error:
        return error.diagnostics


@pytest.mark.parametrize("name", NAMES)
def test_says_exactly_this(name: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.chdir(FOLDER)
    found = said(Path(f"{name}.yaml"))
    text = render_all(found) + "\n"
    if request.config.getoption("--update-golden"):
        (FOLDER / f"{name}.txt").write_text(text, encoding="utf-8")
    assert text == (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    assert any(d.severity == "error" for d in found) != name.startswith("unused_")
    for diagnostic in found:
        plain = to_json(diagnostic)
        assert plain["message"] == diagnostic.message
        if diagnostic.span is not None:
            assert plain["place"]["line"] == diagnostic.span.line


def test_there_are_many_kinds() -> None:
    assert len(NAMES) >= 60
