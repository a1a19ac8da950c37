"""What torch has alive while a module runs: the storages that a ``TorchDispatchMode`` sees."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from archspec.graph import Graph
from archspec.sizes import Evaluation


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

    def _is_bias(self, one: Any, other: Any) -> bool:
        if not isinstance(other, Tensor) or one.dim() < 3 or other.dim() != 1:
            return False
        return other.untyped_storage()._cdata in self._weights

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten.add.Tensor and self._is_bias(*args):
            return args[0].add_(args[1])  # torch adds a linear layer's bias in place, if nobody watches
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                self._add(tensor)
        self.peak = max(self.peak, self.now)
        return result


def inputs_of(graph: Graph, sizes: Mapping[str, int], batch: int, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    """Random tensors for every input of a network."""
    evaluation = Evaluation(sizes)
    shapes = [graph.nodes[index].shape.dims for index in graph.inputs.values()]
    return [torch.randn(batch, *map(evaluation.of, dims), dtype=dtype) for dims in shapes]


def inference(model: nn.Module, inputs: list[Tensor]) -> int:
    """The most bytes alive in an evaluation without gradients."""
    mode = LiveStorages([*model.parameters(), *model.buffers()], inputs)
    with torch.no_grad(), mode:
        model(*inputs)
    return mode.peak


def training(model: nn.Module, inputs: list[Tensor]) -> int:
    """The most bytes alive in a step of training."""
    model.train()
    with LiveStorages([*model.parameters(), *model.buffers()], inputs) as mode:
        outputs = [leaf for leaf in tree_leaves(model(*inputs)) if isinstance(leaf, Tensor)]
        torch.stack([output.mean() for output in outputs]).sum().backward()
    return mode.peak
