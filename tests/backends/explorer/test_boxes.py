"""The boxes of the page: every step in one place, rows that can be read, and which stand open at first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

import archspec
from archspec.backends.diagram.plan import COMFORTABLE, FEWEST
from archspec.backends.explorer.boxes import LONGEST, WIDEST, Box, Boxes, numbers_of
from archspec.backends.explorer.opening import opened
from archspec.elaborate.shipped import spec_names

HEAD = "archspec: 1\ninputs: {image: [3, H, W]}\nsizes: {H: 32, W: 32}\nsteps:\n"


def boxes(spec: archspec.Spec) -> Boxes:
    return Boxes(spec.graph, spec.graph.sizes)


def rows(found: Boxes) -> Iterable[list[Any]]:
    """Every row there is, those of branches too."""
    waiting = [found.root, *(box.body for box in found.boxes if box.body)]
    while waiting:
        row = waiting.pop()
        yield row
        for element in row:
            waiting += [] if isinstance(element, int) else element.get("b", [])


def held(found: Boxes) -> Counter[int]:
    """How often each box stands somewhere."""
    return Counter(
        number
        for row in [found.root, *(box.body for box in found.boxes if box.body)]
        for element in row
        for number in numbers_of(element)
    )


def words(found: Boxes, numbers: Iterable[int]) -> list[str]:
    return [found.boxes[number].title for number in numbers]


@pytest.mark.parametrize("name", ["resnet18", "googlenet", "unet", "fcn8s_vgg16", "densenet121", "efficientnet_b0"])
def test_every_step_that_is_drawn_stands_in_one_box(name: str) -> None:
    spec = archspec.load(name)
    found = boxes(spec)
    assert held(found) == Counter(range(len(found.boxes)))
    outer = Counter(node.index for box in found.boxes if len(box.nodes) > 1 for node in box.nodes)
    inner = Counter(node.index for box in found.boxes if len(box.nodes) == 1 for node in box.nodes)
    assert all(inner[index] == 1 for index in outer)
    drawn = set(outer) | set(inner)
    assert drawn == {node.index for node in spec.graph.nodes if not node.dead and not _bare(node)}
    keys = Counter(box.key for box in found.boxes)
    assert [key for key, count in keys.items() if count > 1] == []


def _bare(node: Any) -> bool:
    return node.op is not None and node.op.kind == "parameter"


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(spec_names()))
def test_every_shipped_spec_has_keys_of_its_own(name: str) -> None:
    found = boxes(archspec.load(name))
    assert held(found) == Counter(range(len(found.boxes)))
    assert len({box.key for box in found.boxes}) == len(found.boxes)


def test_no_row_is_longer_than_can_be_read() -> None:
    steps = "".join(f"  - conv: {{channels: {4 + index % 3}, kernel: 1}}\n" for index in range(5000))
    found = boxes(archspec.loads(HEAD + steps))
    assert max(map(len, rows(found))) <= LONGEST
    assert held(found) == Counter(range(len(found.boxes)))


def test_equal_neighbours_are_one_box_that_opens() -> None:
    steps = "  - conv: {channels: 4, kernel: 1}\n" + "  - residual_basic: {channels: 4}\n" * 5
    found = boxes(archspec.loads(HEAD + steps))
    repeat = next(box for box in found.boxes if box.kind == "repeat")
    assert (repeat.count, repeat.title) == (5, "residual basic")
    assert words(found, repeat.body or []) == ["residual basic"] * 5


@pytest.mark.parametrize(
    ("steps", "title", "detail"),
    [
        (
            "[conv: {channels: 4, kernel: 1}, conv: {channels: 8, kernel: 3, padding: 1}]",
            "1×1 conv, 4 … 3×3 conv, 8",
            "2 boxes each",
        ),
        ("[add as sum$i: [[conv as inner: {channels: 8, kernel: 1}], []]]", "1×1 conv, 8", ""),
    ],
)
@pytest.mark.parametrize("count", [3, 300])
def test_groups_that_repeat_are_one_box_that_opens_to_all_of_them(
    steps: str, title: str, detail: str, count: int
) -> None:
    """As in pictures; and every step is still in one box, of a row that can be read."""
    repeated = f"  - steps: {steps}\n    for: i in range({count})\n"
    text = f"{HEAD}  - conv: {{channels: 8, kernel: 1}}\n{repeated}  - max_pool: {{kernel: 2}}\n"
    spec = archspec.loads(text)
    found = boxes(spec)
    repeat = next(found.boxes[at] for at in found.root if isinstance(at, int) and found.boxes[at].kind == "repeat")
    assert (repeat.title, repeat.count, repeat.detail) == (title, count, detail)
    assert held(found) == Counter(range(len(found.boxes)))
    assert max(map(len, rows(found))) <= LONGEST
    assert len({box.key for box in found.boxes}) == len(found.boxes)
    assert len(found.root) == 5, "input, convolution, the repeat, pooling, output"
    inner = {node.index for box in found.boxes for node in box.nodes}
    assert inner == {node.index for node in spec.graph.nodes}


def test_a_large_tangle_is_cut_in_running_order() -> None:
    links = "".join(
        f"  - add as n{index}:\n    from: [n{index - 1}, n{max(0, index - 3)}]\n" for index in range(1, 3 * WIDEST)
    )
    found = boxes(archspec.loads(f"{HEAD}  - conv as n0: {{channels: 4, kernel: 1}}\n{links}"))
    tangles = [element for row in rows(found) for element in row if isinstance(element, dict) and "u" in element]
    assert 1 < max(len(tangle["u"]) for tangle in tangles) <= WIDEST
    assert held(found) == Counter(range(len(found.boxes)))


def test_a_block_shows_the_shortcut_from_what_it_reads() -> None:
    found = boxes(archspec.load("resnet18"))
    block = next(box for box in found.boxes if box.key == "layer2.0")
    (element,) = [element for element in block.body or [] if isinstance(element, dict)]
    assert found.boxes[element["k"]].sign == "+"
    assert [len(branch) for branch in element["b"]] == [2, 1]


def test_inputs_of_a_block_have_their_names() -> None:
    found = boxes(archspec.load("unet"))
    block = next(box for box in found.boxes if box.key == "up4")
    inside = [found.boxes[number] for element in block.body or [] for number in numbers_of(element)]
    assert [box.title for box in inside if box.kind == "io"] == ["skip", "x"]


@pytest.mark.parametrize("name", ["resnet50", "vgg16", "googlenet", "densenet121", "unet", "mobilenet_v2"])
def test_a_page_opens_as_a_figure(name: str) -> None:
    found = boxes(archspec.load(name))
    chosen = opened(found)
    assert FEWEST <= len(shown(found, chosen)) <= COMFORTABLE
    assert all(len(found.boxes[number].body or []) > 1 for number in chosen), "no box stands alone in its frame"


def shown(found: Boxes, chosen: list[int]) -> list[Box]:
    """The closed boxes that are seen, merges aside."""
    seen: list[Box] = []
    waiting = [found.root]
    while waiting:
        for number in (number for element in waiting.pop() for number in numbers_of(element)):
            box = found.boxes[number]
            if number in chosen:
                waiting.append(box.body or [])
            elif not box.sign:
                seen.append(box)
    return seen


def test_depth_opens_levels() -> None:
    found = boxes(archspec.load("resnet18"))
    assert opened(found, 0) == []
    assert {found.boxes[number].key for number in opened(found, 1)} == {f"layer{index}" for index in range(1, 5)}
    assert len(opened(found, 2)) == 4 + 8
