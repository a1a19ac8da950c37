"""Compiled modules: the text that runs, errors with their line, parts that pickle; deep networks in torch's compilers.

``test_torch_uses`` does all that torch's users do with a module, on smaller networks.
"""

from __future__ import annotations

import inspect
import linecache
import pickle
import shutil
import subprocess
import sys
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import archspec
from tests.helpers.places import SPECS

DEEP = ["resnet50", "mobilenet_v3_large", "shufflenet_v2_x1_0", "convnext_tiny", "inception_v3", "unet_same"]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """torch's own deprecations are not ours."""
    import logging

    torch._dynamo.reset()
    logging.getLogger("torch").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def compiled(name: str, **params: Any) -> tuple[nn.Module, Tensor]:
    """A network, small where it can be, and an image for it."""
    spec = archspec.load(name, **params)
    shape = next(iter(spec.graph.nodes)).shape
    size = {"inception_v3": 299, "unet_same": 32}.get(name, 64)
    return archspec.compile(spec).eval(), torch.randn(2, shape.channels, size, size)


def close(one: Tensor, other: Tensor, tolerance: float = 1e-4) -> bool:
    return bool((one - other).abs().max() <= tolerance * other.abs().max())


# -- the text is what runs ---------------------------------------------------------------------------------------------


def test_runs_the_very_text() -> None:
    spec = archspec.load("resnet18")
    module = archspec.compile(spec)
    filename = inspect.getsourcefile(type(module))
    assert filename is not None
    assert "".join(linecache.getlines(filename)) == archspec.source(spec)
    assert inspect.getsource(type(module)) in archspec.source(spec)
    assert type(archspec.compile(spec)) is type(module)


def line_of(text: str, name: str) -> str:
    """Where a shipped spec first says something: ``specs/squeezenet1_0.yaml:12``."""
    lines = (SPECS / f"{name}.yaml").read_text(encoding="utf-8").split("\n")
    return f"specs/{name}.yaml:{next(number for number, line in enumerate(lines, 1) if text in line)}"


def test_an_error_names_the_line_of_the_step() -> None:
    module, _ = compiled("squeezenet1_0")
    first, pool = line_of("- conv: {channels: 96", "squeezenet1_0"), line_of("- max_pool", "squeezenet1_0")
    with pytest.raises(RuntimeError) as caught:
        module(torch.zeros(1, 4, 64, 64))
    assert caught.value.__notes__ == [f"archspec: `features.0` comes from {first}"]
    shown = "".join(traceback.format_exception(caught.value))
    assert "return torch.flatten(self.classifier(self.features(image)), 1)" in shown
    with pytest.raises(RuntimeError) as caught:
        module(torch.zeros(1, 3, 8, 8))
    assert caught.value.__notes__ == [f"archspec: `features.2` comes from {pool}"]


def test_an_error_in_a_function_names_its_line_too() -> None:
    text = """archspec: 1
name: Net
inputs: {image: [3, H, W]}
sizes: {H: 8, W: 8}
blocks:
  halves:
    steps:
      - concat:
          - conv as whole: {channels: 4, kernel: 1}
          - - max_pool as small: {kernel: 2}
            - upsample: {scale: 2}
steps:
  - halves as first
  - halves as second
"""
    module = archspec.compile(archspec.loads(text))
    with pytest.raises(RuntimeError) as caught:
        module(torch.zeros(1, 3, 7, 7))
    (note,) = caught.value.__notes__
    assert note.startswith("archspec: in `first`, from ")
    assert "spec.yaml:8" in note


# -- copies and pickles ------------------------------------------------------------------------------------------------


def test_pickle_loads_in_a_fresh_process(tmp_path: Path) -> None:
    text = """archspec: 1
name: Net
inputs: {image: [3, H, W]}
sizes: {H: 8, W: 8}
outputs: {logits: last, aux: {from: first, training: true}}
steps:
  - conv_bn_relu as first: {channels: 4, kernel: 3}
  - conv_bn_relu as last: {channels: 4, kernel: 1}
"""
    module, image = archspec.compile(archspec.loads(text)).eval(), torch.rand(2, 3, 8, 8)
    with torch.no_grad():
        expected = module(image)
        training = module.train()(image)
    module.eval()
    torch.save((module, image, expected), tmp_path / "module.pt")
    (tmp_path / "training.pickle").write_bytes(pickle.dumps(training))
    program = f"""
import pickle, torch
module, image, expected = torch.load({str(tmp_path / "module.pt")!r}, weights_only=False)
with torch.no_grad():
    module.load_state_dict(module.state_dict())
    print(type(module).__name__, module(image).shape == expected.shape, module.first.conv.weight.shape)
training = pickle.load(open({str(tmp_path / "training.pickle")!r}, "rb"))
print(type(training).__name__, training._fields)
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert found.stdout == ("Net True torch.Size([4, 3, 3, 3])\nNetOutput ('logits', 'aux')\n"), found.stderr


def test_parts_pickle_by_themselves() -> None:
    module, _ = compiled("squeezenet1_0")
    fire = module.get_submodule("features.3")
    twin = pickle.loads(pickle.dumps(fire))
    assert type(twin) is type(fire)
    assert len(pickle.dumps(module)) < 4 * sum(value.numel() for value in module.parameters()) + 100_000


def test_a_module_held_twice_is_pickled_once() -> None:
    module, _ = compiled("squeezenet_digits")
    twin = pickle.loads(pickle.dumps(nn.ModuleList([module, module])))
    assert twin[0] is twin[1]


# -- torch's compilers -------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", DEEP)
def test_compiles_whole(name: str) -> None:
    module, image = compiled(name)
    whole = torch.compile(module, fullgraph=True, backend="aot_eager")
    with torch.no_grad():
        assert torch.equal(whole(image), module(image))
    module.train()
    torch.manual_seed(0)
    found = whole(image)
    torch.manual_seed(0)
    expected = module(image)
    assert type(found) is type(expected)


@pytest.mark.slow
@pytest.mark.parametrize("name", DEEP)
def test_inductor(name: str) -> None:
    if not any(shutil.which(compiler) for compiler in ("g++", "clang++", "c++")):
        pytest.skip("inductor needs a C++ compiler")
    module, image = compiled(name)
    with torch.no_grad():
        assert close(torch.compile(module, fullgraph=True)(image), module(image), 1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", DEEP)
def test_onnx(name: str, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    module, image = compiled(name)
    program = torch.onnx.export(module, (image,), dynamo=True, verbose=False)
    assert program is not None
    program.save(tmp_path / "network.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx")
    assert session.get_inputs()[0].name == "image"
    found = session.run(None, {"image": image.numpy()})[0]
    with torch.no_grad():
        assert close(torch.from_numpy(found), module(image), 1e-3)
