"""Several processes: each image once, the weights of one process, checkpoints that move, a process that is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from shutil import which

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch._dynamo.utils import counters

from archspec.diagnostics import SpecError
from archspec.training.batches import Batches, Held, Share, Shuffled
from archspec.training.fit import fit
from archspec.training.images import ImageData
from archspec.training.machine import Machine
from archspec.training.settings import Options
from archspec.training.trainer import check
from tests.training.test_runs import data as data
from tests.training.test_runs import folder as folder


@given(
    length=st.integers(1, 400), batch=st.integers(1, 64), world=st.integers(1, 5), portions=st.integers(1, 4),
    epoch=st.integers(0, 3),
)  # fmt: skip
def test_each_image_is_taken_once(length: int, batch: int, world: int, portions: int, epoch: int) -> None:
    order = Shuffled(length, 7)
    order.set_epoch(epoch)
    shares = [Batches(order, batch, Share(rank, world, portions)) for rank in range(world)]
    taken = [list(share) for share in shares]
    assert sorted(index for lists in taken for each in lists for index in each) == list(range(length))
    alone = list(Batches(order, batch))
    assert max(map(len, alone)) <= batch
    assert max(map(len, alone)) - min(map(len, alone)) <= 1
    for step, whole in enumerate(alone):
        parts = [lists[step * portions + portion] for lists in taken for portion in range(portions)]
        assert sorted(index for part in parts for index in part) == sorted(whole)
        weights = [share.weight(step * portions + portion) for share in shares for portion in range(portions)]
        mean = sum(weight * sum(part) / len(part) for weight, part in zip(weights, parts, strict=True) if part)
        assert mean / (world * portions) == pytest.approx(sum(whole) / len(whole))


@given(length=st.integers(1, 200), batch=st.integers(1, 64), world=st.integers(1, 5))
def test_each_image_held_out_is_judged_once(length: int, batch: int, world: int) -> None:
    taken = [index for rank in range(world) for each in Held(length, batch, Share(rank, world)) for index in each]
    assert sorted(taken) == list(range(length))


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2))


def test_portions_give_the_weights_of_whole_steps(data: ImageData, tmp_path: Path) -> None:
    """Sixteen images in steps of 6, 5 and 5, taken in threes: portions of 2 and of 1."""
    found = []
    for name, accumulate in (("whole", 1), ("portions", 3)):
        options = Options(epochs=2, batch_size=7, lr=0.05, device="cpu", machine=Machine(accumulate=accumulate))
        fit(network, data, tmp_path / name, options)
        found.append(torch.load(tmp_path / name / "last.ckpt"))
    assert found[0]["global_step"] == found[1]["global_step"] == 6
    for key, value in found[0]["state_dict"].items():
        torch.testing.assert_close(found[1]["state_dict"][key], value, rtol=1e-4, atol=1e-6)


def test_a_step_too_small_to_share_out(data: ImageData, tmp_path: Path) -> None:
    for machine in (Machine(accumulate=9), Machine(devices=3, nodes=3)):
        with pytest.raises(SpecError, match="a step of 8 images cannot be shared out among 9 parts"):
            fit(network, data, tmp_path / "out", Options(batch_size=8, device="cpu", machine=machine))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        (Machine(strategy="fsdp", devices=2), "`--strategy fsdp` needs CUDA devices"),
        (Machine(precision="16-mixed"), "`--precision 16-mixed` needs a CUDA device"),
        (Machine(sync_batch_norm=True), "`--sync-batch-norm` needs CUDA devices"),
    ],
)
def test_what_a_cpu_cannot_do(machine: Machine, said: str) -> None:
    with pytest.raises(SpecError, match=said) as error:
        check(torch.device("cpu"), machine)
    assert [each.code for each in error.value.diagnostics] == ["no-device"]


@pytest.mark.cuda
def test_more_devices_than_there_are() -> None:
    with pytest.raises(SpecError, match="`--devices 4000`: torch finds"):
        check(torch.device("cuda", 0), Machine(devices=4000))


def test_bfloat16_and_channels_last_train(data: ImageData, tmp_path: Path) -> None:
    machine = Machine(precision="bf16-mixed", channels_last=True)
    fit(network, data, tmp_path, Options(epochs=1, device="cpu", machine=machine))
    weights = torch.load(tmp_path / "weights.pt")
    assert {value.dtype for value in weights.values()} == {torch.float32}


@pytest.mark.slow
def test_a_compiled_step_learns_what_a_plain_one_does(data: ImageData, tmp_path: Path) -> None:
    """By inductor on the CPU, and the weights have the names of the plain module."""
    if which("c++") is None:
        pytest.skip("inductor needs a C++ compiler")
    found = []
    for compiled in (False, True):
        torch._dynamo.reset()
        counters.clear()
        machine = Machine(compile=compiled)
        fit(network, data, tmp_path / str(compiled), Options(epochs=2, lr=0.05, device="cpu", machine=machine))
        assert (counters["stats"]["unique_graphs"] > 0) == compiled
        found.append(torch.load(tmp_path / str(compiled) / "weights.pt"))
    assert found[0].keys() == found[1].keys()
    for key, value in found[0].items():
        torch.testing.assert_close(found[1][key], value, rtol=1e-4, atol=1e-6)


PROGRAM = """
import json, os, signal, sys
import torch
from torch.utils.data import Dataset
import archspec
from archspec.training.machine import Machine

out, devices, dies, resume = sys.argv[1], int(sys.argv[2]) or None, int(sys.argv[3]), sys.argv[4] == "resume"
SPEC = '''archspec: 1
name: Greys
inputs: {image: [1, H, W]}
sizes: {H: 4, W: 4}
steps:
  - conv: {channels: 4, kernel: 3}
  - relu
  - flatten
  - linear: {features: 2}
'''

class Greys(Dataset):
    taken = 0
    def __init__(self, length):
        self.length = length
    def __len__(self):
        return self.length
    def __getitem__(self, index):
        Greys.taken += 1
        with open(f"{out}.{os.environ.get('LOCAL_RANK', 0)}", "a") as file:
            file.write(f"{self.length} {index}\\n")
        if dies and int(os.environ.get("LOCAL_RANK", 0)) == devices - 1 and Greys.taken == dies:
            os.kill(os.getpid(), signal.SIGKILL)
        generator = torch.Generator().manual_seed(index)
        return torch.randn(1, 4, 4, generator=generator) + index % 2, index % 2

machine = Machine(devices=devices, nodes=int(os.environ.get("NODES", 1)))
try:
    result = archspec.fit(
        archspec.loads(SPEC), Greys(23), Greys(7), out, epochs=3, batch_size=8, lr=0.05, device="cpu", machine=machine,
        resume=resume,
    )
except archspec.SpecError as error:
    sys.exit(str(error))
"""


def trained(out: Path, devices: int, dies: int = 0, resume: bool = False) -> subprocess.CompletedProcess[str]:
    """Train in a process of its own, of which the last dies at its example of that number."""
    words = [sys.executable, *program(out, devices, dies, resume)]
    return subprocess.run(words, env=environment(), check=False, timeout=600, capture_output=True, text=True)


def program(out: Path, devices: int, dies: int = 0, resume: bool = False) -> list[str]:
    """The program's file, beside ``out``, and its arguments; 0 devices are as many as a launcher has started."""
    file = out.with_name("program.py")
    file.write_text(PROGRAM)
    return [str(file), str(out), str(devices), str(dies), "resume" if resume else "new"]


def environment(**more: str) -> dict[str, str]:
    """This process's environment, without what a launcher would put there, and ``more``."""
    kept = {name: value for name, value in os.environ.items() if name not in ("LOCAL_RANK", "RANK", "WORLD_SIZE")}
    return kept | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])} | more


def same(one: Path, other: Path) -> None:
    first, second = (torch.load(each / "last.ckpt", weights_only=True) for each in (one, other))
    assert first["global_step"] == second["global_step"] == 9
    for key, value in first["state_dict"].items():
        torch.testing.assert_close(second["state_dict"][key], value, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_two_processes_learn_what_one_does(tmp_path: Path) -> None:
    for name, devices in (("one", 1), ("two", 2)):
        done = trained(tmp_path / name, devices)
        assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
    same(tmp_path / "one", tmp_path / "two")
    scores = [json.loads((tmp_path / name / "result.json").read_text())["accuracy"] for name in ("one", "two")]
    assert scores[0] == scores[1]
    taken = [(tmp_path / f"two.{rank}").read_text().splitlines() for rank in range(2)]
    read = [[int(line.split()[1]) for line in lines if line.startswith("23 ")] for lines in taken]
    assert [each[0] for each in read] == [0, 0]  # each looks at the first example's shape
    learnt = [each[1:] for each in read]
    halves = [each[: len(each) // 3] for each in learnt]  # of the first epoch
    assert sorted(halves[0] + halves[1]) == list(range(23))


@pytest.mark.slow
@pytest.mark.parametrize(("begins", "ends"), [(2, 1), (1, 2)])
def test_a_lost_process_ends_the_run_and_another_number_goes_on(begins: int, ends: int, tmp_path: Path) -> None:
    """It is killed in its second epoch: what the first one wrote is whole, and training goes on from there."""
    trained(tmp_path / "whole", 1)
    done = trained(tmp_path / "parts", begins, dies=20 if begins == 2 else 40)
    assert done.returncode != 0
    if begins == 2:
        assert "error[peer-lost]: process 0 of 2 has lost another" in done.stderr
        assert "Traceback" not in done.stderr
    assert torch.load(tmp_path / "parts" / "last.ckpt", weights_only=True)["epoch"] == 0
    assert not (tmp_path / "parts" / "result.json").exists()
    done = trained(tmp_path / "parts", ends, resume=True)
    assert (done.returncode, done.stderr) == (0, "")
    same(tmp_path / "whole", tmp_path / "parts")
