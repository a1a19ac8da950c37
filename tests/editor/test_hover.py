"""What is said of the thing under the pointer."""

from __future__ import annotations

import re

import pytest
from lsprotocol import types

import archspec
from archspec.editor import markdown
from archspec.editor.colours import colours
from archspec.editor.definitions import definition
from archspec.editor.hover import hover
from archspec.editor.outline import folding, outline
from tests.helpers.editing import SMALL, opened, place


def said(text: str, words: str, of: str = "") -> str:
    """What the pop-up says of words in a text."""
    _, document = opened(text)
    found = hover(document, place(text, words, of))
    if found is None:
        return ""
    assert isinstance(found.contents, types.MarkupContent)
    return found.contents.value


def test_a_step_measures_what_the_report_says() -> None:
    found = said(SMALL, "stem")
    report = archspec.check(archspec.loads(SMALL))
    cost = report.cost["stem"]
    assert f"| parameters | {cost.parameters:,} |" in found
    assert f"| multiply-adds | {cost.multiply_adds:,} |" in found
    assert "| here | 8 × 28 × 28 |" in found
    assert "| sees | 3 × 3 pixels |" in found


def test_a_step_becomes_lines_of_the_emitted_source() -> None:
    source = {line.strip() for line in archspec.source(archspec.loads(SMALL)).splitlines()}
    found = said(SMALL, "last")
    (code,) = re.findall(r"```python\n(.*?)\n```", found, re.DOTALL)
    assert "self.last = nn.Conv2d(16, 4, 1)" in code
    assert {line.strip() for line in code.splitlines()} <= source


def test_an_expression_has_its_value_in_each_use() -> None:
    assert said(SMALL, "$channels") == "`channels` = `16`", "which is the same in both"
    found = said(SMALL, "$stride")
    assert re.search(r"`first[^`]*` \| `1`", found)
    assert re.search(r"`second[^`]*` \| `2`", found)


@pytest.mark.parametrize(
    ("words", "of", "there"),
    [
        ("width", "params", "`width` = `8`"),
        ("2 * width", "", "`2 * width` = `16`"),
        ("kernel", "stem", "kernel size, one number or one for each spatial axis"),
        ("conv", "steps:\n  - conv", "number of output channels"),
        ("unit", "unit as first", "Two steps."),
        ("stride: 2", "", "a parameter of `unit`, default `1`"),
        ("stem}", "", "`stem`"),
        ("H:", "sizes", "valid: H ≥ "),
        ("sizes", "", "a form of the language"),
        ("unit:", "", "used 2 times"),
    ],
)
def test_said(words: str, of: str, there: str) -> None:
    assert there in said(SMALL, words, of)


def test_lines_that_have_not_changed_keep_what_is_said_while_one_is_half_written() -> None:
    documents, document = opened(SMALL)
    stem, last = place(SMALL, "stem"), place(SMALL, "last")
    before = hover(document, last)
    coloured = len(colours(document).data)
    text = SMALL.replace("- conv as stem: {channels: $width, kernel: 3}", "- conv as stem: {channels: $wi\n  - relu")
    documents.put(document.uri, text, 2)
    documents.study(document)
    below = types.Position(last.line + 1, last.character)
    after = hover(document, below)
    assert document.current is None
    assert before is not None
    assert before.range is not None
    assert after is not None
    assert after.contents == before.contents
    assert after.range == types.Range(
        types.Position(below.line, before.range.start.character), types.Position(below.line, before.range.end.character)
    )
    assert hover(document, stem) is None, "this line has changed"
    found = definition(documents, document, place(text, "stem", "to: "))
    assert found is None, "what it leads to has changed"
    block = definition(documents, document, place(text, "unit", "unit as second"))
    assert block is not None
    assert block.range.start == place(text, "unit")
    assert 0 < len(colours(document).data) < coloured
    steps = next(each for each in outline(document) if each.name == "steps")
    assert [each.name for each in steps.children or ()] == [
        "unit as first",
        "unit as second",
        "relu",
        "conv as last",
        "upsample",
    ]
    assert {each.start_line for each in folding(document)} >= {
        place(text, "blocks").line,
        place(text, "steps:\n  -").line,
    }


def test_text_of_a_spec_is_no_markdown() -> None:
    text = SMALL.replace("doc: Two steps.", "doc: '<b> ![x](http://a/b) *y* | `z` [q](command:x)'")
    found = said(text, "unit:")
    assert "\\<b\\>" in found
    assert "!\\[x\\]" in found
    assert "\\[q\\](command:x)" in found
    assert "\\*y\\* \\|" in found


def test_code_may_hold_backticks() -> None:
    assert markdown.code("a`b``c") == "```a`b``c```"
    assert markdown.code("`") == "`` ` ``"
    assert "\x1b" not in markdown.code("\x1b[31m")
