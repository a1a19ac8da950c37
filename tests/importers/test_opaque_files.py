"""Layers of files that the language lacks, kept as opaque steps where the file says their shape."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper, shape_inference

import archspec
from archspec.graph import Node
from tests.importers.keras import test_keras

KERAS = Path(__file__).parent / "keras" / "nets"


def opaque(spec: archspec.Spec) -> dict[str, Node]:
    return {node.path: node for node in spec.graph.nodes if node.op is not None and node.op.hidden}


def refusal(path: Path) -> str:
    with pytest.raises(archspec.SpecError) as caught:
        archspec.from_file(path, opaque=True)
    (found,) = [each for each in caught.value.diagnostics if each.severity == "error"]
    assert found.code == "not-importable"
    return str(found.hint)


def onnx_file(folder: Path, sizes: list[Any], infer: bool = True, op: str = "CumSum", **more: Any) -> Path:
    """A convolution, a sum along the rows, which the language lacks, and another convolution."""
    weights = {
        "a.weight": torch.randn(6, 3, 3, 3).numpy(),
        "odd.table": np.ones((6, 1), "float32"),
        "axis": np.array(2, "int64"),
        "b.weight": torch.randn(4, 6, 1, 1).numpy(),
    }
    reads = ["x", "axis"] if op == "CumSum" else ["x", "odd.table"]
    nodes = [
        helper.make_node("Conv", ["image", "a.weight"], ["x"], name="a", pads=[1, 1, 1, 1]),
        helper.make_node(op, reads, ["y"], name="odd", **more),
        helper.make_node("Conv", ["y", "b.weight"], ["z"], name="b"),
    ]
    given = helper.make_tensor_value_info("image", 1, ["n", 3, *sizes])
    result = helper.make_tensor_value_info("z", 1, None)
    tensors = [numpy_helper.from_array(values, name) for name, values in weights.items() if name != "axis" or reads[1:]]
    graph = helper.make_graph(nodes, "net", [given], [result], tensors)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ours", 1)]
    model = helper.make_model(graph, opset_imports=opsets)
    path = folder / "net.onnx"
    path.write_bytes((shape_inference.infer_shapes(model) if infer else model).SerializeToString())
    return path


@pytest.mark.parametrize(("sizes", "symbols"), [(["h", "w"], {"H", "W"}), ([8, 9], set())])
def test_an_operator_whose_shape_onnx_infers(sizes: list[Any], symbols: set[str], tmp_path: Path) -> None:
    path = onnx_file(tmp_path, sizes)
    with pytest.raises(archspec.SpecError, match="nothing for the operator `CumSum`"):
        archspec.from_file(path)
    spec = archspec.from_file(path, opaque=True)
    (node,) = opaque(spec).values()
    assert set(spec.symbols) == symbols
    assert node.shape.channels == 6
    if not symbols:
        assert node.shape.dims == (6, 8, 9)
    report = archspec.check(spec)
    assert report.parameters == 6 * 27 + 24
    assert "CumSum" in archspec.render(spec).source
    with pytest.raises(archspec.SpecError, match="is opaque"):
        archspec.compile(spec)


def test_tensors_of_an_operator_are_its_parameters(tmp_path: Path) -> None:
    path = onnx_file(tmp_path, [8, 9], infer=False, op="Warp", domain="ours")
    assert "--opaque: the file does not say the shape" in refusal(path)
    model = onnx.load(path)
    model.graph.value_info.append(helper.make_tensor_value_info("y", 1, ["n", 6, 4, 3]))
    onnx.save(model, path)
    spec, state = archspec.from_files(path, path, opaque=True)
    ((name, node),) = opaque(spec).items()
    assert node.shape.dims == (6, 4, 3)
    assert spec.graph.state[f"{name}.table"] == (6, 1)
    assert torch.equal(state[f"{name}.table"], torch.ones(6, 1))
    assert archspec.check(spec).parameters == 6 * 27 + 6 + 24


def test_a_size_that_the_file_leaves_open_is_refused(tmp_path: Path) -> None:
    path = onnx_file(tmp_path, ["h", "w"], infer=False, op="Warp", domain="ours")
    model = onnx.load(path)
    model.graph.value_info.append(helper.make_tensor_value_info("y", 1, ["n", 6, "half", "w"]))
    onnx.save(model, path)
    assert "leaves a size open: half" in refusal(path)


def changed(folder: Path, name: str, kind: str) -> Path:
    """The small network's archive with a layer of another class."""
    path = folder / "net.keras"
    with zipfile.ZipFile(KERAS / "flat.keras") as kept, zipfile.ZipFile(path, "w") as made:
        for member in kept.namelist():
            content = kept.read(member)
            if member == "config.json":
                config = json.loads(content)
                (layer,) = [each for each in config["config"]["layers"] if each["name"] == name]
                layer |= {"class_name": kind, "module": "theirs", "registered_name": f"theirs>{kind}"}
                content = json.dumps(config).encode()
            made.writestr(member, content)
    return path


def test_a_class_of_keras_with_the_variables_of_its_file(tmp_path: Path) -> None:
    pytest.importorskip("h5py", reason="h5py is not installed")
    path = changed(tmp_path, "bn", "Warp")
    _, plain = archspec.from_files(KERAS / "flat.keras", KERAS / "flat.keras")
    spec, state = archspec.from_files(path, path, opaque=True)
    ((name, node),) = opaque(spec).items()
    assert node.shape.dims == (7,)
    stored = [values for key, values in state.items() if key.startswith(f"{name}.")]
    assert sorted(tuple(values.shape) for values in stored) == [(7,)] * 3  # gamma, mean and variance
    assert any(torch.equal(values, plain[f"{name}.running_var"]) for values in stored)


def test_a_class_of_keras_whose_tensors_are_not_there(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    with zipfile.ZipFile(changed(tmp_path, "bn", "Warp")) as archive:
        path.write_bytes(archive.read("config.json"))
    spec = archspec.from_file(path, opaque=True)
    assert len(opaque(spec)) == 1
    assert "does not hold the tensors of opaque layers" in spec.diagnostics[0].message
    config = json.loads(path.read_text())
    config["config"]["layers"][-1]["class_name"] = "Melt"  # the last, which none reads
    path.write_text(json.dumps(config))
    assert "--opaque" in refusal(path)


CAFFE = """\
input: "data" input_shape {{ dim: 1 dim: 3 dim: 9 dim: 8 }}
layer {{ name: "a" type: "Convolution" bottom: "data" top: "a" convolution_param {{ num_output: 4 kernel_size: 3 }} }}
layer {{ name: "odd" type: "Warp" bottom: "a" top: "{top}" warp_param {{ by: 3 }} }}
layer {{ name: "b" type: "Convolution" bottom: "{top}" top: "b" convolution_param {{ num_output: 2 kernel_size: 1 }} }}
"""


def test_a_layer_of_caffe_that_writes_over_its_input(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(CAFFE.format(top="a"))
    spec = archspec.from_file(path, opaque=True)
    (node,) = opaque(spec).values()
    assert node.shape.channels == 4
    assert set(spec.symbols) == {"H", "W"}
    assert "does not hold the tensors of opaque layers" in spec.diagnostics[0].message
    path.write_text(CAFFE.format(top="c"))
    assert "does not say the shape" in refusal(path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("net.cfg", "[net]\nwidth=9\nheight=9\nchannels=3\n[warp]\nby=3\n[convolutional]\nfilters=2\nsize=1\n"),
        ("net.yaml", "nc: 2\nbackbone:\n  - [-1, 1, Conv, [8, 1]]\nhead:\n  - [-1, 1, Warp, [8]]\n"),
    ],
)
def test_files_that_say_no_shapes(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert "does not say the shape" in refusal(path)


def test_broken_files_end_in_diagnostics_here_too(tmp_path: Path) -> None:
    said: list[str] = []
    for config, _, _ in test_keras.HOSTILE:
        try:
            archspec.from_file(test_keras.saved(config, tmp_path), opaque=True)
        except archspec.SpecError as error:
            said.append(str(error))
    assert len(said) > len(test_keras.HOSTILE) // 2
    assert not any("\x1b" in text for text in said)
