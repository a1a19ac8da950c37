"""Other tools' words: every one leads to something that there is, torch's own words to the op that is that module."""

from __future__ import annotations

import inspect
import re

import pytest
from torch import nn

import archspec
from archspec import expressions, ops, vocabulary
from archspec.diagnostics import Source, Span
from archspec.elaborate.shipped import library_folder, library_names
from archspec.expressions import FUNCTIONS
from archspec.ops import Op
from archspec.schema import STEP_KEYS, BlockModel, SpecModel
from archspec.syntax import Scalar, parse, plain

OPS = {name: ops.find(name) for name in sorted(ops.names())}
STEPS = {*OPS, *library_names(), "sequence", "steps", "reuse"}
HEAD = "archspec: 1\nname: Net\ninputs: {image: [64, H, W]}\nsizes: {H: 32, W: 32}\nsteps:\n"


def fields(kind: type[Op]) -> list[str]:
    return [name for name in kind.model_fields if name != "init"]


def parameters() -> set[str]:
    """Every parameter of a library block."""
    found: set[str] = set()
    for name in library_names():
        file = library_folder() / f"{name}.yaml"
        found |= set(plain(parse(file.read_text(encoding="utf-8"), name)).get("params") or {})
    return found


def copied(said: str) -> list[str]:
    """What stands between backquotes."""
    return re.findall(r"`([^`]*)`", said)


@pytest.mark.parametrize("word", vocabulary.OPS)
def test_what_to_write_for_an_op_is_a_step(word: str) -> None:
    assert word == vocabulary.fold(word)
    assert word not in {vocabulary.fold(name) for name in STEPS}, "never looked up"
    for form in vocabulary.OPS[word]:
        assert form.partition(":")[0] in STEPS
        if ":" in form:
            assert archspec.loads(f"{HEAD}  - {form}\n").graph.nodes


@pytest.mark.parametrize("word", vocabulary.ABSENT)
def test_what_is_said_of_an_op_there_is_none_of_names_ops(word: str) -> None:
    assert word == vocabulary.fold(word)
    assert word not in vocabulary.OPS
    assert set(copied(vocabulary.ABSENT[word])) <= STEPS | {"archspec list ops"}


@pytest.mark.parametrize("word", vocabulary.ARGUMENTS)
def test_what_to_write_for_an_argument_is_one(word: str) -> None:
    assert word == vocabulary.fold(word)
    known = {name for kind in OPS.values() for name in fields(kind)} | parameters()
    assert set(vocabulary.ARGUMENTS[word]) <= known
    assert vocabulary.ARGUMENTS[word] != (word,)


@pytest.mark.parametrize("word", vocabulary.ADVICE)
def test_what_is_said_of_an_argument_can_be_copied(word: str) -> None:
    assert word == vocabulary.fold(word)
    for form in copied(vocabulary.ADVICE[word]):
        if form.startswith("- "):
            assert archspec.loads(f"{HEAD}  {form}\n").graph.nodes
        else:
            assert form in {"p", "init", "as", "affine"}


@pytest.mark.parametrize("word", vocabulary.FUNCTIONS)
def test_what_to_write_for_a_function_can_be_evaluated(word: str) -> None:
    assert word not in FUNCTIONS
    for form in vocabulary.FUNCTIONS[word]:
        expression = expressions.template(Scalar(f"$({form})", f"$({form})", Span(Source("", ()), 1, 1, 1, 1), True))
        assert isinstance(expression, expressions.Expression)
        expressions.evaluate(expression, {"x": 3.7, "n": 3, "values": [1, 2]})


@pytest.mark.parametrize("word", vocabulary.KEYS)
def test_what_to_write_for_a_key_is_one(word: str) -> None:
    models = (SpecModel, BlockModel)
    known = {info.alias or name for kind in models for name, info in kind.model_fields.items()} | STEP_KEYS
    assert word == vocabulary.fold(word)
    assert set(vocabulary.KEYS[word]) <= known


def emitted() -> dict[str, str]:
    """The torch modules that ops become, by name, with the op."""
    found = {}
    for keyword, kind in OPS.items():
        for example in kind.examples:
            module = kind.model_validate(example.arguments).module(example.inputs)
            if module is not None and module.target.startswith("nn.") and module.wrap in ("{0}", "nn.Parameter({0})"):
                found[module.target] = keyword
    return found


@pytest.mark.parametrize(("target", "keyword"), sorted(emitted().items()))
def test_torchs_words_lead_to_the_op_that_is_that_module(target: str, keyword: str) -> None:
    if keyword.startswith("global_"):
        keyword = keyword.replace("global", "adaptive")  # the same module, of which the size is given
    for word in (target, target.removeprefix("nn."), f"torch.{target}", target.removeprefix("nn.").lower()):
        said = vocabulary.op(word, STEPS)
        assert said is not None
        assert re.split("[`:]", said)[1] == keyword
    for name in inspect.signature(getattr(nn, target.removeprefix("nn."))).parameters:
        known = list(OPS[keyword].model_fields)
        if name in ("args", "kwargs", "_random_samples") or name in known:
            continue
        said = vocabulary.argument(name, known)
        assert said is not None, f"{target}({name}=…)"
        assert "did you mean" not in said, f"{target}({name}=…): {said}"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("Relu", "write `relu`"),
        ("dense", "write `linear`"),
        ("Fc", "write `linear`"),
        ("Conv2D", "write `conv`"),
        ("MaxPooling2D", "write `max_pool`"),
        ("BatchNormalization", "write `batch_norm`"),
        ("Conv2DTranspose", "write `conv_transpose`"),
        ("DepthwiseConv2D", "write `conv: {channels: $(previous.channels), kernel: 3, groups: $(previous.channels)}`"),
        ("tf.keras.layers.Dense", "write `linear`"),
        ("dropout2d", "write `channel_dropout`"),
        ("covn", "did you mean `conv`?"),
    ],
)
def test_a_word_gets_what_does_the_same(word: str, said: str) -> None:
    assert vocabulary.op(word, STEPS) == said


def test_a_files_own_names_come_first() -> None:
    assert vocabulary.op("dense", {*STEPS, "Dense"}) == "write `Dense`"
