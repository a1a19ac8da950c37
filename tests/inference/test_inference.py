"""Networks for inference, held against the plain form and, where weights are folded, against torch's own modules."""

from __future__ import annotations

import copy
import importlib.util
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import archspec
from archspec.analyses.memory import memory
from archspec.inference import lowered, source
from archspec.running.inference import own_sizes
from archspec.running.runtime import defined
from tests.helpers.bits import randomise
from tests.helpers.places import SPECS
from tests.helpers.random_specs import random_spec

CLOSE = 3e-6
"""The largest difference allowed, as a part of the largest output."""
FEW = ("squeezenet_digits", "unet_digits", "mobilenet_v1_025")
LARGE = 3e10
"""Multiply-adds of a network that the sweep leaves out."""

BRANCHES = """
archspec: 1
name: Branches
inputs: {image: [3, H, W]}
sizes: {H: 12, W: 10}
steps:
  - conv: {channels: 8, kernel: 3, padding: 1, bias: false}
  - batch_norm: {eps: 0.001}
  - relu
  - add:
    - - conv as a: {channels: 8, kernel: 3, padding: 1}
      - batch_norm as b
    - - conv as c: {channels: 8, kernel: 1}
  - relu6
  - concat:
    - []
    - - batch_norm as before
      - relu
      - conv as d: {channels: 4, kernel: [1, 1], bias: false}
      - batch_norm as after
      - silu
      - conv as e: {channels: 4, kernel: 3, groups: 2, padding: 1}
  - batch_norm as last
  - relu
  - conv as narrow: {channels: 6, kernel: 1}
  - avg_pool: {kernel: 2}
  - batch_norm
  - relu
  - global_avg_pool
  - flatten
  - dropout
  - linear: {features: 5}
"""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """The maps are tiny: threads would wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def forms(spec: archspec.Spec, **options: Any) -> tuple[nn.Module, nn.Module, Any]:
    """The plain form with random weights and statistics, the form for inference, and what its text defines."""
    torch.manual_seed(0)
    plain = archspec.compile(spec).eval()
    randomise(plain)
    with torch.no_grad():
        for layer in plain.modules():
            if isinstance(layer, nn.BatchNorm2d) and layer.affine:  # scales of both signs, and a zero
                layer.weight.normal_(0.3, 0.7)
                layer.weight[0] = 0
                layer.bias.normal_(0.1, 0.3)
    text = defined(source(spec.graph, **options))
    return plain, text.from_state_dict(plain.state_dict()), text


def images(spec: archspec.Spec, batch: int = 2) -> list[Tensor]:
    """Random inputs at the spec's own sizes."""
    return [torch.randn(batch, *sizes) for sizes in own_sizes(spec.graph)]


def outputs(module: nn.Module, given: list[Tensor]) -> list[Tensor]:
    with torch.inference_mode():
        found = module(*given)
    return [found] if isinstance(found, Tensor) else [each for each in found if each is not None]


def difference(one: list[Tensor], other: list[Tensor]) -> float:
    """The largest difference of outputs, each as a part of the largest number there."""
    return max(
        float((mine - its).abs().max() / its.abs().max().clamp(min=1e-12)) for mine, its in zip(one, other, strict=True)
    )


def held(spec: archspec.Spec, close: float = CLOSE) -> None:
    """Assert that the form for inference gives the plain form's outputs, prepared or not."""
    plain, fast, text = forms(spec)
    given = images(spec)
    wanted = outputs(plain, given)
    assert difference(outputs(fast, given), wanted) < close
    if hasattr(text, "prepare"):
        text.prepare(fast, *given)
        assert difference(outputs(fast, given), wanted) < close
        assert difference(outputs(fast, [each[:1] for each in given]), [each[:1] for each in wanted]) < close


@pytest.mark.parametrize("name", FEW)
def test_outputs_are_the_plain_forms(name: str) -> None:
    held(archspec.load(name, sizes={"H": 32, "W": 32}))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.stem for path in SPECS.glob("*.yaml")))
def test_outputs_of_every_spec_are_the_plain_forms(name: str) -> None:
    spec = archspec.load(name)
    if (archspec.check(spec).total.multiply_adds or 0) > LARGE:
        pytest.skip("too large for this test")
    held(spec, 1e-5 if "convnext" in name else CLOSE)


@pytest.mark.parametrize("seed", range(40))
def test_outputs_of_random_networks_are_the_plain_forms(seed: int) -> None:
    try:
        spec = archspec.loads(random_spec(seed).yaml)
    except archspec.SpecError:
        pytest.skip("the network runs at no size")
    held(spec, 1e-5)


def test_all_that_can_be_is_one_call() -> None:
    """The sum goes into the call beside it, batch norms into weights, ReLU before a 1×1 convolution becomes a clip."""
    spec = archspec.loads(BRANCHES)
    held(spec)
    steps = [node.op.keyword for node in lowered(spec.graph).nodes if node.op is not None]
    assert steps.count("batch_norm") == steps.count("add") == steps.count("relu") == steps.count("dropout") == 0
    assert steps.count("clip") == 3
    assert steps.index("avg_pool") < max(place for place, step in enumerate(steps) if step == "fused_conv")


def test_another_size_and_layout_are_right_too() -> None:
    spec = archspec.loads(BRANCHES)
    plain, fast, text = forms(spec)
    text.prepare(fast, *images(spec, 1))
    for sizes in ((1, 3, 12, 10), (3, 3, 31, 8), (2, 3, 6, 40)):
        given = [torch.randn(sizes)]
        wanted = outputs(plain, given)
        assert difference(outputs(fast, given), wanted) < CLOSE
        assert difference(outputs(fast, [given[0].contiguous(memory_format=torch.channels_last)]), wanted) < CLOSE


def test_weights_shared_by_two_steps_stay_apart() -> None:
    steps = "[conv as a: {channels: 3, kernel: 3, padding: 1}, batch_norm, relu, {reuse: a}, relu]"
    spec = archspec.loads(f"archspec: 1\nname: N\ninputs: {{x: [3, H, W]}}\nsizes: {{H: 6, W: 6}}\nsteps: {steps}\n")
    held(spec)


def test_what_reads_a_convolution_before_its_norm_still_does() -> None:
    text = BRANCHES.replace("- batch_norm as b\n", "- batch_norm as b\n      - add:\n        from: [previous, a]\n")
    held(archspec.loads(text))


def test_it_refuses_to_train() -> None:
    _, fast, _ = forms(archspec.loads(BRANCHES))
    image = torch.randn(1, 3, 12, 10)
    with pytest.raises(RuntimeError, match="this network is for inference"):
        fast(image.requires_grad_())
    with pytest.raises(RuntimeError, match="train the plain form"), torch.no_grad():
        fast.train()(image)


def test_copies_and_pickles_are_the_same() -> None:
    spec = archspec.loads(BRANCHES)
    fast = archspec.compile(spec, optimize="inference")
    given = images(spec)
    wanted = outputs(fast, given)
    for twin in (copy.deepcopy(fast), pickle.loads(pickle.dumps(fast))):
        assert difference(outputs(twin, given), wanted) == 0


@pytest.mark.slow
def test_it_exports() -> None:
    spec = archspec.loads(BRANCHES)
    _, fast, text = forms(spec)
    given = images(spec)
    text.prepare(fast, *given)
    exported = torch.export.export(text.unpack(copy.deepcopy(fast)), tuple(given)).module()
    assert difference(outputs(exported, given), outputs(fast, given)) < CLOSE


def test_compile_starts_from_the_plain_forms_weights() -> None:
    spec = archspec.loads(BRANCHES)
    torch.manual_seed(5)
    plain = archspec.compile(spec).eval()
    torch.manual_seed(5)
    fast = archspec.compile(spec, optimize="inference")
    again = archspec.compile(spec, optimize="inference", weights=plain.state_dict())
    given = images(spec)
    assert difference(outputs(fast, given), outputs(plain, given)) < CLOSE
    assert difference(outputs(again, given), outputs(fast, given)) == 0


def test_bfloat16_is_near() -> None:
    spec = archspec.load("squeezenet_digits")
    plain, fast, _ = forms(spec, precision="bf16")
    given = images(spec)
    found = outputs(fast, given)
    assert found[0].dtype == torch.float32
    assert {each.dtype for each in fast.buffers() if each.is_floating_point()} == {torch.bfloat16}
    assert difference(found, outputs(plain, given)) < 0.05


def test_the_plain_form_is_untouched() -> None:
    spec = archspec.load("resnet18")
    before = archspec.source(spec)
    archspec.source(spec, optimize="inference")
    assert archspec.source(spec) == before


def test_the_memory_of_a_run_is_at_most_the_plain_forms() -> None:
    """As the memory analysis says for the two graphs, before either runs."""
    for name in ("resnet18", "densenet121", "squeezenet1_0"):
        graph = archspec.load(name).graph
        plain, fast = (memory(each, graph.sizes).inference for each in (graph, lowered(graph)))
        assert plain is not None
        assert fast is not None
        assert fast <= plain


def test_it_runs_without_onednns_private_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, fast, text = forms(archspec.loads(BRANCHES))
    monkeypatch.setattr(text, "FUSES", False)
    given = [torch.randn(2, 3, 12, 10)]
    text.prepare(fast, *given)
    assert not any(getattr(layer, "packed", None) is not None for layer in fast.modules())
    assert difference(outputs(fast, given), outputs(plain, given)) < CLOSE


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu() -> None:
    spec = archspec.load("squeezenet_digits")
    plain, fast, text = forms(spec, precision="bf16", device="cuda")
    given = [each.cuda() for each in images(spec)]
    captured = text.prepare(fast, *given)
    for each in (given, [given[0].flip(0)]):
        assert difference(outputs(captured, each), outputs(plain.cuda(), each)) < 0.05


def test_the_file_stands_alone(tmp_path: Path) -> None:
    """Emitted for either device, it imports with torch alone, is formatted, and loads what it has saved."""
    spec = archspec.loads(BRANCHES)
    plain, fast, _ = forms(spec)
    file = tmp_path / "fast.py"
    file.write_text(archspec.source(spec, optimize="inference"), encoding="utf-8")
    description = importlib.util.spec_from_file_location("fast_alone", file)
    assert description is not None
    assert description.loader is not None
    alone = importlib.util.module_from_spec(description)
    description.loader.exec_module(alone)
    given = images(spec)
    again = alone.from_state_dict(fast.state_dict())
    assert difference(outputs(again, given), outputs(plain, given)) < CLOSE
