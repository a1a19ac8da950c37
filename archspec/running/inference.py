"""A network for inference as a live module, prepared for the spec's own sizes, and its weights in a file."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archspec import inference
from archspec.diagnostics import Diagnostic, SpecError
from archspec.graph import Graph
from archspec.running.runtime import compiled, defined
from archspec.sizes import Evaluation

if TYPE_CHECKING:
    from torch import Tensor, nn


def compiled_for_inference(
    graph: Graph,
    precision: inference.Precision = "f32",
    device: inference.Device = "cpu",
    weights: Mapping[str, Tensor] | None = None,
) -> nn.Module:
    """The network of a graph for inference, with ``weights`` by the plain form's keys, or with freshly made ones.

    Raises :class:`SpecError` ``no-memory`` if the machine has too little memory for them, and ``no-device`` if it has
    no such device.
    """
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise SpecError([Diagnostic("no-device", "there is no device `cuda`", hint='`device="cpu"` runs everywhere')])
    text = defined(inference.source(graph, precision, device))
    network = text.from_state_dict(dict(compiled(graph).state_dict() if weights is None else weights))
    if not hasattr(text, "prepare"):
        return network
    # `pack` sees the true sizes in one run of the network itself.
    return text.prepare(network, *(torch.zeros(1, *sizes) for sizes in own_sizes(graph)))


def own_sizes(graph: Graph) -> list[list[int]]:
    """The shape of one sample of each input, at the spec's own sizes."""
    at = Evaluation(graph.sizes)
    return [[at.of(dim) for dim in graph.nodes[index].shape.dims] for index in graph.inputs.values()]


def converted(
    graph: Graph, path: Path, precision: inference.Precision, device: inference.Device
) -> tuple[bytes, tuple[Diagnostic, ...]]:
    """The weights in a file of the plain form as a file of the form for inference, and notes on how they were read.

    Raises :class:`SpecError` if the file cannot be read, or is of another network.
    """
    import torch

    from archspec.running.checkpoint_files import read_checkpoint
    from archspec.running.weights import check_weights, network_weights

    found = network_weights(read_checkpoint(path), graph.state, path)
    check_weights(found.state, graph.state, path)
    network: Any = defined(inference.source(graph, precision, device)).from_state_dict(dict(found.state))
    buffer = BytesIO()
    torch.save(network.state_dict(), buffer)
    return buffer.getvalue(), found.notes
