"""Memory: what is said to be live, held against the storages that torch has alive while it runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from math import prod
from pathlib import Path
from typing import TypeVar

import pytest
import torch

import archspec
from archspec import ops
from archspec.analyses.memory import memory
from archspec.analyses.strides import Strides
from archspec.elaborate.shipped import spec_names
from archspec.graph import Node
from archspec.ops import Example
from archspec.ops.common.memory import Numbers, is_contiguous
from archspec.running import allocator
from archspec.sizes import Evaluation
from tests.helpers.block_specs import block_spec
from tests.helpers.command_line import run
from tests.helpers.interpreter import Interpreter
from tests.helpers.live_storages import inference, inputs_of, training
from tests.helpers.places import ALIKE
from tests.helpers.random_specs import random_spec
from tests.ops.test_ops import build, holds

T = TypeVar("T")


def known(value: T | None) -> T:
    assert value is not None
    return value


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def attention_in_steps() -> Iterator[None]:
    """What torch's fused attention allots inside one operation is not seen from outside."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    yield
    torch.backends.mha.set_fastpath_enabled(fast)


NETWORKS = (
    "resnet18", "resnet50", "squeezenet1_1", "squeezenet_digits", "googlenet", "mobilenet_v2", "mobilenet_v3_large",
    "shufflenet_v2_x1_0", "convnext_tiny", "unet_digits",
)  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_peaks(name: str) -> None:
    """Inference exactly, training within 5%."""
    spec = archspec.load(name)
    sizes = dict.fromkeys(spec.graph.sizes, 64)
    said = memory(spec.graph, sizes, 2)
    inputs = inputs_of(spec.graph, sizes, 2)
    model = archspec.compile(spec).eval()
    assert said.inference == inference(model, inputs)
    assert said.training == pytest.approx(training(model, inputs), rel=0.05)


LARGE = {
    "dilated8_voc", "dilated10_cityscapes", "dilated8_vgg16", "dilated_frontend", "dilated_frontend_unpadded",
    "fcn8s_vgg16", "fcn_vgg16", "vgg", "vgg11_bn",
}  # fmt: skip
"""Networks that take seconds, by the size of their input or of their weights."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name in LARGE | ALIKE else [])
        for name in sorted(spec_names())
        if name not in NETWORKS
    ],
)
def test_inference_of_every_shipped_network(name: str) -> None:
    """At the smallest sizes it takes."""
    spec = archspec.load(name)
    valid = archspec.check(spec).valid_sizes
    sizes = {symbol: valid[symbol].next(48) or valid[symbol].next(0) or 1 for symbol in spec.graph.sizes}
    inputs = inputs_of(spec.graph, sizes, 1)
    assert memory(spec.graph, sizes, 1).inference == inference(archspec.compile(spec).eval(), inputs)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in sorted(spec_names()) if name not in NETWORKS])
def test_training_of_every_shipped_network(name: str) -> None:
    spec = archspec.load(name)
    valid = archspec.check(spec).valid_sizes
    least = 299 if name == "inception_v3" else 48  # its auxiliary head wants that
    sizes = {symbol: valid[symbol].next(least) or valid[symbol].next(0) or 1 for symbol in spec.graph.sizes}
    found = training(archspec.compile(spec), inputs_of(spec.graph, sizes, 2))
    assert memory(spec.graph, sizes, 2).training == pytest.approx(found, rel=0.05)


@pytest.mark.parametrize("start", [0, pytest.param(20, marks=pytest.mark.slow)])
def test_training_of_random_blocks(start: int) -> None:
    for seed in range(start, start + 20):
        spec = archspec.loads(block_spec(seed))
        sizes = dict(spec.graph.sizes)
        found = training(archspec.compile(spec), inputs_of(spec.graph, sizes, 4))
        assert memory(spec.graph, sizes, 4).training == pytest.approx(found, rel=0.05), seed


@pytest.mark.parametrize("start", [0, *(pytest.param(start, marks=pytest.mark.slow) for start in (40, 80))])
def test_inference_of_random_blocks(start: int) -> None:
    """Of blocks within blocks; ``agreement`` does graphs that no block of theirs holds together."""
    for seed in range(start, start + 40):
        spec = archspec.loads(block_spec(seed))
        sizes = dict(spec.graph.sizes)
        inputs = inputs_of(spec.graph, sizes, 2)
        assert memory(spec.graph, sizes, 2).inference == inference(archspec.compile(spec).eval(), inputs), seed


@pytest.mark.parametrize(("dtype", "batch"), [("float64", 1), ("bfloat16", 3)])
def test_dtypes_and_batches(dtype: str, batch: int) -> None:
    spec = archspec.load("squeezenet1_1")
    sizes = dict.fromkeys(spec.graph.sizes, 48)
    model = archspec.compile(spec).to(getattr(torch, dtype)).eval()
    inputs = inputs_of(spec.graph, sizes, batch, getattr(torch, dtype))
    said = memory(spec.graph, sizes, batch, dtype)
    assert said.inference == inference(model, inputs)
    assert said.training == pytest.approx(training(model, inputs), rel=0.05)


def test_by_hand() -> None:
    text = (
        "archspec: 1\nname: N\ninputs: {image: [3, H, W]}\nsizes: {H: 10, W: 10}\nsteps:\n"
        "  - conv as c: {channels: 8, kernel: 3, padding: 1}\n  - relu\n  - dropout\n  - flatten\n"
    )
    found = archspec.check(archspec.loads(text)).memory()
    assert found.parameters == 4 * (8 * 3 * 9 + 8)
    assert found.buffers == 0
    assert found.activations == 4 * (800 + 800)  # dropout and flatten give what they got
    assert found.inference == 4 * (300 + 800 + 800)
    assert found.inference_at == "1"
    assert found.inference_total == found.parameters + found.inference
    assert archspec.check(archspec.loads(text)).memory(batch=2, dtype="float16").inference == 2 * found.inference // 2


# -- single ops --------------------------------------------------------------------------------------------------------

EXAMPLES = [
    pytest.param(keyword, example, id=f"{keyword}-{index}")
    for keyword in sorted(ops.names())
    for index, example in enumerate(ops.find(keyword).examples)
    if keyword != "parameter" and not ops.find(keyword).hidden
]


@pytest.mark.parametrize(("keyword", "example"), EXAMPLES)
def test_an_op_takes_what_it_says(keyword: str, example: Example) -> None:
    """Beside its input and output: what it makes beforehand, then what lives while it runs."""
    op = ops.find(keyword).model_validate(dict(example.arguments))
    evaluation = Evaluation({"D": 10, "H": 12, "W": 11, "L": 8, "P": 7, "Q": 6})
    shapes = example.inputs
    if not all(holds(each, evaluation.values) for each in op.conditions(shapes, None)):
        evaluation = Evaluation(evaluation.values | {"W": 10, "P": 14, "Q": 13})
    sizes = [(*((2,) if shape.batched else ()), *map(evaluation.of, shape.dims)) for shape in shapes]
    output = op.infer(shapes)

    def bytes_of(numbers: Iterable[Numbers]) -> int:
        return sum(
            each.times * prod(map(evaluation.of, each.dims)) * (each.width or 4) * (2 if each.batched else 1)
            for each in numbers
        )

    given = [
        torch.randn(size) if shape.pooled is None else torch.zeros(size, dtype=torch.int64)
        for shape, size in zip(shapes, sizes, strict=True)
    ]
    own = 4 * prod((*((2,) if output.batched else ()), *map(evaluation.of, output.dims)))
    prepared, scratch = bytes_of(op.prepared(shapes)), bytes_of(op.scratch(shapes, output))
    own = 0 if op.aliases(shapes) is not None else own
    for form in (op.module(shapes), op.function(shapes)):
        if form is not None:
            net = build(op, shapes, form).eval()
            assert inference(net, given) == sum(each.nbytes for each in given) + max(prepared, prepared + own + scratch)


STRIDED = """
archspec: 1
name: N
inputs: {{image: [3, H, W]}}
sizes: {{H: 8, W: 6}}
steps:
  - conv: {{channels: 4, kernel: 3}}
  - permute: {{axes: [{axes}]}}
{rest}
"""
BACK = "  - permute: {axes: [channels, height, width]}\n"
AFTER = (
    "  - relu\n  - flatten",
    "  - flatten",
    "  - contiguous\n  - relu\n  - flatten",
    "  - slice: {axis: channels, start: 1, length: 2}\n  - relu\n  - flatten",
    f"  - layer_norm\n  - gelu\n{BACK}  - conv: {{channels: 3, kernel: 1}}\n  - flatten",
    f"{BACK}  - batch_norm\n  - max_pool: {{kernel: 2}}\n  - upsample: {{scale: 2}}",
    f"{BACK}  - group_norm: {{groups: 2}}\n  - flatten",
    f"{BACK}  - instance_norm\n  - crop: {{amount: 1}}\n  - group_norm: {{groups: 2}}",
)


def lie_alike(spec: archspec.Spec, batch: int) -> None:
    """Every value lies in memory as is said of it."""
    graph, evaluation = spec.graph, Evaluation(dict(spec.graph.sizes))

    def sizes(node: Node) -> tuple[int, ...]:
        return (*((batch,) if node.shape.batched else ()), *map(evaluation.of, node.shape.dims))

    said = Strides(graph, sizes)
    run = Interpreter(graph, archspec.compile(spec).eval().state_dict(), training=False)
    inputs = inputs_of(graph, dict(graph.sizes), batch)
    values = dict(zip(graph.inputs.values(), inputs, strict=True))
    for node in graph.nodes:
        if node.op is None or node.training_only:
            continue
        value = values[node.index] = run._apply(node, [values[index] for index in node.inputs])
        strides = said.of(node.index, False)
        assert is_contiguous(value.shape, strides) == value.is_contiguous(), node.path
        if not value.is_contiguous():
            told = [pair for size, *pair in zip(value.shape, value.stride(), strides, strict=True) if size > 1]
            assert all(one == other for one, other in told), node.path


@pytest.mark.parametrize("rest", AFTER)
@pytest.mark.parametrize("axes", ["height, width, channels", "channels, width, height", "width, height, channels"])
@torch.no_grad()
def test_what_is_permuted_lies_as_torch_lays_it(axes: str, rest: str) -> None:
    try:
        spec = archspec.loads(STRIDED.format(axes=axes, rest=rest))
    except archspec.SpecError:
        pytest.skip("not along these axes")
    for batch in (1, 2):
        lie_alike(spec, batch)
        inputs = inputs_of(spec.graph, dict(spec.graph.sizes), batch)
        said = memory(spec.graph, dict(spec.graph.sizes), batch)
        assert said.inference == inference(archspec.compile(spec).eval(), inputs)


@pytest.mark.parametrize("name", ["convnext_tiny", "shufflenet_v2_x1_0", "unet_digits"])
@torch.no_grad()
def test_networks_lie_as_torch_lays_them(name: str) -> None:
    lie_alike(archspec.load(name), 2)


@torch.no_grad()
def test_random_networks_lie_as_torch_lays_them() -> None:
    for seed in range(60):
        try:
            spec = archspec.loads(random_spec(seed).yaml)
        except archspec.SpecError:
            continue
        for batch in (1, 2):
            lie_alike(spec, batch)


# -- what it says ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["resnet18", "unet", "squeezenet_digits", "convnext_tiny"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_peaks_are_what_is_alive_at_them(name: str, dtype: str) -> None:
    """As formulas, too: at the sizes they were asked for the very number, at others no more than the peak there."""
    report = archspec.check(archspec.load(name))
    found = [known(peak) for peak in report.memory_peaks(3, dtype)]
    for added in (0, 16, 160):
        sizes = {symbol: size + added for symbol, size in report.sizes.items()}
        said = report.sized(sizes).memory(3, dtype)
        for peak, most in zip(found, (known(said.inference), known(said.training)), strict=True):
            number = peak.formula.at(Evaluation(sizes))
            assert number == peak.bytes == sum(one.bytes for one in peak.held) == most if not added else number <= most
    assert [peak.step for peak in found] == [report.memory(3, dtype).inference_at, report.memory(3, dtype).training_at]


def test_a_formula_reads_as_what_it_is() -> None:
    report = archspec.check(archspec.load("unet"))
    assert "256·(H−4)·(W−4)" in str(known(report.memory_peaks()[0]).formula)


# -- torch's own allocator ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["resnet18", "squeezenet1_1", "unet_digits"])
def test_the_allocator_gives_out_no_less(name: str) -> None:
    """Nor much more: on the CPU backends take little space of their own, and round little."""
    spec = archspec.load(name)
    sizes = dict(spec.graph.sizes)
    said = memory(spec.graph, sizes, 2)
    found = allocator.measure(spec, sizes, 2)
    assert found.device == "cpu"
    assert known(said.inference) <= found.inference <= 1.6 * known(said.inference)
    assert 0.95 * known(said.training) <= found.training <= 1.3 * known(said.training)


@pytest.mark.cuda
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_allocator_on_cuda(dtype: str) -> None:
    spec = archspec.load("resnet18")
    said = memory(spec.graph, dict(spec.graph.sizes), 4, dtype)
    found = allocator.measure(spec, dict(spec.graph.sizes), 4, dtype, "cuda")
    assert 0.95 * known(said.inference) <= found.inference <= 3 * known(said.inference)
    assert 0.9 * known(said.training) <= found.training <= 3 * known(said.training)


def test_what_cannot_be_measured_is_said() -> None:
    with pytest.raises(archspec.SpecError, match=r"in training H = 75 does not fit `AuxLogits\.0`"):
        allocator.measure(archspec.load("inception_v3"), {"H": 75, "W": 75}, 2)
    with pytest.raises(
        archspec.SpecError, match=r"in training `layer4\.0\.bn1` cannot normalise a batch of one image at H = 32"
    ):
        allocator.measure(archspec.load("resnet18"), {"H": 32, "W": 32})
    assert allocator.measure(archspec.load("resnet18"), {"H": 32, "W": 32}, 2).training > 0
    with pytest.raises(archspec.SpecError, match=r"needs [\d,.]+ GB, and this machine has"):
        allocator.measure(archspec.load("squeezenet_digits"), {"H": 28, "W": 28}, 10**9)
    with pytest.raises(archspec.SpecError, match="no-device"):
        allocator.measure(archspec.load("squeezenet_digits"), {"H": 28, "W": 28}, device="cuda:99")


TRAINED_APART = """\
archspec: 1
name: Apart
inputs: {image: [3, H, W]}
sizes: {H: 16, W: 16}
outputs: {main: main, aux: {from: aux, training: true}}
steps:
  - conv as c: {channels: 4, kernel: 3, stride: 2, padding: 1}
  - batch_norm as norm
  - conv as aux: {channels: 4, kernel: 5}
  - relu as main:
    from: norm
"""


def test_no_figures_of_a_training_that_cannot_be(tmp_path: Path) -> None:
    path = tmp_path / "apart.yaml"
    path.write_text(TRAINED_APART, encoding="utf-8")
    small = (str(path), "--size", "H=8", "--size", "W=16")
    refused = "in training H = 8 does not fit `aux`"
    _, out, _ = run("check", *small)
    assert f"in inference, a batch of 1 in float32; {refused}\n" in out
    assert "  in training    H ≥ 9, W ≥ 9; for `aux`" in out
    _, out, _ = run("summary", *small)
    assert "valid for H ≥ 1, W ≥ 1; in training for H ≥ 9, W ≥ 9\n" in out
    assert f"{refused}\n" in out
    _, out, _ = run("memory", *small, "--batch", "4")
    assert f"  training     cannot be: {refused}" in out
    _, out, _ = run("memory", *small, "--format", "json")
    found = json.loads(out)
    assert (found["training"], found["training_formula"], found["training_refused"]) == (None, None, refused)
    assert found["inference_refused"] is None
    status, _, err = run("memory", *small, "--measure", "cpu")
    assert status == 1
    assert f"error[size-refused]: {refused}" in err
    assert "in training" not in run("summary", "resnet18")[1]


def test_the_memory_command() -> None:
    status, out, _ = run("memory", "resnet50", "--batch", "2", "--dtype", "bfloat16")
    assert status == 0
    assert "11.0 MB peak, weights excluded, at `layer1.0.downsample.1`" in out
    assert "12·H·W + 3,328·⌊(H+3)/4⌋·⌊(W+3)/4⌋ bytes" in out
    status, out, _ = run("memory", "squeezenet_digits", "--measure", "cpu", "--format", "json")
    found = json.loads(out)
    assert found["inference"] == sum(one["bytes"] for one in found["inference_held"]) <= found["allocator"]["inference"]
    status, _, err = run("memory", "squeezenet_digits", "--measure", "tpu")
    assert status == 2
    assert "no-device" in err
    status, _, err = run("memory", "squeezenet_digits", "--dtype", "int8")
    assert status == 2
