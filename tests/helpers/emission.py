"""Emitted classes beside the graph they come from."""

from __future__ import annotations

import torch

import archspec
from archspec.backends.torch_source import emitted
from archspec.graph import Graph
from archspec.running.runtime import build
from tests.helpers.interpreter import Interpreter


def weights(graph: Graph) -> dict[str, tuple[int, ...]]:
    """Keys and shapes that a graph's ``state_dict`` must have."""
    found: dict[str, tuple[int, ...]] = {}
    for node in graph.nodes:
        if node.op is not None and node.reuse is None:
            for weight in node.op.weights(graph.shapes_in(node)):
                found[f"{node.path}.{weight.name}" if weight.name else node.path] = weight.shape
    return found


def hold_against_graph(spec: archspec.Spec, size: int) -> None:
    """The emitted classes have the graph's weights and compute what its ops do, one after the other."""
    module = build(emitted(spec.graph))
    state = module.state_dict()
    assert {name: tuple(value.shape) for name, value in state.items()} == weights(spec.graph)
    nodes = [spec.graph.nodes[index] for index in spec.graph.inputs.values()]
    inputs = [torch.randn(2, node.shape.channels, size, size) for node in nodes]
    for training in (False, True):
        graph = Interpreter(spec.graph, {name: value.clone() for name, value in state.items()}, training)
        with torch.no_grad():
            torch.manual_seed(1)
            found = module.train(training)(*inputs)
            torch.manual_seed(1)
            wanted = graph.run(*inputs)
        values = [found] if isinstance(found, torch.Tensor) else [value for value in found if value is not None]
        assert len(values) == len(wanted)
        assert all(torch.equal(mine, other) for mine, other in zip(values, wanted, strict=True))
