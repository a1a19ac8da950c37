"""Caffe's files: what their layers mean, names and blocks, weights; broken files, with the line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import archspec
from archspec.diagnostics import Diagnostic
from archspec.importers.caffe.weights import message_classes
from archspec.ops import Shape
from tests.helpers.foreign import caffemodel

HEAD = 'input: "data" input_shape { dim: 1 dim: 4 dim: 9 dim: 12 }\n'


def layer(kind: str, more: str = "", top: str = "out", bottom: str = 'bottom: "data"') -> str:
    return f'layer {{ name: "{top}" type: "{kind}" {bottom} top: "{top}" {more} }}\n'


def spec_of(text: str, folder: Path) -> archspec.Spec:
    path = folder / "net.prototxt"
    path.write_text(text, encoding="utf-8")
    return archspec.from_file(path)


def complaints(text: str, folder: Path) -> tuple[Diagnostic, ...]:
    with pytest.raises(archspec.SpecError) as caught:
        spec_of(text, folder)
    return caught.value.diagnostics


def shape(spec: archspec.Spec) -> Any:
    found: Shape = spec.graph.nodes[spec.graph.outputs[0].node].shape
    return tuple(dim if isinstance(dim, int) else "?" for dim in found.dims)


HOSTILE = [
    ("layer {", "file-syntax", 2, "ends inside a message"),
    ("layer { name: }", "file-syntax", 2, "has no value"),
    ("layer { name }", "file-syntax", 2, "has no value"),
    ('layer { name: "a }', "file-syntax", 2, "not valid in a prototxt"),
    ("layer } {", "file-syntax", 2, "has no value"),
    ("}", "file-syntax", 2, "expected the name of a field"),
    ("\x00", "file-syntax", 2, "not valid in a prototxt"),
    ("dim: [1, 2", "file-syntax", 2, "expected `,` or `]` in a list"),
    ("dim: [1 2]", "file-syntax", 2, "expected `,` or `]` in a list"),
    ("12: 3", "file-syntax", 2, "expected the name of a field"),
    ("[ext]: 3", "file-syntax", 2, "expected the name of a field"),
    ("a { " * 60, "too-deep", 2, "nested more than 50 deep"),
    (layer("Convolutional"), "not-importable", 2, "`Convolutional`"),
    (layer("Python", 'python_param { module: "os" layer: "system" }'), "not-importable", 2, "`Python`"),
    (layer("Convolution", "convolution_param { num_output: 3 kernel_size: 3 paddding: 1 }"), "not-importable", 2,
     "`paddding`"),
    (layer("ReLU", "pooling_param { kernel_size: 2 }"), "not-importable", 2, "`pooling_param`"),
    (layer("Convolution", "convolution_param { num_output: 3 }"), "not-importable", 2, "`kernel_size` is missing"),
    (layer("Convolution", "convolution_param { kernel_size: 3 }"), "not-importable", 2, "`num_output` is missing"),
    (layer("Convolution", "convolution_param { num_output: 0 kernel_size: 3 }"), "wrong-value", 2, "`num_output`"),
    (layer("Convolution", "convolution_param { num_output: 99999999999999 kernel_size: 3 }"), "wrong-value", 2,
     "`num_output`"),
    (layer("Convolution", "convolution_param { num_output: 3 kernel_size: 30 }"), "shape-mismatch", 2, "kernel 30"),
    (layer("Convolution", "convolution_param { num_output: 3 kernel_size: 3 group: 3 }"), "shape-mismatch", 2,
     "groups"),
    (layer("Convolution", "convolution_param: 3"), "wrong-value", 2, "is a message"),
    (layer("Pooling", "pooling_param { pool: MIN kernel_size: 2 }"), "wrong-value", 2, "`pool` must be one of MAX"),
    (layer("Pooling", "pooling_param { kernel_size: 1 stride: 2 }"), "not-importable", 2, "starts beyond the 12 rows"),
    (layer("LRN", "lrn_param { local_size: 4 }"), "wrong-value", 2, "`local_size` must be odd"),
    (layer("ReLU", bottom='bottom: "dta"'), "not-importable", 2, "no layer before makes the blob `dta`"),
    (layer("ReLU", bottom='bottom: "data" bottom: "data"'), "not-importable", 2, "2 inputs and 1 outputs"),
    (layer("Slice", "slice_param { slice_point: 9 }"), "wrong-value", 2, "does not split 4 channels"),
    (layer("Dropout", "dropout_param { dropout_ratio: 1.5 }"), "wrong-value", 2, "`p`"),
    (layer("Power", "power_param { power: 2 }"), "not-importable", 2, "a power of 2 is not supported"),
    (layer("ReLU", 'param { name: "shared" }'), "not-importable", 2, "weights shared by name"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "line", "said"), HOSTILE)
def test_broken_files_end_in_a_diagnostic_with_a_line(
    text: str, code: str, line: int, said: str, tmp_path: Path
) -> None:
    first = complaints(HEAD + text, tmp_path)[0]
    assert first.code == code
    assert said in first.message
    assert first.span is not None
    assert first.span.line == line
    assert first.span.column >= 1
    assert "\x00" not in str(first)


def test_every_layer_that_is_not_known_is_told_in_one_run(tmp_path: Path) -> None:
    text = HEAD + "".join(layer(kind, top=kind) for kind in ("Warp", "ReLU", "Melt"))
    text += layer("ReLU", bottom='bottom: "Warp"', top="after")
    found = complaints(text, tmp_path)
    assert [each.span.line for each in found if each.span] == [2, 4]


@pytest.mark.parametrize("size", range(3, 12))
@pytest.mark.parametrize(
    ("kernel", "stride", "pad"), [(2, 2, 0), (2, 2, 1), (3, 2, 1), (3, 2, 0), (4, 3, 2), (5, 3, 1)]
)
def test_pooling_rounds_up_and_clips_as_caffe_does(
    size: int, kernel: int, stride: int, pad: int, tmp_path: Path
) -> None:
    if size + 2 * pad < kernel:
        return
    count = -(-(size + 2 * pad - kernel) // stride) + 1
    if pad and (count - 1) * stride >= size + pad:  # pooling_layer.cpp: the last window begins inside of the image
        count -= 1
    text = f'input: "data" input_dim: 1 input_dim: 2 input_dim: {size} input_dim: {size}\n'
    text += layer("Pooling", f"pooling_param {{ kernel_size: {kernel} stride: {stride} pad: {pad} }}")
    spec = spec_of(text, tmp_path)
    made = archspec.compile(spec)
    assert made(torch.zeros(1, 2, size, size)).shape == (1, 2, count, count)


@pytest.mark.parametrize("key", ["round_mode: FLOOR", "ceil_mode: false"])
def test_both_spellings_of_rounding_down(key: str, tmp_path: Path) -> None:
    spec = spec_of(HEAD + layer("Pooling", f"pooling_param {{ kernel_size: 2 stride: 2 {key} }}"), tmp_path)
    assert archspec.compile(spec)(torch.zeros(1, 4, 9, 12)).shape == (1, 4, 4, 6)


def test_layers_of_training_are_left_out_and_a_loss_leaves_its_input(tmp_path: Path) -> None:
    text = """
    layer { name: "d" type: "Data" top: "data" top: "label" include { phase: TRAIN } transform_param { crop_size: 5 } }
    layer { name: "d" type: "Data" top: "data" top: "label" include { phase: TEST } transform_param { crop_size: 7 }
            data_param { source: "/etc/passwd" batch_size: 1 backend: LMDB } }
    layer { name: "fc" type: "InnerProduct" bottom: "data" top: "fc" inner_product_param { num_output: 3 } }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }
    layer { name: "top1" type: "Accuracy" bottom: "fc" bottom: "label" top: "top1" include { phase: TEST } }
    """
    spec = spec_of(text, tmp_path)
    assert shape(spec) == (3,)
    assert dict(spec.graph.sizes) == {"H": 7, "W": 7}


def test_names_become_scopes_and_classes_blocks(tmp_path: Path) -> None:
    text = HEAD
    below = "data"
    for name in ("mix_a", "mix_b", "mix_c"):
        text += layer("Convolution", "convolution_param { num_output: 4 kernel_size: 1 }", f"{name}/1x1",
                      f'bottom: "{below}"')  # fmt: skip
        text += layer("ReLU", "", f"{name}/relu", f'bottom: "{name}/1x1"')
        below = f"{name}/relu"
    spec = spec_of(text, tmp_path)
    assert "mix as mix_a" in spec.to_yaml()
    assert {node.path for node in spec.graph.nodes if node.op is not None and node.op.keyword == "conv"} == {
        "mix_a.conv_1x1", "mix_b.conv_1x1", "mix_c.conv_1x1",
    }  # fmt: skip


def test_in_place_layers_and_a_blob_read_before_and_after(tmp_path: Path) -> None:
    text = HEAD + layer("Split", "", "a", 'bottom: "data"').replace('top: "a"', 'top: "a" top: "b"')
    text += 'layer { name: "r" type: "ReLU" bottom: "a" top: "a" }\n'
    text += layer("Eltwise", "eltwise_param { coeff: 1 coeff: -1 }", "out", 'bottom: "a" bottom: "b"')
    image = torch.randn(1, 4, 9, 12)
    made = archspec.compile(spec_of(text, tmp_path))
    assert torch.equal(made(image), image.relu() - image)


def test_a_scale_without_a_batch_norm_is_learnt_alone(tmp_path: Path) -> None:
    text = HEAD + layer("Scale", "scale_param { bias_term: true }")
    path = tmp_path / "net.prototxt"
    path.write_text(text)
    caffemodel(text, tmp_path / "net.caffemodel")
    spec, state = archspec.from_files(path, tmp_path / "net.caffemodel")
    made = archspec.compile(spec)
    made.load_state_dict(dict(state))
    image = torch.randn(1, 4, 9, 12)
    factor, shift = state["out.weight"].view(4, 1, 1), state["out.bias"].view(4, 1, 1)
    torch.testing.assert_close(made(image), image * factor + shift)


# -- weights ---------------------------------------------------------------------------------------------------------

NET = HEAD + layer("InnerProduct", "inner_product_param { num_output: 5 transpose: true }")


def model(folder: Path, change: Any = None) -> Path:
    """A file of weights for NET, changed before it is written."""
    path = folder / "net.caffemodel"
    caffemodel(NET, path)
    made = message_classes()["Net"]()
    made.ParseFromString(path.read_bytes())
    if change is not None:
        change(made)
    path.write_bytes(made.SerializeToString())
    (folder / "net.prototxt").write_text(NET)
    return path


def test_a_matrix_that_lies_the_other_way_round(tmp_path: Path) -> None:
    path = model(tmp_path)
    made = message_classes()["Net"]()
    made.ParseFromString(path.read_bytes())
    stored = torch.frombuffer(bytearray(made.layer[0].blobs[0].data[0]), dtype=torch.float32).view(432, 5)
    _, state = archspec.from_files(tmp_path / "net.prototxt", path)
    assert torch.equal(state["out.weight"], stored.T)


def test_a_count_of_zero_means_mean_and_variance_zero(tmp_path: Path) -> None:
    text = HEAD + layer("BatchNorm")
    (tmp_path / "net.prototxt").write_text(text)
    made = message_classes()["Net"]()
    entry = made.layer.add(name=b"out")
    for values in (torch.ones(4), torch.ones(4), torch.zeros(1)):
        entry.blobs.add(data=[values.numpy().tobytes()]).shape.dim.append(len(values))
    (tmp_path / "net.caffemodel").write_bytes(made.SerializeToString())
    _, state = archspec.from_files(tmp_path / "net.prototxt", tmp_path / "net.caffemodel")
    assert not state["out.running_mean"].any()
    assert not state["out.running_var"].any()


def _wrong_shape(made: Any) -> None:
    made.layer[0].blobs[0].shape.dim[0] = 431


def _swapped(made: Any) -> None:
    made.layer[0].blobs[0].shape.dim[:] = [5, 432]


def _huge(made: Any) -> None:
    made.layer[0].blobs[0].shape.dim[:] = [2**40, 2**40]


def _one_blob(made: Any) -> None:
    del made.layer[0].blobs[1]


def _other_name(made: Any) -> None:
    made.layer[0].name = b"elsewhere\x1b[31m\xff"


@pytest.mark.parametrize("change", [_wrong_shape, _swapped, _huge, _one_blob, _other_name])
def test_blobs_that_do_not_fit_are_told_with_their_layer(change: Any, tmp_path: Path) -> None:
    path = model(tmp_path, change)
    with pytest.raises(archspec.SpecError) as caught:
        archspec.from_files(tmp_path / "net.prototxt", path)
    assert [each.code for each in caught.value.diagnostics] == ["weights-mismatch"]
    assert "`out`" in str(caught.value)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("content", [b"PK\x03\x04", b"\xff" * 40, b"\xa2\x06\xff\xff\xff\xff\x0f", b"layer { }"])
def test_what_is_no_caffemodel(content: bytes, tmp_path: Path) -> None:
    model(tmp_path).write_bytes(content)
    with pytest.raises(archspec.SpecError) as caught:
        archspec.from_files(tmp_path / "net.prototxt", tmp_path / "net.caffemodel")
    assert caught.value.diagnostics[0].code in ("unreadable-weights", "weights-mismatch")


def test_layers_beside_the_networks_are_noted(tmp_path: Path) -> None:
    path = model(tmp_path, lambda made: made.layer.add(name=b"aux").blobs.add())
    spec, _ = archspec.from_files(tmp_path / "net.prototxt", path)
    assert [(each.code, "`aux`" in each.message) for each in spec.diagnostics] == [("weights-adapted", True)]
