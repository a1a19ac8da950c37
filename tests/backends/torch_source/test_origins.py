"""Lines of constructors lead to the steps that they make: held against what the running module says of itself."""

from __future__ import annotations

import ast

import pytest

import archspec
from archspec.backends.torch_source import emitted


def made(spec: archspec.Spec) -> dict[str, set[str]]:
    """For each place in the spec, the torch classes that the lines from it name."""
    found = emitted(spec.graph, located=True)
    lines = found.text.split("\n")
    places: dict[str, set[str]] = {}
    for line, spans in found.lines.items():
        words = lines[line - 1]
        for name in ("Conv2d", "BatchNorm2d", "Linear", "MaxPool2d"):
            if f"nn.{name}(" in words:
                for span in spans:
                    places.setdefault(span, set()).add(name)
    return places


@pytest.mark.parametrize("name", ["resnet18", "vgg11_bn", "squeezenet1_0", "densenet121", "unet"])
def test_every_step_with_weights_has_a_line_that_makes_it(name: str) -> None:
    spec = archspec.load(name)
    places = made(spec)
    torch_names = {"conv": "Conv2d", "batch_norm": "BatchNorm2d", "linear": "Linear"}
    assert places
    for node in spec.graph.nodes:
        if node.op is not None and node.op.keyword in torch_names:
            at = f"{node.span.source.name}:{node.span.line}"
            assert places.get(at) == {torch_names[node.op.keyword]}, node.path


def test_only_lines_of_constructors_are_added() -> None:
    graph = archspec.load("resnet18").graph
    plain, located = emitted(graph), emitted(graph, located=True)
    assert plain.text == located.text
    assert plain.lines.items() <= located.lines.items()
    tree = ast.parse(plain.text)
    inside = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == "__init__" and node.end_lineno is not None
        for line in range(node.lineno, node.end_lineno + 1)
    }
    assert set(located.lines) - set(plain.lines) <= inside
