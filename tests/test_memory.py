"""Memory: what is said to be live, held against the storages that torch has alive while it runs the emitted module."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import archspec
from archspec.analyses.memory import Memory, memory
from archspec.graph import Graph


class LiveStorages(TorchDispatchMode):
    """Adds up the storages that are alive after each operation, weights left out, and keeps the peak."""

    def __init__(self, weights: Iterable[Tensor], inputs: Iterable[Tensor]) -> None:
        super().__init__()
        self._weights = {tensor.untyped_storage()._cdata for tensor in weights}
        self._alive: dict[int, int] = {}
        self.now = self.peak = 0
        for tensor in inputs:
            self._add(tensor)

    def _add(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key not in self._weights and key not in self._alive:
            self._alive[key] = storage.nbytes()
            self.now += storage.nbytes()
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


def observed(model: nn.Module, inputs: list[Tensor], training: bool) -> int:
    model.train(training)
    mode = LiveStorages([*model.parameters(), *model.buffers()], inputs)
    if not training:
        with torch.no_grad(), mode:
            model(*inputs)
        return mode.peak
    with mode:
        outputs = [leaf for leaf in tree_leaves(model(*inputs)) if isinstance(leaf, Tensor)]
        torch.autograd.backward(outputs, [torch.ones_like(output) for output in outputs])
    return mode.peak


def inputs_of(graph: Graph, sizes: dict[str, int], batch: int, dtype: torch.dtype) -> list[Tensor]:
    shapes = [graph.nodes[index].shape.dims for index in graph.inputs.values()]
    numbers = [[dim if isinstance(dim, int) else sizes[str(dim)[6:-1]] for dim in dims] for dims in shapes]
    return [torch.randn(batch, *dims, dtype=dtype) for dims in numbers]


def compare(name: str, size: int, batch: int = 2, dtype: str = "float32") -> tuple[Memory, int, int]:
    spec = archspec.load(name)
    sizes = dict.fromkeys(spec.graph.sizes, size)
    model = archspec.compile(spec).to(getattr(torch, dtype))
    inputs = inputs_of(spec.graph, sizes, batch, getattr(torch, dtype))
    said = memory(spec.graph, sizes, batch, dtype)
    return said, observed(model, inputs, False), observed(model, inputs, True)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("resnet18", 64),
        ("squeezenet1_1", 64),
        ("googlenet", 64),
        ("mobilenet_v2", 64),
        ("mobilenet_v3_large", 64),
        ("shufflenet_v2_x1_0", 64),
        ("convnext_tiny", 64),
    ],
)
def test_peaks_of_emitted_modules(name: str, size: int) -> None:
    said, inference, training = compare(name, size)
    assert said.inference == inference
    assert said.training == pytest.approx(training, rel=0.05)


@pytest.mark.parametrize("name", ["resnet50", "squeezenet_digits"])
def test_a_name_may_hold_a_tensor_longer(name: str) -> None:
    """Emitted code may keep a value in a name until it returns: a little more is alive than the schedule needs."""
    said, inference, training = compare(name, 56)
    assert said.inference <= inference <= 1.1 * said.inference
    assert said.training == pytest.approx(training, rel=0.05)


@pytest.mark.parametrize(("dtype", "batch"), [("float64", 1), ("bfloat16", 3)])
def test_dtypes_and_batches(dtype: str, batch: int) -> None:
    said, inference, training = compare("resnet18", 48, batch, dtype)
    assert said.inference == inference
    assert said.training == pytest.approx(training, rel=0.05)


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
