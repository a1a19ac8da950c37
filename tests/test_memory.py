"""Memory: what is said to be live, held against the storages that torch has alive while it runs."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import archspec
from archspec.analyses.memory import memory
from archspec.elaborate.loader import spec_names
from archspec.graph import Graph
from archspec.sizes import Evaluation
from tests.block_specs import block_spec
from tests.random_specs import random_spec


class LiveStorages(TorchDispatchMode):
    """Adds up the storages that are alive after each operation, weights left out, and keeps the peak.

    A storage counts as the tensor that it was made for: some kernels of torch's allot more than that.
    """

    def __init__(self, weights: Iterable[Tensor], inputs: Iterable[Tensor]) -> None:
        super().__init__()
        self._weights = {tensor.untyped_storage()._cdata for tensor in weights}
        self._alive: dict[int, int] = {}
        self.now = self.peak = 0
        for tensor in inputs:
            self._add(tensor)
        self.peak = self.now

    def _add(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key not in self._weights and key not in self._alive:
            size = min(storage.nbytes(), tensor.numel() * tensor.element_size())
            self._alive[key] = size
            self.now += size
            weakref.finalize(storage, self._drop, key)

    def _drop(self, key: int) -> None:
        self.now -= self._alive.pop(key, 0)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                self._add(tensor)
        self.peak = max(self.peak, self.now)
        return result


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def inputs_of(graph: Graph, sizes: dict[str, int], batch: int, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    evaluation = Evaluation(sizes)
    shapes = [graph.nodes[index].shape.dims for index in graph.inputs.values()]
    return [torch.randn(batch, *map(evaluation.of, dims), dtype=dtype) for dims in shapes]


def inference(model: nn.Module, inputs: list[Tensor]) -> int:
    mode = LiveStorages([*model.parameters(), *model.buffers()], inputs)
    with torch.no_grad(), mode:
        model(*inputs)
    return mode.peak


def training(model: nn.Module, inputs: list[Tensor]) -> int:
    model.train()
    with LiveStorages([*model.parameters(), *model.buffers()], inputs) as mode:
        outputs = [leaf for leaf in tree_leaves(model(*inputs)) if isinstance(leaf, Tensor)]
        torch.stack([output.mean() for output in outputs]).sum().backward()
    return mode.peak


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


@pytest.mark.parametrize("name", [name for name in sorted(spec_names()) if name not in NETWORKS])
def test_inference_of_every_shipped_network(name: str) -> None:
    """At the smallest sizes it takes."""
    spec = archspec.load(name)
    valid = archspec.check(spec).valid_sizes
    sizes = {symbol: valid[symbol].next(48) or valid[symbol].next(0) for symbol in spec.graph.sizes}
    inputs = inputs_of(spec.graph, sizes, 1)
    assert memory(spec.graph, sizes, 1).inference == inference(archspec.compile(spec).eval(), inputs)


@pytest.mark.parametrize("make", [block_spec, lambda seed: random_spec(seed).yaml], ids=["blocks", "graphs"])
@pytest.mark.parametrize("start", range(0, 120, 40))
def test_inference_of_random_networks(make: Callable[[int], str], start: int) -> None:
    """Of blocks within blocks, and of graphs that no block of theirs holds together."""
    for seed in range(start, start + 40):
        try:
            spec = archspec.loads(make(seed))
        except archspec.SpecError:
            continue
        sizes = dict(spec.graph.sizes)
        inputs = inputs_of(spec.graph, sizes, 2)
        model = archspec.compile(spec).eval()
        assert memory(spec.graph, sizes, 2).inference == inference(model, inputs), seed


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
