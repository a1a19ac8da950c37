"""Equal uses of a block made from what one of them made: the graph and all that is said are as if each was walked."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import archspec
from archspec.diagnostics import SpecError
from archspec.elaborate import Loader
from archspec.elaborate.shelf import Shelf
from archspec.elaborate.shipped import more_names, spec_names
from archspec.elaborate.stamps import Stamps
from archspec.loading import Bounds
from tests.editor.test_typing import SHIPPED, change
from tests.helpers.block_specs import block_spec
from tests.helpers.loop_specs import loop_spec
from tests.helpers.mutations import Mutator, corpus
from tests.helpers.sameness import attempted, outcome, said

EVERY_DAY = ("densenet121", "googlenet", "dilated8_vgg16", "resnet50", "more/hrnet_w18")
HERE = Path("/opened/it.yaml")


@contextmanager
def walked() -> Iterator[None]:
    """Every use of a block is walked."""
    Loader.stamped = False
    try:
        yield
    finally:
        Loader.stamped = True


def same(names: list[str], rounds: int) -> None:
    """Specs are alike walked and from stamps, in one load and in several that share a shelf."""
    shelf = Shelf()
    for name in names:
        with walked():
            wanted = outcome(name)
        assert outcome(name) == wanted, name
        for _ in range(rounds):
            assert outcome(name, shelf=shelf) == wanted, name


def alike(texts: list[str], shelf: Shelf) -> None:
    """What an editor that has studied others says of each text is what one says that walks all of it."""
    for text in texts:
        with walked():
            wanted = attempted(HERE, text, Shelf())
        assert attempted(HERE, text, shelf) == wanted, text


@pytest.mark.parametrize("name", EVERY_DAY)
def test_shipped(name: str) -> None:
    same([name], 2)


@pytest.mark.slow
def test_all_shipped() -> None:
    same(sorted(spec_names() | more_names()), 3)


def edited(count: int, seed: int) -> None:
    """A shipped spec opened, changed some times, and changed back."""
    chance = random.Random(seed)
    for _ in range(count):
        text = chance.choice(SHIPPED).read_text(encoding="utf-8")
        changed = [change(text, chance)[0] for _ in range(3)]
        alike([text, text, *changed, text], Shelf())


def test_changed() -> None:
    edited(2, 0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 11))
def test_changed_often(seed: int) -> None:
    edited(30, seed)


def shuffled(seeds: range) -> None:
    """Random specs of blocks, each twice and others between."""
    shelf = Shelf()
    for seed in seeds:
        text = (block_spec, loop_spec)[seed % 2](seed)
        other = block_spec(seed + 1)
        alike([text, other, text, text.replace("name: ", "name: A", 1), text], shelf)


def test_random() -> None:
    shuffled(range(4))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 300, 50))
def test_many_random(first: int) -> None:
    shuffled(range(first, first + 50))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 1500, 300))
def test_mutated(first: int) -> None:
    mutator, shelf = Mutator(corpus()), Shelf()
    for seed in range(first, first + 300):
        text = mutator.make(seed)
        alike([text, text], shelf)


BLOCK = """
archspec: 1
name: It
inputs: {image: [3, 32, 32]}
blocks:
  one:
    params: {channels: 8}
    steps: [{conv as conv: {channels: $channels, kernel: 3, padding: 1}}, {relu: null, label: end}]
  two:
    params: {inner: one}
    steps: [{$inner as first: {channels: 4}}, {one as second: null}]
steps:
  - two as a$i:
    for: i in range(4)
  - two as b: {inner: one}
"""


@pytest.mark.parametrize(
    ("more", "said_of_it"),
    [
        ("  - add:\n    from: [a1.first.conv, a3.first.end, b.first]\n", ""),
        ("  - concat:\n    from: [a3, a2.second.conv, a1.second.end]\n  - reuse: a3.second.conv\n    from: a0\n", ""),
        ("  - reuse: a3\n    from: a0.first\n", ""),
        ("  - reuse: a2.second\n    from: image\n", "do not fit"),
        ("  - add:\n    from: [a3.first.nothing, b]\n", "has no step or label `nothing`"),
    ],
)
def test_names_inside(more: str, said_of_it: str) -> None:
    alike([BLOCK + more] * 3, Shelf())
    with walked():
        wanted = said(BLOCK + more)
    assert said(BLOCK + more) == wanted
    assert said_of_it in str(wanted)


def test_blocks_are_pressed(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[int] = []
    known = Stamps.keep
    monkeypatch.setattr(Stamps, "keep", lambda *given: (kept.append(1), known(*given))[1])
    archspec.load("resnet152")
    assert 0 < len(kept) < 12


def test_a_library_block_that_changes() -> None:
    """A block is edited in another file than the spec that uses it."""
    block = next(path for path in SHIPPED if path.name == "conv_bn_relu.yaml")
    text = (block.parent.parent.parent / "specs" / "mobilenet_v1.yaml").read_text(encoding="utf-8")
    shelf = Shelf()
    before = attempted(HERE, text, shelf)
    assert attempted(HERE, text, shelf) == before
    shelf.unsaved[str(block.resolve())] = block.read_text(encoding="utf-8").replace("relu", "gelu", 3)
    other = Shelf()
    other.unsaved.update(shelf.unsaved)
    after = attempted(HERE, text, shelf)
    with walked():
        assert attempted(HERE, text, other) == after
    assert after != before
    shelf.unsaved.clear()
    assert attempted(HERE, text, shelf) == before


WARNED = """
archspec: 1
name: It
inputs: {image: [3, 32, 32]}
defaults:
  conv: {bias: false}
blocks:
  spare: [{relu: null}]
  one:
    params: {inner: spare}
    steps:
      - add: [{$inner: null}, {relu: null, when: input.channels == 4}]
      - conv: {channels: 8, kernel: 1}
      - sequence:
          - add: [[], [{conv as far: {channels: 3, kernel: 1}, from: input}, {conv as near: {channels: 8, kernel: 1}}]]
      - conv as last: {channels: 3, kernel: 1}
steps:
  - one as a$i:
    for: i in range(4)
"""


def test_what_is_said_once_is_said_in_each_load() -> None:
    """Warnings of a merge with one branch, of `input`, and none of the blocks and defaults that equal uses use."""
    alike([WARNED] * 4, Shelf())
    plain = WARNED.replace(", from: input", "")
    alike([plain] * 4, Shelf())
    assert "[one-branch]" in str(said(plain))
    assert "[unused]" not in str(said(plain))
    assert "[input-of-block]" in str(said(WARNED))


SEQUENCES = """
archspec: 1
name: It
params: {wide: 4, last: 2}
inputs: {image: [3, 32, 32]}
defaults:
  conv: {padding: $(kernel // 2), bias: $(wide > 4)}
steps:
  - conv as stem: {channels: $wide, kernel: 3}
  - sequence as a$i:
      - conv as conv: {channels: &c "$(wide * j)", kernel: 3}
        for: j in range(1, 3)
      - MORE
    for: i in range(4)
  - sequence as b$last:
      - conv: {channels: *c, kernel: 1}
        for: j in range(1, 2)
"""


@pytest.mark.parametrize(
    ("step", "after"),
    [
        ("relu", "add:\n    from: [a1, a2]"),
        ("{relu: null, label: half}", "relu:\n    from: half"),
        ("{relu: null, label: half$i}", "add:\n    from: [half1, half3]"),
        ("{relu: null, label: half$i}", "add:\n    from: [a1.half1, a3.half3]"),
        ("{crop: {to: stem}}", "relu"),
        ("{relu: null, from: stem}", "relu"),
        ("{relu: null, label: stem}", "relu"),
        ("{conv: {channels: $(input.channels), kernel: 1}}", "relu"),
        ("{conv: {channels: $(previous.channels), kernel: $last}}", "relu"),
        ("{add: [[{conv as one: {channels: $(wide * 2), kernel: 1}}], []]}", "relu:\n    from: a2.conv"),
        ("{reuse: conv, from: stem}", "reuse: stem"),
        ("{sequence: [{relu: null, label: half$(i + j)}], for: j in range(2)}", "relu"),
    ],
)
def test_sequences(step: str, after: str) -> None:
    """Steps in equal sequences: made in loops, labelled, named from outside, naming what is outside."""
    text = SEQUENCES.replace("MORE", step) + f"  - {after}\n"
    wider = text.replace("wide: 4", "wide: 8")
    alike([text, wider, text, text.replace("last: 2", "last: 3"), wider], Shelf())


@pytest.mark.parametrize("nodes", range(20, 60, 3))
def test_limits_are_met_alike(nodes: int) -> None:
    """A network of so many steps is refused at the same step."""

    def refused() -> str:
        try:
            archspec.loads(BLOCK, bounds=Bounds(nodes=nodes, depth=3))
        except SpecError as error:
            return str(error)
        return ""

    with walked():
        wanted = refused()
    assert refused() == wanted
