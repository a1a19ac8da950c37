"""Keras's files: what Keras itself gave, names as scopes, all kinds of files; broken ones, with the layer."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

import archspec
from archspec.diagnostics import Diagnostic
from tests.helpers import keras_applications, keras_nets
from tests.helpers.differences import note
from tests.helpers.engines import some
from tests.helpers.foreign import noise

NETS = keras_nets.NETS
WAYS = [("{}.keras", "{}.keras"), ("{}.json", "{}.weights.h5"), ("{}.h5", "{}.h5"), ("{}.keras", "{}.h5")]


@pytest.mark.parametrize("name", ["mixed", "flat"])
@pytest.mark.parametrize(("net", "weights"), WAYS)
def test_what_keras_gave(name: str, net: str, weights: str) -> None:
    pytest.importorskip("h5py", reason="h5py is not installed")
    wanted = yaml.safe_load((NETS / "outputs.yaml").read_text(encoding="utf-8"))["outputs"][name]
    spec, state = archspec.from_files(NETS / net.format(name), NETS / weights.format(name))
    made = archspec.compile(spec).eval()
    made.load_state_dict(dict(state), strict=True)
    for size, values in wanted.items():
        image = noise((1, spec.graph.nodes[spec.graph.inputs["image"]].shape.channels, *map(int, size.split("x"))), 7)
        with torch.inference_mode():
            torch.testing.assert_close(some(made(image)), values, rtol=1e-5, atol=1e-5)


def test_names_become_scopes_and_blocks() -> None:
    text = archspec.from_file(NETS / "mixed.json").to_yaml()
    assert "- block as block_1" in text
    assert "sequence as inner" in text
    assert archspec.from_file(NETS / "flat.json").to_yaml().count("reuse: twice") == 1


# -- single layers -----------------------------------------------------------------------------------------------------


def layer(kind: str, name: str = "out", reads: str = "image", module: str = "keras.layers", **config: Any) -> Any:
    tensor = {"class_name": "__keras_tensor__", "config": {"shape": [], "keras_history": [reads, 0, 0]}}
    return {
        "module": module, "class_name": kind, "name": name, "config": {"name": name, **config},
        "inbound_nodes": [{"args": [tensor], "kwargs": {}}],
    }  # fmt: skip


def net(*layers: Any, shape: Any = (None, 9, 8, 4), last: str = "out") -> dict[str, Any]:
    image = {"module": "keras.layers", "class_name": "InputLayer", "name": "image", "inbound_nodes": [],
             "config": {"batch_shape": list(shape), "name": "image"}}  # fmt: skip
    config = {"name": "net", "layers": [image, *layers], "input_layers": [["image", 0, 0]],
              "output_layers": [[last, 0, 0]]}  # fmt: skip
    return {"class_name": "Functional", "config": config}


def saved(config: Any, folder: Path) -> Path:
    path = folder / "net.json"
    path.write_text(config if isinstance(config, str) else json.dumps(config), encoding="utf-8")
    return path


CONV = {"filters": 5, "kernel_size": [3, 3]}


@pytest.mark.parametrize("size", range(5, 10))
@pytest.mark.parametrize(("kernel", "stride"), [(1, 2), (2, 2), (3, 2), (4, 2), (3, 1), (2, 3)])
def test_a_transposed_convolution_of_padding_same_is_stride_times_as_large(
    size: int, kernel: int, stride: int, tmp_path: Path
) -> None:
    settings = {"filters": 2, "kernel_size": [kernel] * 2, "strides": [stride] * 2, "padding": "same"}
    spec = archspec.from_file(saved(net(layer("Conv2DTranspose", **settings), shape=(None, size, 6, 4)), tmp_path))
    assert archspec.compile(spec)(torch.zeros(1, 4, size, 6)).shape == (1, 2, stride * size, stride * 6)


@pytest.mark.parametrize("kernel", [3, 5])
def test_means_are_of_real_cells_only(kernel: int, tmp_path: Path) -> None:
    settings = {"pool_size": [kernel] * 2, "strides": [1, 1], "padding": "same"}
    spec = archspec.from_file(saved(net(layer("AveragePooling2D", **settings)), tmp_path))
    image, reach = torch.randn(1, 4, 9, 8), kernel // 2
    wanted = torch.empty_like(image)
    for i in range(9):
        for j in range(8):
            rows, columns = slice(max(i - reach, 0), i + reach + 1), slice(max(j - reach, 0), j + reach + 1)
            wanted[:, :, i, j] = image[:, :, rows, columns].mean((2, 3))
    torch.testing.assert_close(archspec.compile(spec)(image), wanted)


@pytest.mark.parametrize(("kernel", "stride"), [(2, 1), (3, 2)])
def test_means_whose_padding_is_uneven_at_some_size_are_refused(kernel: int, stride: int, tmp_path: Path) -> None:
    """torch counts such padding, Keras does not."""
    settings = {"pool_size": [kernel] * 2, "strides": [stride] * 2, "padding": "same"}
    (found,) = complaints(net(layer("AveragePooling2D", **settings)), tmp_path)
    assert "`out` (AveragePooling2D)" in found.message
    assert "padding that differs between the two sides is always counted" in found.message


def test_several_inputs_are_nested_and_a_sum_of_tensors_is_an_entry(tmp_path: Path) -> None:
    """As Keras 3.15 writes ``a + b``: an ``Add`` of its operations, the tensors side by side; one input is flat."""
    config = net(layer("Add", module="keras.src.ops.numpy"))
    tensors = [{"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}} for name in ("image", "b")]
    config["config"]["layers"][-1]["inbound_nodes"] = [{"args": tensors, "kwargs": {}}]
    image = config["config"]["layers"][0]
    other = {**image, "name": "b", "config": {**image["config"], "name": "b"}}
    config["config"]["layers"].insert(1, other)
    config["config"]["input_layers"] = [["image", 0, 0], ["b", 0, 0]]
    one, two = torch.randn(2, 1, 4, 9, 8)
    assert torch.equal(archspec.compile(archspec.from_file(saved(config, tmp_path)))(one, two), one + two)
    flat = net(layer("ReLU"))
    flat["config"]["input_layers"] = ["image", 0, 0]
    assert torch.equal(archspec.compile(archspec.from_file(saved(flat, tmp_path)))(one), one.relu())


def test_a_map_that_no_matrix_follows_is_turned_before_it_is_flattened(tmp_path: Path) -> None:
    spec = archspec.from_file(saved(net(layer("Flatten")), tmp_path))
    image = torch.randn(1, 4, 9, 8)
    assert torch.equal(archspec.compile(spec)(image), image.permute(0, 2, 3, 1).flatten(1))


def test_hard_sigmoid_has_another_slope_in_keras_2(tmp_path: Path) -> None:
    config = net(layer("Activation", activation="hard_sigmoid"))
    image = torch.linspace(-4, 4, 4 * 72).reshape(1, 4, 9, 8)
    for version, wanted in (("3.1", torch.nn.functional.hardsigmoid(image)), ("2.9", (0.2 * image + 0.5).clamp(0, 1))):
        path = saved({**config, "keras_version": version}, tmp_path)
        torch.testing.assert_close(archspec.compile(archspec.from_file(path))(image), wanted)


def test_calls_as_keras_2_notes_them(tmp_path: Path) -> None:
    one, two = layer("ReLU", "one"), layer("Add")
    one["inbound_nodes"], two["inbound_nodes"] = [[["image", 0, 0, {}]]], [[["image", 0, 0, {}], ["one", 0, 0, {}]]]
    spec = archspec.from_file(saved(net(two, one), tmp_path))
    image = torch.randn(1, 4, 9, 8)
    assert torch.equal(archspec.compile(spec)(image), image + image.relu())


def test_sizes_from_outside(tmp_path: Path) -> None:
    path = saved(net(layer("ReLU"), shape=(None, None, None, 4)), tmp_path)
    assert dict(archspec.from_file(path).graph.sizes) == {"H": 224, "W": 224}
    assert dict(archspec.from_file(path, (4, 8, 9)).graph.sizes) == {"H": 8, "W": 9}
    with pytest.raises(archspec.SpecError, match="4 channels in the file, not 3"):
        archspec.from_file(path, (3, 8, 9))


def test_a_block_whose_shortcut_is_a_convolution_in_some_uses_only(tmp_path: Path) -> None:
    layers: list[Any] = []
    before = "image"
    for block in ("group_block1", "group_block2", "group_block3"):
        start = f"{block}_act" if block == "group_block1" else before
        layers += [layer("BatchNormalization", f"{block}_bn", before), layer("ReLU", f"{block}_act", f"{block}_bn")]
        if block == "group_block1":
            layers.append(layer("Conv2D", f"{block}_side", start, filters=4, kernel_size=[1, 1]))
        layers.append(layer("Conv2D", f"{block}_conv", f"{block}_act", filters=4, kernel_size=[1, 1]))
        side = f"{block}_side" if block == "group_block1" else start
        join = layer("Add", f"{block}_out")
        join["inbound_nodes"] = [[[side, 0, 0, {}], [f"{block}_conv", 0, 0, {}]]]
        layers.append(join)
        before = f"{block}_out"
    spec = archspec.from_file(saved(net(*layers, last=before), tmp_path))
    made = archspec.compile(spec).eval()
    state = {key: values + torch.rand_like(values) for key, values in made.state_dict().items() if values.dim()}
    made.load_state_dict(state, strict=False)
    x = image = torch.randn(1, 4, 9, 8)
    for at, block in enumerate(("group_block1", "group_block2", "group_block3")):
        bn = (state[f"{block}.bn.{name}"] for name in ("running_mean", "running_var", "weight", "bias"))
        active = torch.nn.functional.batch_norm(x, *bn, eps=1e-3).relu()
        side = x if at else torch.conv2d(active, state[f"{block}.side.weight"], state[f"{block}.side.bias"])
        x = side + torch.conv2d(active, state[f"{block}.conv.weight"], state[f"{block}.conv.bias"])
    torch.testing.assert_close(made(image), x)
    assert spec.to_yaml().count("- group as group_block") == 3


# -- broken files ------------------------------------------------------------------------------------------------------


def complaints(config: Any, folder: Path) -> tuple[Diagnostic, ...]:
    with pytest.raises(archspec.SpecError) as caught:
        archspec.from_file(saved(config, folder))
    return caught.value.diagnostics


def nested(depth: int) -> dict[str, Any]:
    inner = net(layer("ReLU"))
    for _ in range(depth):
        call = layer("ReLU")["inbound_nodes"]
        inner = net({**inner, "name": "out", "inbound_nodes": call})
    return inner


HOSTILE: list[tuple[Any, str, str]] = [
    ("", "file-syntax", "is not JSON"),
    ("[1, 2]", "file-syntax", "is not a mapping"),
    ("[" * 100_000, "file-syntax", "nested too deep"),
    ('{"class_name": "Functional"}', "file-syntax", "no list of layers"),
    ({"class_name": "os.system", "config": {}}, "not-importable", "`os.system`"),
    ({"class_name": "Sequential", "config": {"layers": [3]}}, "file-syntax", "no list of layers"),
    ({"class_name": "Sequential", "config": {"layers": []}}, "bad-input", "no input"),
    (net(layer("Lambda", function={"class_name": "__lambda__", "config": {"code": "4wE="}})), "not-importable",
     "`out` (Lambda)"),
    (net(layer("Lambd\x1b[31m")), "not-importable", "`out`"),
    (net(layer("Conv2D", **CONV, paddding="same")), "not-importable", "`paddding`"),
    (net(layer("Conv2D", filters=0, kernel_size=[3, 3])), "wrong-value", "`filters`"),
    (net(layer("Conv2D", filters=2**70, kernel_size=[3, 3])), "wrong-value", "`filters`"),
    (net(layer("Conv2D", filters=5)), "wrong-value", "`kernel_size`"),
    (net(layer("Conv2D", filters=5, kernel_size=[30, 3])), "shape-mismatch", "`out` (Conv2D)"),
    (net(layer("Conv2D", **CONV, padding="causal")), "wrong-value", "`padding`"),
    (net(layer("Conv2D", **CONV, activation={"module": "os", "class_name": "system"})), "wrong-value", "`activation`"),
    (net(layer("Conv3D", filters=5, kernel_size=[3, 3, 3])), "not-importable", "2 axes besides the channels, not 3"),
    (net(layer("BatchNormalization", axis=1)), "not-importable", "only the channel axis"),
    (net(layer("Reshape", target_shape=[72, 4])), "not-importable", "mixes channels and pixels"),
    (net(layer("Reshape", target_shape=[5])), "wrong-value", "`target_shape`"),
    (net(layer("Concatenate", axis=0)), "not-importable", "no axis 0"),
    (net(layer("ReLU", reads="nowhere")), "not-importable", "reads `nowhere`"),
    (net(layer("ReLU", reads="out")), "not-importable", "depends on its own output"),
    (net(layer("ReLU"), layer("ReLU")), "not-importable", "two layers are called `out`"),
    (net(layer("ReLU"), last="other"), "no-outputs", "`other`"),
    (net(layer("ReLU"), shape=(None, 9, 8, None)), "bad-input", "no channels"),
    (net(layer("ReLU"), shape=(None, 9, -8, 4)), "bad-input", "no shape"),
    (net({"class_name": "ReLU", "config": {"name": "out"}}), "file-syntax", "its calls are not a list"),
    (net({**layer("ReLU"), "inbound_nodes": [[["image", "0", 0]]]}), "file-syntax", "must be a list of a layer and"),
    (nested(20), "too-deep", "nested more than 12 deep"),
]  # fmt: skip


@pytest.mark.parametrize(("config", "code", "said"), HOSTILE)
def test_broken_files_end_in_a_diagnostic_with_the_layer(config: Any, code: str, said: str, tmp_path: Path) -> None:
    first = complaints(config, tmp_path)[0]
    assert (first.code, said in first.message) == (code, True), first.message
    assert "\x1b" not in str(first)


def test_every_class_that_is_not_known_is_told_in_one_run(tmp_path: Path) -> None:
    layers = [layer("Warp", "a"), layer("ReLU", "b"), layer("Melt", "c", "b"), layer("ReLU", "out", "c")]
    found = complaints(net(*layers), tmp_path)
    assert [each.message.split("`")[1] for each in found] == ["c", "a"]


def archive(folder: Path, change: Callable[[dict[str, bytes]], object]) -> Path:
    """The small network's archive, its members changed."""
    with zipfile.ZipFile(NETS / "flat.keras") as kept:
        members = {name: kept.read(name) for name in kept.namelist()}
    change(members)
    path = folder / "net.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return path


ARCHIVES: list[tuple[Callable[[dict[str, bytes]], object], str, str]] = [
    (lambda members: members.pop("config.json"), "unreadable-file", "has no config.json"),
    (lambda members: members.pop("model.weights.h5"), "unreadable-file", "has no model.weights.h5"),
    (lambda members: members.update({"config.json": b" " * 70_000_000}), "too-large", "larger than 64,000,000"),
    (lambda members: members.update({f"m{at}": b"" for at in range(1200)}), "too-large", "more than 1,000 members"),
    (lambda members: members.update({"model.weights.h5": b"PK"}), "unreadable-file", "not an HDF5 file"),
    (lambda members: members.update({"metadata.json": b"3"}), "file-syntax", "is not a mapping"),
]


@pytest.mark.parametrize(("change", "code", "said"), ARCHIVES)
def test_broken_archives(change: Any, code: str, said: str, tmp_path: Path) -> None:
    pytest.importorskip("h5py", reason="h5py is not installed")
    path = archive(tmp_path, change)
    with pytest.raises(archspec.SpecError) as caught:
        archspec.from_files(path, path)
    assert (caught.value.diagnostics[0].code, said in caught.value.diagnostics[0].message) == (code, True)


def _link(file: Any) -> None:
    import h5py

    del file["layers/dense/vars/0"]
    file["layers/dense/vars/0"] = h5py.ExternalLink("/etc/passwd", "/")


def _soft(file: Any) -> None:
    import h5py

    del file["layers/dense"]
    file["layers/dense"] = h5py.SoftLink("/layers/dense_1")


def _virtual(file: Any) -> None:
    import h5py

    values = file["layers/dense/vars/0"]
    layout = h5py.VirtualLayout(values.shape, "f4")
    layout[:] = h5py.VirtualSource("elsewhere.h5", "data", values.shape)
    del file["layers/dense/vars/0"]
    file.create_virtual_dataset("layers/dense/vars/0", layout)


def _again(file: Any, **more: Any) -> None:
    values = file["layers/dense/vars/0"]
    shape, numbers = values.shape, values[()]
    del file["layers/dense/vars/0"]
    if "external" in more:
        file.create_dataset("layers/dense/vars/0", shape, "f4", **more)
    else:
        file.create_dataset("layers/dense/vars/0", **{"data": numbers, **more})


BROKEN: list[tuple[Callable[[Any], object], str]] = [
    (_link, "an external link"),
    (_soft, "an external link"),
    (_virtual, "virtual, filtered"),
    (lambda file: _again(file, compression="gzip"), "virtual, filtered"),
    (lambda file: _again(file, external=[("/etc/passwd", 0, 1344)]), "virtual, filtered"),
    (lambda file: _again(file, data=[1, 2, 3]), "int64"),
    (lambda file: _again(file, data=file["layers/dense/vars/0"][()].T), "does not make"),
    (lambda file: file.pop("layers/dense/vars/1"), "has no `bias` for the layer `fc`"),
    (lambda file: file.pop("layers/dense"), "for the layer `fc`"),
]


@pytest.mark.parametrize(("change", "said"), BROKEN)
def test_weights_that_lie_elsewhere_or_do_not_fit(change: Any, said: str, tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    path = tmp_path / "net.weights.h5"
    path.write_bytes((NETS / "flat.weights.h5").read_bytes())
    with h5py.File(path, "a") as file:
        change(file)
    with pytest.raises(archspec.SpecError) as caught:
        archspec.from_files(NETS / "flat.json", path)
    assert {each.code for each in caught.value.diagnostics} == {"weights-mismatch"}
    assert said in caught.value.diagnostics[0].message


@pytest.mark.parametrize("signature", [b"TREE", b"HEAP", b"SNOD", b"OHDR"])
def test_damaged_weights(signature: bytes, tmp_path: Path) -> None:
    """HDF5 marks each of its parts with four letters, and refuses one that has others."""
    pytest.importorskip("h5py", reason="h5py is not installed")
    content = (NETS / "flat.weights.h5").read_bytes()
    if signature not in content:
        pytest.skip("the file has no such part")
    path = tmp_path / "net.weights.h5"
    path.write_bytes(content.replace(signature, b"XXXX"))
    with pytest.raises(archspec.SpecError) as caught:
        archspec.from_files(NETS / "flat.json", path)
    assert {each.code for each in caught.value.diagnostics} <= {"unreadable-file", "unreadable-weights"}
    assert "net.weights.h5" in str(caught.value)


def test_a_file_of_weights_is_no_network() -> None:
    pytest.importorskip("h5py", reason="h5py is not installed")
    with pytest.raises(archspec.SpecError, match="holds weights but no network"):
        archspec.from_file(NETS / "flat.weights.h5")


@pytest.mark.slow
@pytest.mark.parametrize("name", keras_applications.NETWORKS)
def test_the_networks_that_keras_ships(name: str) -> None:
    for engine in ("keras", keras_applications.backend(name)):
        pytest.importorskip(engine, reason=f"{engine} is not installed: make engines")
    found = keras_applications.beside_keras(name)
    note("Keras", name, f"Keras {found['version']} on {found['backend']}", found["differences"])
    assert len(found["differences"]) == 2
    assert max(found["differences"].values()) < 2e-5
