"""What is offered where the cursor is, in lines that are half written too."""

from __future__ import annotations

from pathlib import Path

import pytest

from archspec import ops
from archspec.editor.completion import completion
from archspec.language.words import field_row
from tests.helpers.editing import SMALL, applied, cursor, opened


def offered(more: str, base: str = SMALL, path: Path = Path("/opened/small.yaml")) -> dict[str, str]:
    """What may stand at a ``|`` in lines behind a text, with what would be written."""
    documents, document = opened(base, path)
    text, position = cursor(base + more)
    documents.put(document.uri, text, 2)
    items = completion(document, position, snippets=True)
    return {item.label: item.text_edit.new_text for item in items if item.text_edit is not None}


@pytest.mark.parametrize(
    ("line", "there", "not_there"),
    [
        ("  - |", {"unit", "conv", "residual_basic", "sequence", "$width", "resnet18"}, {"when", "channels"}),
        ("  - co|", {"conv", "concat"}, {"kernel"}),
        ("  - conv: {|", {"channels", "kernel", "init"}, {"conv"}),
        ("  - conv: {channels: 3, |}", {"kernel", "stride"}, {"channels"}),
        ("  - conv: {channels: 3, k|", {"kernel"}, {"channels"}),
        ("  - conv:\n      |", {"channels", "kernel"}, {"when"}),
        ("  - relu:\n    |", {"when", "from", "label", "repeat"}, {"steps", "conv"}),
        ("  - relu:\n    from: |", {"stem", "first", "last", "previous", "input"}, {"inner"}),
        ("  - add:\n    from: [previous, st|", {"stem"}, {"inner"}),
        ("  - unit: {|}", {"channels", "stride"}, {"kernel"}),
        ("  - residual_basic: {|}", {"channels", "stride"}, {"kernel"}),
        ("  - conv: {channels: $|}", {"width", "min", "divisible"}, {"channels", "stem"}),
        ('  - conv: {channels: "$(min(w|', {"width"}, {"stem"}),
        ("  - relu:\n    when: input.|", {"channels", "size"}, {"width"}),
        ("  - relu:\n    for: i in ra|", {"range"}, {"stem"}),
        ("  - conv as c$|: {channels: 1, kernel: 1}\n    for: i in range(2)", {"i", "width"}, {"stem"}),
        ("  - conv: {channels: 3, init: |}", {"kaiming_normal", "bias"}, {"channels"}),
        ("  - conv: {channels: 3, init: {normal: {|", {"std"}, {"channels"}),
        ("  - conv: {channels: 3, bias: |}", {"true", "false"}, {"zeros"}),
        ("  - conv: {channels: 3, padding_mode: |}", {"reflect", "circular"}, {"true"}),
        ("le|", {"let", "loss", "expect"}, {"steps", "name", "conv"}),
        ("expect: {|}", {"parameters", "shapes"}, {"steps"}),
        ("expect: {shapes: {|", {"stem", "first"}, set()),
        ("outputs: {a: |}", {"stem", "last"}, {"inner"}),
        ("import: {x: |}", {"resnet18"}, {"conv"}),
        ("rewrite: [|]", {"cut", "dense_to_conv"}, {"conv"}),
        ("rewrite: [{cut: {|", {"after"}, {"channels"}),
        ("rewrite: [{cut: {after: |", {"stem", "first"}, set()),
        ("task: |", {"classification", "segmentation"}, {"conv"}),
    ],
)  # fmt: skip
def test_offered(line: str, there: set[str], not_there: set[str]) -> None:
    found = offered(line)
    assert there <= found.keys()
    assert not not_there & found.keys()


def test_sizes_are_the_symbols_of_the_inputs() -> None:
    base = SMALL.replace("sizes: {H: 30, W: 30}\n", "")
    assert {"H", "W"} <= offered("sizes: {|}", base).keys()


def test_files_beside_the_spec(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(SMALL, encoding="utf-8")
    documents, document = opened("archspec: 1\n", tmp_path / "variant.yaml")
    text, position = cursor("archspec: 1\nextends: |\n")
    documents.put(document.uri, text, 2)
    assert "base.yaml" in [item.label for item in completion(document, position, snippets=False)]


@pytest.mark.parametrize(
    ("line", "label", "written"),
    [
        ("  - |", "other.unit", "other.unit: {channels: $1}"),
        ("  - other.|", "unit", "unit: {channels: $1}"),
    ],
)
def test_blocks_of_an_imported_file(tmp_path: Path, line: str, label: str, written: str) -> None:
    (tmp_path / "other.yaml").write_text(SMALL, encoding="utf-8")
    base = SMALL.replace("inputs:", "import: {other: other.yaml}\ninputs:")
    found = offered(line, base, tmp_path / "own.yaml")
    assert found[label] == written
    assert ("conv" in found) == (label == "other.unit")


def test_an_op_comes_with_the_arguments_it_needs() -> None:
    assert offered("  - |")["conv"] == "conv: {channels: $1, kernel: $2}"
    assert offered("  - |")["relu"] == "relu"
    assert offered("  - con|: {channels: 3}")["conv"] == "conv"


def test_what_is_written_takes_the_place_of_what_was_typed() -> None:
    documents, document = opened(SMALL)
    text, position = cursor(SMALL + "  - conv: {channels: 3, ker|}")
    documents.put(document.uri, text, 2)
    item = next(each for each in completion(document, position, snippets=True) if each.label == "kernel")
    assert item.text_edit is not None
    assert applied(text, [item.text_edit]).endswith("  - conv: {channels: 3, kernel: }")  # type: ignore[list-item]


@pytest.mark.parametrize("op", sorted(ops.names()))
def test_every_argument_of_every_op(op: str) -> None:
    """With its default and its words, as the op's own fields say."""
    documents, document = opened(SMALL)
    text, position = cursor(SMALL + f"  - {op}: {{|")
    documents.put(document.uri, text, 2)
    items = {item.label: item for item in completion(document, position, snippets=False)}
    for name, field in ops.find(op).model_fields.items():
        if name == "init" and not ops.find(op).tensors:
            continue
        known, default, said = field_row(name, field)
        assert default in (items[known].detail or "")
        assert bool(said) == (items[known].documentation is not None)
