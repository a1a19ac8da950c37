"""Places in a text, as the protocol counts them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from archspec.editor.documents import path_of
from archspec.editor.lines import Lines, same_lines

ENCODINGS = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8), min_size=1), st.data())
def test_positions_there_and_back(lines: list[str], data: st.DataObject) -> None:
    """Held to Python's own encoders."""
    encoding = data.draw(st.sampled_from(sorted(ENCODINGS)))
    line = data.draw(st.integers(1, len(lines)))
    column = data.draw(st.integers(1, len(lines[line - 1]) + 1))
    found = Lines(lines, encoding).position(line, column)
    width = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]
    assert found.line == line - 1
    assert found.character == len(lines[line - 1][: column - 1].encode(ENCODINGS[encoding])) // width
    assert Lines(lines, encoding).point(found) == (line, column)


@pytest.mark.parametrize("position", [types.Position(9, 0), types.Position(1, 99), types.Position(0, 99)])
def test_a_position_beyond_the_text_is_at_an_end(position: types.Position) -> None:
    assert Lines(["a", "bc"]).point(position) in ((2, 3), (1, 2))


@given(st.lists(st.sampled_from("abc"), min_size=1), st.lists(st.sampled_from("abc"), min_size=1))
def test_lines_that_are_the_same_are_the_same(before: list[str], after: list[str]) -> None:
    found = same_lines(before, after)
    assert all(before[old - 1] == after[new - 1] for old, new in found.items())
    assert len(set(found.values())) == len(found)
    if before == after:
        assert found == {line: line for line in range(1, len(before) + 1)}


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///a/b%20c.yaml", "/a/b c.yaml"),
        ("file:///C:/a.yaml", "C:/a.yaml"),
        ("untitled:Untitled-1", None),
        ("file://host/a.yaml", None),
        ("file:///a%00.yaml", None),
    ],
)
def test_addresses(uri: str, path: str | None) -> None:
    found = path_of(uri)
    assert (None if found is None else found.as_posix()) == path
