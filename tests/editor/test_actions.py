"""What hints say to do, done by one action each; steps to a block and back."""

from __future__ import annotations

import pytest
from lsprotocol import types

import archspec
from archspec.editor import actions, extraction, rename
from archspec.editor.diagnostics import diagnostics
from archspec.editor.documents import Document, Documents
from tests.helpers.editing import SMALL, applied, opened, place


def fixed(text: str, code: str) -> dict[str, str]:
    """The text after each action that a diagnostic of a code offers, by the action's title."""
    documents, document = opened(text)
    said = [each for each in diagnostics(documents, document) if each.code == code]
    assert said, [each.code for each in diagnostics(documents, document)]
    return {action.title: done(document, action.edit) for action in actions.fixes(document, said)}


def done(document: Document, edit: types.WorkspaceEdit | None) -> str:
    assert edit is not None
    assert edit.changes is not None
    return applied(document.text, list(edit.changes[document.uri]))


def is_fine(text: str) -> bool:
    return not archspec.loads(text).diagnostics


@pytest.mark.parametrize(
    ("old", "new", "code", "title"),
    [
        ("kernel: 1}", "kernl: 1}", "unknown-argument", "Write `kernel`"),
        ("- relu\n  - conv as last", "- rellu\n  - conv as last", "unknown-op", "Write `relu`"),
        ("to: stem", "to: stam", "unknown-name", "Write `stem`"),
        ("$(2 * width)", "$(2 * widht)", "unknown-name", "Write `width`"),
        ("params: {width", "parms: {width", "unknown-key", "Write `params`"),
        ("$(2 * width)", "$(min(16, width))", "unclosed-expression", "Put the expression in quotes"),
        ("kernel: 1}", "kernel: 1, in_channels: 16}", "unknown-argument", "Leave it out"),
        ("channels: 4, kernel: 1", "in_channels: 16, channels: 4, kernel: 1", "unknown-argument", "Leave it out"),
        ("  - relu\n  - conv as last", "  - relu\n    label: x\n  - conv as last", "yaml-syntax", "Add the colon"),
    ],
)
def test_a_hint_is_done(old: str, new: str, code: str, title: str) -> None:
    wrong = SMALL.replace(old, new)
    assert wrong != SMALL
    after = fixed(wrong, code)[title]
    assert after != wrong
    assert is_fine(after) or "unused" in {each.code for each in archspec.loads(after).diagnostics}


def test_the_nearest_sizes_become_the_specs_own() -> None:
    text = (
        "archspec: 1\nname: X\ninputs: {image: [3, H, W]}\nsizes: {H: 30, W: 30}\nsteps:\n"
        "  - conv as skip: {channels: 8, kernel: 3, padding: 1}\n  - max_pool: {kernel: 4}\n"
        "  - upsample: {scale: 4}\n  - add:\n    from: [previous, skip]\n"
    )
    found = fixed(text, "shape-mismatch")
    assert found.keys() == {
        "Use the nearest larger size: H = 32, W = 32",
        "Use the nearest smaller size: H = 28, W = 28",
        "Pad the input to a multiple of 4",
    }
    assert all(is_fine(after) for after in found.values())
    padded = archspec.loads(found["Pad the input to a multiple of 4"])
    assert archspec.check(padded).valid_sizes["H"].describe() == "H ≥ 1"


def test_the_other_branch_gets_the_stride() -> None:
    text = (
        "archspec: 1\nname: X\ninputs: {image: [3, H, W]}\nsizes: {H: 30, W: 30}\nsteps:\n"
        "  - conv as stem: {channels: 8, kernel: 3, padding: 1}\n  - add:\n"
        "      - - conv as a: {channels: 8, kernel: 3, stride: 2, padding: 1}\n"
        "      - - conv as b: {channels: 8, kernel: 1}\n"
    )
    found = fixed(text, "shape-mismatch")
    assert is_fine(found["Add `stride: 2` to `b`"])
    assert "conv as b: {channels: 8, kernel: 1, stride: 2}" in found["Add `stride: 2` to `b`"]


# -- steps and blocks -------------------------------------------------------------------------------------------------


def changed(text: str, start: types.Position, end: types.Position, title: str) -> str:
    """The text after a refactoring of a selection."""
    documents, document = opened(text)
    selected = types.Range(start, end)
    (action,) = [each for each in extraction.offers(document, selected) if each.title.startswith(title)]
    assert isinstance(action.kind, str)
    return done(document, extraction.edit(documents, document, action.kind, selected))


def shapes(text: str) -> list[object]:
    return [(type(node.op), node.inputs, node.shape) for node in archspec.loads(text).graph.nodes]


def test_steps_become_a_block() -> None:
    lines = SMALL.split("\n")
    at = lines.index("  - unit as first: {channels: $(2 * width)}")
    after = changed(SMALL, types.Position(at, 0), types.Position(at + 2, 0), "Extract")
    assert "  extracted:\n    params: {width}\n    steps:\n      - unit as first: {channels: $(2 * width)}\n" in after
    assert "  - extracted: {width: $width}\n" in after
    assert shapes(after) == shapes(SMALL)


def test_a_spec_without_blocks_gets_them() -> None:
    text = "archspec: 1\nname: X\ninputs: {image: [3, 8, 8]}\nsteps:\n  - relu\n  - conv: {channels: 2, kernel: 1}\n"
    after = changed(text, types.Position(4, 0), types.Position(6, 0), "Extract")
    assert after.startswith(
        "archspec: 1\nname: X\ninputs: {image: [3, 8, 8]}\nblocks:\n  extracted:\n    steps:\n      - relu\n"
    )
    assert shapes(after) == shapes(text)


def test_steps_that_are_read_by_others_are_not_moved() -> None:
    start = place(SMALL, "  - conv as stem")
    with pytest.raises(rename.Refused, match="would be wrong"):
        changed(SMALL, start, types.Position(start.line + 1, 0), "Extract")


def test_a_block_is_put_in_place_of_its_use() -> None:
    at = place(SMALL, "unit as second")
    after = changed(SMALL, at, at, "Inline")
    inner = "      - conv as inner: {channels: 16, kernel: 3, stride: 2, padding: 1}\n      - relu\n"
    assert f"  - sequence as second:\n{inner}" in after
    assert shapes(after) == shapes(SMALL)
    assert archspec.loads(after).graph.state == archspec.loads(SMALL).graph.state, "every key stays"


def test_a_value_that_is_an_expression_goes_with_it() -> None:
    at = place(SMALL, "unit as first")
    after = changed(SMALL, at, at, "Inline")
    assert "channels: $(2 * width)" in after
    assert shapes(after) == shapes(SMALL)


def test_a_library_block_that_sees_its_input_is_not_offered() -> None:
    text = SMALL.replace("  - relu\n  - conv as last", "  - residual_basic: {channels: 16}\n  - conv as last")
    _, document = opened(text)
    at = place(text, "residual_basic")
    assert [each.title for each in extraction.offers(document, types.Range(at, at))] == []


# -- names ------------------------------------------------------------------------------------------------------------


def renamed(text: str, words: str, new: str, of: str = "") -> str:
    documents, document = opened(text)
    edit = rename.rename(documents, document, place(text, words, of), new)
    assert edit is not None
    assert edit.document_changes is not None
    (part,) = edit.document_changes
    assert isinstance(part, types.TextDocumentEdit)
    return applied(text, [each for each in part.edits if isinstance(each, types.TextEdit)])


@pytest.mark.parametrize(
    ("words", "new", "of", "count"),
    [
        ("unit", "piece", "blocks", 3),
        ("channels", "wide", "params: {channels", 4),
        ("stem", "root", "", 2),
        ("width", "base", "", 3),
        ("H", "Height", "inputs", 2),
    ],
)
def test_renamed(words: str, new: str, of: str, count: int) -> None:
    after = renamed(SMALL, words, new, of)
    assert after.count(new) == count
    assert is_fine(after)


def test_a_loops_variable_is_another_than_the_parameter_of_its_name() -> None:
    text = SMALL.replace(
        "  - relu\n  - conv as last",
        "  - conv as c$width: {channels: $width, kernel: 1}\n    for: width in [4, 8]\n  - conv as last",
    )
    after = renamed(text, "width in", "w", "for:")
    assert "conv as c$w: {channels: $w, kernel: 1}\n    for: w in [4, 8]" in after
    assert "params: {width: 8}" in after
    assert is_fine(after)


@pytest.mark.parametrize(
    ("words", "new"),
    [
        ("stem", "last"),
        ("stem", "input"),
        ("stem", "a b"),
        ("unit:", "conv"),
        ("width", "min"),
        ("channels, s", "stride"),
    ],
)
def test_a_rename_that_would_change_the_network_is_refused(words: str, new: str) -> None:
    documents, document = opened(SMALL)
    with pytest.raises(rename.Refused):
        rename.rename(documents, document, place(SMALL, words), new)


def test_files_of_the_package_are_not_renamed_in() -> None:
    from archspec.elaborate.shipped import library_folder

    path = library_folder() / "residual_basic.yaml"
    text = path.read_text(encoding="utf-8")
    documents, document = opened(text, path)
    with pytest.raises(rename.Refused, match="package"):
        rename.rename(documents, document, place(text, "channels"), "wide")


def test_documents_know_nothing_of_files_that_are_closed() -> None:
    documents = Documents()
    document = documents.put("file:///opened/x.yaml", SMALL, 1)
    assert documents.shelf.unsaved
    documents.close(document.uri)
    assert not documents.shelf.unsaved
