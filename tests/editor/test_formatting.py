"""The house style: what is changed, what never is, and that the network stays the same."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import archspec
from archspec.diagnostics import Fault
from archspec.editor import formatting
from archspec.editor.formatting import formatted
from archspec.syntax import parse, plain
from tests.helpers.mutations import ROOT, corpus
from tests.helpers.random_specs import random_spec

SHIPPED = sorted((*ROOT.glob("specs/*.yaml"), *ROOT.glob("archspec/library/*.yaml")))

UGLY = """\


# about
archspec:   1
name:    'Ugly'      # a name
doc: >-
      some text
      with # no comment
params:
    a:   &x   [1,2 ,  3 ]
    b: { c : 1,d:  *x }   # kept
inputs: {image: [3,H,W]}
steps:
-   conv as stem:   { channels:  3,
                      kernel: 3 }   # behind
-   relu
# before the sequence
-   sequence:
    -   conv:
            channels: 4
            kernel: 3
        # deep
        label: x
    - relu
    # at the end

- add:
  -   - conv: {channels: 3, kernel: 1}
      - relu
  - []
outputs:
    y:
      'x'


"""
PRETTY = """\
# about
archspec: 1
name: "Ugly"         # a name
doc: >-
  some text
  with # no comment
params:
  a: &x [1, 2, 3]
  b: {c: 1, d: *x}        # kept
inputs: {image: [3, H, W]}
steps:
  - conv as stem: {channels: 3,
                   kernel: 3}       # behind
  - relu
  # before the sequence
  - sequence:
      - conv:
          channels: 4
          kernel: 3
        # deep
        label: x
      - relu
      # at the end

  - add:
      - - conv: {channels: 3, kernel: 1}
        - relu
      - []
outputs:
  y:
    "x"
"""


def test_the_style() -> None:
    assert formatted(UGLY) == PRETTY
    assert formatted(PRETTY) == PRETTY


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_what_ships_is_in_the_style(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert formatted(text) == text


def test_tables_keep_their_columns() -> None:
    text = "a:\n  - [1,  16, true,  relu]\n  - [12,  4, false, elu]\n"
    assert formatted(text) == text
    assert formatted("a: [1,   2]\n") == "a: [1, 2]\n"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_and_the_byte_order_mark_stay(end: str) -> None:
    assert formatted("\ufeffa:   1" + end + "b: [1,2]") == "\ufeffa: 1" + end + "b: [1, 2]" + end


def test_texts_are_not_touched() -> None:
    text = 'a: "x  ,  y"\nb: it\'s  a: b\nc: |\n  keep   \n\n   this # too\nd: \'say "hi"\'\n'
    with pytest.raises(Fault):
        parse(text, "x")  # `a: b` inside a plain text
    text = text.replace("a: b", "a b")
    assert formatted(text) == text


def test_a_text_that_is_no_yaml_stays() -> None:
    assert formatted("a: {\n") == "a: {\n"


def _disturbed(text: str, chance: random.Random) -> str:
    """A spec with other blanks, comments and line ends, or written by PyYAML; it means the same."""
    if chance.random() < 0.3:
        style = chance.choice([None, False, True])
        indent, width = chance.choice([2, 3, 4, 7]), chance.choice([30, 60, 200])
        text = yaml.safe_dump(
            yaml.safe_load(text), sort_keys=False, indent=indent, default_flow_style=style, width=width
        )
    lines: list[str] = []
    for line in text.split("\n"):
        if chance.random() < 0.2:
            lines.append(" " * chance.randrange(12) + "# comment: x")
        if chance.random() < 0.1:
            lines.append(" " * chance.randrange(5))
        blanks = chance.choice([",   ", ",", " , ", ", "])
        inside = line.replace(", ", blanks) if "{" in line and "$" not in line and '"' not in line else line
        lines.append(inside + " " * (2 * (chance.random() < 0.1)))
    return chance.choice(["\n", "\r\n"]).join(lines)


def held(text: str) -> bool:
    """Check that a text and its formatted form are one; whether it is YAML at all."""
    try:
        before = parse(text, "before")
    except Fault:
        return False
    new = formatted(text)
    assert formatting._meaning(parse(new, "after")) == formatting._meaning(before)
    assert formatted(new) == new
    assert _comments(new) == _comments(text)
    assert set(re.findall("\r\n|\n", new)) <= set(re.findall("\r\n|\n", text)) | {"\n"}
    return True


def _comments(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.lstrip().startswith("#")]


@settings(max_examples=40)
@given(st.integers(0, 10**6))
def test_any_disturbed_spec_keeps_its_meaning(seed: int) -> None:
    chance = random.Random(seed)
    held(_disturbed(chance.choice(_TEXTS), chance))


_TEXTS = corpus()


@pytest.mark.slow
def test_many_disturbed_specs_come_to_the_style() -> None:
    """None falls back on being left as it is."""
    chance = random.Random(0)
    for text in _TEXTS * 5:
        disturbed = _disturbed(text, chance)
        if held(disturbed):
            new = formatted(disturbed)
            assert not any(line.endswith(" ") for line in new.split("\n") if "# comment" in line)
            assert formatting._once(new) == new


@pytest.mark.parametrize("path", sorted(ROOT.glob("specs/*.yaml"))[::7], ids=lambda path: path.stem)
def test_the_graph_is_the_same(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    disturbed = _disturbed(text, random.Random(path.stem))
    assert _graph(formatted(disturbed), path.parent) == _graph(disturbed, path.parent)


@pytest.mark.parametrize("seed", range(20))
def test_the_graph_of_a_random_spec_is_the_same(seed: int) -> None:
    text = random_spec(seed).yaml
    disturbed = _disturbed(text, random.Random(seed))
    assert _graph(formatted(disturbed), None) == _graph(disturbed, None)


def _graph(text: str, folder: Path | None) -> Any:
    try:
        graph = archspec.loads(text, folder=folder).graph
    except archspec.SpecError as error:
        return [each.code for each in error.diagnostics]
    return [(node.path, node.op, node.inputs, node.shape, node.label) for node in graph.nodes], [
        (each.name, each.node, each.training, each.loss_weight) for each in graph.outputs
    ]


def test_plain_data_survive() -> None:
    assert plain(parse(formatted(UGLY), "x")) == plain(parse(UGLY, "x"))
