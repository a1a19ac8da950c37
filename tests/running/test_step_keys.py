"""Weights by the steps that a user names: blocks, labels and numbers of unnamed steps, on both sides."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

import archspec
from archspec.running.step_keys import keys_by_step
from tests.helpers.command_line import run

OLD = """archspec: 1
name: Old
inputs: {image: [3, H, W]}
sizes: {H: 8, W: 8}
steps:
  - sequence as features:
      - conv: {channels: 4, kernel: 3}
      - batch_norm
      - conv: {channels: 4, kernel: 3}
        label: last
"""
NEW = """archspec: 1
name: New
inputs: {image: [3, H, W]}
sizes: {H: 8, W: 8}
steps:
  - sequence as backbone:
      - sequence as stage:
          - conv: {channels: 4, kernel: 3}
          - batch_norm
          - conv: {channels: 4, kernel: 3}
  - conv as head: {channels: 4, kernel: 3}
"""


def test_keys() -> None:
    old, new = archspec.loads(OLD).graph, archspec.loads(NEW).graph
    found = keys_by_step(old, new, ["features=backbone.stage"])
    assert found == {key: key.replace("features", "backbone.stage") for key in old.state}
    assert keys_by_step(old, new, ["last=head"]) == {
        "features.2.weight": "head.weight", "features.2.bias": "head.bias",
    }  # fmt: skip
    assert set(keys_by_step(old, old, ["features.1"])) == {key for key in old.state if key.startswith("features.1.")}
    for pair, said in (
        ("features=backbone.stag", "did you mean `backbone.stage`?"),
        ("nothing", "there is no step or label `nothing` in `Old`"),
        ("image=head", "`image` of `Old` has no weights"),
    ):
        with pytest.raises(archspec.SpecError, match=re.escape(said)):
            keys_by_step(old, new, [pair])


def test_the_command(tmp_path: Path) -> None:
    for name, text in (("old", OLD), ("new", NEW)):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    torch.save(archspec.compile(archspec.loads(OLD)).state_dict(), tmp_path / "old.pt")
    names = [str(tmp_path / name) for name in ("old.yaml", "new.yaml", "old.pt", "new.pt")]
    status, _, errors = run(
        "convert-weights",
        *names[:3],
        "--step",
        "features.0=backbone.stage.0",
        "--step",
        "last=head",
        "-o",
        names[3],
        "--seed",
        "7",
    )
    assert status == 0, errors
    before, after = torch.load(names[2]), torch.load(names[3])
    archspec.compile(archspec.loads(NEW)).load_state_dict(after, strict=True)
    assert torch.equal(before["features.0.weight"], after["backbone.stage.0.weight"])
    assert torch.equal(before["features.2.bias"], after["head.bias"])
    assert not torch.equal(before["features.2.weight"], after["backbone.stage.2.weight"])
