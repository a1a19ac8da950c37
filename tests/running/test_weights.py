"""Files of weights: what torch takes is taken, and what people's programs write; all else is refused by name."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy
import pytest
import torch
from torch import Tensor, nn

import archspec
from archspec.diagnostics import SpecError
from archspec.running.weights import load_weights
from tests.helpers.command_line import run

ADVICE = re.compile(r"weights_only|trust|unsafe|safe_globals|arbitrary|torch\.load", re.IGNORECASE)
"""Words of torch's about doing without its guard."""


class Net(nn.Module):
    """A convolution with batch normalisation, and a number without an axis."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.bn = nn.BatchNorm2d(2)
        self.scale = nn.Parameter(torch.tensor(2.0))


State = dict[str, Any]


def trained() -> State:
    """A state unlike that of a fresh network."""
    return {key: torch.full_like(value, 3) for key, value in Net().state_dict().items()}


def without_counts(state: State) -> State:
    return {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}


def loaded(content: Any, path: Path) -> tuple[Net, list[str]]:
    """A network with what a file holds, and what was said of it."""
    torch.save(content, path)
    net = Net()
    return net, [note.message for note in load_weights(net, path)]


def refusal(content: Any, path: Path) -> str:
    """What is said of a file, which is named, in words of our own."""
    with warnings.catch_warnings(action="ignore"):
        torch.save(content, path)
    with pytest.raises(SpecError) as error:
        load_weights(Net(), path)
    said = str(error.value)
    assert path.name in said
    assert not ADVICE.search(said)
    return said


STRICT: dict[str, Callable[[State], State]] = {
    "as it is": lambda state: state,
    "without counts": without_counts,
    "in halves": lambda state: {key: value.half() for key, value in state.items()},
    "in doubles": lambda state: {key: value.double() for key, value in state.items()},
    "in whole numbers": lambda state: {key: value.long() for key, value in state.items()},
    "parameters": lambda state: {key: nn.Parameter(value, value.is_floating_point()) for key, value in state.items()},
    "numbers with an axis": lambda state: state | {"scale": state["scale"][None]},
    "not in one piece": lambda state: state | {"conv.weight": state["conv.weight"].transpose(2, 3)},
    "one number for all": lambda state: state | {"conv.weight": torch.tensor(3.0).expand(2, 1, 3, 3)},
    "one short": lambda state: {key: value for key, value in state.items() if key != "conv.bias"},
    "one more": lambda state: state | {"other": torch.zeros(1)},
    "another shape": lambda state: state | {"conv.bias": torch.zeros(3)},
    "an axis too many": lambda state: state | {"conv.bias": torch.zeros(2, 1)},
    "no axis": lambda state: state | {"conv.bias": torch.tensor(3.0)},
    "no tensor": lambda state: state | {"conv.bias": [1.0, 2.0]},
}


@pytest.mark.parametrize("name", STRICT)
def test_taken_is_what_torch_takes_strictly(name: str, tmp_path: Path) -> None:
    state = STRICT[name](trained())
    theirs = Net()
    try:
        theirs.load_state_dict(state, strict=True)
    except RuntimeError:
        assert "error[weights-mismatch]" in refusal(state, tmp_path / "weights.pt")
        return
    ours, _ = loaded(state, tmp_path / "weights.pt")
    for key, value in theirs.state_dict().items():
        assert torch.equal(value, ours.state_dict()[key]), key


def wrapped(wrap: Callable[[nn.Module], Any]) -> State:
    net = Net()
    net.load_state_dict(trained())
    return wrap(net).state_dict()


def compiled(net: nn.Module) -> nn.Module:
    found = torch.compile(net)
    assert isinstance(found, nn.Module)
    return found


AROUND: dict[str, tuple[Callable[[], Any], list[str]]] = {
    "state_dict": (lambda: {"state_dict": trained(), "epoch": 3}, []),
    "model": (lambda: {"model": trained(), "args": None}, ["the weights were taken from the key `model`"]),
    "another name": (lambda: {"net": trained(), "best": 0.9}, ["the weights were taken from the key `net`"]),
    "an optimiser": (
        lambda: {"net": trained(), "optimizer": torch.optim.SGD(Net().parameters(), 0.1).state_dict()},
        ["the weights were taken from the key `net`"],
    ),
    "an average": (
        lambda: {"model_ema": trained(), "model": trained()},
        ["the weights were taken from the key `model`"],
    ),
    "parallel": (lambda: wrapped(nn.DataParallel), ["the prefix `module.` was removed from every key"]),
    "compiled": (lambda: wrapped(compiled), ["the prefix `_orig_mod.` was removed from every key"]),
    "both": (
        lambda: wrapped(lambda net: nn.DataParallel(compiled(net))),
        ["the prefix `module._orig_mod.` was removed from every key"],
    ),
    "inside and wrapped": (
        lambda: {"model": wrapped(nn.DataParallel)},
        ["the weights were taken from the key `model`", "the prefix `module.` was removed from every key"],
    ),
    "without counts": (
        lambda: without_counts(trained()),
        ["the counts of batches, `bn.num_batches_tracked`, are missing and start at 0"],
    ),
    "ours": (lambda: {"state_dict": {f"model.{key}": value for key, value in trained().items()}}, []),
}


@pytest.mark.parametrize("name", AROUND)
def test_what_programs_write_around_a_state(name: str, tmp_path: Path) -> None:
    content, notes = AROUND[name]
    net, said = loaded(content(), tmp_path / "weights.pt")
    assert said == [f"`{tmp_path}/weights.pt`: {note}" for note in notes]
    wanted = trained() if name != "without counts" else trained() | {"bn.num_batches_tracked": torch.tensor(0)}
    for key, value in net.state_dict().items():
        assert torch.equal(value, wanted[key]), key


def test_two_states_that_could_each_be_it(tmp_path: Path) -> None:
    said = refusal({"generator": trained(), "discriminator": trained()}, tmp_path / "weights.pt")
    assert "`generator` and `discriminator` could each be the network's weights" in said


def test_densenet_as_its_weights_were_published(torchvision: ModuleType, tmp_path: Path) -> None:
    """``norm.1`` for ``norm1``, no counts of batches: what torchvision itself has a rule for."""
    theirs = torchvision.models.densenet121()
    state = theirs.state_dict()
    old = {re.sub(r"(denselayer\d+\.(?:norm|relu|conv))([12])", r"\1.\2", key): value for key, value in state.items()}
    old = without_counts(old)
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    torch.save(old, tmp_path / "weights.pt")
    ours = archspec.compile(archspec.load("densenet121"))
    notes = [note.message for note in load_weights(ours, tmp_path / "weights.pt")]
    assert len(notes) == 2
    assert "`: 580 keys of an old DenseNet, such as " in notes[0]
    for key, value in ours.state_dict().items():
        assert torch.equal(value, state[key]), key


def test_the_commands_say_what_was_done(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        "archspec: 1\nname: Net\ninputs: {image: [1, H, W]}\nsizes: {H: 6, W: 6}\nsteps:\n"
        "  - conv as conv: {channels: 2, kernel: 3}\n  - batch_norm as bn\n"
    )
    state = {f"module.{key}": value for key, value in trained().items() if key != "scale"}
    torch.save(state, tmp_path / "weights.pt")
    weights, out = str(tmp_path / "weights.pt"), str(tmp_path / "out.pt")
    for words in (
        ["erf", str(spec), "--weights", weights],
        ["convert-weights", str(spec), str(spec), weights, "-o", out],
    ):
        status, _, said = run(*words)
        assert (status, said) == (
            0,
            f"note[weights-adapted]: `{weights}`: the prefix `module.` was removed from every key\n",
        )
        status, answer, said = run(*words, "--format", "json")
        assert (status, said) == (0, "")
        assert [each["code"] for each in json.loads(answer)["diagnostics"]] == ["weights-adapted"]


def nested() -> Tensor:
    with warnings.catch_warnings(action="ignore"):
        return torch.nested.nested_tensor([torch.zeros(1), torch.zeros(2)])


def quantized() -> Tensor:
    with warnings.catch_warnings(action="ignore"):
        return torch.quantize_per_tensor(torch.zeros(2), 0.1, 0, torch.quint8)


ODD: dict[str, tuple[Callable[[], Any], str]] = {
    "text": (lambda: "no tensor", "`bn.running_mean` is text"),
    "nothing": (lambda: None, "`bn.running_mean` is nothing"),
    "a list": (lambda: [0.0, 0.0], "`bn.running_mean` is a list"),
    "a number": (lambda: 3, "`bn.running_mean` is a whole number"),
    "a mapping": (lambda: {"a": 1}, "`bn.running_mean` is a mapping"),
    "sparse": (lambda: torch.zeros(2).to_sparse(), "`bn.running_mean` is sparse"),
    "meta": (lambda: torch.zeros(2, device="meta"), "`bn.running_mean` is without values, on the device `meta`"),
    "nested": (nested, "`bn.running_mean` is nested"),
    "quantized": (quantized, "`bn.running_mean` is quantized"),
    "complex": (lambda: torch.zeros(2, dtype=torch.complex64), "`bn.running_mean` is complex"),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_no_plain_tensor(name: str, tmp_path: Path) -> None:
    make, said = ODD[name]
    state = trained() | {"bn.running_mean": make()}
    for content in (state, {"state_dict": state}, {"model": {f"module.{key}": value for key, value in state.items()}}):
        found = refusal(content, tmp_path / "weights.pt")
        assert f"1 not a plain tensor: {said}" in found


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({**trained(), 3: torch.zeros(1)}, "the key `3` is a whole number, not text"),
        ({"state_dict": {**trained(), ("a", 1): torch.zeros(1)}}, "the key `('a', 1)` is a tuple, not text"),
        ({"state_dict": {}}, "missing in the file"),
        ({"state_dict": 3, "epoch": 1}, "missing in the file"),
        ({}, "missing in the file"),
        (torch.zeros(3), "it holds a tensor [3], not a state_dict"),
        ([1, 2], "it holds a list, not a state_dict"),
        (None, "it holds nothing, not a state_dict"),
        (numpy.float64(1), "error[unreadable-weights]"),
        ({"conv.weight": print}, "it asks for `print`, which weights do not need; code in a file is never run"),
        (Net(), "error[unreadable-weights]"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_files_that_hold_something_else(content: Any, said: str, tmp_path: Path) -> None:
    assert said in refusal(content, tmp_path / "weights.pt")


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_files_of_other_kinds(tmp_path: Path) -> None:
    """A program of TorchScript, a file cut off, one in torch's old format: what torch says of them is advice."""
    path = tmp_path / "weights.pt"
    torch.jit.save(torch.jit.script(nn.Linear(1, 1)), path)
    contents = [path.read_bytes()]
    torch.save(trained(), path)
    contents += [path.read_bytes()[:-30], path.read_bytes()[:100]]
    torch.save(Net(), path, _use_new_zipfile_serialization=False)
    contents += [path.read_bytes(), path.read_bytes()[:50]]
    for content in contents:
        path.write_bytes(content)
        with pytest.raises(
            SpecError, match=r"error\[unreadable-weights\]: cannot read weights from `.*weights\.pt`"
        ) as error:
            load_weights(Net(), path)
        assert not ADVICE.search(str(error.value))
    torch.save(trained(), path, _use_new_zipfile_serialization=False)
    assert load_weights(Net(), path) == ()
