"""Processes that others start: torchrun, its agents on two machines, SLURM; and torch's sharded weights on CPUs.

Both machines are this one, and SLURM is its environment variables; what each learns is what one process learns.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training.test_devices import environment, program, same, trained

pytestmark = pytest.mark.slow

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node"]


def a_port() -> str:
    """A port that is free."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


def together(*calls: tuple[list[str], dict[str, str]]) -> None:
    """Run programs side by side; all of them must end well."""
    running = [
        subprocess.Popen(words, env=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for words, given in calls
    ]
    try:
        said = [process.communicate(timeout=300)[0] for process in running]
    finally:
        for process in running:
            process.kill()
    assert [process.returncode for process in running] == [0] * len(running), said


@pytest.fixture
def alone(tmp_path: Path) -> Path:
    """The run of one process."""
    assert trained(tmp_path / "one", 1).returncode == 0
    return tmp_path / "one"


def test_two_processes_of_torchrun(alone: Path, tmp_path: Path) -> None:
    together(([*TORCHRUN, "2", "--standalone", *program(tmp_path / "two", 0)], environment()))
    same(alone, tmp_path / "two")


def test_two_machines_of_torchrun(alone: Path, tmp_path: Path) -> None:
    met = ["--nnodes", "2", "--master-addr", "127.0.0.1", "--master-port", a_port()]
    words = program(tmp_path / "two", 0)
    together(*(([*TORCHRUN, "1", *met, "--node-rank", str(rank), *words], environment(NODES="2")) for rank in range(2)))
    same(alone, tmp_path / "two")


def test_two_tasks_of_slurm(alone: Path, tmp_path: Path) -> None:
    job = {
        "SLURM_JOB_ID": str(4000 + int(a_port()) % 1000), "SLURM_JOB_NAME": "train", "SLURM_NTASKS": "2",
        "SLURM_NTASKS_PER_NODE": "2", "SLURM_NODEID": "0", "SLURM_NNODES": "1", "SLURM_NODELIST": "localhost",
        "SLURM_JOB_NODELIST": "localhost",
    }  # fmt: skip
    words = [sys.executable, *program(tmp_path / "two", 2)]
    together(*((words, environment(**job, SLURM_PROCID=str(rank), SLURM_LOCALID=str(rank))) for rank in range(2)))
    same(alone, tmp_path / "two")


SHARDED = """
import archspec, torch
from archspec.training.lightning_library import lightning
from lightning.pytorch.strategies import ModelParallelStrategy
from torch.distributed.fsdp import fully_shard

images, target = torch.randn(16, 1, 32, 32, generator=torch.Generator().manual_seed(1)), torch.arange(16) % 10
spec = archspec.load("squeezenet_digits")

def network():
    torch.manual_seed(0)
    return archspec.compile(spec).eval()  # no dropout

def step(network, part):
    return archspec.loss(spec)(network(images[part]), target[part])

class Sharded(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.network = network()
    def configure_model(self):
        fully_shard(self.network, mesh=self.device_mesh["data_parallel"])
    def training_step(self, batch, index):
        return step(self.network, slice(self.global_rank, None, 2))
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

trainer = lightning.Trainer(
    accelerator="cpu", devices=2, strategy=ModelParallelStrategy(data_parallel_size=2, tensor_parallel_size=1),
    max_epochs=3, logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
)
sharded, plain = Sharded(), network()
trainer.fit(sharded, [0])
optimizer = torch.optim.SGD(plain.parameters(), lr=0.1)
for _ in range(3):
    optimizer.zero_grad()
    step(plain, slice(None)).backward()
    optimizer.step()
begun = dict(network().named_parameters())
for (name, found), wanted in zip(sharded.network.named_parameters(), plain.parameters(), strict=True):
    assert type(found).__name__ == "DTensor" and found.to_local().numel() < wanted.numel(), name
    torch.testing.assert_close(found.full_tensor(), wanted, rtol=1e-4, atol=1e-6)
assert not all(torch.equal(begun[name], value) for name, value in plain.named_parameters())
"""


def test_a_network_sharded_over_two_cpus(tmp_path: Path) -> None:
    """torch's ``fully_shard`` by Lightning's ModelParallelStrategy over gloo: the same weights as one process."""
    (tmp_path / "sharded.py").write_text(SHARDED)
    together(([*TORCHRUN, "2", "--standalone", str(tmp_path / "sharded.py")], environment()))
