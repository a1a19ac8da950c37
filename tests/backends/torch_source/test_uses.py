"""What torch's users do with a module: compile, export, ONNX, pickle, mixed precision, memory formats, DDP, debug.

The networks are the five that shape the compiler, a few with other bones, and ``exotic.yaml``, which has everything
that is rare: weights used again, parameters, several inputs and outputs, 1-D and 3-D.
"""

from __future__ import annotations

import copy
import functools
import inspect
import io
import json
import linecache
import os
import pickle
import re
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import pytest

import archspec
from archspec import ops
from archspec.elaborate.shipped import spec_names
from tests.helpers.places import SPECS

if TYPE_CHECKING:
    from torch import Tensor, nn

HERE = Path(__file__).parent
EXOTIC = HERE / "exotic.yaml"
SHIPPED = sorted(spec_names())

PINNED = """\
archspec: 1
name: Pinned
inputs: {image: [3, H, W]}
sizes: {H: 12, W: 10}
steps:
  - conv as conv: {channels: 4, kernel: 3, stride: 2}
  - batch_norm as norm
  - relu
  - flatten
  - linear as fc: {features: 5}
"""


@dataclass(frozen=True)
class Network:
    """A network and sizes to run it at: first the ones that are traced, then others it must also run at."""

    name: str
    shapes: tuple[tuple[int, ...], ...] = ((3, 64, 72),)
    others: tuple[tuple[int, ...], ...] = ((3, 81, 96),)
    multiple: int = 1
    """What heights and widths are multiples of."""
    options: dict[str, Any] = field(default_factory=dict)
    heavy: bool = False

    def spec(self) -> archspec.Spec:
        """The spec."""
        if self.name == "pinned":
            return archspec.loads(PINNED)
        return archspec.load(EXOTIC if self.name == "exotic" else self.name, **self.options)

    def module(self, training: bool = False) -> nn.Module:
        """A module whose every part matters: no batch statistics or scales left at zero and one."""
        import torch

        torch.manual_seed(4)
        module = archspec.compile(self.spec()).train(training)
        generator = torch.Generator().manual_seed(4)
        with torch.no_grad():
            for name, buffer in module.named_buffers():
                if name.endswith("running_mean"):
                    buffer.normal_(0, 0.1, generator=generator)
                elif name.endswith("running_var"):
                    buffer.uniform_(0.5, 1.5, generator=generator)
            for name, parameter in module.named_parameters():
                if parameter.ndim == 1 or name.endswith("layer_scale"):
                    parameter.add_(torch.empty_like(parameter).uniform_(-0.1, 0.1, generator=generator))
        return module

    def inputs(self, batch: int = 2, *, others: bool = False) -> tuple[Tensor, ...]:
        """Random inputs."""
        import torch

        generator = torch.Generator().manual_seed(5)
        shapes = self.others if others else self.shapes
        return tuple(torch.rand(batch, *shape, generator=generator) for shape in shapes)


def case(network: Network, *, slow: bool = False) -> Any:
    """A pytest parameter."""
    return pytest.param(network, id=network.name, marks=[pytest.mark.slow] if slow else [])


NETWORKS = [
    Network("squeezenet1_0"),
    Network("googlenet", heavy=True),
    Network("densenet121", heavy=True),
    Network("mobilenet_v1"),
    Network("resnet18", heavy=True),
    Network("resnet34", heavy=True),
    Network("resnet50", heavy=True),
    Network("unet_same", ((1, 32, 48),), ((1, 64, 32),), multiple=16, options={"width": 16}),
    Network("convnext_tiny", heavy=True),
    Network("shufflenet_v2_x1_0", heavy=True),
    Network("pinned", ((3, 12, 10),), ((3, 12, 10),)),
    Network("exotic", ((3, 17, 21), (2, 24), (1, 8, 10, 12)), ((3, 25, 19), (2, 33), (1, 7, 9, 13))),
]
BY_NAME = {network.name: network for network in NETWORKS}
EACH = pytest.mark.parametrize("network", [case(network, slow=network.heavy) for network in NETWORKS])
LIGHT = pytest.mark.parametrize(
    "network",
    [case(BY_NAME[name], slow=BY_NAME[name].heavy) for name in ("squeezenet1_0", "googlenet", "unet_same", "exotic")],
)
SMALL = pytest.mark.parametrize("network", [case(BY_NAME[name]) for name in ("squeezenet1_0", "exotic")])


def tensors(result: Any) -> list[Tensor]:
    """The outputs of a network, those that do not run left out."""
    outputs = result if isinstance(result, tuple) else (result,)
    return [output for output in outputs if output is not None]


def step(module: nn.Module, function: Any, inputs: tuple[Tensor, ...]) -> dict[str, Tensor]:
    """Outputs and gradients of one step through ``function``, which runs the module."""
    import torch

    leaves = tuple(value.detach().clone().requires_grad_() for value in inputs)
    module.zero_grad()
    torch.manual_seed(3)
    outputs = tensors(function(*leaves))
    weights = [torch.linspace(-1, 1, output.numel(), device=output.device).view_as(output) for output in outputs]
    sum(((output * weight).sum() for output, weight in zip(outputs, weights, strict=True)), torch.tensor(0)).backward()
    found = {f"output {index}": output.detach() for index, output in enumerate(outputs)}
    found |= {f"gradient of input {index}": leaf.grad for index, leaf in enumerate(leaves) if leaf.grad is not None}
    found |= {
        f"gradient of {name}": parameter.grad.clone()
        for name, parameter in module.named_parameters()
        if parameter.grad is not None
    }
    return found | {name: buffer.clone() for name, buffer in module.named_buffers()}


def same(mine: dict[str, Tensor], other: dict[str, Tensor], tolerance: float = 1e-4) -> None:
    """Every tensor is the same, but for rounding relative to its largest entry.

    A gradient that is zero by right (of a bias before a normalisation) is rounding and nothing else, hence the floor.
    """
    import torch

    assert mine.keys() == other.keys()
    sizes = {name: float(value.detach().abs().max()) for name, value in other.items()}
    floor = 1e-2 * max((size for name, size in sizes.items() if name.startswith("gradient")), default=0.0)
    for name, value in mine.items():
        size = max(sizes[name], floor if name.startswith("gradient") else 0.0)
        torch.testing.assert_close(
            value, other[name], rtol=tolerance, atol=tolerance * size, msg=lambda said, name=name: f"{name}: {said}"
        )


def close(mine: Any, other: Any, tolerance: float = 1e-4) -> None:
    """The outputs of two networks are the same, but for rounding."""
    names = [f"output {index}" for index in range(max(len(tensors(mine)), len(tensors(other))))]
    same(dict(zip(names, tensors(mine), strict=True)), dict(zip(names, tensors(other), strict=True)), tolerance)


def python(code: str, *arguments: str | Path, folder: Path | None = None, **environment: str) -> str:
    """What a fresh process prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def dynamo() -> Iterator[None]:
    """torch.compile's caches, empty before and after."""
    import torch

    torch.compiler.reset()
    yield
    torch.compiler.reset()


# -- torch.compile -----------------------------------------------------------------------------------------------------


SMALLER = pytest.mark.parametrize(
    "network",
    [case(network, slow=network.name not in ("pinned", "exotic")) for network in NETWORKS],
)
"""Compilers and exporters take seconds for a network of the zoo: those are left to the slow target."""


@SMALLER
@pytest.mark.usefixtures("dynamo")
@pytest.mark.parametrize("training", [pytest.param(False, id="eval"), pytest.param(True, id="train")])
def test_compiles_whole(network: Network, training: bool) -> None:
    """``torch.compile(fullgraph=True)``, forward and backward."""
    import torch

    inputs = network.inputs()
    module, fresh = network.module(training), network.module(training)
    whole = torch.compile(fresh, fullgraph=True, backend="aot_eager")
    same(step(fresh, whole, inputs), step(module, module, inputs))


@pytest.mark.slow  # a C++ compiler takes a second or more for each kernel
@pytest.mark.usefixtures("dynamo")
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_compiles_with_inductor(network: Network) -> None:
    import torch

    if not any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "g++", "clang++")):
        pytest.skip("inductor needs a C++ compiler")
    module = network.module()
    inputs = network.inputs()
    with torch.no_grad():
        close(torch.compile(module, fullgraph=True)(*inputs), module(*inputs), 1e-3)


# -- export ------------------------------------------------------------------------------------------------------------


def dynamic(network: Network) -> tuple[dict[int, Any], ...]:
    """Every axis that may vary: all but channels, and sizes that a flatten fixes."""
    from torch.export import Dim

    found: list[dict[int, Any]] = []
    for index, shape in enumerate(network.shapes):
        axes: dict[int, Any] = {0: Dim.AUTO}
        for axis in range(2, len(shape) + 1):
            if network.multiple > 1:
                axes[axis] = network.multiple * Dim(f"size_{index}_{axis}", min=1, max=64)
            elif network.shapes != network.others:
                axes[axis] = Dim.AUTO
        found.append(axes)
    return tuple(found)


def by_name(network: Network, axes: tuple[dict[int, Any], ...]) -> dict[str, dict[int, Any]]:
    """The same by the names of inputs, as an exporter wants it that sees ``forward``."""
    return dict(zip(network.spec().graph.inputs, axes, strict=True))


@SMALLER
def test_exports_with_sizes_that_vary(network: Network) -> None:
    """``torch.export`` at one size, run at another batch and size."""
    import torch

    module = network.module()
    program = torch.export.export(module, network.inputs(), dynamic_shapes=by_name(network, dynamic(network)))
    run = program.module()
    with torch.no_grad():
        for inputs in (network.inputs(), network.inputs(3, others=True)):
            close(run(*inputs), module(*inputs))


@pytest.mark.parametrize(
    "network",
    [case(network, slow=network.name != "pinned") for network in NETWORKS],
)
def test_runs_in_onnxruntime(network: Network, tmp_path: Path) -> None:
    """``torch.onnx.export`` at one size, run by onnxruntime at another batch and size."""
    import onnxruntime
    import torch

    module = network.module()
    path = tmp_path / "network.onnx"
    program = torch.onnx.export(
        module, network.inputs(), dynamic_shapes=by_name(network, dynamic(network)), verbose=False
    )
    assert program is not None
    program.save(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    with torch.no_grad():
        for inputs in (network.inputs(), network.inputs(3, others=True)):
            fed = {name: value.numpy() for name, value in zip(names, inputs, strict=True)}
            found: list[Any] = list(session.run(None, fed))
            close(tuple(torch.from_numpy(value) for value in found), module(*inputs), 1e-3)


# -- pickles and copies ------------------------------------------------------------------------------------------------

LOAD = """
import pickle, sys
import torch
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        saved = pickle.load(file)
    module, inputs = saved["module"], saved["inputs"]
    torch.manual_seed(3)
    result = module(*inputs)
    outputs = result if isinstance(result, tuple) else (result,)
    assert len(outputs) == len(saved["outputs"]), path
    for mine, other in zip(outputs, saved["outputs"]):
        assert (mine is None) == (other is None) and (mine is None or torch.equal(mine, other)), path
    assert type(result) is type(saved["result"]), path
    assert pickle.loads(pickle.dumps(module)).state_dict().keys() == module.state_dict().keys()
print("the same")
"""


def test_pickles_load_in_a_fresh_process(tmp_path: Path) -> None:
    """Outputs are equal bit for bit; the spec file is gone meanwhile, or is there."""
    import torch

    spec = tmp_path / "gone.yaml"
    spec.write_text(EXOTIC.read_text(encoding="utf-8"), encoding="utf-8")
    networks: dict[str, tuple[nn.Module, tuple[Tensor, ...]]] = {}
    for name in ("exotic", "squeezenet1_0"):
        networks[name] = BY_NAME[name].module(training=name == "exotic"), BY_NAME[name].inputs()
    networks["gone"] = archspec.compile(archspec.load(spec)), BY_NAME["exotic"].inputs()
    spec.unlink()
    paths: list[Path] = []
    for name, (module, inputs) in networks.items():
        saved: dict[str, Any] = {"module": copy.deepcopy(module), "inputs": inputs}
        torch.manual_seed(3)
        saved["result"] = module(*inputs)
        detached = [None if output is None else output.detach() for output in saved["result"]]
        several = isinstance(saved["result"], tuple)
        saved["result"] = type(saved["result"])(*detached) if several else saved["result"].detach()
        saved["outputs"] = tuple(saved["result"]) if several else (saved["result"],)
        paths.append(tmp_path / f"{name}.pickle")
        paths[-1].write_bytes(pickle.dumps(saved))
    threads = str(torch.get_num_threads())  # which decide the order of sums, and so their last bits
    assert python(LOAD, *paths, folder=tmp_path, OMP_NUM_THREADS=threads) == "the same\n"


@SMALL
def test_torch_saves_and_loads_it_whole(network: Network) -> None:
    import torch

    module = network.module()
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    again = torch.load(file, weights_only=False)
    assert type(again) is type(module)
    with torch.no_grad():
        close(again(*network.inputs()), module(*network.inputs()), 0.0)


@LIGHT
def test_deep_copies_are_apart(network: Network) -> None:
    """A copy gives the same, and changing it leaves the original as it was."""
    import torch

    module = network.module()
    again = copy.deepcopy(module)
    assert type(again) is type(module)
    with torch.no_grad():
        before = module(*network.inputs())
        close(again(*network.inputs()), before, 0.0)
        for parameter in again.parameters():
            parameter.fill_(0.1)
        close(module(*network.inputs()), before, 0.0)


# -- numbers and memory ------------------------------------------------------------------------------------------------


@LIGHT
@pytest.mark.parametrize("training", [pytest.param(False, id="eval"), pytest.param(True, id="train")])
def test_autocasts_to_bfloat16(network: Network, training: bool) -> None:
    """Outputs are near those in full precision, gradients are finite and in full precision."""
    import torch

    module = network.module(training)
    inputs = network.inputs()
    torch.manual_seed(3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = tensors(module(*inputs))
    assert torch.bfloat16 in {output.dtype for output in outputs}
    if not training:
        with torch.no_grad():
            close(tuple(output.detach().float() for output in outputs), module(*inputs), 0.05)
    sum((output.float().square().mean() for output in outputs), torch.tensor(0)).backward()
    for name, parameter in module.named_parameters():
        if training or not re.search("aux|side", name):
            assert parameter.grad is not None, name
            assert parameter.grad.dtype == torch.float32
            assert bool(parameter.grad.isfinite().all()), name


@pytest.mark.parametrize(
    "network",
    [case(network, slow=network.heavy) for network in NETWORKS if network.name not in ("exotic", "pinned")],
)
def test_channels_last_goes_through(network: Network) -> None:
    """The same outputs, and every convolution reads and gives channels-last maps: nothing between copies them back."""
    import torch
    from torch import nn

    module = network.module()
    (image,) = network.inputs()
    with torch.no_grad():
        plain = module(image)
        last: nn.Module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        lost: list[str] = []
        seen: list[str] = []

        def look(name: str, layer: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
            seen.append(name)
            for what, value in (("input", given[0]), ("output", output)):
                if not value.is_contiguous(memory_format=torch.channels_last):
                    lost.append(f"{what} of {name}")

        for name, layer in last.named_modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                layer.register_forward_hook(functools.partial(look, name))
        output = last(image.to(memory_format=torch.channels_last))
    assert seen
    if not network.name.startswith("shufflenet"):  # a shuffle of channels-last maps copies them, in torch's own op too
        assert lost == []
    if output.ndim == 4:
        assert output.is_contiguous(memory_format=torch.channels_last)
    close(output, plain)


@LIGHT
def test_runs_in_double_and_half_precision(network: Network) -> None:
    import torch

    module = network.module()
    inputs = network.inputs()
    with torch.no_grad():
        plain = module(*inputs)
        precise = module.double()(*(value.double() for value in inputs))
        assert {output.dtype for output in tensors(precise)} == {torch.float64}
        close(tuple(output.float() for output in tensors(precise)), plain)
        for dtype in () if network.name == "exotic" else (torch.bfloat16, torch.float16):  # no avg_pool3d on CPU
            rough = module.to(dtype)(*(value.to(dtype) for value in inputs))
            assert {output.dtype for output in tensors(rough)} == {dtype}
            close(tuple(output.float() for output in tensors(rough)), plain, 0.1)


@EACH
def test_moves_to_the_meta_device(network: Network) -> None:
    """Shapes without numbers; constants made in ``forward`` follow their input."""
    import torch

    module = archspec.compile(network.spec()).eval()
    shapes = [output.shape for output in tensors(module(*network.inputs()))]
    moved = module.to("meta")
    assert {value.device.type for value in moved.state_dict().values()} == {"meta"}
    outputs = tensors(moved(*(value.to("meta") for value in network.inputs())))
    assert [output.shape for output in outputs] == shapes
    with torch.device("meta"):
        made = archspec.compile(network.spec())
    assert {value.device.type for value in made.state_dict().values()} == {"meta"}
    assert made.state_dict().keys() == moved.state_dict().keys()


@SMALL
def test_trains_under_ddp(network: Network, tmp_path: Path) -> None:
    """One process over gloo: the gradients of a step are the plain module's."""
    import torch
    from torch import distributed
    from torch.nn.parallel import DistributedDataParallel

    module = network.module(training=True)
    inputs = network.inputs()
    plain = step(module, module, inputs)
    fresh = network.module(training=True)
    store = f"file://{tmp_path / 'store'}"
    distributed.init_process_group("gloo", init_method=store, rank=0, world_size=1)
    try:
        wrapped = DistributedDataParallel(fresh)
        same(step(fresh, wrapped, inputs), plain)
        with torch.no_grad():
            assert tensors(wrapped(*inputs))
    finally:
        distributed.destroy_process_group()


# -- a CUDA device -----------------------------------------------------------------------------------------------------


@pytest.mark.cuda
@EACH
@pytest.mark.parametrize("training", [pytest.param(False, id="eval"), pytest.param(True, id="train")])
def test_steps_on_cuda(network: Network, training: bool) -> None:
    """One step there is the step here, where no chance is involved; constants made in ``forward`` follow the device."""
    import torch

    module = network.module(training)
    inputs = network.inputs()
    there = tuple(value.cuda() for value in inputs)
    moved = copy.deepcopy(module).cuda()
    with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
        found = step(moved, moved, there)
    assert {value.device.type for value in found.values()} == {"cuda"}
    if not training:
        same({name: value.cpu() for name, value in found.items()}, step(module, module, inputs), 1e-2)


@pytest.mark.cuda
@LIGHT
@pytest.mark.parametrize("kind", ["bfloat16", "float16"])
def test_mixed_precision_on_cuda(network: Network, kind: str) -> None:
    """Autocast with channels-last maps and scaled gradients."""
    import torch

    module = network.module(training=True).cuda()
    optimizer = torch.optim.SGD(module.parameters(), lr=1e-4)
    scaler = torch.amp.GradScaler("cuda", enabled=kind == "float16")
    for _ in range(2):
        optimizer.zero_grad()
        with torch.autocast("cuda", dtype=getattr(torch, kind)):
            outputs = tensors(module(*(value.cuda() for value in network.inputs())))
        loss = torch.stack([output.float().square().mean() for output in outputs]).sum()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    assert all(bool(parameter.isfinite().all()) for parameter in module.parameters())


@pytest.mark.cuda
@SMALL
@pytest.mark.usefixtures("dynamo")
def test_compiles_with_inductor_on_cuda(network: Network) -> None:
    import torch

    module = network.module().cuda()
    inputs = tuple(value.cuda() for value in network.inputs())
    with torch.no_grad():
        close(torch.compile(module, fullgraph=True)(*inputs), module(*inputs), 1e-2)


# -- an ordinary module ------------------------------------------------------------------------------------------------


@EACH
def test_is_an_ordinary_module(network: Network) -> None:
    """Paths of modules are those of the spec, the state_dict goes around, modes reach every part."""
    import torch

    spec = network.spec()
    module = archspec.compile(spec)
    assert module.training
    names = {name for name, _ in module.named_modules()}
    for node in spec.graph.nodes:
        if node.op is not None and node.reuse is None and node.op.weights(spec.graph.shapes_in(node)):
            assert node.path in names or node.path in dict(module.named_parameters())
    assert not any(part.training for part in module.eval().modules())
    assert all(part.training for part in module.train().modules())
    other = archspec.compile(spec)
    state = {name: value.clone() for name, value in module.state_dict().items()}
    assert str(other.load_state_dict(state, strict=True)) == "<All keys matched successfully>"
    for name, value in other.state_dict().items():
        assert torch.equal(value, state[name]), name
    assert type(other) is type(module), "one text, one class"
    assert not any(parameter.requires_grad for parameter in other.requires_grad_(False).parameters())
    found: list[str] = []
    other.apply(lambda part: found.append(type(part).__name__))
    assert found[-1] == type(module).__name__


# -- errors and debuggers ----------------------------------------------------------------------------------------------

WRONG = """\
archspec: 1
name: Wrong
inputs: {image: [3, H, W]}
sizes: {H: 8, W: 8}
blocks:
  pair:
    params: {channels}
    steps:
      - conv as first: {channels: $channels, kernel: 1}
      - relu
      - conv as second: {channels: $channels, kernel: 3}
steps:
  - pair as front: {channels: 4}
  - relu
  - pair as back: {channels: 6}
  - reshape: {shape: [-1]}
"""


def failure(module: nn.Module, *shape: int) -> str:
    """The traceback, as Python prints it."""
    import torch

    try:
        module(torch.zeros(shape))
    except RuntimeError:
        return traceback.format_exc()
    pytest.fail("nothing is wrong")


def test_an_error_names_the_line_of_the_spec() -> None:
    """The printed traceback goes through the emitted text, and ends with the step's place in the YAML."""
    spec = archspec.loads(WRONG, name="nets/wrong.yaml")
    module = archspec.compile(spec)
    text = archspec.source(spec)
    lines = text.splitlines()
    row = next(number for number, line in enumerate(lines, 1) if "self.back(" in line)
    inner = next(number for number, line in enumerate(lines, 1) if "self.first(" in line)
    file = inspect.getfile(type(module))
    assert re.fullmatch("<archspec Wrong [0-9a-f]{12}>", file)

    channels = failure(module, 1, 4, 8, 8)
    assert f'  File "{file}", line {inner}, in forward\n    {lines[inner - 1].strip()}\n' in channels
    assert re.search(rf'  File "{re.escape(file)}", line {row}, in forward\n    \S.*self\.back\(', channels)
    assert channels.endswith(
        "RuntimeError: Given groups=1, weight of size [4, 3, 1, 1], expected input[1, 4, 8, 8] to have 3 channels, "
        "but got 4 channels instead\n"
        "archspec: `front.first` comes from nets/wrong.yaml:9\n"
    )
    small = failure(module, 1, 3, 3, 3)
    assert small.endswith("archspec: `back.second` comes from nets/wrong.yaml:11\n")
    assert small.count("archspec: ") == 1


def test_an_error_names_a_shipped_file() -> None:
    module = archspec.compile(archspec.load("squeezenet1_0"))
    text = failure(module, 1, 4, 64, 64)
    (line,) = [line for line in text.splitlines() if line.startswith("archspec: ")]
    found = re.fullmatch(r"archspec: `features\.0` comes from specs/squeezenet1_0\.yaml:(\d+)", line)
    assert found is not None
    spec = (SPECS / "squeezenet1_0.yaml").read_text(encoding="utf-8").splitlines()
    assert "conv" in spec[int(found[1]) - 1]


@SMALL
def test_a_debugger_sees_the_text(network: Network) -> None:
    """``inspect``, ``linecache`` and a trace function all show the lines that run."""
    spec = network.spec()
    module, text = archspec.compile(spec), archspec.source(spec)
    file = inspect.getfile(type(module))
    assert "".join(linecache.getlines(file)) == text
    linecache.checkcache()
    assert "".join(linecache.getlines(file)) == text, "linecache does not drop it"
    for part in (type(module), *(type(child) for child in module.children())):
        if part.__module__ == type(module).__module__:
            shown = inspect.getsource(part)
            assert shown.startswith(f"class {part.__name__}(nn.")
            assert shown in text
    assert inspect.getdoc(type(module))
    rows: list[int] = []

    def follow(frame: FrameType, event: str, argument: object) -> Any:
        if event == "line" and frame.f_code.co_filename == file:
            rows.append(frame.f_lineno)
        return follow

    before = sys.gettrace()
    sys.settrace(follow)
    try:
        module(*network.inputs())
    finally:
        sys.settrace(before)
    lines = [linecache.getline(file, row).strip() for row in rows]
    assert any(line.startswith("return") and "self." in line for line in lines)
    assert all(lines)


# -- the text ----------------------------------------------------------------------------------------------------------

ALONE = """
import sys
sys.modules["archspec"] = None
import torch
for path in sys.argv[1:]:
    text, name, state, inputs, outputs = torch.load(path, weights_only=False)
    scope = {"__name__": "alone"}
    exec(compile(text, "alone.py", "exec"), scope)
    module = scope[name]()
    module.load_state_dict(state, strict=True)
    with torch.no_grad():
        result = module.eval()(*inputs)
    found = [value for value in (result if isinstance(result, tuple) else (result,)) if value is not None]
    assert len(found) == len(outputs) and all(map(torch.equal, found, outputs)), path
assert not [name for name in sys.modules if name.split(".")[0] in ("archspec", "pydantic", "yaml", "networkx")
            and sys.modules[name] is not None and name.startswith("archspec")]
print("the same")
"""


def test_the_text_stands_alone(tmp_path: Path) -> None:
    """In a process that has no archspec, it is the same network bit for bit."""
    import torch

    paths: list[Path] = []
    for network in (BY_NAME["squeezenet1_0"], BY_NAME["exotic"]):
        module = network.module()
        with torch.no_grad():
            outputs = tensors(module(*network.inputs()))
        text = archspec.source(network.spec())
        paths.append(tmp_path / f"{network.name}.pt")
        torch.save((text, type(module).__name__, module.state_dict(), network.inputs(), outputs), paths[-1])
    threads = str(torch.get_num_threads())
    assert python(ALONE, *paths, folder=tmp_path, OMP_NUM_THREADS=threads) == "the same\n"


DIGESTS = """
import hashlib, sys
import archspec
for name in sys.argv[1:]:
    print(name, hashlib.sha256(archspec.source(archspec.load(name)).encode()).hexdigest())
assert "torch" not in sys.modules
"""
FEW = ["squeezenet1_0", "mobilenet_v3_large", "unet"]


@pytest.mark.parametrize(
    "names", [pytest.param(FEW, id="few"), pytest.param(SHIPPED, id="all", marks=pytest.mark.slow)]
)
def test_the_text_does_not_hang_on_chance(names: list[str]) -> None:
    """Two processes that hash differently give one text, without torch."""
    first, second = (python(DIGESTS, *names, str(EXOTIC), PYTHONHASHSEED=seed) for seed in ("1", "2"))
    assert first == second
    assert len(first.splitlines()) == len(names) + 1


@pytest.mark.parametrize("name", ["mobilenet_v1", "resnet18", "inception_v3", "exotic"])
def test_the_text_is_as_before(name: str, golden: Callable[..., None]) -> None:
    """Beside the golden texts of the emitter's own tests: two more of the five, the largest, and the rarest."""
    golden(archspec.source(archspec.load(EXOTIC if name == "exotic" else name)), "py", name)


@pytest.mark.parametrize(
    "names",
    [pytest.param(SHIPPED[::4], id="some"), pytest.param(SHIPPED, id="all", marks=pytest.mark.slow)],
)
def test_the_text_is_typed(names: list[str], tmp_path: Path) -> None:
    """Pyright has nothing to say."""
    for name in [*names, str(EXOTIC)]:
        (tmp_path / f"{Path(name).stem}.py").write_text(archspec.source(archspec.load(name)), encoding="utf-8")
    configuration = {"include": ["."], "typeCheckingMode": "standard", "reportMissingModuleSource": True}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(configuration), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--pythonpath", sys.executable],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


# -- how weights start -------------------------------------------------------------------------------------------------


def initialised() -> list[Any]:
    """An example of every op that has weights, a value asked for in each of its tensors."""
    found: list[Any] = []
    for keyword in sorted(ops.names()):
        op = ops.find(keyword)
        first = (each for each in op.examples if all(shape.channels_first for shape in each.inputs))
        example = next(first, op.examples[0])
        for tensor in op.tensors:
            found.append(pytest.param(keyword, tensor, example, id=f"{keyword}-{tensor}"))
    return found


@pytest.mark.parametrize(("keyword", "tensor", "example"), initialised())
def test_weights_start_as_asked(keyword: str, tensor: str, example: ops.Example) -> None:
    """Every op that has weights takes ``init``, and the emitted module starts with it."""
    import torch

    names = [f"input_{index}" for index in range(len(example.inputs))]
    start = {"constant": 0.125}
    arguments = {**example.arguments, "init": {tensor: start} if tensor else start}
    arguments |= {name: True for name in ("bias", "affine") if name in ops.find(keyword).model_fields}
    step = {f"{keyword} as layer": arguments}
    tail: list[Any] = [step]
    if not names:
        names = ["image"]
        tail.append({"add": None, "from": ["image", "layer"]})
    shapes = [
        [dim if isinstance(dim, int) else next(iter(dim.symbols)) for dim in shape.dims] for shape in example.inputs
    ]
    shapes = shapes or [list(arguments["shape"])]
    described = {
        "archspec": 1,
        "name": "Start",
        "inputs": dict(zip(names, shapes, strict=True)),
        "sizes": {size: 16 for shape in shapes for size in shape if isinstance(size, str)},
        "steps": tail,
    }
    module = archspec.compile(archspec.loads(json.dumps(described)))
    parameters = dict(module.named_parameters())
    parameters |= {
        name.replace("parametrizations.weight.original", "weight"): value for name, value in parameters.items()
    }
    value = parameters["layer" if keyword == "parameter" else f"layer.{tensor}"]
    assert torch.equal(value, torch.full_like(value, 0.125))
