"""Docstrings speak of what the class has."""

from __future__ import annotations

import ast
import re

import pytest

import archspec
from archspec.backends.torch_source import emit

DOCUMENTED = """
archspec: 1
name: Net
inputs: {image: [3, H, W]}
sizes: {H: 16, W: 16}
blocks:
  unit:
    doc: >-
      Adds `growth` channels, `channels` wide, or with `padding` 1. `stride_on` says which convolution strides.
      `channels` are what it gives.
    params: {channels, growth: 4, padding: 0, stride_on: 2}
    steps:
      - conv as conv: {channels: $channels, kernel: 1, padding: $padding, stride: $(2 if stride_on == 1 else 1)}
      - conv as grow: {channels: $(channels + growth), kernel: 1}
  bare:
    params: {channels}
    steps: [{conv as conv: {channels: $channels, kernel: 1}}, relu]
steps:
  - unit as u1: {channels: 4}
  - unit as u2: {channels: 6}
  - bare as b1: {channels: 4}
"""


def docstrings(text: str) -> dict[str, str | None]:
    return {node.name: ast.get_docstring(node) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)}


def test_parameters_that_the_class_lacks() -> None:
    found = docstrings(emit(archspec.loads(DOCUMENTED).graph))
    assert " ".join(str(found["Unit"]).split()) == (
        "Adds 4 channels, `channels` wide, or with padding 1. `channels` are what it gives."
    )


def test_nothing_is_said_where_the_spec_says_nothing() -> None:
    assert docstrings(emit(archspec.loads(DOCUMENTED).graph))["Bare"] is None


@pytest.mark.parametrize("name", ["resnet50", "mobilenet_v3_large"])
def test_of_shipped_networks(name: str) -> None:
    """A name in backticks is an argument of the constructor, or one of its variables."""
    found: list[str] = []
    for node in ast.walk(ast.parse(emit(archspec.load(name).graph))):
        if isinstance(node, ast.ClassDef):
            names = {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
            names |= {argument.arg for argument in ast.walk(node) if isinstance(argument, ast.arg)}
            for said in re.findall(r"`(\w+)`", ast.get_docstring(node) or ""):
                assert said in names or "." in said or said.startswith("layer"), (node.name, said)
                found.append(said)
    assert found


@pytest.mark.parametrize(("name", "said"), [("resnet18", 1), ("unet", 1), ("alexnet", 0)])
def test_that_memory_decides_is_said_once(name: str, said: int) -> None:
    assert emit(archspec.load(name).graph).replace("\n", " ").count("let a tensor go before the next is made") == said
