"""When two graphs are the same network up to names, held against every way of renaming; and where they differ."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from itertools import permutations

import pytest

import archspec
from archspec.analyses.differences import compare
from archspec.analyses.equal import same
from archspec.backends.spec_text import expand
from archspec.graph import Graph
from tests.helpers.random_specs import Generator

HEAD = "archspec: 1\nname: N\ninputs: {image: [4, H, W]}\nsizes: {H: 32, W: 32}\nsteps:\n"


def graph(*steps: str, head: str = HEAD) -> Graph:
    return archspec.loads(head + "".join(f"  - {step}\n" for step in steps)).graph


def said(one: Graph, other: Graph) -> list[str]:
    return [str(difference) for difference in compare(one, other).differences]


# -- against every bijection ------------------------------------------------------------------------------------------


class Tiny:
    """A random network of convolutions, sums and concatenations over few steps, with weights used again."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)
        names, self.steps = ["image"], list[tuple[str, str, tuple[str, ...], str]]()
        convolutions: list[str] = []
        for at in range(chance.randint(2, 4)):
            name, kind = f"s{at}", chance.choice(("conv", "conv", "add", "concat", "reuse"))
            if kind == "reuse" and not convolutions:
                kind = "conv"
            count = 1 if kind in ("conv", "reuse") else 2
            lender = chance.choice(convolutions) if kind == "reuse" else name
            sources = tuple(chance.choice(names[-3:]) for _ in range(count))
            self.steps.append((name, "conv" if kind == "reuse" else kind, sources, lender))
            if kind == "concat":  # two channels out of four again, so that everything fits everything
                convolutions.append(f"{name}c")
                self.steps.append((f"{name}c", "slim", (name,), f"{name}c"))
                name = f"{name}c"
            elif kind == "conv":
                convolutions.append(name)
            names.append(name)
        lenders = {name for name, kind, _, _ in self.steps if kind == "conv"}
        self.steps = [
            (name, kind, sources, lender if lender in lenders else name) for name, kind, sources, lender in self.steps
        ]
        read = {source for _, _, sources, _ in self.steps for source in sources}
        self.outputs = [name for name, *_ in self.steps if name not in read]

    def yaml(self, chance: random.Random) -> str:
        """The network in other words: other names, another order of steps and of what a sum reads."""
        lines = ["archspec: 1", "name: Tiny", "inputs: {image: [2, H, W]}", "sizes: {H: 8, W: 8}", "steps:"]
        names = {"image": "image", **{name: f"x{chance.randrange(10**9)}" for name, *_ in self.steps}}
        waiting, ready = list(self.steps), {"image"}
        while waiting:
            able = [step for step in waiting if {*step[2]} <= ready and (step[3] == step[0] or step[3] in ready)]
            step = chance.choice(able)
            waiting.remove(step)
            ready.add(step[0])
            name, kind, sources, lender = step
            reads = [names[source] for source in sources]
            if kind == "add":
                chance.shuffle(reads)
            if lender != name:
                lines += [f"  - reuse: {names[lender]}", f"    label: {names[name]}", f"    from: {reads[0]}"]
            elif kind in ("conv", "slim"):
                lines += [f"  - conv as {names[name]}: {{channels: 2, kernel: 1}}", f"    from: {reads[0]}"]
            else:
                lines += [f"  - {kind} as {names[name]}:", f"    from: [{', '.join(reads)}]"]
        outputs = ", ".join(f"out{at}: {names[name]}" for at, name in enumerate(self.outputs))
        return "\n".join([*lines, f"outputs: {{{outputs}}}", ""])


def brute(one: Graph, other: Graph) -> bool:
    """Whether some bijection of nodes keeps ops, inputs, reads, sharing of weights and outputs."""
    if len(one.nodes) != len(other.nodes) or len(one.outputs) != len(other.outputs):
        return False

    def fits(to: tuple[int, ...]) -> bool:
        for node in one.nodes:
            there = other.nodes[to[node.index]]
            if node.op != there.op:
                return False
            reads, expected = [to[index] for index in node.inputs], list(there.inputs)
            if node.op is not None and node.op.keyword == "add":
                reads, expected = sorted(reads), sorted(expected)
            if reads != expected:
                return False
        owners = [
            [node.index if node.reuse is None else node.reuse.index for node in graph.nodes] for graph in (one, other)
        ]
        indices = range(len(one.nodes))
        if any(
            (owners[0][a] == owners[0][b]) != (owners[1][to[a]] == owners[1][to[b]]) for a in indices for b in indices
        ):
            return False
        return [to[output.node] for output in one.outputs] == [output.node for output in other.outputs]

    return any(fits(to) for to in permutations(range(len(one.nodes))))


def pairs() -> Iterator[tuple[Graph, Graph, bool]]:
    """Small networks with the same number of steps, two by two, and whether the second is the first in other words."""
    chance = random.Random(7)
    known: dict[int, list[Graph]] = {}
    for seed in range(110):
        tiny = Tiny(seed)
        one, other = (archspec.loads(tiny.yaml(chance)).graph for _ in range(2))
        if len(one.nodes) <= 6:
            yield one, other, True
            yield from ((one, before, False) for before in known.get(len(one.nodes), [])[-3:])
            known.setdefault(len(one.nodes), []).append(one)


def test_same_is_what_a_search_over_all_bijections_finds() -> None:
    outcomes = {True: 0, False: 0}
    for one, other, renamed in pairs():
        expected = brute(one, other)
        assert expected or not renamed
        found = same(one, other)
        assert (found is not None) is expected
        assert compare(one, other).equal is expected
        outcomes[expected] += not renamed or found != {node.index: node.index for node in one.nodes}
    assert min(outcomes.values()) > 20, "both answers are met often, and not by the order of steps alone"


def test_correspondence_keeps_ops_and_what_they_read() -> None:
    """On the random networks of the other tests, written out and renamed."""
    compared = 0
    for seed in range(60):
        text = Generator(seed).make().yaml
        renamed = re.sub(r"\bn(\d+)\b", lambda found: f"step{97 * int(found[1]) % 101}", text)
        try:
            one = archspec.loads(text).graph
        except archspec.SpecError:
            continue
        other = archspec.loads(renamed).graph
        found = same(one, other)
        assert found is not None
        for index, to in found.items():
            node, there = one.nodes[index], other.nodes[to]
            assert node.shape == there.shape
            if all(source in found for source in node.inputs):  # others are identities
                assert sorted(found[source] for source in node.inputs) == sorted(there.inputs)
                compared += 1
    assert compared > 300


# -- what counts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["squeezenet1_0", "resnet18", "densenet121", "unet", "googlenet", "convnext_tiny"])
def test_a_spec_written_out_is_the_same_network(name: str) -> None:
    one = archspec.load(name).graph
    assert said(one, archspec.loads(expand(one)).graph) == []


EQUAL = {
    "names and scopes": (
        ["conv as a: {channels: 8, kernel: 3}", "relu"],
        ["sequence as b: [{conv: {channels: 8, kernel: 3}}, {relu: {}}]"],
    ),
    "numbers that torch takes as the same": (
        ["conv: {channels: 8, kernel: 3, padding: same, dilation: 2}", "max_pool: {kernel: 2}"],
        ["conv: {channels: 8, kernel: [3, 3], padding: [[2, 2], 2], dilation: 2}", "max_pool: {kernel: 2, stride: 2}"],
    ),
    "two words for one module": (["global_avg_pool"], ["adaptive_avg_pool: {size: 1}"]),
    "an identity more": (["relu", "sigmoid"], ["identity as here", "relu", "identity", "sigmoid", "identity"]),
    "the order of a sum": (
        ["relu as r", "tanh as t", "add:\n    from: [r, t]"],
        ["relu as r", "tanh as t", "add:\n    from: [t, r]"],
    ),
}  # fmt: skip

DIFFERENT = {
    "an argument": (
        ["conv as a: {channels: 8, kernel: 3}", "relu"],
        ["conv as b: {channels: 8, kernel: 3, bias: false}", "relu"],
        ["`a` and `b`: `bias` true → false"],
    ),
    "a width, told once": (
        ["conv as a: {channels: 8, kernel: 3}", "conv as b: {channels: 8, kernel: 1}"],
        ["conv as a: {channels: 6, kernel: 3}", "conv as b: {channels: 8, kernel: 1}"],
        ["`a`: `channels` 8 → 6"],
    ),
    "one step more": (
        ["conv as a: {channels: 8, kernel: 3}", "conv as b: {channels: 8, kernel: 1}"],
        ["conv as a: {channels: 8, kernel: 3}", "relu as r", "conv as b: {channels: 8, kernel: 1}"],
        ["`r`: the first has no such step (ReLU)"],
    ),
    "one step less": (
        ["relu as r", "sigmoid as s", "tanh as t"],
        ["relu as r", "tanh as t"],
        ["`s`: the second has no such step (sigmoid)"],
    ),
    "another op": (["relu as r", "tanh"], ["sigmoid as s", "tanh"],
        ["`r`: the second has no such step (ReLU)", "`s`: the first has no such step (sigmoid)"],
    ),
    "the order of a concatenation": (
        ["concat as c: [[{relu as r: {}}], [{tanh as t: {}}]]"],
        ["concat as c: [[{tanh as t: {}}], [{relu as r: {}}]]"],
        ["`c.concat()`: reads `c.0.r` and `c.1.t` → `c.0.t` and `c.1.r`"],
    ),
    "where a step reads": (
        ["relu as r", "tanh as t", "add as a:\n    from: [r, t]"],
        ["relu as r", "tanh as t", "add as a:\n    from: [t, t]"],
        ["`a.add()`: reads `r` and `t` → `t` and `t`"],
    ),
    "weights used again": (
        ["conv as a: {channels: 4, kernel: 1}", "conv as b: {channels: 4, kernel: 1}"],
        ["conv as a: {channels: 4, kernel: 1}", "reuse: a\n    label: again"],
        [
            "`a`: has weights of its own → the weights of `1`",
            "`b` and `1`: has weights of its own → the weights of `a`",
        ],
    ),
    "how weights start": (
        ["conv as a: {channels: 4, kernel: 1}"],
        ["conv as a: {channels: 4, kernel: 1, init: {constant: 1}}"],
        ["`a`: `weight` initialised by torch's default → nn.init.constant_(weight, 1)"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", EQUAL)
def test_equal(case: str) -> None:
    one, other = (graph(*steps) for steps in EQUAL[case])
    assert same(one, other) is not None
    assert said(one, other) == []


@pytest.mark.parametrize("case", DIFFERENT)
def test_different(case: str) -> None:
    first, second, expected = DIFFERENT[case]
    one, other = graph(*first), graph(*second)
    assert same(one, other) is None
    assert said(one, other) == expected


def test_how_weights_start_can_be_left_out() -> None:
    one, other = (graph(*steps) for steps in DIFFERENT["how weights start"][:2])
    assert same(one, other, initial=False) is not None
    assert compare(one, other, initial=False).equal


def test_inputs_and_outputs() -> None:
    """Sizes of inputs by what is equal among them; outputs in their order, and when they are given."""

    def net(dims: str, outputs: str = "{a: r, b: t}") -> Graph:
        head = f"archspec: 1\nname: N\ninputs: {{x: [4, {dims}]}}\noutputs: {outputs}\nsteps:\n"
        return graph("relu as r", "tanh as t", head=head)

    assert said(net("H, W"), net("A, B")) == []
    assert said(net("H, W"), net("H, H")) == ["`x`: 4 × H × W → 4 × H × H"]
    assert said(net("H, W"), net("H, 32")) == ["`x`: 4 × H × W → 4 × H × 32"]
    assert said(net("H, W"), net("H, W", "{b: t, a: r}")) == [
        "`a` and `b`: `r` → `t`",
        "`b` and `a`: `t` → `r`",
    ]
    assert said(net("H, W"), net("H, W", "{a: r}")) == ["`b`: the second has no such output"]
    training = net("H, W", "{a: r, b: {from: t, training: true}}")
    assert said(net("H, W"), training) == ["`b`: computed always → in training only"]


def test_inputs_are_known_by_their_place() -> None:
    head = "archspec: 1\nname: N\ninputs: {x: [4, H, W], y: [4, H, W]}\nsteps:\n"
    one, other = (graph(f"concat:\n    from: [{names}]", head=head) for names in ("x, y", "y, x"))
    assert said(one, other) == ["`concat()`: reads `x` and `y` → `y` and `x`"]


def test_one_change_in_a_long_network_is_told_once() -> None:
    """A change in the middle leaves what is before and after it as it was."""
    one, other = archspec.load("resnet50").graph, archspec.load("resnet50_paper", pool_padding=1, stem_bias=False).graph
    assert {(d.kind, d.first, d.text[: len("`stride`")]) for d in compare(one, other).differences} == {
        ("changed", f"layer{stage}.0.conv{conv}", "`stride`") for stage in (2, 3, 4) for conv in (1, 2)
    }
    bypass = compare(archspec.load("squeezenet1_0").graph, archspec.load("squeezenet_simple_bypass").graph)
    assert [(d.kind, d.second) for d in bypass.differences] == [
        ("added", f"features.{at}.add()") for at in (4, 7, 9, 12)
    ]
