"""When steps that repeat are written as a loop, and when as a list."""

from __future__ import annotations

import re

import pytest

import archspec
from archspec.backends.torch_source import emit
from archspec.families.series import FEWEST, OFTEN

CHAIN = "- conv: {channels: 4, kernel: 3, padding: 1}\n        for: i in range(turns)"
FORWARD = (
    "- conv as conv$i: {channels: 4, kernel: 3, padding: 1}\n        for: i in range(turns)\n      - add: [[], [relu]]"
)


def written(steps: str, turns: list[int]) -> str:
    """The text of a network that uses a block with these steps, once for each number of iterations."""
    uses = "".join(f"  - block: {{turns: {count}}}\n" for count in turns)
    head = "archspec: 1\nname: Net\ninputs: {image: [4, H, W]}\nblocks:\n  block:\n    params: {turns}\n    steps:\n"
    return emit(archspec.loads(f"{head}      - conv: {{channels: 4, kernel: 1}}\n      {steps}\nsteps:\n{uses}").graph)


@pytest.mark.parametrize(
    ("steps", "turns", "loops"),
    [
        (CHAIN, [FEWEST - 1, FEWEST - 1], 0),
        (CHAIN, [FEWEST, FEWEST], 1),
        (CHAIN, [1, 2], 1),
        (CHAIN, [0, 2], 1),
        (CHAIN, [0, 1], 0),
        (CHAIN, [1, 1], 0),
        (FORWARD, [OFTEN - 1, OFTEN - 1], 0),
        (FORWARD, [OFTEN, OFTEN], 2),
        (FORWARD, [1, 2], 2),
        (FORWARD, [0, 1], 0),
    ],
)
def test_a_loop_is_worth_its_lines(steps: str, turns: list[int], loops: int) -> None:
    """Few copies in each use are a list, which is shorter to read; where their number varies, one class needs a loop.

    In a class with a forward the loop stands in the constructor and in the forward.
    """
    text = written(steps, turns)
    assert len(re.findall(r"\bin range\(", text)) == loops
    assert len(re.findall(r"^class ", text, re.MULTILINE)) == 2
