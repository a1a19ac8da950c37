"""Checkpoints carried: from a network into one that extends, imports or rewrites it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from typer.testing import Result

import archspec
from archspec.pipeline import Spec
from archspec.running.convert import complete, convert
from tests.helpers.command_line import invoke

BASE = """\
archspec: 1
name: Base
params: {classes: 4}
inputs: {image: [3, H, W]}
sizes: {H: 16, W: 16}
steps:
  - sequence as features:
      - conv: {channels: 8, kernel: 5, padding: 2, bias: false}
      - batch_norm
      - relu
      - max_pool: {kernel: 2}
        label: pool1
  - flatten
  - linear as fc1: {features: 12}
  - relu
    # what the classifier ends in
  - linear as fc2: {features: $classes}
"""

FOLDED = "archspec: 1\nname: Folded\nextends: base.yaml\nrewrite: [fold_batch_norm]\n"

WHOLE = """\
archspec: 1
name: Whole
inputs: {image: [3, H, W]}
sizes: {H: 16, W: 16}
import:
  base: {spec: SPEC, rewrite: [dense_to_conv, {cut: fc1}]}
steps:
  - base as body
  - conv as score: {channels: 2, kernel: 1}
"""

OUTER = """\
archspec: 1
name: Outer
inputs: {image: [3, H, W]}
sizes: {H: 16, W: 16}
import:
  whole: {spec: whole.yaml, rewrite: [remove: score]}
steps:
  - whole as left
  - whole as right:
    from: image
  - add:
    from: [left, right]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "folded.yaml").write_text(FOLDED)
    (tmp_path / "whole.yaml").write_text(WHOLE.replace("SPEC", "base.yaml"))
    (tmp_path / "of_folded.yaml").write_text(WHOLE.replace("SPEC", "folded.yaml"))
    (tmp_path / "outer.yaml").write_text(OUTER)
    return tmp_path


def state_of(spec: Spec) -> dict[str, Tensor]:
    model = archspec.compile(spec)
    norm: Any = model.get_submodule("features")[1]  # type: ignore[index]
    norm.running_mean.uniform_(-0.3, 0.3)
    norm.running_var.uniform_(0.5, 1.5)
    return model.state_dict()


def running(spec: Spec, state: dict[str, Any], image: Tensor) -> Tensor:
    model = archspec.compile(spec).eval()
    model.load_state_dict(state, strict=True)
    with torch.no_grad():
        return model(image)


def hidden(base: Spec, state: dict[str, Tensor], image: Tensor) -> Tensor:
    """What the base gives at fc1, with this state."""
    model = archspec.compile(base).eval()
    model.load_state_dict(state)
    with torch.no_grad():
        return model.get_submodule("fc1")(model.get_submodule("features")(image).flatten(1))


def test_a_spec_that_extends_and_rewrites(folder: Path) -> None:
    base, folded = archspec.load(folder / "base.yaml"), archspec.load(folder / "folded.yaml")
    state, image = state_of(base), torch.randn(2, 3, 16, 16)
    found = convert(base.graph, folded.graph, state)
    assert (found.fresh, found.missing, found.unused) == ((), (), ())
    assert found.dropped == ("features.1.num_batches_tracked",)
    torch.testing.assert_close(running(folded, dict(found.state), image), running(base, state, image))


@pytest.mark.parametrize("name", ["whole", "of_folded"])
def test_a_spec_that_imports_and_rewrites(folder: Path, name: str) -> None:
    base, whole = archspec.load(folder / "base.yaml"), archspec.load(folder / f"{name}.yaml")
    state, image = state_of(base), torch.randn(2, 3, 16, 16)
    found = convert(base.graph, whole.graph, state)
    assert found.fresh == ("score.weight", "score.bias")
    assert {"fc2.weight", "fc2.bias"} <= set(found.dropped)
    cut = archspec.rewrite(whole, {"remove": "score"})
    kept = convert(base.graph, cut.graph, state)
    assert kept.fresh == ()
    torch.testing.assert_close(running(cut, dict(kept.state), image).flatten(1), hidden(base, state, image))
    both = [complete(whole, found, seed=seed) for seed in (0, 0)]
    assert all(torch.equal(both[0][key], both[1][key]) for key in whole.graph.state)


def test_the_checkpoint_of_a_rewritten_spec_goes_on_from_there(folder: Path) -> None:
    folded, whole = archspec.load(folder / "folded.yaml"), archspec.load(folder / "of_folded.yaml")
    state = archspec.compile(folded).state_dict()
    found = convert(folded.graph, whole.graph, state)
    assert torch.equal(found.state["body.features.0.bias"], state["features.0.bias"])
    assert found.state["body.fc1.weight"].shape == (12, 8, 8, 8)


def test_a_spec_inside_a_spec_inside_a_spec_and_twice(folder: Path) -> None:
    base, outer = archspec.load(folder / "base.yaml"), archspec.load(folder / "outer.yaml")
    state, image = state_of(base), torch.randn(2, 3, 16, 16)
    found = convert(base.graph, outer.graph, state)
    assert found.fresh == ()
    torch.testing.assert_close(running(outer, dict(found.state), image).flatten(1), 2 * hidden(base, state, image))
    whole = archspec.load(folder / "whole.yaml")
    middle = convert(whole.graph, outer.graph, archspec.compile(whole).state_dict())
    assert middle.fresh == ()
    assert middle.dropped == ("score.weight", "score.bias")


def test_other_shapes_and_other_files(folder: Path) -> None:
    base = archspec.load(folder / "base.yaml")
    state = {**state_of(base), "stray": torch.zeros(1)}
    del state["fc1.bias"]
    found = convert(base.graph, archspec.load(folder / "base.yaml", classes=7).graph, state)
    assert found.fresh == ("fc1.bias", "fc2.weight", "fc2.bias")
    assert (found.missing, found.unused) == (("fc1.bias",), ("stray",))
    with pytest.raises(archspec.SpecError, match="does not extend, import or rewrite it"):
        convert(archspec.load(folder / "folded.yaml").graph, base.graph, state)
    with pytest.raises(archspec.SpecError, match="the checkpoint has no weights of `Base` that `Base` can use"):
        convert(base.graph, base.graph, {"stray": torch.zeros(1)})


def test_fcn_has_every_convolution_of_its_classifier() -> None:
    old, new = archspec.load("vgg16"), archspec.load("fcn8s_vgg16")
    state = {key: torch.empty(shape, device="meta") for key, shape in old.graph.state.items()}
    found = convert(old.graph, new.graph, state)
    assert not any(key.startswith("vgg.") for key in found.fresh)
    assert found.dropped == ("classifier.6.weight", "classifier.6.bias")
    assert found.state["vgg.classifier.0.weight"].shape == (4096, 512, 7, 7)


SHARED = """\
archspec: 1
name: Shared
inputs: {image: [3, H, W]}
sizes: {H: 16, W: 16}
blocks:
  twice:
    steps:
      - conv as conv: {channels: 3, kernel: 3, padding: 1}
      - batch_norm as bn
      - dropout
steps:
  - twice as one
  - reuse: one
  - conv as last: {channels: 4, kernel: 1}
  - relu
  - conv as more: {channels: 4, kernel: 1}
  - reuse: more
"""


def test_shared_weights_stay_shared_where_a_rewritten_spec_is_used(folder: Path) -> None:
    (folder / "shared.yaml").write_text(SHARED)
    (folder / "user.yaml").write_text(
        "archspec: 1\nname: User\ninputs: {image: [3, H, W]}\nsizes: {H: 16, W: 16}\n"
        "import: {shared: {spec: shared.yaml, rewrite: [remove_dropout]}}\nsteps: [shared as inner]\n"
    )
    shared, user = archspec.load(folder / "shared.yaml"), archspec.load(folder / "user.yaml")
    model = archspec.compile(shared).eval()
    found = convert(shared.graph, user.graph, model.state_dict())
    assert (found.fresh, found.dropped) == ((), ())
    image = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        assert torch.equal(running(user, dict(found.state), image), model(image))


def call(*arguments: str) -> Result:
    return invoke(arguments)


def test_the_command(folder: Path) -> None:
    base, whole = archspec.load(folder / "base.yaml"), archspec.load(folder / "whole.yaml")
    state = state_of(base)
    torch.save(state, folder / "base.pt")
    paths = [str(folder / name) for name in ("base.yaml", "whole.yaml", "base.pt")]
    out = folder / "whole.pt"
    result = call("convert-weights", *paths, "-o", str(out))
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[:2] == [
        "8 tensors of Base converted to Whole",
        "2 are initialised anew: score.weight, score.bias",
    ]
    archspec.compile(whole).load_state_dict(torch.load(out, weights_only=True), strict=True)
    result = call("convert-weights", *paths, "-o", str(out), "--format", "json", "--rewrite", "fold_batch_norm")
    answer = json.loads(result.stdout)
    assert answer["fresh"] == ["score.weight", "score.bias"]
    assert answer["written"] == str(out)
    result = call("convert-weights", *paths[:2], str(folder / "none.pt"), "-o", str(out))
    assert result.exit_code != 0
    assert "there is no file" in result.stderr


def test_rewrites_on_the_command_line(folder: Path) -> None:
    base = str(folder / "base.yaml")
    result = call("compile", base, "--rewrite", "dense_to_conv", "--rewrite", "cut(fc1)")
    assert result.exit_code == 0
    assert "nn.Conv2d(8, 12, 8)" in result.stdout
    result = call("check", base, "--rewrite", "factorise_conv")
    assert result.exit_code == 0
    assert "all receptive fields unchanged" in result.stderr
    result = call("expand", base, "--rewrite", "cut(fc9)")
    assert result.exit_code == 1
    assert "`cut`: there is no step or label `fc9`" in result.stderr
    result = call("summary", base, "--rewrite", "width_multiplier(0.5)", "--format", "json")
    assert json.loads(result.stdout)["diagnostics"][0]["code"] == "rewritten"
