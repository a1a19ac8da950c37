"""A long file takes work in proportion to its length, in every form it may have."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from onnx import helper

from archspec.importers.files import imported


def chain(count: int) -> str:
    """One layer after the other."""
    return "".join(f'layer {{ name: "r{at}" type: "ReLU" bottom: "x{at}" top: "x{at + 1}" }}\n' for at in range(count))


def residual(count: int) -> str:
    """Sums of a layer and its input."""
    return "".join(
        f'layer {{ name: "c{at}" type: "Convolution" bottom: "x{at}" top: "c{at}" '
        f"convolution_param {{ num_output: 2 kernel_size: 1 }} }}\n"
        f'layer {{ name: "e{at}" type: "Eltwise" bottom: "c{at}" bottom: "x{at}" top: "x{at + 1}" }}\n'
        for at in range(count // 2)
    )


def scopes(count: int) -> str:
    """Layers whose names share their beginnings."""
    return "".join(
        f'layer {{ name: "g{at}/c" type: "Convolution" bottom: "x{at}" top: "c{at}" '
        f"convolution_param {{ num_output: {at % 7 + 1} kernel_size: 1 }} }}\n"
        f'layer {{ name: "g{at}/r" type: "ReLU" bottom: "c{at}" top: "x{at + 1}" }}\n'
        for at in range(count // 2)
    )


def nested(count: int) -> str:
    """Sums of the input and everything so far."""
    return 'layer { name: "r" type: "ReLU" bottom: "x0" top: "e0" }\n' + "".join(
        f'layer {{ name: "s{at}" type: "Sigmoid" bottom: "e{at - 1}" top: "s{at}" }}\n'
        f'layer {{ name: "e{at}" type: "Eltwise" bottom: "x0" bottom: "s{at}" top: "e{at}" }}\n'
        for at in range(1, count // 2)
    )


def written(body: str, folder: Path) -> Path:
    path = folder / "net.prototxt"
    path.write_text('input: "x0" input_shape { dim: 1 dim: 2 dim: 3 dim: 3 }\n' + body)
    return path


def calls(path: Path) -> int:
    """How many functions are called to import a file, those of C among them."""
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        imported(path)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("form", [chain, residual, scopes])
def test_twice_the_layers_are_twice_the_work(form: Callable[[int], str], tmp_path: Path) -> None:
    calls(written(form(20), tmp_path))  # what is remembered from run to run
    few, many = (calls(written(form(count), tmp_path)) for count in (200, 400))
    assert many < 2.2 * few


def onnx_file(count: int, folder: Path) -> Path:
    """Sums of a convolution and its input, in modules of their own."""
    nodes: list[Any] = []
    for at in range(count // 2):
        nodes.append(helper.make_node("Conv", [f"x{at}", f"w{at}"], [f"c{at}"], name=f"/g{at}/conv/Conv"))
        nodes.append(helper.make_node("Add", [f"x{at}", f"c{at}"], [f"x{at + 1}"], name=f"/g{at}/Add"))
    tensors = [helper.make_tensor(f"w{at}", 1, [2, 2, 1, 1], [0.0] * 4) for at in range(count // 2)]
    given = helper.make_tensor_value_info("x0", 1, [1, 2, 3, 3])
    result = helper.make_tensor_value_info(f"x{count // 2}", 1, None)
    graph = helper.make_graph(nodes, "net", [given], [result], tensors)
    path = folder / "net.onnx"
    path.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString())
    return path


def keras_file(count: int, folder: Path) -> Path:
    """The same in Keras."""

    def layer(kind: str, name: str, reads: list[str], **config: Any) -> dict[str, Any]:
        tensors = [{"class_name": "__keras_tensor__", "config": {"keras_history": [each, 0, 0]}} for each in reads]
        calls = [{"args": [tensors], "kwargs": {}}] if reads else []
        return {"class_name": kind, "name": name, "config": {"name": name, **config}, "inbound_nodes": calls}

    layers = [layer("InputLayer", "x0", [], batch_shape=[None, 3, 3, 2])]
    for at in range(count // 2):
        before = f"b{at - 1}_add" if at else "x0"
        layers.append(layer("Conv2D", f"b{at}_conv", [before], filters=2, kernel_size=[1, 1]))
        layers.append(layer("Add", f"b{at}_add", [before, f"b{at}_conv"]))
    config = {"name": "net", "layers": layers, "input_layers": [["x0", 0, 0]],
              "output_layers": [[f"b{count // 2 - 1}_add", 0, 0]]}  # fmt: skip
    path = folder / "net.json"
    path.write_text(json.dumps({"class_name": "Functional", "config": config}))
    return path


def ultralytics_file(count: int, folder: Path) -> Path:
    """One convolution after the other, each three steps."""
    rows = "  - [-1, 1, Conv, [8, 1]]\n" * (count // 3)
    path = folder / "net.yaml"
    path.write_text(f"nc: 2\nbackbone:\n{rows}head:\n  - [-1, 1, Conv, [8, 1]]\n")
    return path


@pytest.mark.parametrize("file", [onnx_file, keras_file, ultralytics_file])
def test_other_formats_grow_so_too(file: Callable[[int, Path], Path], tmp_path: Path) -> None:
    calls(file(20, tmp_path))
    few, many = (calls(file(count, tmp_path)) for count in (200, 400))
    assert many < 2.2 * few


@pytest.mark.slow
@pytest.mark.parametrize("file", [onnx_file, keras_file, ultralytics_file])
def test_ten_thousand_layers_of_other_formats(file: Callable[[int, Path], Path], tmp_path: Path) -> None:
    assert len(imported(file(10_000, tmp_path)).read.assembly.layers) >= 9_990


@pytest.mark.slow
@pytest.mark.parametrize("form", [chain, residual, scopes, nested])
def test_a_hundred_thousand_layers(form: Callable[[int], str], tmp_path: Path) -> None:
    assert len(imported(written(form(100_000), tmp_path)).read.assembly.layers) >= 99_000
