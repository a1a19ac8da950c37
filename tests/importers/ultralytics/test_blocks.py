"""The library's blocks of YOLO are the modules that an Ultralytics YAML names: same keys, same outputs."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import archspec
from tests.helpers.ultralytics_nets import saved

FILE = "nc: 7\nscales:\n  {letter}: [1, 1, 1024]\nbackbone:\n  - [-1, 1, Conv, [24, 3]]\nhead:\n  - [{row}]\n"
SPEC = """\
archspec: 1
name: net
inputs: {{image: [3, H, W]}}
sizes: {{H: 32, W: 40}}
steps:
  - conv_bn_silu as model.0: {{channels: 24, kernel: 3}}
  - {block}
"""

CASES = [
    ("-1, 2, C2f, [32]", "c2f as model.1: {channels: 32, depth: 2}", "n"),
    ("-1, 3, C2f, [32, true]", "c2f as model.1: {channels: 32, depth: 3, shortcut: true}", "n"),
    ("-1, 2, C3, [32]", "c3 as model.1: {channels: 32, depth: 2}", "n"),
    ("-1, 2, C3k2, [32, false]", "c3k2 as model.1: {channels: 32, depth: 2}", "n"),
    ("-1, 1, C3k2, [32, false, 0.25]", "c3k2 as model.1: {channels: 32, narrow: 4}", "n"),
    ("-1, 2, C3k2, [64, true]", "c3k2 as model.1: {channels: 64, depth: 2, whole: true}", "x"),
    ("-1, 1, SPPF, [32, 5]", "sppf as model.1: {channels: 32}", "n"),
    ("[0], 1, Detect, [nc]", "detect as model.1: {first: 24, classes: 7}", "n"),
]


@pytest.mark.parametrize(("row", "block", "letter"), CASES, ids=[case[1].partition(" ")[0] for case in CASES])
def test_a_block_is_the_module(row: str, block: str, letter: str, tmp_path: Path) -> None:
    theirs = archspec.from_file(saved(FILE.format(letter=letter, row=row), tmp_path), version="8.4")
    ours = archspec.loads(SPEC.format(block=block))
    one, other = archspec.compile(theirs).eval(), archspec.compile(ours).eval()
    state = {key: torch.rand_like(values.float()) + 0.5 for key, values in one.state_dict().items()}
    of_one_map = "detect" in block
    other.load_state_dict({key.replace(".0.", ".", 1) if of_one_map and "model.1" in key else key: values
                           for key, values in state.items()}, strict=True)  # fmt: skip
    one.load_state_dict(state, strict=True)
    image = torch.randn(1, 3, 32, 40)
    torch.testing.assert_close(other(image), one(image))
