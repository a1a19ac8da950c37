"""The picture of a convolution matrix, and the command that draws it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import Result

from archspec.convolution.matrix import Geometry
from archspec.convolution.picture import Grid, draw
from tests.helpers.command_line import invoke

pytest.importorskip("matplotlib")


def drawn(tmp_path: Path, *arguments: str, name: str = "m.svg") -> Result:
    return invoke(["conv-matrix", *arguments, "-o", str(tmp_path / name)])


@pytest.mark.parametrize(
    ("arguments", "begins"),
    [
        (("--input", "4x4", "--kernel", "3"), {"m.svg": b"<?xml", "m.png": b"\x89PNG", "m.pdf": b"%PDF"}),
        (("--input", "9", "--kernel", "3", "--padding", "1", "--dilation", "2"), {"m.svg": b"<?xml"}),
        (("--input", "2x3x2", "--kernel", "2x1x2"), {"m.svg": b"<?xml"}),
        (("--input", "16x16", "--kernel", "5", "--stride", "2"), {"m.png": b"\x89PNG"}),
        (("--input", "2x2", "--kernel", "3", "--transposed"), {"m.svg": b"<?xml"}),
    ],
)
def test_it_is_drawn(tmp_path: Path, arguments: tuple[str, ...], begins: dict[str, bytes]) -> None:
    for name, magic in begins.items():
        result = drawn(tmp_path, *arguments, name=name)
        assert (result.exit_code, result.output) == (0, "")
        assert (tmp_path / name).read_bytes().startswith(magic)


def test_one_picture_for_one_call(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        drawn(tmp_path, "--input", "4x4", "--kernel", "3", name=name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_cells_are_coloured_as_the_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell of the matrix has the colour and the name of its weight, and no other cell has any."""
    grids: list[Grid] = []
    monkeypatch.setattr("archspec.convolution.picture._paint", lambda axes, grid, *place: grids.append(grid))
    geometry = Geometry.of((4, 4), (3, 3))
    draw(geometry, tmp_path / "m.svg")
    _, kernel, _, matrix = grids
    entries = {(row, column): divmod(index, 3) for row, column, index in geometry.pattern()}
    assert {at: kernel.colours[place] for at, place in entries.items()} == matrix.colours
    assert {at: kernel.texts[place] for at, place in entries.items()} == matrix.texts
    assert len(set(kernel.colours.values())) == 9
    draw(geometry, tmp_path / "m.svg", transposed=True)
    assert grids[-1].colours == {(column, row): colour for (row, column), colour in matrix.colours.items()}


def test_json_says_what_was_drawn(tmp_path: Path) -> None:
    arguments = ["--input", "2x2", "--kernel", "3", "--stride", "2", "--transposed", "--output-padding", "1"]
    found = json.loads(drawn(tmp_path, *arguments, "--format", "json").output)
    assert found == {"input": [2, 2], "output": [6, 6], "written": str(tmp_path / "m.svg")}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--input", "2x2", "--kernel", "3"), "spans 3 of 2 rows"),
        (("--input", "four", "--kernel", "3"), "`four` is not a size"),
        (("--input", "4x4", "--kernel", "3x3x3"), "--kernel has 3 numbers, and --input has 2"),
        (("--input", "4x4", "--kernel", "3", "--stride", "0"), "`stride` has 0"),
        (("--input", "99999", "--kernel", "3"), "99,999 is larger than 10,000"),
        (("--input", "200x200", "--kernel", "3"), "39,204 × 40,000 cells"),
        (("--input", "4x4", "--kernel", "3", "--output-padding", "1"), "--output-padding needs --transposed"),
        (("--input", "4", "--kernel", "3", "--transposed", "--output-padding", "1"), "must be smaller than the stride"),
    ],
)
def test_wrong_calls(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    result = drawn(tmp_path, *arguments)
    assert result.exit_code == 2
    assert words in result.output
    assert not (tmp_path / "m.svg").exists()


def test_wrong_files(tmp_path: Path) -> None:
    assert "has no known picture format" in drawn(tmp_path, "--input", "4", "--kernel", "3", name="m.txt").output
    assert "cannot write" in drawn(tmp_path, "--input", "4", "--kernel", "3", name="no/m.svg").output


def test_without_matplotlib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = drawn(tmp_path, "--input", "4x4", "--kernel", "3")
    assert result.exit_code == 2
    assert "needs the package `matplotlib`" in result.output
    assert "pip install 'archspec-nn[plot]'" in result.output
