"""Every block of the library does what its own example says; what is only here is held against plain torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import archspec

LIBRARY = Path(archspec.__file__).parent / "library"
BLOCKS = sorted(path.stem for path in LIBRARY.glob("*.yaml"))

NAMED_IN_THE_LECTURE = {
    "bn_relu_conv", "conv_bn_relu", "conv_relu", "dense_block", "dense_layer", "depthwise_separable", "double_conv",
    "fire", "fire_bypass", "grid_reduction_a", "grid_reduction_b", "grid_reduction_conventional", "inception_a",
    "inception_b", "inception_c", "inception_naive", "inception_v1", "residual_basic",
    "residual_basic_preact", "residual_bottleneck", "residual_bottleneck_preact", "squeeze_excite", "transition",
    "up_level",
}  # fmt: skip


def network(step: dict[str, Any], inputs: dict[str, list[Any]], **others: Any) -> archspec.Spec:
    """A network of one step over named inputs."""
    if len(inputs) > 1:
        step = {**step, "from": list(inputs)}
    return archspec.loads(yaml.safe_dump({"archspec": 1, "inputs": inputs, "steps": [step], **others}, sort_keys=False))


def weights(spec: archspec.Spec) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of the state_dict, from the graph alone."""
    found: dict[str, tuple[int, ...]] = {}
    for node in spec.graph.nodes:
        if node.op is not None and node.reuse is None:
            for weight in node.op.weights(spec.graph.shapes_in(node)):
                found[f"{node.path}.{weight.name}" if weight.name else node.path] = weight.shape
    return found


def test_library_has_what_the_lecture_names() -> None:
    assert set(BLOCKS) >= NAMED_IN_THE_LECTURE


@pytest.mark.parametrize("block", BLOCKS)
def test_example(block: str) -> None:
    """The example's output shape, at numbers and with symbols for sizes; then a run of the compiled module."""
    import torch

    text = (LIBRARY / f"{block}.yaml").read_text(encoding="utf-8")
    described = yaml.safe_load(text)
    assert described["name"] == block
    assert described["doc"].endswith(".")
    example = described["example"]
    inputs: dict[str, list[int]] = example["inputs"]
    spec = network({block: example.get("with")}, inputs)
    assert not spec.diagnostics
    report = archspec.check(spec)
    output = spec.graph.nodes[spec.graph.outputs[0].node]
    assert list(report.shapes_at[output.path]) == example["output"]

    symbols = {name: [channels, f"H_{name}", f"W_{name}"] for name, (channels, *_) in inputs.items()}
    sizes = {
        f"{axis}_{name}": size for name, (_, *given) in inputs.items() for axis, size in zip("HW", given, strict=True)
    }
    free = network({block: example.get("with")}, symbols, sizes=sizes)
    assert weights(free) == weights(spec)
    assert not free.graph.pins, "a block of the library takes any size"

    model = archspec.compile(spec).eval()
    assert {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()} == weights(spec)
    result = model(*(torch.randn(2, *shape) for shape in inputs.values()))
    assert list(result.shape) == [2, *example["output"]]
    assert result.isfinite().all()


def test_fire_has_the_papers_parameters() -> None:
    """s1x1, e1x1 and e3x3 are free of one another."""
    spec = network({"fire": {"s1x1": 3, "e1x1": 5, "e3x3": 7}}, {"x": [11, 8, 8]})
    assert {name: shape for name, shape in weights(spec).items() if name.endswith("weight")} == {
        "0.squeeze.weight": (3, 11, 1, 1),
        "0.expand1x1.weight": (5, 3, 1, 1),
        "0.expand3x3.weight": (7, 3, 3, 3),
    }


@pytest.mark.parametrize(("channels", "bypass"), [(128, False), (96, True)])
def test_fire_bypass_is_simple_where_it_can_be(channels: int, bypass: bool) -> None:
    spec = network({"fire_bypass": {"s1x1": 16, "e1x1": 64, "e3x3": 64}}, {"x": [channels, 8, 8]})
    assert ("0.bypass.weight" in weights(spec)) is bypass


@pytest.mark.parametrize("kind", ["residual_basic", "residual_bottleneck"])
@pytest.mark.parametrize("suffix", ["", "_preact"])
def test_residual_shortcut_has_weights_only_where_the_shape_changes(kind: str, suffix: str) -> None:
    outer = 64 if kind == "residual_basic" else 256
    for arguments, channels, projected in (
        ({"channels": 64}, outer, False),
        ({"channels": 64, "stride": 2}, outer, True),
        ({"channels": 64}, 32, True),
    ):
        spec = network({kind + suffix: arguments}, {"x": [channels, 8, 8]})
        assert any("downsample" in name for name in weights(spec)) is projected


def test_bottleneck_strides_where_it_is_told() -> None:
    """Both spellings have the same weights; striding early is cheaper."""
    cost: list[int | None] = []
    for stride_on in (1, 2):
        arguments = {"channels": 64, "stride": 2, "stride_on": stride_on}
        spec = network({"residual_bottleneck": arguments}, {"x": [256, 8, 8]})
        cost.append(archspec.check(spec).total.multiply_adds)
    early, late = cost
    assert early is not None
    assert late is not None
    assert late - early == 256 * 64 * (8 * 8 - 4 * 4)  # the first 1×1, on all places or on a quarter of them


def test_grid_reductions_compare_as_the_paper_says() -> None:
    """Pooling after the module costs as often as much as pooling before it as the grid has fewer places."""
    cost: dict[bool, int | None] = {}
    for first in (False, True):
        arguments = {"module": {"inception_b": {"channels": 128}}, "pool_first": first}
        spec = network({"grid_reduction_conventional": arguments}, {"x": [768, 17, 17]})
        cost[first] = archspec.check(spec).total.multiply_adds
    after, before = cost[False], cost[True]
    assert after is not None
    assert before is not None
    assert after * 8 * 8 == before * 17 * 17


def test_squeeze_excite_is_torchvisions(torchvision: Any) -> None:
    import torch

    theirs = torchvision.ops.SqueezeExcitation(12, 3)
    ours = archspec.compile(network({"squeeze_excite": {"channels": 3}}, {"x": [12, "H", "W"]}, sizes={"H": 8, "W": 8}))
    ours.load_state_dict({f"0.{name}": tensor for name, tensor in theirs.state_dict().items()}, strict=True)
    image = torch.randn(2, 12, 5, 6)
    assert torch.equal(ours(image), theirs(image))


def test_up_level_is_the_papers_step() -> None:
    """Up-convolution, centre crop, skip first in the concatenation, two unpadded convolutions."""
    import torch
    import torch.nn.functional as F

    spec = network({"up_level as up": {"channels": 4}}, {"x": [8, 6, 6], "skip": [4, 16, 16]})
    model = archspec.compile(spec)
    weight = dict(model.named_parameters())
    x, skip = torch.randn(2, 8, 6, 6), torch.randn(2, 4, 16, 16)
    y = F.conv_transpose2d(x, weight["up.up.weight"], weight["up.up.bias"], stride=2)
    y = torch.cat([skip[:, :, 2:14, 2:14], y], 1)
    for i in (1, 2):
        y = F.relu(F.conv2d(y, weight[f"up.convs.conv{i}.weight"], weight[f"up.convs.conv{i}.bias"]))
    torch.testing.assert_close(model(x, skip), y)
