"""ONNX files: every operator as onnxruntime runs it, names as scopes, weights; broken files, with the node."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

import archspec
from archspec.diagnostics import Diagnostic
from archspec.importers.files import imported

ANY = ("n", 4, "h", "w")
"""The shape of an input that takes images of any size."""


def noise(*shape: int) -> Any:
    return numpy.random.default_rng(len(shape) + sum(shape)).normal(size=shape).astype("float32")


def model(
    nodes: Sequence[Any],
    tensors: dict[str, Any] | None = None,
    shape: Sequence[int | str] = ANY,
    opset: int = 17,
    outputs: Sequence[str] = ("y",),
) -> onnx.ModelProto:
    """A graph from ``x`` to its outputs."""
    stored = [numpy_helper.from_array(numpy.asarray(value), name) for name, value in (tensors or {}).items()]
    given = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
    results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    graph = helper.make_graph(list(nodes), "net", given, results, stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def node(op: str, *reads: str, to: str = "y", name: str = "", **attributes: Any) -> Any:
    return helper.make_node(op, list(reads) or ["x"], to.split(), name=name, **attributes)


def saved(made: onnx.ModelProto, folder: Path) -> Path:
    path = folder / "net.onnx"
    path.write_bytes(made.SerializeToString())
    return path


def hold(path: Path, *sizes: Sequence[int]) -> archspec.Spec:
    """A file's network beside onnxruntime, on images of some channels and sizes."""
    spec, state = archspec.from_files(path, path)
    made = archspec.compile(spec).eval()
    made.load_state_dict(dict(state), strict=True)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for size in sizes:
        image = noise(1, *size)
        wanted: Any = session.run(None, {session.get_inputs()[0].name: image})
        with torch.inference_mode():
            found = made(torch.from_numpy(image))
        for one, other in zip([found] if isinstance(found, torch.Tensor) else found, wanted, strict=True):
            torch.testing.assert_close(one, torch.from_numpy(other), rtol=1e-4, atol=1e-5)
    return spec


K3, PER = noise(6, 4, 3, 3), noise(4)
POSITIVE = numpy.abs(PER) + 0.5

OPERATORS: dict[str, tuple[list[Any], dict[str, Any], int]] = {
    "conv": ([node("Conv", "x", "k", "b", strides=[2, 1], pads=[1, 0, 2, 1])], {"k": K3, "b": noise(6)}, 17),
    "conv dilated": ([node("Conv", "x", "k", dilations=[2, 2], pads=[2, 2, 2, 2])], {"k": K3}, 9),
    "conv in groups": ([node("Conv", "x", "k", group=2)], {"k": noise(6, 2, 1, 3)}, 11),
    "conv same": ([node("Conv", "x", "k", strides=[2, 2], auto_pad="SAME_UPPER")], {"k": K3}, 13),
    "conv same, the odd row before": ([node("Conv", "x", "k", auto_pad="SAME_LOWER")], {"k": noise(6, 4, 2, 4)}, 13),
    "conv valid": ([node("Conv", "x", "k", auto_pad="VALID")], {"k": K3}, 13),
    "conv and bias": (
        [node("Conv", "x", "k", to="a"), node("Add", "b", "a")], {"k": K3, "b": noise(1, 6, 1, 1)}, 13,
    ),
    "transposed": (
        [node("ConvTranspose", "x", "k", "b", strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 0])],
        {"k": noise(4, 6, 3, 3), "b": noise(6)}, 17,
    ),
    "transposed, cut at the start": (
        [node("ConvTranspose", "x", "k", strides=[2, 2], pads=[1, 1, 0, 0])], {"k": noise(4, 2, 3, 3)}, 11,
    ),
    "transposed, cut at the end": (
        [node("ConvTranspose", "x", "k", strides=[2, 2], pads=[0, 1, 2, 1])], {"k": noise(4, 2, 4, 3)}, 11,
    ),
    "transposed, cut at the start by more than a stride": (
        [node("ConvTranspose", "x", "k", strides=[2, 2], pads=[4, 1, 0, 1])], {"k": noise(4, 2, 5, 3)}, 11,
    ),
    "transposed same, the odd row at the end": (
        [node("ConvTranspose", "x", "k", strides=[2, 3], auto_pad="SAME_UPPER")], {"k": noise(4, 2, 3, 4)}, 13,
    ),
    "transposed same, the odd row before": (
        [node("ConvTranspose", "x", "k", strides=[2, 2], dilations=[1, 2], auto_pad="SAME_LOWER")],
        {"k": noise(4, 2, 3, 3)}, 13,
    ),
    "transposed valid": (
        [node("ConvTranspose", "x", "k", strides=[2, 2], auto_pad="VALID")], {"k": noise(4, 2, 3, 3)}, 13,
    ),
    "max pool": ([node("MaxPool", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 0], ceil_mode=1)], {}, 17),
    "max pool same": ([node("MaxPool", kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")], {}, 12),
    "average pool": ([node("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1])], {}, 11),
    "average pool, zeros counted": (
        [node("AveragePool", kernel_shape=[3, 3], pads=[0, 1, 1, 0], count_include_pad=1)], {}, 19,
    ),
    "batch norm": (
        [node("BatchNormalization", "x", "s", "b", "m", "v", epsilon=1e-3)],
        {"s": PER, "b": PER + 1, "m": PER - 1, "v": POSITIVE}, 15,
    ),
    "instance norm": ([node("InstanceNormalization", "x", "s", "b")], {"s": PER, "b": PER}, 9),
    "group norm": ([node("GroupNormalization", "x", "s", "b", num_groups=2)], {"s": PER, "b": PER}, 21),
    "layer norm of the channels": (
        [
            node("Transpose", "x", to="a", perm=[0, 2, 3, 1]),
            node("LayerNormalization", "a", "s", "b", to="c", epsilon=1e-6),
            node("Transpose", "c", perm=[0, 3, 1, 2]),
        ],
        {"s": PER, "b": PER}, 17,
    ),
    "lrn": ([node("LRN", size=3, alpha=0.02, beta=0.6, bias=2.0)], {}, 13),
    "prelu": ([node("PRelu", "x", "s")], {"s": noise(4, 1, 1)}, 16),
    "activations": (
        [
            node("Relu", "x", to="a"), node("LeakyRelu", "x", to="b", alpha=0.2), node("Elu", "x", to="c", alpha=0.5),
            node("HardSigmoid", "x", to="d", alpha=0.3, beta=0.4), node("HardSwish", "x", to="e"),
            node("Softplus", "x", to="f"), node("Selu", "x", to="g"), node("Tanh", "x", to="h"),
            node("Abs", "x", to="i"), node("Mish", "x", to="j"), node("Concat", *"abcdefghij", axis=1),
        ],
        {}, 18,
    ),
    "clip by inputs": ([node("Clip", "x", "l", "u")], {"l": numpy.float32(-0.5), "u": numpy.float32(0.7)}, 11),
    "clip by attributes": ([node("Clip", min=0.0, max=6.0)], {}, 9),
    "softmax of the channels": ([node("Softmax", axis=1)], {}, 13),
    "gelu": ([node("Gelu", approximate="tanh")], {}, 20),
    "silu in two": ([node("Sigmoid", to="a"), node("Mul", "a", "x")], {}, 13),
    "mish in three": ([node("Softplus", to="a"), node("Tanh", "a", to="b"), node("Mul", "x", "b")], {}, 13),
    "hard swish in two": ([node("HardSigmoid", to="a", alpha=1 / 6), node("Mul", "a", "x")], {}, 13),
    "gelu in five": (
        [
            node("Div", "x", "r", to="a"), node("Erf", "a", to="b"), node("Add", "b", "one", to="c"),
            node("Mul", "x", "c", to="d"), node("Mul", "d", "half"),
        ],
        {"r": numpy.float32(2**0.5), "one": numpy.float32(1), "half": numpy.float32(0.5)}, 13,
    ),
    "group norm in five": (
        [
            node("Reshape", "x", "to", to="a"), node("InstanceNormalization", "a", "ones", "zeros", to="b"),
            node("Shape", "x", to="s"), node("Reshape", "b", "s", to="c"), node("Mul", "c", "g", to="d"),
            node("Add", "d", "h"),
        ],
        {"to": numpy.array([0, 2, -1]), "ones": numpy.ones(2, "float32"), "zeros": numpy.zeros(2, "float32"),
         "g": noise(4, 1, 1), "h": noise(4, 1, 1) + 1}, 13,
    ),
    "numbers": (
        [
            node("Mul", "x", "two", to="a"), node("Sub", "two", "a", to="b"), node("Div", "b", "two", to="c"),
            node("Neg", "c", to="d"), node("Max", "d", "two", to="e"), node("Add", "e", "two"),
        ],
        {"two": numpy.float32(2)}, 13,
    ),
    "tensors of the file": (
        [node("Sub", "x", "m", to="a"), node("Mul", "s", "a", to="b"), node("Sub", "b", "x")],
        {"m": noise(1, 4, 1, 1), "s": noise(4, 1, 1)}, 13,
    ),
    "sums": ([node("Sum", "x", "x", "x", to="a"), node("Min", "a", "x")], {}, 13),
    "flattened by sizes": (
        [
            node("GlobalAveragePool", to="a"), node("Shape", "a", to="s"), node("Gather", "s", "zero", to="n"),
            node("Unsqueeze", "n", "axes", to="l"), node("Concat", "l", "rest", to="t", axis=0),
            node("Reshape", "a", "t", to="f"), node("Gemm", "f", "k", "b", transB=1),
        ],
        {"zero": numpy.int64(0), "axes": numpy.array([0]), "rest": numpy.array([-1]), "k": noise(5, 4), "b": noise(5)},
        17,
    ),
    "matrix and bias": (
        [node("GlobalMaxPool", to="a"), node("Flatten", "a", to="f"), node("MatMul", "f", "k", to="m"),
         node("Add", "m", "b")],
        {"k": noise(4, 5), "b": noise(5)}, 13,
    ),
    "means": ([node("ReduceMean", to="a", axes=[2, 3], keepdims=0), node("Relu", "a")], {}, 13),
    "mean of the channels": ([node("ReduceMean", "x", "axes")], {"axes": numpy.array([1])}, 18),
    "channels shuffled": (
        [
            node("Shape", to="s"), node("Slice", "s", "two", "four", to="hw"),
            node("Concat", "head", "hw", to="t", axis=0), node("Reshape", "x", "t", to="a"),
            node("Transpose", "a", to="b", perm=[0, 2, 1, 3, 4]), node("Reshape", "b", "s"),
        ],
        {"two": numpy.array([2]), "four": numpy.array([4]), "head": numpy.array([0, 2, 2])}, 13,
    ),
    "parts": (
        [node("Split", "x", "sizes", to="a b", axis=1), node("Sigmoid", "a", to="c"), node("Mul", "b", "c")],
        {"sizes": numpy.array([2, 2])}, 13,
    ),
    "parts before opset 13": (
        [node("Split", "x", to="a b", axis=1, split=[1, 3]), node("Concat", "b", "a", axis=1)], {}, 9,
    ),
    "cut": (
        [node("Slice", "x", "from", "to", "axes")],
        {"from": numpy.array([1, 2]), "to": numpy.array([2**62, 2**62]), "axes": numpy.array([1, 2])}, 13,
    ),
    "cut before opset 10": ([node("Slice", "x", starts=[1], ends=[-2], axes=[3])], {}, 9),
    "one row": ([node("Gather", "x", "two", axis=1)], {"two": numpy.int64(2)}, 13),
    "padded": ([node("Pad", "x", "p", "v")], {"p": numpy.array([0, 1, 1, 2, 0, 0, 3, 1]), "v": numpy.float32(0)}, 13),
    "mirrored": ([node("Pad", mode="reflect", pads=[0, 0, 1, 2, 0, 0, 3, 1])], {}, 9),
    "squeezed": (
        [node("GlobalAveragePool", to="a"), node("Squeeze", "a", "axes", to="b"), node("Unsqueeze", "b", "axes")],
        {"axes": numpy.array([2, 3])}, 13,
    ),
    "resized by two": (
        [node("Resize", "x", "", "f", mode="nearest", coordinate_transformation_mode="asymmetric",
              nearest_mode="floor")],
        {"f": numpy.array([1, 1, 2, 2], "float32")}, 13,
    ),
    "resized between": (
        [node("Resize", "x", "", "f", mode="linear")], {"f": numpy.array([1, 1, 2, 3], "float32")}, 13,
    ),
    "resized, corners kept": (
        [node("Resize", "x", "", "f", mode="linear", coordinate_transformation_mode="align_corners")],
        {"f": numpy.array([1, 1, 3, 2], "float32")}, 13,
    ),
    "resized by a cubic": (
        [node("Resize", "x", "", "f", mode="cubic")], {"f": numpy.array([1, 1, 2, 2], "float32")}, 13,
    ),
    "resized to another's size": (
        [
            node("MaxPool", to="p", kernel_shape=[2, 2], strides=[2, 2]), node("Shape", "x", to="s"),
            node("Slice", "s", "two", "four", to="hw"), node("Shape", "p", to="q"),
            node("Slice", "q", "none", "two", to="nc"), node("Concat", "nc", "hw", to="t", axis=0),
            node("Resize", "p", "", "", "t", mode="linear"),
        ],
        {"none": numpy.array([0]), "two": numpy.array([2]), "four": numpy.array([4])}, 13,
    ),
    "upsampled": ([node("Upsample", "x", "f", mode="nearest")], {"f": numpy.array([1, 1, 2, 2], "float32")}, 9),
    "depth to space": ([node("DepthToSpace", blocksize=2, mode="CRD")], {}, 13),
    "dropped": ([node("Dropout", to="a"), node("Identity", "a")], {}, 13),
}  # fmt: skip


@pytest.mark.parametrize("name", OPERATORS)
def test_every_operator_is_as_onnxruntime_runs_it(name: str, tmp_path: Path) -> None:
    nodes, tensors, opset = OPERATORS[name]
    spec = hold(saved(model(nodes, tensors, opset=opset), tmp_path), (4, 12, 15), (4, 9, 14))
    assert set(spec.graph.sizes) == {"H", "W"}


@pytest.mark.parametrize("way", ["NOTSET", "SAME_UPPER", "SAME_LOWER"])
@pytest.mark.parametrize("rows", [[16, 17], [15, 19], [12, 18]])
def test_a_transposed_convolution_whose_output_has_a_size(rows: list[int], way: str, tmp_path: Path) -> None:
    larger = node("ConvTranspose", "x", "k", strides=[2, 2], output_shape=rows, auto_pad=way)
    spec = hold(saved(model([larger], {"k": noise(4, 2, 3, 3)}, (1, 4, 8, 9)), tmp_path), (4, 8, 9))
    assert not spec.graph.sizes


@pytest.mark.parametrize("opset", [9, 11, 13, 17, 20, 22, 23])
def test_every_opset(opset: int, tmp_path: Path) -> None:
    nodes = [node("Conv", "x", "k", to="a"), node("Relu", "a", to="b"), node("GlobalAveragePool", "b", to="c"),
             node("Flatten", "c", to="d"), node("Gemm", "d", "w", "e")]  # fmt: skip
    hold(saved(model(nodes, {"k": K3, "w": noise(6, 3), "e": noise(3)}, opset=opset), tmp_path), (4, 8, 9))


# -- what tools write -------------------------------------------------------------------------------------------------


class Unit(nn.Module):
    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, out, 3, padding=1, bias=False), nn.BatchNorm2d(out)
        self.conv2, self.act = nn.Conv2d(out, out, 3, padding=1), nn.SiLU()
        self.short = nn.Sequential(nn.Conv2d(channels, out, 1), nn.BatchNorm2d(out)) if channels != out else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv2(self.act(self.bn1(self.conv1(x))))
        return torch.relu(y + (x if self.short is None else self.short(x)))


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2))
        self.layer1, self.layer2 = nn.Sequential(Unit(4, 4), Unit(4, 4)), nn.Sequential(Unit(4, 8), Unit(8, 8))
        self.fc = nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.layer2(self.layer1(self.stem(x)))
        return self.fc(y.mean((2, 3)))


def exported(module: nn.Module, path: Path, dynamo: bool, opset: int) -> Path:
    """A module as torch writes it, for images and batches of any size."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean = torch.from_numpy(noise(part.num_features))
            part.running_var = torch.from_numpy(noise(part.num_features)).abs() + 0.5
    auto = torch.export.Dim.AUTO
    image = torch.zeros(1, 3, 64, 48)
    if dynamo:
        shapes = ({0: auto, 2: auto, 3: auto},)
        torch.onnx.export(module.eval(), (image,), path, dynamo=True, verbose=False, dynamic_shapes=shapes)
    else:
        dims = {"x": {0: "n", 2: "h", 3: "w"}}
        torch.onnx.export(
            module.eval(), (image,), path, dynamo=False, opset_version=opset, dynamic_axes=dims, input_names=["x"]
        )
    return path


WAYS = [pytest.param(True, 20, "unit", marks=pytest.mark.slow), (False, 13, "block")]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("dynamo", "opset", "block"), WAYS)
def test_modules_become_scopes_and_blocks(dynamo: bool, opset: int, block: str, tmp_path: Path) -> None:
    module = Small()
    path = exported(module, tmp_path / "net.onnx", dynamo, opset)
    spec = hold(path, (3, 64, 48), (3, 57, 71))
    text = spec.to_yaml()
    assert f"- {block}" in text
    assert "silu" in text
    convolutions = {name for name, part in module.named_modules() if isinstance(part, nn.Conv2d)}
    paths = {each.path for each in spec.graph.nodes if each.op is not None and each.op.keyword == "conv"}
    assert paths == convolutions
    _, state = archspec.from_files(path, path)
    assert torch.equal(state["fc.weight"], module.fc.weight)


def noted(made: Any, *modules: str) -> Any:
    """A node with the modules around it as torch's newer exporter notes them."""
    made.metadata_props.add(key="namespace", value="/".join([": mine.Net", *modules]))
    return made


def test_classes_that_are_noted_name_the_blocks(tmp_path: Path) -> None:
    nodes: list[Any] = []
    tensors: dict[str, Any] = {}
    before = "x"
    for at in range(2):
        around = ("body: torch.nn.modules.container.Sequential", f"body.{at}: mine.Bottle")
        key, inner = f"body.{at}.conv.weight", f"body.{at}.conv: torch.nn.modules.conv.Conv2d"
        tensors[key] = noise(4, 4, 1, 1) + at
        last = "y" if at else "r0"
        nodes += [
            noted(node("Conv", before, key, to=f"c{at}"), *around, inner, "conv2d: aten.conv2d.default"),
            noted(node("Add", f"c{at}", before, to=f"s{at}"), *around, "add: aten.add.Tensor"),
            noted(node("Relu", f"s{at}", to=last), *around, f"body.{at}.act: torch.nn.modules.activation.ReLU"),
        ]
        before = last
    spec = hold(saved(model(nodes, tensors), tmp_path), (4, 5, 6))
    assert "- bottle" in spec.to_yaml()
    assert set(spec.graph.state) == set(tensors)


def test_names_of_tensorflow_become_scopes(tmp_path: Path) -> None:
    head = "StatefulPartitionedCall/model/"
    nodes = [
        node("Conv", "x", "k1", to="a", name=f"{head}block1/conv/Conv2D", auto_pad="SAME_UPPER", strides=[2, 2]),
        node("Relu", "a", to="b", name=f"{head}block1/relu/Relu"),
        node("Conv", "b", "k2", to="c", name=f"{head}block2/conv/Conv2D", auto_pad="SAME_UPPER", strides=[2, 2]),
        node("Relu", "c", name=f"{head}block2/relu/Relu"),
    ]
    spec = hold(saved(model(nodes, {"k1": noise(4, 4, 3, 3), "k2": noise(4, 4, 3, 3)}), tmp_path), (4, 12, 15))
    assert [key.rpartition(".")[0] for key in spec.graph.state if key.endswith(".weight")] == [
        "block1.conv", "block2.conv",
    ]  # fmt: skip


def test_a_module_called_twice_has_one_set_of_weights(tmp_path: Path) -> None:
    nodes = [node("Conv", "x", "conv.weight", to="a", name="/conv/Conv"), node("Relu", "a", to="b", name="/Relu"),
             node("Conv", "b", "conv.weight", name="/conv_1/Conv")]  # fmt: skip
    spec = hold(saved(model(nodes, {"conv.weight": noise(4, 4, 1, 1)}), tmp_path), (4, 5, 6))
    assert "reuse: conv" in spec.to_yaml()
    assert spec.graph.state == {"conv.weight": (4, 4, 1, 1)}


def test_sizes_that_a_file_fixes_stay_where_an_op_needs_them(tmp_path: Path) -> None:
    turned = [node("Reshape", "x", "to", to="a"), node("Transpose", "a", perm=[0, 2, 1])]
    spec = hold(saved(model(turned, {"to": numpy.array([1, 60, 2])}, (1, 4, 5, 6)), tmp_path), (4, 5, 6))
    assert dict(spec.graph.sizes) == {}
    spec = hold(saved(model([node("Relu")], {}, (1, 4, 5, 6)), tmp_path), (4, 5, 6))
    assert dict(spec.graph.sizes) == {"H": 5, "W": 6}


def test_numbers_in_every_form(tmp_path: Path) -> None:
    made = model([node("Conv", "x", "k", "b")], {"k": K3.astype("float16").astype("float32"), "b": noise(6)})
    kept, bias = made.graph.initializer
    wanted = numpy_helper.to_array(kept).copy(), numpy_helper.to_array(bias).copy()
    kept.CopyFrom(helper.make_tensor("k", TensorProto.FLOAT16, K3.shape, wanted[0].astype("float16").flatten()))
    bias.CopyFrom(helper.make_tensor("b", TensorProto.FLOAT, (6,), wanted[1]))
    path = saved(made, tmp_path)
    _, state = archspec.from_files(path, path)
    assert all(torch.equal(value, torch.from_numpy(own)) for value, own in zip(state.values(), wanted, strict=True))


def test_tensors_in_a_file_beside(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    onnx.save(model([node("Conv", "x", "k")], {"k": K3}), path, save_as_external_data=True, location="net.data",
              size_threshold=0)  # fmt: skip
    _, state = archspec.from_files(path, path)
    assert torch.equal(state["k.weight" if "k.weight" in state else "conv1.weight"], torch.from_numpy(K3))


# -- broken files -----------------------------------------------------------------------------------------------------


def complaints(made: onnx.ModelProto | bytes, folder: Path) -> tuple[Diagnostic, ...]:
    path = folder / "net.onnx"
    path.write_bytes(made if isinstance(made, bytes) else made.SerializeToString())
    with pytest.raises(archspec.SpecError) as caught:
        archspec.from_files(path, path)
    return caught.value.diagnostics


def changed(change: Callable[[onnx.ModelProto], object]) -> onnx.ModelProto:
    """A convolution, its file changed."""
    made = model([node("Conv", "x", "k", name="first")], {"k": K3})
    change(made)
    return made


def external(location: str, **more: str) -> Callable[[onnx.ModelProto], object]:
    def change(made: onnx.ModelProto) -> None:
        tensor = made.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in {"location": location, **more}.items():
            tensor.external_data.add(key=key, value=value)

    return change


def _dims(*dims: int) -> Callable[[onnx.ModelProto], object]:
    def change(made: onnx.ModelProto) -> None:
        made.graph.initializer[0].dims[:] = dims

    return change


def nested(depth: int) -> bytes:
    """A graph in an attribute of a node of a graph, again and again."""
    inner = b""
    for _ in range(depth):
        for tag in (b"\x32", b"\x2a", b"\x0a"):
            size, length = len(inner), b""
            while size > 127:
                length += bytes([size & 127 | 128])
                size >>= 7
            inner = tag + length + bytes([size]) + inner
    return inner


HOSTILE: list[tuple[Any, str, str]] = [
    (b"PK\x03\x04 no protocol buffer", "unreadable-file", "not an ONNX file"),
    (b"", "unreadable-file", "no graph"),
    (b"\x3a\xff\xff\xff\xff\x0f", "unreadable-file", "not an ONNX file"),
    (nested(2000), "unreadable-file", "no graph"),
    (lambda made: made.ClearField("opset_import"), "unreadable-file", "opset"),
    (lambda made: setattr(made.opset_import[0], "version", 99), "not-importable", "opset 99"),
    (lambda made: setattr(made.graph.node[0], "op_type", "Einsum\x1b[31m"), "not-importable", "`first`"),
    (lambda made: setattr(made.graph.node[0], "domain", "com.evil"), "not-importable", "com.evil.Conv"),
    (lambda made: made.graph.node[0].input.__setitem__(0, "nowhere"), "not-importable", "makes the value `nowhere`"),
    (lambda made: made.graph.node[0].input.__setitem__(1, "x"), "not-importable", "not a tensor of the file"),
    (lambda made: made.graph.node.append(made.graph.node[0]), "not-importable", "made twice"),
    (lambda made: made.graph.output[0].ClearField("name"), "no-outputs", "is not computed"),
    (lambda made: made.graph.ClearField("output"), "no-outputs", "no output"),
    (lambda made: made.graph.ClearField("input"), "not-importable", "makes the value `x`"),
    (lambda made: made.graph.initializer.append(made.graph.initializer[0]), "unreadable-file", "given twice"),
    (_dims(6, 4, 3), "shape-mismatch", "`first`"),
    (_dims(6, 4, 2**40, 2**40), "wrong-value", "`first`"),
    (_dims(6, 4, -3, -3), "unreadable-file", "`k`"),
    (_dims(6, 3, 3, 4), "shape-mismatch", "not [6, 4, 3, 4]"),
    (_dims(*[1] * 30), "unreadable-file", "`k`"),
    (_dims(12, 4, 3, 3), "weights-mismatch", "864 bytes, not 1,728"),
    (lambda made: setattr(made.graph.initializer[0], "data_type", 8), "weights-mismatch", "`k`"),
    (external("../../etc/passwd"), "weights-mismatch", "outside the model's folder"),
    (external("/etc/passwd"), "weights-mismatch", "outside the model's folder"),
    (external("link"), "weights-mismatch", "outside the model's folder"),
    (external("a\x00b"), "weights-mismatch", "`k`"),
    (external("missing"), "weights-mismatch", "cannot be read from `missing`"),
    (external("net.onnx", offset="999999999999"), "weights-mismatch", "ends beyond"),
    (external("net.onnx", length="9" * 40), "weights-mismatch", "864"),
    (lambda made: made.graph.node[0].attribute.add(name="strides", ints=[0, 0], type=7), "wrong-value", "`strides`"),
    (lambda made: made.graph.node[0].attribute.add(name="pads", ints=[1], type=7), "wrong-value", "`pads`"),
    (lambda made: made.graph.node[0].attribute.add(name="group", i=0, type=2), "wrong-value", "`groups`"),
    (
        lambda made: made.graph.node[0].attribute.add(name="group", s=b"x", type=3),
        "wrong-value",
        "`group` must be a whole",
    ),
]


@pytest.mark.parametrize(("change", "code", "said"), HOSTILE)
def test_broken_files_end_in_a_diagnostic_with_the_node(change: Any, code: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    first = complaints(change if isinstance(change, bytes) else changed(change), tmp_path)[0]
    assert (first.code, said in first.message) == (code, True), first.message
    assert "\x1b" not in str(first)


ONE = numpy.array([1])
ILL: list[tuple[list[Any], dict[str, Any], str]] = [
    ([node("Reshape", "x", "t")], {"t": numpy.array([4, -1])}, "mixes samples of the batch"),
    ([node("Transpose", perm=[1, 0, 2, 3])], {}, "moving the batch axis"),
    ([node("Concat", "x", "x", axis=0)], {}, "the batch axis is not supported"),
    ([node("Reshape", "x", "x")], {}, "computed numbers"),
    ([node("Add", "x", "t")], {"t": noise(3, 1, 1)}, "needs equal channels"),
    ([node("Slice", "x", "t", "t", "t")], {"t": ONE}, "are empty"),
    ([node("Split", "x", "t", to="y z", axis=1)], {"t": numpy.array([1, 1])}, "4 cannot be divided"),
    ([node("MaxPool", to="y z", kernel_shape=[2, 2])], {}, "indices of the maxima"),
    ([node("Div", "x", "t")], {"t": numpy.float32(0)}, "divides by 0"),
    ([node("ConstantOfShape", "t", to="a"), node("Relu")], {"t": numpy.array([10**9])}, "1,000,000,000 numbers"),
]


@pytest.mark.parametrize(("nodes", "tensors", "said"), ILL)
def test_what_the_language_cannot_say_is_told_with_the_node(
    nodes: list[Any], tensors: dict[str, Any], said: str, tmp_path: Path
) -> None:
    first = complaints(model(nodes, tensors, (1, 4, 6, 6)), tmp_path)[0]
    assert said in first.message
    assert f"`{nodes[0].output[0]}` ({nodes[0].op_type})" in first.message


def test_every_operator_that_is_not_known_is_told_in_one_run(tmp_path: Path) -> None:
    nodes = [node("Loop", to="a"), node("Relu", to="b"), node("NonMaxSuppression", "b", to="c"), node("Relu", "c")]
    found = complaints(model(nodes), tmp_path)
    assert [each.message.partition("`")[2][0] for each in found] == ["a", "c"]


NUMBERS = [0, -1, 1, 2, 3, 7, -5, 2**40, -(2**62)]
TENSORS = [
    numpy.array([], "int64"), numpy.array(3), numpy.array([2**40, -1]), numpy.zeros((1, 2, 3), "float32"),
    numpy.array([0, 0, 0, 0]), numpy.array("nan", "float32"), numpy.array(["a"]),
]  # fmt: skip
SETTINGS: list[Any] = [3, 0.5, "x", [1, 2], [0], [0.5], float("nan"), -7]


def damaged(chance: random.Random) -> onnx.ModelProto:
    """A small network of one operator, with an input, an attribute or a tensor that does not fit."""
    nodes, tensors, opset = OPERATORS[chance.choice(list(OPERATORS))]
    made = model(copy.deepcopy(nodes), tensors, opset=opset)
    for _ in range(chance.choice([1, 1, 2])):
        one = chance.choice(made.graph.node)
        match chance.randrange(7):
            case 0 if one.input:
                one.input.pop(chance.randrange(len(one.input)))
            case 1:
                del one.input[:]
            case 2 if one.input:
                one.input[chance.randrange(len(one.input))] = chance.choice([*tensors, "x", ""])
            case 3 if one.attribute:
                given = one.attribute.pop(chance.randrange(len(one.attribute)))
                if chance.random() < 0.7:
                    one.attribute.append(helper.make_attribute(given.name, chance.choice(SETTINGS)))
            case 4 if one.attribute:
                given = chance.choice(one.attribute)
                given.i, given.f, given.s = chance.choice(NUMBERS), float("inf"), b"\xff"
                given.ints[:] = [chance.choice(NUMBERS) for _ in range(chance.choice([0, 1, 2, 4, 5]))]
            case 5 if made.graph.initializer:
                tensor = chance.choice(made.graph.initializer)
                tensor.CopyFrom(numpy_helper.from_array(chance.choice(TENSORS), tensor.name))
            case _:
                others, _, _ = OPERATORS[chance.choice(list(OPERATORS))]
                one.op_type = others[0].op_type
    return made


def held(seeds: range, folder: Path) -> None:
    refused = 0
    for seed in seeds:
        path = saved(damaged(random.Random(seed)), folder)
        try:
            archspec.from_file(path)
        except archspec.SpecError:
            refused += 1
    assert refused > len(seeds) // 2


def test_damaged_networks_end_in_diagnostics(tmp_path: Path) -> None:
    """Not in another exception: rules catch none, so that a fault of ours shows as one."""
    held(range(100), tmp_path)


@pytest.mark.slow
def test_many_damaged_networks_end_in_diagnostics(tmp_path: Path) -> None:
    held(range(100, 20_000), tmp_path)


def _strided(step: int, places: Any) -> onnx.ModelProto:
    """A mean whose numbers are taken by their places in batches of any size, as torch's dynamo writes it."""
    nodes = [
        node("ReduceMean", "x", to="m", axes=[2, 3]), node("Reshape", "m", "all", to="flat"),
        node("Shape", "x", to="n", start=0, end=1), node("Squeeze", "n", to="batch"),
        node("Range", "zero", "batch", "one", to="r"), node("Mul", "r", "step", to="begins"),
        node("Unsqueeze", "begins", "axes", to="u"), node("Add", "u", "places", to="a"),
        node("Add", "a", "zero", to="b"), node("Gather", "flat", "b"),
    ]  # fmt: skip
    tensors = {
        "all": numpy.array([-1]), "zero": numpy.array(0), "one": numpy.array(1), "step": numpy.array(step),
        "axes": numpy.array([1, 2, 3]), "places": numpy.asarray(places).reshape(1, -1, 1, 1),
    }  # fmt: skip
    return model(nodes, tensors)


def test_numbers_by_their_places_in_batches_of_any_size(tmp_path: Path) -> None:
    spec = hold(saved(_strided(4, range(4)), tmp_path), (4, 8, 9))
    assert "global_avg_pool" in spec.to_yaml()
    for step, places in ((5, range(4)), (4, [1, 0, 2, 3])):
        (found,) = complaints(_strided(step, places), tmp_path)
        assert "all numbers in their order" in found.message


def test_a_batch_that_is_free_at_the_input_and_1_inside(tmp_path: Path) -> None:
    """torch's dynamo writes ConvNeXt so; one sample is what it says, and the spec is of one sample."""
    nodes = [node("Flatten", "x", to="f"), node("Reshape", "f", "all", to="g"), node("Gemm", "g", "w")]
    tensors = {"all": numpy.array([1, 32]), "w": noise(32, 3)}
    spec = hold(saved(model(nodes, tensors, ("n", 2, 4, 4)), tmp_path), (2, 4, 4))
    assert archspec.compile(spec)(torch.zeros(5, 2, 4, 4)).shape == (5, 3)


def test_adaptive_pooling_for_maps_of_any_size_is_told_as_what_it_is(tmp_path: Path) -> None:
    """torch's dynamo computes the windows' places from the size, but wrongly: findings/."""
    nodes = [
        node("Shape", "x", to="n"), node("Range", "zero", "n", "one", to="r"), node("Sign", "r", to="s"),
        node("Transpose", "x", to="a", perm=[2, 3, 0, 1]), node("GatherND", "a", "s", to="b"),
        node("Transpose", "b", to="c", perm=[4, 5, 0, 1, 2, 3]), node("ReduceMean", "c", "axes", keepdims=0),
    ]  # fmt: skip
    tensors = {"zero": numpy.array(0), "one": numpy.array(1), "axes": numpy.array([-3, -1])}
    (found,) = complaints(model(nodes, tensors, opset=18), tmp_path)
    assert "adaptive average pooling for maps of any size" in found.message
    assert "`y` (ReduceMean)" in found.message
    assert "fixed height and width" in (found.hint or "")


def test_sizes_from_outside(tmp_path: Path) -> None:
    path = saved(model([node("Relu")]), tmp_path)
    assert dict(archspec.from_file(path).graph.sizes) == {"H": 224, "W": 224}
    assert dict(archspec.from_file(path, (4, 8, 9)).graph.sizes) == {"H": 8, "W": 9}
    with pytest.raises(archspec.SpecError, match="is 4×"):
        archspec.from_file(path, (3, 8, 9))
    with pytest.raises(archspec.SpecError, match="3 axes besides the batch, not 1"):
        archspec.from_file(path, (4,))


class Pooled(nn.Module):
    """A pool whose windows overlap, since the map is no multiple of them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.pool, self.fc = nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d((3, 2)), nn.Linear(24, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.pool(self.conv(x)).flatten(1))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_dynamos_adaptive_pool(tmp_path: Path) -> None:
    module, path, image = Pooled().eval(), tmp_path / "net.onnx", torch.randn(1, 3, 12, 10)
    torch.onnx.export(module, (image,), path, dynamo=True, verbose=False)
    spec, state = archspec.from_files(path, path)
    made = archspec.compile(spec).eval()
    made.load_state_dict(dict(state), strict=True)
    assert torch.equal(made(image), module(image))
    assert "adaptive_avg_pool: {size: [3, 2]}" in spec.to_yaml()
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        if len(tensor.dims) == 5:
            places = numpy_helper.to_array(tensor).copy()
            places[0, 0, 0, 0, 0] += 1
            tensor.CopyFrom(numpy_helper.from_array(places, tensor.name))
    onnx.save(model, path)
    with pytest.raises(archspec.SpecError, match="not those of adaptive pooling"):
        archspec.from_file(path)
    auto = torch.export.Dim.AUTO
    torch.onnx.export(module, (image,), path, dynamo=True, verbose=False, dynamic_shapes=({2: auto, 3: auto},))
    with pytest.raises(archspec.SpecError, match="adaptive average pooling for maps of any size") as caught:
        archspec.from_file(path)
    assert len(caught.value.diagnostics) == 1


@pytest.mark.slow
@pytest.mark.parametrize("dynamo", [False, True], ids=["script", "dynamo"])
@pytest.mark.parametrize(
    "name",
    ["convnext_tiny", "densenet121", "efficientnet_b0", "googlenet", "mobilenet_v2", "mobilenet_v3_small",
     "regnet_y_400mf", "resnet18", "shufflenet_v2_x1_0", "squeezenet1_1"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_torchvisions_networks(name: str, dynamo: bool, torchvision: Any, tmp_path: Path) -> None:
    module = getattr(torchvision.models, name)(weights=None)
    path = exported(module, tmp_path / "net.onnx", dynamo, 17)
    hold(path, (3, 96, 96), (3, 128, 160))
    assert imported(path).text
