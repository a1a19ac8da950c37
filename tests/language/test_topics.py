"""`archspec help`: every word of the language has it, every example loads, and what is not there is told."""

from __future__ import annotations

import pytest

import archspec
from archspec import ops
from archspec.diagnostics import Diagnostics
from archspec.elaborate.loader import Loader
from archspec.elaborate.shipped import library_names
from archspec.expressions import FUNCTIONS
from archspec.language import topics
from archspec.schema import STEP_KEYS, BlockModel, SpecModel
from tests.helpers.snippets import completed

LISTED = topics.names()


def keys() -> set[str]:
    fields = [*SpecModel.model_fields.items(), *BlockModel.model_fields.items()]
    return {field.alias or name for name, field in fields}


def test_every_key_is_a_form() -> None:
    assert keys() | STEP_KEYS | {"sequence", "reuse", "as"} <= set(topics.forms())


@pytest.mark.parametrize("word", sorted(topics.forms()))
def test_every_form_is_shown_and_loads(word: str) -> None:
    (found,) = (each for each in topics.topics(word) if each.kind == "a form of the language")
    assert found.doc.endswith(".")
    assert word in found.example or word in ("branches", "previous", "functions")
    report = archspec.check(archspec.loads(completed(found.example)))
    assert report.diagnostics == ()


def test_every_function_is_named() -> None:
    (found,) = topics.topics("functions")
    assert all(f"`{name}" in found.doc for name in FUNCTIONS)


@pytest.mark.parametrize("name", sorted(ops.names()))
def test_every_op_has_its_arguments_and_an_example_that_loads(name: str) -> None:
    (found,) = topics.topics(name)
    kind = ops.find(name)
    arguments = {argument for argument, _, _ in found.rows}
    assert arguments >= set(kind.model_fields) - {"init"}
    assert ("init" in arguments) == bool(kind.tensors)
    example = kind.examples[0]
    text = completed(found.example)
    if not kind.merges and example.inputs and not (kind.prelude and kind.references):
        dims = ", ".join(
            str(dim) if isinstance(dim, int) else "6HWL"[at] for at, dim in enumerate(example.inputs[0].dims)
        )
        text = text.replace("[64, H, W]", f"[{dims}]")
        text = text.replace("sizes: {H: 64, W: 64}\n", "")
    assert archspec.loads(text).graph.nodes


@pytest.mark.parametrize("name", sorted(library_names()))
def test_every_block_has_its_parameters_and_an_example(name: str) -> None:
    (found,) = topics.topics(name)
    assert name in found.example
    file = Loader(Diagnostics()).library(name)
    assert file is not None
    assert [row[0] for row in found.rows] == list(file.model.params)


@pytest.mark.parametrize("kind", ["rewrites", "specs"])
def test_every_other_word_has_help(kind: str) -> None:
    for name in LISTED[kind]:
        assert topics.text(topics.topics(name)).startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("dense", "write `linear`"),
        ("convv", "did you mean `conv`?"),
        ("kernel", "it is an argument of `avg_pool`, `conv`"),
        ("shape-mismatch", "`archspec explain shape-mismatch`"),
        ("qqqq", "`archspec help` lists all topics"),
    ],
)
def test_what_there_is_no_help_on(word: str, hint: str) -> None:
    with pytest.raises(archspec.SpecError) as error:
        topics.topics(word)
    (said,) = error.value.diagnostics
    assert said.hint is not None
    assert hint in said.hint
