"""The shipped networks: each holds its own claims, and is torchvision's bit for bit where torchvision has it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
import yaml

import archspec
from tests.helpers.places import SPECS

if TYPE_CHECKING:
    from torch import nn

PROMISED = {
    "alexnet", "alexnet_paper", "vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn",
    "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnet50_paper", "resnet101_paper",
    "resnet152_paper", "googlenet", "googlenet_paper", "googlenet_naive", "inception_v2", "inception_v3",
    "densenet121", "densenet161", "densenet169", "densenet201",
    "squeezenet1_0", "squeezenet1_1", "squeezenet_simple_bypass", "squeezenet_complex_bypass", "squeezenet_digits",
    "mobilenet_v1", "mobilenet_v1_075", "mobilenet_v1_050", "mobilenet_v1_025",
    "resnext50_32x4d", "wide_resnet50_2", "mobilenet_v2", "mobilenet_v3_large", "shufflenet_v2_x1_0", "efficientnet_b0",
    "regnet_y_400mf", "convnext_tiny",
}  # fmt: skip
"""Names that users call the networks by."""
FAMILIES = {"resnet", "vgg", "densenet"}
NAMES = sorted(PROMISED | FAMILIES)


@dataclass(frozen=True)
class Peer:
    """A network that torchvision has: at what size the two are compared in full, and how each is asked for."""

    name: str
    size: int = 64
    ours: dict[str, Any] = field(default_factory=dict)
    theirs: dict[str, Any] = field(default_factory=dict)
    slow: bool = False

    @property
    def case(self) -> Any:
        """A pytest parameter."""
        ident = "-".join([self.name, *(name for name, value in self.ours.items() if value is True)])
        ident += "-no-aux" if self.ours.get("aux") is False else ""
        return pytest.param(self, id=ident, marks=[pytest.mark.slow] if self.slow else [])


QUIET = {"init_weights": False}
NO_AUX = {"aux_logits": False, **QUIET}
PEERS = [
    Peer("squeezenet1_0"),
    Peer("squeezenet1_1"),
    Peer("googlenet", theirs=QUIET),
    Peer("googlenet", 32, {"aux": False, "transform_input": True}, {"transform_input": True, **NO_AUX}),
    Peer("inception_v3", 299, theirs=QUIET, slow=True),
    Peer("inception_v3", 299, {"transform_input": True}, {"transform_input": True, **QUIET}, slow=True),
    Peer("inception_v3", 96, {"aux": False}, NO_AUX),
    Peer("inception_v3", 96, {"aux": False, "transform_input": True}, {"transform_input": True, **NO_AUX}, slow=True),
    Peer("densenet121"),
    Peer("densenet121", 32, {"dropout": 0.25}, {"drop_rate": 0.25}),
    Peer("densenet161", slow=True),
    Peer("densenet169", slow=True),
    Peer("densenet201", slow=True),
    Peer("resnet18"),
    Peer("resnet34", slow=True),
    Peer("resnet50"),
    Peer("resnet101", slow=True),
    Peer("resnet152", slow=True),
    Peer("resnext50_32x4d", slow=True),
    Peer("wide_resnet50_2", slow=True),
    Peer("alexnet", slow=True),
    Peer("vgg11", 32, slow=True),
    Peer("vgg13", 32, slow=True),
    Peer("vgg16", 32, slow=True),
    Peer("vgg19", 32, slow=True),
    Peer("vgg11_bn", 32, slow=True),
    Peer("vgg13_bn", 32, slow=True),
    Peer("vgg16_bn", 32, slow=True),
    Peer("vgg19_bn", 32, slow=True),
    Peer("mobilenet_v2"),
    Peer("mobilenet_v2", 32, {"width": 0.5}, {"width_mult": 0.5}),
    Peer("mobilenet_v3_large"),
    Peer("shufflenet_v2_x1_0"),
    Peer("efficientnet_b0"),
    Peer("regnet_y_400mf"),
    Peer("convnext_tiny"),
]
IN_TORCHVISION = sorted({peer.name for peer in PEERS})


def weights(spec: archspec.Spec) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of the state_dict, from the graph alone."""
    found: dict[str, tuple[int, ...]] = {}
    for node in spec.graph.nodes:
        if node.op is not None and node.reuse is None:
            for weight in node.op.weights(spec.graph.shapes_in(node)):
                found[f"{node.path}.{weight.name}" if weight.name else node.path] = weight.shape
    return found


def description(name: str) -> dict[str, Any]:
    """The spec as plain data."""
    return yaml.safe_load((SPECS / f"{name}.yaml").read_text(encoding="utf-8"))


# -- the files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_claims_hold(name: str) -> None:
    """`archspec check` accepts the spec with all its claims, and has nothing to say about it."""
    spec = archspec.load(name)
    report = archspec.check(spec)
    assert [str(found) for found in (*spec.diagnostics, *report.diagnostics)] == []
    assert "expect" in description(name), "every spec says what its paper claims"


@pytest.mark.parametrize("name", NAMES)
def test_file_is_fit_to_be_read(name: str) -> None:
    text = (SPECS / f"{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=archspec.schema.json\narchspec: 1\nname: ")
    assert max(map(len, text.splitlines())) <= 120
    assert "doc" in description(name)


@pytest.mark.parametrize(("name", "lines"), [("resnet", 60), ("inception_v3", 150), ("densenet", 60), ("vgg", 60)])
def test_family_sources_stay_short(name: str, lines: int) -> None:
    assert len((SPECS / f"{name}.yaml").read_text(encoding="utf-8").splitlines()) <= lines


def test_width_multiplier_is_a_parameter() -> None:
    for name, width in (("mobilenet_v1_075", 0.75), ("mobilenet_v1_050", 0.5), ("mobilenet_v1_025", 0.25)):
        assert weights(archspec.load(name)) == weights(archspec.load("mobilenet_v1", width=width))


@pytest.mark.parametrize("name", [name for name in NAMES if "classes" in description(name).get("params", {})])
def test_classes_are_a_parameter(name: str) -> None:
    spec = archspec.load(name, classes=7)
    report = archspec.check(spec)
    output = next(output for output in spec.graph.outputs if not output.training)
    assert report.shapes_at[spec.graph.nodes[output.node].path] == (7,)


@pytest.mark.parametrize("name", ["googlenet", "googlenet_paper", "inception_v3"])
def test_auxiliary_classifiers_weigh_and_vanish(name: str) -> None:
    """They are outputs of training only, each weighing 0.3, and a parameter takes them away."""
    training = [output for output in archspec.load(name).graph.outputs if output.training]
    assert len(training) == (1 if name == "inception_v3" else 2)
    assert {output.loss_weight for output in training} == {0.3}
    spec = archspec.load(name, aux=False)
    assert [output.name for output in spec.graph.outputs] == ["logits"]
    assert not any(re.search("(?i)aux", path) for path in weights(spec))


# -- against torchvision -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", IN_TORCHVISION)
def test_keys_and_shapes_are_torchvisions(name: str, torchvision: ModuleType) -> None:
    """From the graph alone; nothing is compiled."""
    import torch

    quiet = QUIET if name in ("googlenet", "inception_v3") else {}
    with torch.device("cpu" if name.startswith("regnet") else "meta"):
        theirs = torchvision.models.get_model(name, **quiet)
    assert weights(archspec.load(name)) == {key: tuple(value.shape) for key, value in theirs.state_dict().items()}


@pytest.mark.parametrize("name", IN_TORCHVISION)
def test_cost_is_what_torchvision_publishes(name: str, torchvision: ModuleType) -> None:
    """Parameters, and multiply-adds at the size its weights were trained for."""
    meta = torchvision.models.get_model_weights(name).IMAGENET1K_V1.meta
    spec = archspec.load(name, aux=False) if name == "googlenet" else archspec.load(name)
    total = archspec.check(spec).total
    assert total.parameters == meta["num_params"]
    assert total.multiply_adds is not None
    assert total.multiply_adds / 1e9 == pytest.approx(meta["_ops"], abs=6e-4)


@pytest.mark.parametrize("peer", [peer.case for peer in PEERS])
def test_bits_are_torchvisions(peer: Peer, torchvision: ModuleType) -> None:
    """torchvision's state_dict loads strictly; then outputs, gradients and buffers are the same, bit for bit."""
    import torch

    from tests.helpers.bits import randomise, run

    theirs: nn.Module = torchvision.models.get_model(peer.name, **peer.theirs)
    randomise(theirs)
    ours = archspec.compile(archspec.load(peer.name, **peer.ours))
    ours.load_state_dict(theirs.state_dict(), strict=True)
    image = torch.rand(2, 3, peer.size, peer.size)
    for training in (False, True):
        for module in (ours, theirs):
            module.train(training)
        for (what, mine), (same, other) in zip(run(ours, image), run(theirs, image), strict=True):
            assert what == same
            if mine is None or other is None:  # a part that does not run in evaluation
                assert mine is other, f"{what}, training={training}"
            else:
                assert torch.equal(mine, other), f"{what}, training={training}"


@pytest.mark.parametrize(
    "name",
    [
        "squeezenet1_0", "resnet18", "resnet50", "densenet121", "mobilenet_v2", "mobilenet_v3_large", "convnext_tiny",
        pytest.param("vgg11_bn", marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_weights_start_as_torchvisions(name: str, torchvision: ModuleType) -> None:
    """Not the same random numbers, but the same distributions: spread of what is large, value of what is constant."""
    theirs = torchvision.models.get_model(name).state_dict()
    ours = archspec.compile(archspec.load(name)).state_dict()
    compared = 0
    for key, value in theirs.items():
        if value.ndim == 0:
            continue
        if value.min() == value.max():
            assert ours[key].min() == ours[key].max() == value.min(), key
        elif value.numel() >= 2000:
            compared += 1
            assert float(ours[key].std()) == pytest.approx(float(value.std()), rel=0.1), key
            assert float(ours[key].abs().max()) == pytest.approx(float(value.abs().max()), rel=0.4), key
    assert compared >= 10
