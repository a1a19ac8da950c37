"""Networks made with weights: equal bit for bit to `load_state_dict`, and independent of where the weights were."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import archspec
from archspec.diagnostics import SpecError
from archspec.running.filled import Unfilled
from archspec.running.safetensors_files import BrokenFile, read_tensors
from archspec.sizes import value as size_of

REUSED = """
archspec: 1
inputs: {image: [3, H, W]}
sizes: {H: 16, W: 16}
steps:
  - conv as shared: {channels: 3, kernel: 3, padding: 1}
  - batch_norm as bn
  - reuse: shared
  - prelu
  - global_avg_pool
  - flatten
  - linear: {features: 4}
    init: xavier_uniform
"""


def normal(spec: archspec.Spec, state: dict[str, Tensor]) -> nn.Module:
    """The network by the ordinary way."""
    model = archspec.compile(spec)
    model.load_state_dict(state)
    return model


def state_of(spec: archspec.Spec) -> dict[str, Tensor]:
    """Weights of a network, none of which is a fresh one's."""
    drawn = {key: torch.randn(value.shape).abs() for key, value in archspec.compile(spec).state_dict().items()}
    return {key: value.long() if key.endswith("tracked") else value for key, value in drawn.items()}


SPECS = Path(__file__).parents[2] / "specs"
SLOW = ["resnet18", "densenet121", "mobilenet_v2", "more/deit_tiny"]


@pytest.mark.parametrize(
    "name", ["squeezenet_digits", "unet_digits", *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)]
)
def test_it_is_the_network_with_its_state_loaded(name: str, tmp_path: Path) -> None:
    spec = archspec.load(SPECS / f"{name}.yaml")
    state = state_of(spec)
    save_file(state, tmp_path / "w.safetensors")
    made, expected = archspec.compile(spec, weights=tmp_path / "w.safetensors"), normal(spec, state)
    assert list(made.state_dict()) == list(expected.state_dict())
    for (key, value), other in zip(expected.state_dict().items(), made.state_dict().values(), strict=True):
        assert torch.equal(value, other), key
        assert (value.dtype, value.stride()) == (other.dtype, other.stride()), key
    assert [p.requires_grad for p in made.parameters()] == [p.requires_grad for p in expected.parameters()]
    for (key, value), (_, other) in zip(expected.named_buffers(), made.named_buffers(), strict=True):
        assert torch.equal(value, other), key
    (node,) = spec.graph.inputs.values()
    image = torch.rand(1, *(size_of(dim, spec.graph.sizes) for dim in spec.graph.nodes[node].shape.dims))
    with torch.no_grad():
        assert torch.equal(made.eval()(image), expected.eval()(image))


@pytest.mark.parametrize("form", ["file", "torch file", "state"])
def test_reused_modules_stay_one(form: str, tmp_path: Path) -> None:
    spec = archspec.loads(REUSED)
    state = state_of(spec)
    weights: Any = state
    if form == "file":
        weights = tmp_path / "w.safetensors"
        save_file(state, weights)
    elif form == "torch file":
        weights = tmp_path / "w.pt"
        torch.save(state, weights)
    made, expected = archspec.compile(spec, weights=weights), normal(spec, state)
    image = torch.rand(2, 3, 16, 16)
    for model in (made, expected):  # one step of training changes the shared weights in both uses
        model(image).square().sum().backward()
        with torch.no_grad():
            for parameter in model.parameters():
                assert parameter.grad is not None
                parameter -= 0.1 * parameter.grad
    assert torch.equal(made.eval()(image), expected.eval()(image))
    assert copy.deepcopy(made).state_dict().keys() == expected.state_dict().keys()


def test_what_becomes_of_the_file_later_does_not_matter(tmp_path: Path) -> None:
    spec = archspec.load("squeezenet_digits")
    path = tmp_path / "w.safetensors"
    save_file(state_of(spec), path)
    model = archspec.compile(spec, weights=path)
    before = copy.deepcopy(model.state_dict())
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    path.unlink()
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_a_state_is_not_shared_nor_its_type_taken_over() -> None:
    spec = archspec.loads(REUSED)
    state = {key: value.half() if value.is_floating_point() else value for key, value in state_of(spec).items()}
    everything = torch.cat([value.flatten() for value in state.values() if value.is_floating_point()])
    at = 0
    for key, value in state.items():  # views of one tensor, one of them turned round
        if value.is_floating_point():
            state[key] = everything[at : at + value.numel()].view(value.shape)
            at += value.numel()
    state["shared.weight"] = state["shared.weight"].transpose(2, 3)
    state["bn.bias"] = torch.zeros(1, dtype=torch.half).expand(3)
    made, expected = archspec.compile(spec, weights=state), normal(spec, state)
    everything.zero_()
    image = torch.rand(2, 3, 16, 16)
    assert torch.equal(made.eval()(image), expected.eval()(image))
    assert {parameter.dtype for parameter in made.parameters()} == {torch.float32}
    storages = [value.untyped_storage().data_ptr() for value in made.state_dict().values()]
    assert len(set(storages)) == len(storages)


def test_buffers_that_no_file_has_are_the_constructors() -> None:
    class Positions(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(2, 2)
            self.register_buffer("places", torch.arange(4.0).fill_(7.0), persistent=False)
            self.plain = torch.full((3,), 2.0).mul_(3)
            self.norm = nn.BatchNorm1d(2)

    with Unfilled():
        made = Positions()
    assert made.get_buffer("places").tolist() == [7.0] * 4
    assert made.plain.tolist() == [6.0] * 3
    assert made.get_buffer("norm.running_var").tolist() == [1.0, 1.0]
    assert made.get_buffer("norm.num_batches_tracked").item() == 0


def test_no_random_number_is_drawn() -> None:
    spec = archspec.loads(REUSED)
    state = state_of(spec)
    before = torch.get_rng_state()
    archspec.compile(spec, weights=state)
    assert torch.equal(before, torch.get_rng_state())


def test_weights_of_another_network_are_refused_and_adaptations_told(tmp_path: Path) -> None:
    spec = archspec.loads(REUSED)
    state = state_of(spec)
    with pytest.raises(SpecError, match="are not this network's"):
        archspec.compile(spec, weights={key: value for key, value in state.items() if key != "bn.weight"})
    with pytest.raises(SpecError, match="file-not-found"):
        archspec.compile(spec, weights=tmp_path / "none.safetensors")
    with pytest.warns(UserWarning, match="the prefix `module.` was removed"):
        archspec.compile(spec, weights={f"module.{key}": value for key, value in state.items()})
    uncounted = {key: value for key, value in state.items() if not key.endswith("tracked")}
    with pytest.warns(UserWarning, match="start at 0"):
        made = archspec.compile(spec, weights=uncounted)
    assert made.get_buffer("bn.num_batches_tracked").item() == 0


TYPES = [torch.float16, torch.bfloat16, torch.float64, torch.int16, torch.int32, torch.uint8, torch.bool]


def test_files_are_read_as_their_package_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    state = {str(each): (torch.rand(3, 5) * 9).to(each) for each in TYPES}
    state |= {"empty": torch.zeros(0, 4), "number": torch.tensor(3.5), "odd": torch.ones(3, dtype=torch.int8)}
    save_file(state, path, metadata={"format": "pt"})
    with path.open("rb") as file:
        found = read_tensors(file, path.stat().st_size)
    expected = load_file(path)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], expected[key]) and found[key].dtype == expected[key].dtype for key in found)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 8,
        b"\x02" + bytes(7) + b"[]",
        b"\x04" + bytes(7) + b"{,}}",
        *(
            len(header).to_bytes(8, "little") + header + bytes(8)
            for header in (
                b'{"a": 3}',
                b'{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0]}}',
                b'{"a": {"dtype": "F33", "shape": [2], "data_offsets": [0, 8]}}',
                b'{"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}}',
                b'{"a": {"dtype": "F32", "shape": [-1, -2], "data_offsets": [0, 8]}}',
                b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}',
                b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}',
                b'{"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}',
                b'{"a": {"dtype": "F32", "shape": [true, 2], "data_offsets": [0, 8]}}',
                b"[" * 4000,
            )
        ),
    ],
)
def test_broken_files_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with path.open("rb") as file, pytest.raises(BrokenFile):
        read_tensors(file, len(content))
