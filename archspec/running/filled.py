"""A network made with the weights of a file: nothing is drawn at random that would be overwritten.

Its constructor runs as always, on memory that no initialiser fills, and the tensors of the file become the network's.
Buffers that no file has are made by the constructor, so they come out as in any other network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from archspec.diagnostics import Diagnostic
from archspec.graph import Graph
from archspec.running.checkpoint_files import read_checkpoint
from archspec.running.runtime import compiled
from archspec.running.weights import check_weights, network_weights, shapes

FILLING = frozenset({"uniform_", "normal_", "fill_", "zero_", "erfinv_", "mul_", "add_", "clamp_"})
"""The methods by which torch's initialisers and constructors fill a parameter."""


class Unfilled(TorchFunctionMode):
    """Initialisers leave parameters as they are; everything else runs."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Skip the call if it fills a parameter."""
        given = kwargs or {}
        target = args[0] if args else given.get("tensor")
        fills = func.__name__ in FILLING or getattr(func, "__module__", None) == nn.init.__name__
        return target if fills and isinstance(target, nn.Parameter) else func(*args, **given)


def compiled_with(graph: Graph, weights: Path | str | Mapping[str, Any]) -> tuple[nn.Module, tuple[Diagnostic, ...]]:
    """The network of a graph with the weights of a file or a ``state_dict``, and notes on how they were adapted.

    The network shares no memory with either.  Raises :class:`SpecError` as ``load_weights`` does: if the file cannot be
    read, or if its keys and shapes are not the network's.
    """
    in_file = isinstance(weights, Path | str)
    name = weights if in_file else "weights"
    content = read_checkpoint(weights) if in_file else {key: _on_cpu(value) for key, value in weights.items()}
    with Unfilled():
        network = compiled(graph)
    wanted = shapes(network)
    found = network_weights(content, wanted, name)
    check_weights(found.state, wanted, name)
    own = network.state_dict()
    taken: set[int] = set() if in_file else {value.untyped_storage().data_ptr() for value in found.state.values()}
    state = {key: _of_its_own(found.state[key], value, taken) for key, value in own.items() if key in found.state}
    network.load_state_dict({**own, **state}, assign=True)
    return network, found.notes


def _on_cpu(value: Any) -> Any:
    return value.cpu() if isinstance(value, Tensor) and value.device.type != "meta" else value


def _of_its_own(value: Tensor, like: Tensor, taken: set[int]) -> Tensor:
    """A tensor as the network has it, in memory that is nobody else's; ``taken`` are storages that are in use."""
    made = value.detach().to(like.dtype, memory_format=torch.contiguous_format)
    storage = made.untyped_storage()
    if storage.nbytes() != made.nbytes or storage.data_ptr() in taken or not made.is_contiguous():
        made = made.clone(memory_format=torch.contiguous_format)
    taken.add(made.untyped_storage().data_ptr())
    return made
