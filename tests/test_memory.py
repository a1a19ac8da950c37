"""Memory: what is said to be live, held against the storages that torch has alive while it runs."""

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
from archspec.analyses.memory import memory
from archspec.graph import Graph, Node, Scope
from archspec.sizes import Evaluation
from tests.interpreter import Interpreter


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


class Calls(Interpreter):
    """Runs a graph as calls within calls: a value goes when nothing more reads it, or with the call it was given to."""

    def run(self, *inputs: Tensor) -> list[Tensor]:
        values = dict(zip(self.graph.inputs.values(), inputs, strict=True))
        wanted = {output.node for output in self.graph.outputs if not output.training}
        return list(self._call(self.graph.root, values, wanted).values())

    def _call(self, scope: Scope, given: dict[int, Tensor], wanted: set[int]) -> dict[int, Tensor]:
        values = dict(given)
        items = list(_calls(scope))
        reads = [_outside(item) for item in items]
        for at, item in enumerate(items):
            later = wanted.union(*reads[at + 1 :])
            if isinstance(item, Scope):
                made = {node.index for node in item.nodes()}
                values.update(self._call(item, {index: values[index] for index in reads[at]}, later & made))
            elif not (item.dead or item.training_only):
                values[item.index] = self._apply(item, [values[index] for index in item.inputs])
            for index in [index for index in values if index not in later and index not in given]:
                del values[index]
        return {index: value for index, value in values.items() if index in wanted}


def _calls(scope: Scope) -> Iterator[Node | Scope]:
    """What a scope runs: nodes, and modules that are called; merges and branches are no calls."""
    for item in scope.items:
        if isinstance(item, Scope) and item.kind not in ("block", "sequence"):
            yield from _calls(item)
        else:
            yield item


def _outside(item: Node | Scope) -> set[int]:
    nodes = [node for node in (item.nodes() if isinstance(item, Scope) else [item]) if not node.dead]
    nodes = [node for node in nodes if not node.training_only]
    return {index for node in nodes for index in node.inputs} - {node.index for node in nodes}


def inputs_of(graph: Graph, sizes: dict[str, int], batch: int, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    evaluation = Evaluation(sizes)
    shapes = [graph.nodes[index].shape.dims for index in graph.inputs.values()]
    return [torch.randn(batch, *map(evaluation.of, dims), dtype=dtype) for dims in shapes]


def inference(run: Any, model: nn.Module, inputs: list[Tensor], weights: Iterable[Tensor] = ()) -> int:
    mode = LiveStorages([*model.parameters(), *model.buffers(), *weights], inputs)
    with torch.no_grad(), mode:
        run(*inputs)
    return mode.peak


def training(model: nn.Module, inputs: list[Tensor]) -> int:
    model.train()
    with LiveStorages([*model.parameters(), *model.buffers()], inputs) as mode:
        outputs = [leaf for leaf in tree_leaves(model(*inputs)) if isinstance(leaf, Tensor)]
        torch.autograd.backward(outputs, [torch.ones_like(output) for output in outputs])
    return mode.peak


NETWORKS = (
    "resnet18", "resnet50", "squeezenet1_1", "squeezenet_digits", "googlenet", "mobilenet_v2", "mobilenet_v3_large",
    "shufflenet_v2_x1_0", "convnext_tiny", "unet_digits",
)  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_peaks(name: str) -> None:
    """Inference exactly, by the schedule; training within 5% on the emitted module."""
    spec = archspec.load(name)
    sizes = dict.fromkeys(spec.graph.sizes, 64)
    said = memory(spec.graph, sizes, 2)
    inputs = inputs_of(spec.graph, sizes, 2)
    model = archspec.compile(spec).eval()
    calls = Calls(spec.graph, model.state_dict(), training=False)
    weights = [tensor for made in calls.modules.values() if isinstance(made, nn.Module)
               for tensor in (*made.parameters(), *made.buffers())]  # fmt: skip
    assert said.inference == inference(calls.run, model, inputs, weights)
    emitted = inference(model, model, inputs)
    assert said.inference <= emitted <= 1.5 * said.inference  # a name in emitted code may hold a tensor longer
    assert said.training == pytest.approx(training(model, inputs), rel=0.05)


@pytest.mark.parametrize(("dtype", "batch"), [("float64", 1), ("bfloat16", 3)])
def test_dtypes_and_batches(dtype: str, batch: int) -> None:
    spec = archspec.load("squeezenet1_1")
    sizes = dict.fromkeys(spec.graph.sizes, 48)
    model = archspec.compile(spec).to(getattr(torch, dtype)).eval()
    inputs = inputs_of(spec.graph, sizes, batch, getattr(torch, dtype))
    said = memory(spec.graph, sizes, batch, dtype)
    assert said.inference == inference(model, model, inputs)
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
