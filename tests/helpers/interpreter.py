"""A graph run node by node, each op by itself: what the emitted classes must equal, without any class of theirs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from archspec.graph import Graph, Node

_PLACE = re.compile(r"\{(\d+)\}")


class Interpreter:
    """Runs a graph with the weights of a ``state_dict``; buffers move on from one run to the next, as in a module."""

    def __init__(self, graph: Graph, state: Mapping[str, Tensor], training: bool) -> None:
        self.graph = graph
        self.training = training
        self.names: dict[str, Any] = {"torch": torch, "nn": nn, "F": nn.functional, "Tensor": Tensor}
        self.modules: dict[int, Any] = {}
        generator = torch.get_rng_state()
        for node in graph.nodes:
            if node.op is not None and node.reuse is None:
                self._make(node, state)
        torch.set_rng_state(generator)

    def _make(self, node: Node, state: Mapping[str, Tensor]) -> None:
        assert node.op is not None
        shapes = self.graph.shapes_in(node)
        function, module = node.op.function(shapes), node.op.module(shapes)
        for found in (function, module):
            if found is not None and found.helper:
                exec(found.helper, self.names)
        if module is None or (function is not None and not node.is_module):
            return
        arguments = ", ".join(argument.text for argument in module.arguments)
        made = eval(module.wrap.replace("{0}", f"{module.target}({arguments})"), self.names)
        prefix = f"{node.path}."
        if isinstance(made, nn.Parameter):
            made = nn.Parameter(state[node.path])
        else:
            own = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
            made.load_state_dict(own, strict=True)
            made.train(self.training)
        self.modules[node.index] = made

    def run(self, *inputs: Tensor) -> list[Tensor]:
        """Every output that is live in this mode."""
        values: dict[int, Tensor] = dict(zip(self.graph.inputs.values(), inputs, strict=True))
        wanted = [output for output in self.graph.outputs if self.training or not output.training]
        needed: set[int] = set()
        waiting = [output.node for output in wanted]
        while waiting:
            index = waiting.pop()
            if index not in needed:
                needed.add(index)
                waiting += self.graph.nodes[index].inputs
        for node in self.graph.nodes:
            if node.op is not None and node.index in needed:
                values[node.index] = self._apply(node, [values[index] for index in node.inputs])
        return [values[output.node] for output in wanted]

    def _apply(self, node: Node, given: list[Tensor]) -> Tensor:
        assert node.op is not None
        names = {**self.names, "self": SimpleNamespace(training=self.training)}
        names.update((f"given_{position}", value) for position, value in enumerate(given))
        made = self.modules.get((node.reuse or node).index)
        shapes = self.graph.shapes_in(node)
        if made is not None:
            module = node.op.module(shapes)
            assert module is not None
            text = module.whole.replace("{module}", "made")
            names["made"] = made
        else:
            function = node.op.function(shapes)
            assert function is not None
            text = function.whole
        return eval(_PLACE.sub(r"given_\1", text), names)
