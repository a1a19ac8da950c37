"""Rewrites: both sides run on one set of random weights, refusals by their exact words, and what else stays true."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

import archspec
from archspec.analyses import receptive_field
from archspec.backends.spec_text import expand
from archspec.graph import Graph
from archspec.ops.batch_norm import BatchNorm
from archspec.pipeline import Spec
from archspec.rewrites import Draft, carry, finish, names
from tests.helpers.places import EACH_SHIPPED
from tests.helpers.work import calls

Rewrites = tuple[str | Mapping[str, Any], ...]

DOUBLE = 1e-13
"""Largest difference in float64, for the largest output: sums in another order, nothing else (2e-14 was measured)."""

SINGLE = 5e-6
"""The same in float32 (2e-6 was measured)."""


def loaded(name: str, size: int) -> Spec:
    return archspec.load(name, sizes={"H": size, "W": size}, classes=10)


def rewritten(spec: Spec, *rewrites: str | Mapping[str, Any]) -> Spec:
    return archspec.rewrite(spec, *rewrites)


def image(spec: Spec, dtype: torch.dtype, **sizes: int) -> Tensor:
    there = {**spec.graph.sizes, **sizes}
    channels = spec.graph.nodes[0].shape.channels
    return torch.randn(2, channels, there["H"], there["W"], dtype=dtype)


def lived(model: nn.Module) -> nn.Module:
    """A model in evaluation whose batch normalisations have seen something."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.uniform_(-0.3, 0.3)
            module.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.2, 0.2)
    return model.eval()


def both(old: Spec, new: Spec, dtype: torch.dtype) -> tuple[nn.Module, nn.Module]:
    """Both networks, the second with the weights of the first carried over, every tensor of it."""
    one, other = lived(archspec.compile(old)).to(dtype), archspec.compile(new).eval().to(dtype)
    stages = new.graph.stages[len(old.graph.stages) :]
    other.load_state_dict(carry(stages, one.state_dict()), strict=True)
    return one, other


def difference(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max() / one.abs().max())


# -- nothing done, nothing changed -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EACH_SHIPPED)
def test_a_draft_that_nobody_edits_is_the_network_it_was(name: str) -> None:
    spec = archspec.load(name)
    graph = finish(Draft(spec.graph), "none")
    assert expand(graph) == expand(spec.graph)
    assert archspec.source(replace(spec, graph=graph)) == archspec.source(spec)
    assert graph.stages[-1].kept == {key: key for key in spec.graph.state}


def test_new_steps_have_names_of_their_own() -> None:
    scope = Draft(loaded("squeezenet1_0", 64).graph).root
    names = [scope.free_name("fresh") for _ in range(3)]
    assert names == ["fresh", "fresh_2", "fresh_3"]
    assert scope.free_name("features") == "features_2"
    assert scope.free_name("") == ""


# -- the same function -------------------------------------------------------------------------------------------------

SAME: list[tuple[str, int, Rewrites]] = [
    ("alexnet_paper", 67, ("dense_to_conv",)),
    ("squeezenet1_0", 64, ("dense_to_conv",)),
    ("mobilenet_v2", 64, ("dense_to_conv",)),
    ("mobilenet_v3_large", 64, ("dense_to_conv",)),
    ("resnet18", 64, ("fold_batch_norm",)),
    ("densenet121", 64, ("fold_batch_norm",)),
    ("mobilenet_v2", 64, ("fold_batch_norm",)),
    ("shufflenet_v2_x1_0", 64, ("fold_batch_norm", "dense_to_conv")),
    ("googlenet", 64, ("remove_dropout", "cut(after=fc)")),
    ("squeezenet1_0", 64, ("remove_dropout",)),
]
SAME_TOO: list[tuple[str, int, Rewrites]] = [
    ("alexnet", 224, ("dense_to_conv",)),
    ("googlenet", 64, ("dense_to_conv",)),
    ("googlenet_paper", 224, ("dense_to_conv",)),
    ("resnet50", 64, ("dense_to_conv",)),
    ("densenet121", 64, ("dense_to_conv",)),
    ("convnext_tiny", 64, ("dense_to_conv",)),
    ("resnet50", 64, ("fold_batch_norm",)),
    ("googlenet", 64, ("fold_batch_norm",)),
]
"""Larger networks, to which nothing is done that is not done to those above."""


@pytest.mark.parametrize(
    ("name", "size", "rewrites"), [*SAME, *(pytest.param(*each, marks=pytest.mark.slow) for each in SAME_TOO)]
)
def test_the_function_stays(name: str, size: int, rewrites: Rewrites) -> None:
    old = loaded(name, size)
    new = rewritten(old, *rewrites)
    with torch.no_grad():
        for dtype, bound in ((torch.float64, DOUBLE), (torch.float32, SINGLE)):
            one, other = both(old, new, dtype)
            x = image(old, dtype)
            assert difference(one(x), other(x).flatten(1)) <= bound


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_a_transposed_convolution_in_groups_is_folded(groups: int) -> None:
    steps = f"[{{conv_transpose as up: {{channels: 12, kernel: 3, stride: 2, groups: {groups}}}}}, batch_norm, relu]"
    old = archspec.loads(f"archspec: 1\ninputs: {{image: [8, H, W]}}\nsizes: {{H: 9, W: 7}}\nsteps: {steps}\n")
    new = rewritten(old, "fold_batch_norm")
    assert not any(node.op is not None and node.op.keyword == "batch_norm" for node in new.graph.nodes)
    one, other = both(old, new, torch.float64)
    given = image(old, torch.float64)
    with torch.no_grad():
        assert difference(one(given), other(given)) < 1e-12


def test_what_leaves_arithmetic_alone_leaves_every_bit() -> None:
    old = loaded("densenet121", 64)
    new = rewritten(old, "remove_dropout") if "dropout" in archspec.source(old) else rewritten(old, {"cut": "features"})
    one, other = both(old, new, torch.float32)
    x = image(old, torch.float32)
    with torch.no_grad():
        assert torch.equal(one.get_submodule("features")(x), other(x))


@pytest.mark.slow
def test_vgg_made_fully_convolutional_runs_at_any_size() -> None:
    old = archspec.load("vgg11", classes=10)
    new = rewritten(old, "dense_to_conv")
    one, other = both(old, new, torch.float32)
    x = image(old, torch.float32)
    with torch.no_grad():
        assert difference(one(x), other(x).flatten(1)) <= SINGLE
        assert other(image(old, torch.float32, H=288, W=256)).shape == (2, 10, 3, 2)
    assert "Linear" not in archspec.source(new)
    assert "adaptive" not in archspec.source(new)
    assert archspec.check(new).valid_sizes["H"].valid.describe("H") == "H ≥ 224"


# -- strides given up --------------------------------------------------------------------------------------------------

DENSER: list[tuple[str, str, int, int]] = [
    ("resnet18", "layer4", 8, 4),
    ("mobilenet_v2", "features.18", 16, 2),
    ("vgg11", "pool5", 8, 4),
    ("densenet121", "features", 16, 2),
    ("alexnet", "features", 8, 4),
    ("squeezenet1_0", "features", 8, 2),
    ("shufflenet_v2_x1_0", "conv5", 8, 4),
    ("convnext_tiny", "features", 8, 4),
]


def fields(graph: Graph) -> dict[str, tuple[int, ...]]:
    return {path: field.sizes for path, field in receptive_field.table(graph, graph.sizes).items()}


@pytest.mark.parametrize(("name", "after", "stride", "denser"), DENSER)
def test_a_denser_map_holds_the_old_one(name: str, after: str, stride: int, denser: int) -> None:
    old = rewritten(archspec.load(name), {"cut": after})
    new = rewritten(old, {"stride_to_dilation": stride})
    assert fields(new.graph) == fields(old.graph)
    one, other = both(old, new, torch.float64)
    x = torch.randn(1, 3, 96, 96, dtype=torch.float64)
    with torch.no_grad():
        was, now = one(x), other(x)
    assert now.shape[2] > was.shape[2]
    rows, columns = was.shape[2:]
    assert difference(was, now[:, :, ::denser, ::denser][:, :, :rows, :columns]) <= DOUBLE


UPSAMPLED = """\
archspec: 1
name: Upsampled
inputs: {image: [3, H, W]}
sizes: {H: 96, W: 96}
steps:
  - conv: {channels: 4, kernel: 3, stride: 2, padding: 1}
  - upsample: {scale: SCALE}
  - conv: {channels: 4, kernel: 3, stride: 2, padding: 1}
  - conv: {channels: 4, kernel: 3, stride: 2, padding: 1}
"""


@pytest.mark.parametrize(("scale", "stride", "denser"), [("2", 2, 2), ("[2, 2]", 2, 2), ("1.5", 2, 4)])
def test_an_upsampled_map_counts_with_its_new_stride(scale: str, stride: int, denser: int) -> None:
    old = archspec.loads(UPSAMPLED.replace("SCALE", scale))
    new = rewritten(old, {"stride_to_dilation": stride})
    one, other = both(old, new, torch.float64)
    x = torch.randn(1, 3, 96, 96, dtype=torch.float64)
    with torch.no_grad():
        was, now = one(x), other(x)
    assert difference(was, now[:, :, ::denser, ::denser]) <= DOUBLE


@pytest.mark.parametrize("stride", [8, 16])
def test_resnet_50_is_dilated_as_torchvision_does(torchvision: ModuleType, stride: int) -> None:
    new = rewritten(archspec.load("resnet50"), {"stride_to_dilation": {"output_stride": stride}})
    model = archspec.compile(new).eval()
    theirs = torchvision.models.resnet50(replace_stride_with_dilation=[False, stride == 8, True]).eval()
    theirs.load_state_dict(model.state_dict(), strict=True)
    x = torch.randn(1, 3, 96, 96)
    with torch.no_grad():
        assert torch.equal(theirs(x), model(x))


# -- another function --------------------------------------------------------------------------------------------------

EVEN = """\
archspec: 1
name: Even
inputs: {image: [16, H, W]}
sizes: {H: 32, W: 32}
steps:
  - conv as conv1: {channels: 16, kernel: KERNEL, padding: PADDING, bias: false}
  - batch_norm as bn1
  - relu
"""


def even(kernel: int) -> Spec:
    return archspec.loads(EVEN.replace("KERNEL", str(kernel)).replace("PADDING", str(kernel // 2)))


def notes(spec: Spec) -> str:
    return " ".join(each.message for each in spec.diagnostics if each.code == "rewritten")


def test_the_papers_savings() -> None:
    """28% for two 3×3 in place of a 5×5, 33% for 3×1 and 1×3 in place of a 3×3 (arXiv:1512.00567, 3.1 and 3.2)."""
    assert notes(rewritten(even(5), "factorise_conv")) == (
        "`factorise_conv`: 1 convolution of 5×5 factorised, all receptive fields unchanged: "
        "28% fewer multiply-adds in them, 28.0% in the network"
    )
    assert "33% fewer" in notes(rewritten(even(3), "factorise_conv(kernel=3, into=asymmetric)"))
    assert "45% fewer" in notes(rewritten(even(7), "factorise_conv(7)"))  # 27 of 49
    assert "83% fewer" in notes(rewritten(even(3), "conv_to_depthwise_separable(conv1)"))  # 1/16 + 1/9


@pytest.mark.parametrize(
    ("name", "rewrite"),
    [
        ("alexnet", "factorise_conv"),
        ("alexnet", "factorise_conv(kernel=11, middle=64)"),
        ("googlenet_paper", "factorise_conv"),
        ("resnet18", "factorise_conv(kernel=3, into=asymmetric)"),
        ("resnet18", "factorise_conv(kernel=7, activation=false)"),
        ("mobilenet_v3_large", "factorise_conv"),
        ("vgg11", "conv_to_depthwise_separable"),
        ("resnet18", "conv_to_depthwise_separable"),
        ("densenet121", "conv_to_depthwise_separable(activation=false)"),
        ("googlenet", "conv_to_depthwise_separable"),
    ],
)
def test_factorised_networks_see_what_they_saw(name: str, rewrite: str) -> None:
    old = loaded(name, 224 if name in ("alexnet", "googlenet_paper") else 64)
    new = rewritten(old, rewrite)
    before = receptive_field.table(old.graph, old.graph.sizes)
    after = receptive_field.table(new.graph, new.graph.sizes)
    seen = [{axis: (field and (field.phases, field.stride)) for axis, field in each.axes.items()}
            for table in (before, after) for each in table.values()]  # fmt: skip
    was, now = seen[: len(before)], seen[len(before) :]
    left = iter(now)
    assert all(field in left for field in was)  # those of the old steps, in order, among those of the new
    model = archspec.compile(new).eval()
    assert model.state_dict().keys() == new.graph.state.keys()
    stage = new.graph.stages[-1]
    assert stage.fresh | stage.kept.keys() == new.graph.state.keys()
    with torch.no_grad():
        assert model(image(new, torch.float32)).shape == (2, 10)


def test_a_stride_and_uneven_padding_are_shared_out() -> None:
    text = EVEN.replace("KERNEL", "[5, 5]").replace("PADDING", "[[3, 1], [0, 4]], stride: [2, 3], dilation: [1, 2]")
    old = archspec.loads(text)
    for into in ("stacked", "asymmetric"):
        new = rewritten(old, {"factorise_conv": {"into": into}})
        assert [node.shape for node in new.graph.nodes][-1] == old.graph.nodes[-1].shape
        archspec.compile(new)(torch.randn(1, 16, 32, 32))


@pytest.mark.parametrize("width", [0.25, 0.5, 0.75])
def test_the_width_multiplier_is_mobilenets_own(width: float) -> None:
    theirs = archspec.load("mobilenet_v1", width=width)
    ours = rewritten(archspec.load("mobilenet_v1"), {"width_multiplier": width})
    assert ours.graph.state == theirs.graph.state


@pytest.mark.parametrize("by", [0.3, 1.4])
@pytest.mark.parametrize("name", EACH_SHIPPED)
def test_any_network_can_be_thinner_or_wider(name: str, by: float) -> None:
    old = archspec.load(name)
    new = rewritten(old, {"width_multiplier": by})
    assert [new.graph.nodes[output.node].shape.channels for output in new.graph.outputs] == [
        old.graph.nodes[output.node].shape.channels for output in old.graph.outputs
    ]
    count = [sum(map(len_of, spec.graph.state.values())) for spec in (old, new)]
    assert (count[1] < count[0]) == (by < 1)


def len_of(shape: tuple[int, ...]) -> int:
    found = 1
    for size in shape:
        found *= size
    return found


@pytest.mark.parametrize(
    "name", ["squeezenet_complex_bypass", "shufflenet_v2_x1_0", "densenet121", "regnet_y_400mf", "convnext_tiny"]
)
def test_thinner_networks_run(name: str) -> None:
    new = rewritten(loaded(name, 64), {"width_multiplier": {"by": 0.4, "divisor": 4}})
    with torch.no_grad():
        assert archspec.compile(new).eval()(image(new, torch.float32)).shape == (2, 10)


# -- other arguments, steps taken out ----------------------------------------------------------------------------------


def test_set_and_remove_keep_every_other_key() -> None:
    old = rewritten(archspec.load("vgg11"), {"cut": "pool5"})
    new = rewritten(
        old,
        "set(step=features.0, padding=100)",
        {"remove": ["pool4", "pool5"]},
        {"set": {"step": ["features.16", "features.18"], "dilation": 2, "padding": 2}},
    )
    assert new.graph.state == old.graph.state
    both(old, new, torch.float32)
    assert [node.path for node in new.graph.nodes if node.label in ("pool4", "pool5")] == []
    assert {"pool4", "pool5"} == new.graph.stages[-1].lost | new.graph.stages[-2].lost | new.graph.stages[-3].lost


def test_removing_a_block_lets_its_readers_read_on() -> None:
    old = loaded("resnet18", 64)
    new = rewritten(old, {"remove": ["layer1.1", "layer2.1"]})
    one, other = both(old, new, torch.float32)
    for name in ("layer1", "layer2"):
        one.get_submodule(name)[1] = nn.Identity()  # type: ignore[index]
    x = image(old, torch.float32)
    with torch.no_grad():
        assert torch.equal(one(x), other(x))


def test_an_auxiliary_head_goes_with_its_output() -> None:
    new = rewritten(loaded("googlenet", 64), {"remove": ["aux1", "aux2"]})
    assert [output.name for output in new.graph.outputs] == ["logits"]
    assert not any(key.startswith("aux") for key in new.graph.state)


def test_rewrites_run_in_the_order_written() -> None:
    spec = archspec.load("vgg11", classes=10)
    one = rewritten(spec, {"cut": "fc6"}, "dense_to_conv")
    other = rewritten(spec, "dense_to_conv", {"cut": "fc6"})
    assert expand(one.graph) == expand(other.graph)
    with pytest.raises(archspec.SpecError, match="there is no step or label `fc8`"):
        rewritten(spec, {"cut": "fc6"}, {"cut": "fc8"})


# -- refusals ----------------------------------------------------------------------------------------------------------

LATE = """\
archspec: 1
name: Late
inputs: {image: [3, H, W]}
sizes: {H: 8, W: 8}
steps:
  - conv as conv1: {channels: 8, kernel: 3, padding: 1}
  - batch_norm as bn1: {}
    label: normal
  - add as both:
    from: [normal, conv1]
  - avg_pool as pool1: {kernel: 2}
  - conv as conv2: {channels: 8, kernel: 3, stride: 2, padding: 1}
  - avg_pool as pool2: {kernel: 2, stride: 1}
"""

REFUSED: list[tuple[str, str | Mapping[str, Any], str, str | None]] = [
    ("vgg11", {"cut": "fc9"}, "`cut`: there is no step or label `fc9`", None),
    ("vgg11", {"cut": "fc8"}, "`cut`: the network already ends at `fc8`", "classifier.6"),
    ("vgg11", {"cut": "image"}, "`cut`: `image` is an input, so no step would be left", "image"),
    ("vgg11", {"set": {"step": "pool1"}}, "`set`: no argument is given", None),
    ("vgg11", {"set": {"step": "features", "padding": 1}}, "`set`: `features` is a sequence of several steps", None),
    ("vgg11", {"set": {"step": "pool1", "depth": 1}}, "`set`: `max_pool` has no argument `depth`", "features.2"),
    (
        "vgg11",
        {"set": {"step": "pool1", "kernel": 0}},
        "`set`: `kernel` of `max_pool`: must be positive, not 0",
        "features.2",
    ),
    (
        "vgg11",
        {"set": {"step": "pool1", "padding": 2}},
        "`set`: after the rewrite `features.2` does not fit: padding 2 is more than half of kernel 2",
        "features.2",
    ),
    ("vgg11", {"remove": "image"}, "`remove`: `image` is an input", "image"),
    ("late", {"remove": "both"}, "`remove`: `both` reads 2 values, and none of them can replace it", "both.add()"),
    ("vgg11", "fold_batch_norm", "`fold_batch_norm`: there is no batch normalisation", None),
    ("late", "fold_batch_norm", "`fold_batch_norm`: `both.add()` also reads `conv1` before its normalisation", "bn1"),
    ("late", "remove_dropout", "`remove_dropout`: the network has no dropout", None),
    (
        "late",
        "dense_to_conv",
        "`dense_to_conv`: no dense layer reads a flattened map, so there is nothing to convert",
        None,
    ),
    (
        "vgg64",
        "dense_to_conv",
        "`dense_to_conv`: `1` pools 2×2 to 7×7 with windows of different sizes",
        "1",
    ),
    ("late", "factorise_conv", "`factorise_conv`: there is no convolution of kernel 5", None),
    ("late", "factorise_conv(4)", "`factorise_conv`: a kernel of 4 cannot be a stack of kernels of 3", None),
    (
        "late",
        {"stride_to_dilation": 1},
        "`stride_to_dilation`: `avg_pool` at `pool2` has no dilation",
        "pool2",
    ),
    (
        "late",
        {"stride_to_dilation": 8},
        "`stride_to_dilation`: the output stride is 4, which is already at most 8",
        None,
    ),
    (
        "alexnet_paper",
        {"stride_to_dilation": 8},
        "`stride_to_dilation`: `15` needs the map at its old size",
        "15",
    ),
    (
        "late",
        {"width_multiplier": 1},
        "`width_multiplier`: no layer changes: channels are outputs of the network, or round to their old numbers",
        None,
    ),
    (
        "late",
        {"conv_to_depthwise_separable": "pool1"},
        "`conv_to_depthwise_separable`: there is no full convolution in the given steps to replace",
        None,
    ),
]


def spec_for(name: str) -> Spec:
    if name == "late":
        return archspec.loads(LATE)
    return loaded("vgg11", 64) if name == "vgg64" else archspec.load(name)


@pytest.mark.parametrize(("name", "rewrite", "message", "path"), REFUSED)
def test_refusals_say_why_and_where(
    name: str, rewrite: str | Mapping[str, Any], message: str, path: str | None
) -> None:
    with pytest.raises(archspec.SpecError) as caught:
        rewritten(spec_for(name), rewrite)
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.message) == ("rewrite-refused", message)
    assert [detail.partition(" (")[0] for detail in diagnostic.details] == ([f"at `{path}`"] if path else [])


WRITTEN_WRONG: list[tuple[str | Mapping[str, Any], str, str]] = [
    ("cutt", "unknown-rewrite", "there is no rewrite `cutt`"),
    ("cut", "missing-argument", "`cut` needs `after`"),
    ("cut(before=fc7)", "unknown-argument", "`cut` has no option `before`"),
    ("remove_dropout(3)", "positional-argument", "options of `remove_dropout` must be named"),
    ("width_multiplier(-1)", "wrong-value", "`by` of `width_multiplier`: must be above 0, not -1"),
    ("factorise_conv(into=three)", "wrong-value", "`into` of `factorise_conv`: should be 'stacked' or 'asymmetric'"),
    ("[cut, remove]", "not-a-rewrite", "a rewrite must be a name, or a name with options"),
    (
        {"remove": []},
        "wrong-value",
        "`step` of `remove`: must be the path or label of a step, or a list of them",
    ),
]


@pytest.mark.parametrize(("rewrite", "code", "message"), WRITTEN_WRONG)
def test_a_rewrite_written_wrong(rewrite: str | Mapping[str, Any], code: str, message: str) -> None:
    with pytest.raises(archspec.SpecError) as caught:
        rewritten(archspec.load("squeezenet_digits"), rewrite)
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.message) == (code, message)


TAPPED = """\
archspec: 1
name: Tapped
inputs: {image: [3, H, W]}
sizes: {H: 224, W: 224}
import:
  vgg: {spec: vgg11, rewrite: [{remove: pool4}, {cut: pool5}]}
steps:
  - vgg as vgg
  - conv: {channels: 21, kernel: 1}
    from: vgg.TAP
"""


@pytest.mark.parametrize(("tap", "by"), [("pool4", "remove"), ("fc7", "cut"), ("classifier", "cut")])
def test_a_tap_that_a_rewrite_took_away_is_named_with_it(tap: str, by: str) -> None:
    with pytest.raises(archspec.SpecError) as caught:
        archspec.loads(TAPPED.replace("TAP", tap))
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.message == f"`vgg` has no step or label `{tap}` any more: the rewrite `{by}` removed it"
    assert str(diagnostic.span) == "spec.yaml:10:11"
    archspec.loads(TAPPED.replace("TAP", "pool3"))


def test_shared_weights_stay_shared_or_are_refused() -> None:
    text = EVEN.replace("KERNEL", "5").replace("PADDING", "2") + "  - reuse: conv1\n"
    spec = archspec.loads(text)
    with pytest.raises(archspec.SpecError, match="`conv1` shares its weights with another step"):
        rewritten(spec, "factorise_conv")
    with pytest.raises(archspec.SpecError, match="reuses the weights of `conv1`, so both must stay the same"):
        rewritten(spec, "set(step=conv1, bias=true)")
    with pytest.raises(archspec.SpecError, match="reuses the weights of `conv1`, which would be removed"):
        rewritten(spec, {"remove": "conv1"})
    thinner = rewritten(spec, {"cut": "bn1"})
    assert "conv1.weight" in thinner.graph.state


SHARED = """
archspec: 1
name: Shared
inputs: {image: [3, H, W]}
sizes: {H: 16, W: 16}
steps:
  - conv: {channels: 4, kernel: 1}
  - sequence as twice:
      - conv as c: {channels: 4, kernel: 3, padding: 1, bias: false}
      - batch_norm as b
      - relu
  - reuse: twice
  - max_pool: {kernel: 2}
  - reuse: twice
  - conv as d: {channels: 4, kernel: 1}
  - batch_norm as e
"""


@pytest.mark.parametrize(
    ("more", "left"), [("", 2), ("  - reuse: d\n  - reuse: e\n", 2), ("  - relu\n  - batch_norm\n", 3)]
)
def test_what_is_used_again_together_is_folded_in_all_uses(more: str, left: int) -> None:
    old = archspec.loads(SHARED + more)
    new = rewritten(old, "fold_batch_norm")
    assert sum(isinstance(node.op, BatchNorm) for node in new.graph.nodes) == left - 2
    one, other = both(old, new, torch.float64)
    x = image(old, torch.float64, H=24)
    with torch.no_grad():
        assert difference(one(x), other(x)) < DOUBLE


@pytest.mark.parametrize(
    ("more", "rewrite", "message"),
    [
        ("  - reuse: d\n", "fold_batch_norm", "`d` shares its weights with `7`, which `e` does not normalise"),
        ("  - relu\n  - reuse: e\n", "fold_batch_norm", "`e` shares its weights with `8`, which reads another step"),
        (
            "  - reuse: d\n  - batch_norm\n",
            "fold_batch_norm",
            "`d` shares its weights with `7`, which `e` does not normalise",
        ),
        ("", "fold_batch_norm(within=twice)", "`twice.b` shares its weights with `2.b`, which is not to be folded"),
    ],
)
def test_what_is_used_again_otherwise_is_not_folded(more: str, rewrite: str, message: str) -> None:
    spec = archspec.loads(SHARED + more)
    with pytest.raises(archspec.SpecError) as caught:
        rewritten(spec, rewrite)
    assert caught.value.diagnostics[0].message == f"`fold_batch_norm`: {message}"


# -- what comes out is a network like any other ------------------------------------------------------------------------

PRINTED: list[Any] = [
    pytest.param(
        "vgg11", ("dense_to_conv", {"cut": "fc7"}, "set(step=features.0, padding=100)"), marks=pytest.mark.slow
    ),
    ("squeezenet1_0", ({"cut": "fire9"}, "set(step=features.0, padding=100)")),
    ("squeezenet1_0", ("width_multiplier(0.5)", "dense_to_conv")),
    ("googlenet", ("remove_dropout", "fold_batch_norm")),
    ("googlenet_paper", ("factorise_conv",)),
    ("resnet50", ("stride_to_dilation(8)", {"cut": "layer4"}, "fold_batch_norm")),
    ("resnet18", ("conv_to_depthwise_separable", {"remove": "layer3.1"})),
    ("shufflenet_v2_x1_0", ("width_multiplier(1.5)",)),
    ("alexnet", ("factorise_conv", "remove_dropout")),
    ("mobilenet_v2", ("width_multiplier(by=1.5, divisor=256)",)),  # where no layer changes its width any more
    ("mobilenet_v2", ("stride_to_dilation(4)", "conv_to_depthwise_separable(features.0.0)")),
    ("resnet18", ("width_multiplier(by=1.05, divisor=512)", "stride_to_dilation(8)")),
]


@pytest.mark.parametrize(("name", "rewrites"), PRINTED)
def test_expand_prints_what_is_built(name: str, rewrites: Rewrites) -> None:
    size = 224 if name in ("vgg11", "alexnet", "googlenet_paper") else 96
    new = rewritten(archspec.load(name, sizes={"H": size, "W": size}), *rewrites)
    text = expand(new.graph)
    again = archspec.loads(text)
    assert again.graph.state == new.graph.state
    assert expand(again.graph) == expand(archspec.loads(expand(again.graph)).graph)
    one, other = archspec.compile(new).eval(), archspec.compile(again).eval()
    other.load_state_dict(one.state_dict(), strict=True)
    x = image(new, torch.float32)[:1]
    with torch.no_grad():
        assert torch.equal(one(x), other(x))


@pytest.mark.parametrize(
    ("name", "rewrites", "classes"),
    [
        ("resnet50", ("stride_to_dilation(8)",), ["ResidualBottleneck", "ResNet50"]),
        ("resnet50", ("fold_batch_norm",), ["ResidualBottleneck", "ResNet50"]),
        ("googlenet", ("remove_dropout", "fold_batch_norm"), ["ConvBNReLU", "InceptionV1", "Auxiliary", "GoogLeNet"]),
        ("googlenet_paper", ("factorise_conv",), ["ConvReLU", "InceptionV1", "Auxiliary", "GoogLeNetPaper"]),
        ("squeezenet1_0", ("dense_to_conv",), ["Fire", "SqueezeNet"]),
        ("resnet50", ("width_multiplier(0.3)",), ["ResidualBottleneck", "ResNet50"]),
        ("mobilenet_v2", ("width_multiplier(0.5)",), ["ConvNormAct", "InvertedResidual", "MobileNetV2"]),
    ],
)
def test_blocks_keep_one_class_each(name: str, rewrites: Rewrites, classes: list[str]) -> None:
    source = archspec.source(rewritten(archspec.load(name), *rewrites))
    assert re.findall(r"^class (\w+)\(nn\.\w+\)", source, re.MULTILINE) == classes


def test_extends_may_rewrite() -> None:
    spec = archspec.loads("archspec: 1\nname: Folded\nextends: resnet18\nrewrite: [fold_batch_norm, {cut: layer4}]\n")
    assert [stage.name for stage in spec.graph.stages] == ["fold_batch_norm", "cut"]
    assert "bn1.weight" not in spec.graph.state


# -- bounds ------------------------------------------------------------------------------------------------------------

LONG = """\
archspec: 1
name: Long
inputs: {image: [8, H, W]}
sizes: {H: 32, W: 32}
steps:
  - steps:
      - conv as conv$i: {channels: 16, kernel: 5, padding: 2, bias: false}
      - batch_norm as bn$i
      - relu
      - dropout as drop$i
    for: i in range(COUNT)
  - global_avg_pool
  - flatten
  - linear as fc: {features: 10}
"""


def test_work_grows_as_the_steps_do() -> None:
    def work(count: int) -> int:
        spec = archspec.loads(LONG.replace("COUNT", str(count)))
        drops = [f"drop{i}" for i in range(count)]

        def every() -> None:
            rewritten(spec, "remove_dropout", "fold_batch_norm", "dense_to_conv", "width_multiplier(0.5)")
            rewritten(spec, {"remove": drops}, {"set": {"step": "conv7", "bias": True}})
            rewritten(spec, {"cut": f"bn{count // 2}"}, "factorise_conv")

        return calls(every)

    work(8)  # what the first call alone does is not counted
    few, many = work(40), work(200)
    assert 3 * few < many < 5.5 * few


OPTIONS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 40),
    st.integers(10**6, 10**30),
    st.floats(allow_nan=True),
    st.sampled_from(["conv1", "fc", "classifier", "same", "stacked", "features", "", "1", "input", "previous", "\x00"]),
    st.lists(st.sampled_from(["conv1", "features", "features.3"]), max_size=3),
)


@given(
    st.sampled_from(sorted(names())),
    st.dictionaries(
        st.sampled_from(["step", "after", "by", "divisor", "kernel", "into", "within", "output_stride", "middle",
                         "padding", "channels", "activation", "groups", "init"]),
        OPTIONS, max_size=4,
    ),
)  # fmt: skip
def test_no_options_lead_to_anything_but_a_network_or_words(name: str, options: dict[str, Any]) -> None:
    spec = archspec.load("squeezenet_digits")
    with contextlib.suppress(archspec.SpecError):
        assert archspec.source(rewritten(spec, {name: options} if options else name))
