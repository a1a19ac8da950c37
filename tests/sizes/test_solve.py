"""Valid sizes: against evaluating every condition, against what is known of networks, and against hostile chains."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archspec import sizes
from archspec.sizes import AtLeast, AtMost, Condition, Dim, Equal, Residue, Solution, solve, step, symbol, total

H = symbol("H")
W = symbol("W")


class Network:
    """A chain of layers that collects what they ask of H, with the layer as author."""

    def __init__(self) -> None:
        self.size: Dim = H
        self.conditions: list[Condition] = [AtLeast(H, 1, "input")]
        self.kept: list[Condition] = []

    def window(self, name: str, kernel: int, stride: int = 1, padding: int = 0, ceil: bool = False) -> Dim:
        if not ceil and stride > 1:
            kept = sizes.every_row_used(self.size, kernel, stride, padding, padding, author=name)
            self.kept += [] if kept is None else [kept]
        self.size = step(self.size, *sizes.window_step(kernel, stride, padding, padding, 1, ceil))
        self.conditions.append(AtLeast(self.size, 1, name))
        return self.size

    def double(self, name: str) -> Dim:
        self.size = step(self.size, *sizes.transposed_step(2, 2, 0))
        self.conditions.append(AtLeast(self.size, 1, name))
        return self.size

    def add(self, name: str, other: Dim) -> Dim:
        self.conditions.append(Equal(self.size, other, name))
        self.size = sizes.simplest([self.size, other])
        return self.size

    def crop(self, name: str, skip: Dim) -> None:
        self.conditions.append(AtMost(self.size, skip, name))

    def solve(self) -> Solution:
        return solve("H", self.conditions)

    def no_row_dropped(self) -> Solution:
        return solve("H", [*self.conditions, *self.kept])


def googlenet() -> Network:
    network = Network()
    network.window("conv1", 7, 2, 3)
    network.window("maxpool1", 3, 2, ceil=True)
    network.window("conv3", 3, 1, 1)
    network.window("maxpool2", 3, 2, ceil=True)
    network.window("inception3a.pool", 3, 1, 1, ceil=True)
    network.window("maxpool3", 3, 2, ceil=True)
    network.window("maxpool4", 2, 2, ceil=True)
    return network


def inception_v3(auxiliary: bool = False) -> Network:
    network = Network()
    network.window("Conv2d_1a_3x3", 3, 2)
    network.window("Conv2d_2a_3x3", 3)
    network.window("Conv2d_2b_3x3", 3, 1, 1)
    network.window("maxpool1", 3, 2)
    network.window("Conv2d_4a_3x3", 3)
    network.window("maxpool2", 3, 2)
    network.window("Mixed_6a", 3, 2)
    before = network.size
    if auxiliary:
        network.window("AuxLogits.pool", 5, 3)
        network.window("AuxLogits.conv1", 5)
        network.size = before
    network.window("Mixed_7a", 3, 2)
    return network


def densenet121() -> Network:
    network = Network()
    network.window("conv0", 7, 2, 3)
    network.window("pool0", 3, 2, 1)
    for index in (1, 2, 3):
        network.window(f"transition{index}.pool", 2, 2)
    return network


def resnet50() -> Network:
    network = Network()
    network.window("conv1", 7, 2, 3)
    network.window("maxpool", 3, 2, 1)
    for index in (2, 3, 4):
        before = network.size
        shortcut = network.window(f"layer{index}.0.downsample", 1, 2)
        network.size = before
        network.window(f"layer{index}.0.conv2", 3, 2, 1)
        network.add(f"layer{index}.0", shortcut)
    return network


def paper_unet() -> Network:
    network = Network()
    skips: list[Dim] = []
    for level in range(5):
        if level:
            network.window(f"pool{level}", 2, 2)
        network.window(f"down{level}.conv1", 3)
        skips.append(network.window(f"down{level}.conv2", 3))
    for level in (3, 2, 1, 0):
        network.double(f"up{level}")
        network.crop(f"crop{level}", skips[level])
        network.window(f"up{level}.conv1", 3)
        network.window(f"up{level}.conv2", 3)
    return network


def same_unet(depth: int) -> Network:
    network = Network()
    skips: list[Dim] = []
    for level in range(depth):
        skips.append(network.size)
        network.window(f"pool{level}", 2, 2)
    for level in reversed(range(depth)):
        network.double(f"up{level}")
        network.add(f"merge{level}", skips[level])
    return network


@pytest.mark.parametrize(
    ("build", "valid", "author", "complete"),
    [
        (googlenet, "H ≥ 15", "maxpool3", "H ≥ 15"),
        (inception_v3, "H ≥ 75", "Mixed_7a", "H = 75 + 32·k"),
        (densenet121, "H ≥ 29", "transition3.pool", "H mod 32 ∈ {0, 29, 30, 31}"),
        (resnet50, "H ≥ 1", None, "H ≥ 1"),
        (paper_unet, "H ≥ 188", "up2.conv2", "H = 188 + 16·k"),
    ],
)
def test_known_networks(build: Callable[[], Network], valid: str, author: str | None, complete: str) -> None:
    solution = build().solve()
    assert solution.describe() == valid
    assert [part.condition.author for part in solution.imposed] == ([] if author is None else [author])
    assert not solution.undecided
    assert build().no_row_dropped().describe() == complete


def test_the_auxiliary_head_decides_for_inception_v3() -> None:
    solution = inception_v3(auxiliary=True).solve()
    assert solution.describe() == "H ≥ 299"
    assert solution.imposed[0].condition.author == "AuxLogits.conv1"


def test_same_padded_unet_is_a_multiple_and_says_who_asks() -> None:
    solution = same_unet(4).solve()
    assert solution.describe() == "H a multiple of 16"
    assert [(part.text, part.condition.author) for part in solution.imposed] == [
        ("H ≥ 16", "pool3"),
        ("H mod 16 ≤ 7", "merge3"),
        ("H mod 8 ≤ 3", "merge2"),
        ("H mod 4 ∈ {0, 1}", "merge1"),
        ("H even", "merge0"),
    ]
    assert (solution.next(200), solution.previous(200), solution.next(208)) == (208, 192, 208)
    (failure,) = solution.check(202)[:1]
    assert failure.condition.author == "merge3"
    assert (failure.left, failure.right) == (24, 25)
    assert solution.check(208) == []


def test_a_forty_level_hourglass_stays_one_interval() -> None:
    solution = same_unet(40).solve()
    assert solution.describe() == "H a multiple of 2^40"
    assert solution.contains(3 * 2**40)
    assert not solution.contains(2**40 + 2**39)
    one_merge = Network()
    for _ in range(40):
        one_merge.window("pool", 2, 2)
    for _ in range(40):
        one_merge.double("up")
    one_merge.add("merge", H)
    assert one_merge.solve().describe() == "H a multiple of 2^40"


STEPS = st.lists(st.tuples(st.integers(1, 4), st.integers(-12, 8), st.integers(1, 4)), max_size=4)


@st.composite
def dims(draw: st.DrawFn, prefix: Dim = H) -> Dim:
    """Chains on a common prefix, so that stripping has something to strip, and now and then a total."""
    size = prefix
    for a, b, c in draw(STEPS):
        size = step(size, a, b, c)
    if draw(st.integers(0, 5)) == 0:
        size = total([size, draw(dims(prefix))])
        for a, b, c in draw(STEPS)[:1]:
            size = step(size, a, b, c)
    return size


@st.composite
def conditions(draw: st.DrawFn) -> list[Condition]:
    prefix = draw(dims())
    found: list[Condition] = []
    for index in range(draw(st.integers(1, 4))):
        left = draw(dims(prefix))
        kind = draw(st.sampled_from(["least", "equal", "same", "most", "residue", "constant", "below", "above"]))
        if kind == "least":
            found.append(AtLeast(left, draw(st.integers(-5, 60)), index))
        elif kind == "equal":
            found.append(Equal(left, draw(dims(prefix)), index))
        elif kind == "same":  # the same slope, so that the answer is often periodic
            numerator, offset, divisor = draw(st.integers(1, 4)), draw(st.integers(-3, 6)), draw(st.integers(1, 6))
            there = step(step(left, numerator, offset, divisor), divisor, draw(st.integers(-3, 6)), numerator)
            found.append(draw(st.sampled_from([Equal, AtMost]))(there, left, index))
        elif kind == "most":
            found.append(AtMost(left, draw(dims(prefix)), index))
        elif kind == "residue":
            modulus = draw(st.integers(1, 7))
            first = draw(st.integers(0, modulus - 1))
            found.append(Residue(left, modulus, ((first, draw(st.integers(first, modulus - 1))),), index))
        elif kind == "constant":
            found.append(Equal(left, draw(st.integers(-2, 40)), index))
        elif kind == "below":
            found.append(AtMost(left, draw(st.integers(-2, 90)), index))
        else:
            found.append(AtMost(draw(st.integers(-2, 40)), left, index))
    return found


def _agrees(asked: list[Condition], upto: int) -> None:
    solution = solve("H", asked)
    assert not solution.coupled
    expected = [x for x in range(1, upto) if not solution.check(x)]
    assert [x for x in range(-20, upto) if solution.contains(x)] == expected
    if solution.undecided:
        return
    valid = solution.valid
    walked: list[int] = []
    x = valid.next(-20)
    while x is not None and x < upto:
        walked.append(x)
        x = valid.next(x + 1)
    assert walked == expected
    back: list[int] = []
    x = valid.previous(upto - 1)
    while x is not None:
        back.append(x)
        x = valid.previous(x - 1)
    assert back[::-1] == expected
    assert valid.is_empty == (valid.next(1) is None)
    assert valid.is_everything == (valid.describe() == "H ≥ 1")
    if not valid.is_empty:
        assert valid.least == valid.next(1)
    # Every part of the answer is true, and the parts together are the answer.
    blamed = solve("H", [part.condition for part in solution.imposed])
    assert blamed.valid == valid
    for part in solution.imposed:
        alone = solve("H", [part.condition])
        assert part.text == alone.valid.describe() or not isinstance(part.condition, AtLeast)


@settings(max_examples=150, deadline=None)
@given(conditions())
def test_solving_agrees_with_evaluating(asked: list[Condition]) -> None:
    _agrees(asked, 600)


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(conditions())
def test_solving_agrees_with_evaluating_far(asked: list[Condition]) -> None:
    _agrees(asked, 5000)


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ([], "H ≥ 1"),
        ([AtLeast(H, 75)], "H ≥ 75"),
        ([Residue(H, 16, ((0, 0),))], "H a multiple of 16"),
        ([Residue(H, 2, ((0, 0),))], "H even"),
        ([Residue(H, 2, ((1, 1),))], "H odd"),
        ([Residue(H, 2, ((0, 0),)), AtLeast(H, 15)], "H ≥ 16 and even"),
        ([Residue(H, 16, ((0, 0),)), AtLeast(H, 30)], "H ≥ 32 and a multiple of 16"),
        ([Residue(H, 16, ((12, 12),)), AtLeast(H, 188)], "H = 188 + 16·k"),
        ([Residue(H, 32, ((0, 0), (29, 31)))], "H mod 32 ∈ {0, 29, 30, 31}"),
        ([Residue(H, 32, ((0, 0), (29, 31))), AtLeast(H, 33)], "H ≥ 61 and H mod 32 ∈ {0, 29, 30, 31}"),
        ([Residue(H, 64, ((0, 20), (30, 30)))], "H mod 64 ∈ {0–20, 30}"),
        ([Residue(H, 64, ((5, 63),))], "H mod 64 ≥ 5"),
        ([Equal(step(H, 1, 0, 3), 12)], "H ∈ {36, 37, 38}"),
        ([Equal(step(H, 1, 0, 3), 12), Residue(H, 2, ((0, 0),))], "H ∈ {36, 38}"),
        ([Equal(H, 224)], "H = 224"),
        ([Equal(step(H, 1, 0, 32), 7)], "224 ≤ H ≤ 255"),
        ([AtMost(H, 0)], "no H"),
        ([Equal(7, 8)], "no H"),
        ([Equal(7, 7)], "H ≥ 1"),
        ([AtMost(step(H, 2, -9, 3), step(H, 1, 0, 2)), AtLeast(H, 5)], "H ∈ {5–20, 22}"),
        ([AtMost(step(H, 1, 7, 2), step(H, 2, 0, 3))], "H = 18 or H ≥ 20"),
        ([Equal(step(step(H, 1, 0, 2**40), 2**40, 0, 1), H)], "H a multiple of 2^40"),
    ],
)
def test_descriptions(asked: list[Condition], text: str) -> None:
    solution = solve("H", asked)
    assert solution.valid.describe() == text
    members = [x for x in range(1, 300) if not solution.check(x)]
    assert [x for x in range(1, 300) if solution.contains(x)] == members
    for x in range(1, 300):
        assert solution.valid.previous(x) == max((member for member in members if member <= x), default=None)


def test_statements() -> None:
    half = step(H, 1, 0, 2)
    asked = [AtLeast(half, 3), AtMost(half, 9), Equal(step(half, 2, 0, 1), H), Residue(H, 4, ((0, 0), (2, 3)))]
    asked.append(Residue(step(H, 1, 5, 1), 2, ((1, 1),)))
    said = ["⌊H/2⌋ ≥ 3", "⌊H/2⌋ ≤ 9", "2·⌊H/2⌋ = H", "H mod 4 ∈ {0, 2–3}", "(H+5) mod 2 ∈ {1}"]
    assert [sizes.statement(condition) for condition in asked] == said
    with pytest.raises(ValueError, match="remainders by 4"):
        Residue(H, 4, ((2, 4),))


def test_json() -> None:
    assert solve("H", [Residue(H, 32, ((0, 0), (29, 31))), AtLeast(H, 33)]).valid.to_json() == {
        "text": "H ≥ 61 and H mod 32 ∈ {0, 29, 30, 31}",
        "least": 61,
        "ranges": [],
        "from": 61,
        "modulus": 32,
        "residues": [[0, 0], [29, 31]],
    }
    huge = solve("H", [AtLeast(H, 2**100_000)]).valid
    assert json.loads(json.dumps(huge.to_json()))["least"] == "2^100000"
    assert solve("W", [AtMost(W, 3)]).valid.to_json("W")["ranges"] == [[1, 3]]


def test_coupled_conditions_are_kept_apart() -> None:
    asked = [
        AtLeast(H, 3, "a"),
        Equal(H, W, "b"),
        AtLeast(total([H, W]), 20, "c"),
        AtLeast(W, 9, "d"),
        Equal(3, 3, "e"),
    ]
    solution = solve("H", asked)
    assert [condition.author for condition in solution.coupled] == ["b", "c"]
    assert [condition.author for condition in solution.conditions] == ["a", "e"]
    assert solution.describe() == "H ≥ 3"


def test_equal_bounds_are_blamed_on_the_step_that_fails_first() -> None:
    doubled = step(step(H, 1, 0, 4), 2, 0, 1)
    asked = [AtLeast(H, 1, "input"), AtLeast(doubled, 1, "first"), AtLeast(doubled, 2, "second")]
    assert [part.condition.author for part in solve("H", asked).imposed] == ["first"]


def test_a_pattern_too_fine_to_list_is_left_undecided_and_still_exact() -> None:
    coarse = step(H, 1, 0, 2**30)
    asked = [Residue(H, 2, ((0, 0),), "even"), Residue(coarse, 2, ((0, 0),), "coarse"), AtLeast(H, 100)]
    solution = solve("H", asked)
    assert [condition.author for condition in solution.undecided] == ["coarse"]
    assert solution.describe() == "H ≥ 100 and even, and 1 condition with no short form"
    assert solution.contains(2**31 + 2)
    assert not solution.contains(2**30 + 2)
    assert solution.next(101) == 102


def test_hostile_conditions_are_bounded() -> None:
    primes = [p for p in range(2, 400) if all(p % q for q in range(2, p))]
    wavy: Dim = H
    for prime in primes:
        wavy = step(step(wavy, prime, 1, prime + 1), prime + 1, 0, prime)
    uneven: Dim = H
    for index in range(3000):
        uneven = step(uneven, *((3, 1, 2) if index % 3 else (2, 0, 5)))
    asked: list[Condition] = [
        Equal(wavy, H),
        AtMost(uneven, wavy),
        *(Residue(step(wavy, 1, p, 1), p, ((0, p // 2),)) for p in primes),
        *(Equal(step(step(uneven, p, 0, 3), 3, 1, p), uneven) for p in primes),
        *(AtLeast(step(uneven, 1, 0, p), 1) for p in primes),
    ]
    solution = solve("H", asked)
    for x in range(1, 50):
        assert solution.contains(x) == (not solution.check(x))


def test_a_hundred_thousand_thresholds_and_merges() -> None:
    asked: list[Condition] = []
    size: Dim = H
    for index in range(50_000):
        before = size
        size = step(size, *((3, 0, 2) if index % 2 else (2, 1, 3)))
        asked.append(AtLeast(size, 1, index))
        asked.append(Equal(size, size, index))
        if index % 1000 == 0:
            asked.append(Equal(step(before, 2, 0, 2), before, index))
    solution = solve("H", asked)
    assert not solution.undecided


def test_totals_of_one_symbol_are_solved() -> None:
    nested: Dim = H
    asked: list[Condition] = []
    for index in range(60):
        nested = step(total([step(nested, 1, 0, 2), step(nested, 1, 1, 3)]), 6, 0, 5)
        asked.append(AtLeast(nested, 4, index))
    asked.append(AtMost(nested, step(H, 1, 0, 2), "half"))
    solution = solve("H", asked)
    for x in range(1, 400):
        assert solution.contains(x) == (not solution.check(x))
