"""What archspec writes comes back: the import of a compiled spec has the spec's own graph, up to names."""

from __future__ import annotations

import pytest
import torch

import archspec
from archspec.analyses.differences import compare
from archspec.elaborate.shipped import spec_names
from archspec.sizes import Evaluation
from tests.helpers.block_specs import block_spec

SMALL = (
    "alexnet_paper",
    "dilated_context_basic",
    "fcn8s_vgg16",
    "googlenet_naive",
    "mobilenet_v1_025",
    "resnet18",
    "squeezenet_complex_bypass",
    "squeezenet_digits",
    "unet",
    "unet_digits",
    "unet_same",
    "vgg11_bn",
)


def hold(spec: archspec.Spec) -> None:
    """Compile a spec without numbers, import the module, and compare the graphs."""
    with torch.device("meta"):
        module = archspec.compile(spec)
    (image,) = (spec.graph.nodes[index].shape for index in spec.graph.inputs.values())
    evaluation = Evaluation(spec.graph.sizes)
    again = archspec.from_torch(module, [evaluation.of(dim) for dim in image.dims])
    # How weights start is not in a module any more.
    assert [str(one) for one in compare(spec.graph, again.graph, initial=False).differences] == []


@pytest.mark.parametrize("name", SMALL)
def test_a_shipped_spec_comes_back(name: str) -> None:
    hold(archspec.load(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(spec_names()) - set(SMALL)))
def test_every_shipped_spec_comes_back(name: str) -> None:
    hold(archspec.load(name))


def _comes_back(seed: int) -> None:
    hold(archspec.loads(block_spec(seed)))


@pytest.mark.parametrize("seed", [0, 17, 38, 45, 72])
def test_specs_of_blocks_come_back(seed: int) -> None:
    _comes_back(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200, 500))
def test_many_specs_of_blocks_come_back(seed: int) -> None:
    _comes_back(seed)
