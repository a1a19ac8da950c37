"""A network as a file for other programs: ONNX, torch's exported program (pt2), safetensors.

Height and width stay open where the analysis says that they may vary.  A file is done when it was read again, run at
two sizes and found to give what the network gives; torch's exporter is wrong for some ops, without a word.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

import torch
from torch import Tensor, nn

from archspec.analyses.report import Report
from archspec.analyses.shapes import coupled_failures
from archspec.diagnostics import Diagnostic, SpecError, printable
from archspec.graph import Graph, Node
from archspec.ops.adaptive_avg_pool import AdaptiveAvgPool
from archspec.ops.adaptive_max_pool import AdaptiveMaxPool
from archspec.records import record
from archspec.running.checkpoint_files import safetensors
from archspec.sizes import Evaluation, Size, Solution, text

TOLERANCE = 1e-4
"""Largest difference of an output that passes, as a fraction of the largest value: kernels add in various orders."""

LARGEST_ONNX = 2**31 - 2**20
"""Bytes of weights that fit one ONNX file, a message of protobuf."""


class Target(StrEnum):
    """The kinds of file."""

    onnx = "onnx"
    pt2 = "pt2"
    safetensors = "safetensors"


@record
class Exported:
    """A file's content, and what was found when it was run."""

    content: bytes
    inputs: Mapping[str, tuple[str, ...]]
    """The shape of each input; a symbol where it may vary."""
    valid: tuple[str, ...]
    """For each open symbol, its valid sizes."""
    compared: tuple[Mapping[str, int], ...]
    """The sizes at which it was run."""
    difference: float
    """The largest difference found, as a fraction of the largest value."""


Runner = Callable[[Sequence[Tensor]], Sequence[Tensor]]


def export(graph: Graph, model: nn.Module, sizes: Mapping[str, int], to: Target, fixed: bool = False) -> Exported:
    """A network in evaluation as the content of a file, read again and compared.

    ``fixed`` keeps the ``sizes`` for good.  Raises :class:`SpecError`: ``export-refused`` if the exporter refuses,
    ``export-wrong`` if the file gives something else, ``no-package``, ``size-refused`` and the like.
    """
    model = model.eval().cpu()
    if to is Target.safetensors:
        return _weights(model)
    report = Report(graph, {**graph.sizes, **sizes})
    if refused := report.refused():
        raise SpecError(refused)
    if not report.shapes_at:
        raise SpecError([Diagnostic("no-size", "the spec has no number for its input size", hint="--size 224")])
    solutions = {} if fixed else _open_symbols(graph, report)
    if to is Target.onnx:
        _refuse_adaptive(graph, fixed)
    places = [report.sizes, *_another(report, solutions)]
    first = _inputs(graph, places[0], batch=1 if fixed else 2)
    with _quietly():
        content, runner = _converted(graph, model, first, solutions, to, fixed)
        worst = 0.0
        for number, at in enumerate(places):
            given = _inputs(graph, at, batch=1 if fixed else 2 + number)
            worst = max(worst, _difference(model, runner, given, at))
    shapes = {
        name: (
            "1" if fixed else "batch",
            *(text(dim) if _is_open(dim, solutions) else str(number) for dim, number in dims),
        )
        for name, dims in _dims(graph, report).items()
    }
    return Exported(content, shapes, tuple(each.describe() for each in solutions.values()), tuple(places), worst)


def _weights(model: nn.Module) -> Exported:
    """The weights alone, which are the same bits when they are read again."""
    state = model.state_dict()
    content = safetensors(state)
    again = importlib.import_module("safetensors.torch").load(content)
    if again.keys() != state.keys() or any(not torch.equal(again[key], state[key]) for key in state):
        raise SpecError([Diagnostic("export-wrong", "the weights read again are not those that were written")])
    return Exported(content, {}, (), (), 0.0)


def _open_symbols(graph: Graph, report: Report) -> dict[str, Solution]:
    """The symbols that have more than one valid size."""
    return {
        name: solution
        for name, solution in report.valid_sizes.items()
        if solution.next(report.sizes[name] + 1) is not None or solution.previous(report.sizes[name] - 1) is not None
    }


def _another(report: Report, solutions: Mapping[str, Solution]) -> list[dict[str, int]]:
    """Other sizes at which the network runs, about a third larger, each symbol differently; none if there are none."""
    if not solutions:
        return []
    found = dict(report.sizes)
    for place, (name, solution) in enumerate(solutions.items()):
        wanted = found[name] + found[name] // 3 + 1 + place
        found[name] = (
            solution.next(wanted) or solution.next(found[name] + 1) or solution.previous(found[name] - 1) or found[name]
        )
        if coupled_failures(report.valid_sizes, found):
            found = {**found, **dict.fromkeys(solutions, found[name])}
    return [] if coupled_failures(report.valid_sizes, found) or found == report.sizes else [found]


def _refuse_adaptive(graph: Graph, fixed: bool) -> None:
    """Raise for adaptive pooling to more than one cell at open sizes: such a file is silently wrong at some."""
    for node in graph.nodes:
        if fixed or node.dead or not isinstance(node.op, AdaptiveAvgPool | AdaptiveMaxPool):
            continue
        source = graph.shapes_in(node)[0]
        if any(isinstance(dim, Size) and out != 1 for dim, out in zip(source.spatial, node.shape.spatial, strict=True)):
            message = (
                f"ONNX cannot have `{node.path}` at every size: torch's exporter writes a file that is wrong at some"
            )
            hint = "`--fixed` exports the network at one size, `--to pt2` at all of them"
            raise SpecError([Diagnostic("export-refused", message, node.span, hint)])


def _sources(graph: Graph) -> dict[str, Node]:
    return {name: graph.nodes[index] for name, index in graph.inputs.items()}


def _dims(graph: Graph, report: Report) -> dict[str, list[tuple[Any, int]]]:
    """Each input's dims with their numbers."""
    return {
        name: list(zip(node.shape.dims, report.shapes_at[node.path], strict=True))
        for name, node in _sources(graph).items()
    }


def _is_open(dim: object, solutions: Mapping[str, Solution]) -> bool:
    return isinstance(dim, Size) and text(dim) in solutions


def _inputs(graph: Graph, sizes: Mapping[str, int], batch: int) -> list[Tensor]:
    """Noise of the inputs' shapes, the same every time."""
    evaluation = Evaluation(dict(sizes))
    random = torch.Generator().manual_seed(batch)
    return [
        torch.rand(batch, *map(evaluation.of, node.shape.dims), generator=random) for node in _sources(graph).values()
    ]


def _converted(
    graph: Graph,
    model: nn.Module,
    given: list[Tensor],
    solutions: Mapping[str, Solution],
    to: Target,
    fixed: bool,
) -> tuple[bytes, Runner]:
    """The file's content, and how it is run."""
    free = torch.export.Dim.AUTO
    dynamic = None
    if not fixed:
        dynamic = tuple(
            {0: free, **{at: free for at, dim in enumerate(node.shape.dims, 1) if _is_open(dim, solutions)}}
            for node in _sources(graph).values()
        )
    try:
        program = torch.export.export(model, tuple(given), dynamic_shapes=dynamic)
        return _pt2(program) if to is Target.pt2 else _onnx(graph, program)
    except SpecError:
        raise
    except Exception as error:  # the exporters have no common exception
        said = printable(str(error).strip().split("\n")[0], 300) or type(error).__name__
        hint = None if fixed else "`--fixed` exports the network at one size, which is easier"
        raise SpecError([Diagnostic("export-refused", f"torch's exporter refuses: {said}", hint=hint)]) from None


def _pt2(program: Any) -> tuple[bytes, Runner]:
    written = io.BytesIO()
    torch.export.save(program, written)
    written.seek(0)
    module = torch.export.load(written).module()
    return written.getvalue(), lambda given: _listed(module(*given))


def _onnx(graph: Graph, program: Any) -> tuple[bytes, Runner]:
    try:
        runtime: Any = importlib.import_module("onnxruntime")
        importlib.import_module("onnxscript")
    except ImportError as error:
        message = f"an ONNX file needs the package {error.name}, which is not here: to write it, and to run it"
        raise SpecError([Diagnostic("no-package", message, hint="pip install 'archspec-nn[export]'")]) from None
    needed = sum(value.numel() * value.element_size() for value in program.state_dict.values())
    if needed > LARGEST_ONNX:
        message = f"the weights have {needed:,} bytes, and an ONNX file holds {LARGEST_ONNX:,}"
        raise SpecError([Diagnostic("export-refused", message, hint="use `--to pt2`")])
    names = [output.name for output in graph.outputs if not output.training]
    found = torch.onnx.export(
        program, dynamo=True, verbose=False, input_names=list(graph.inputs), output_names=names, optimize=True
    )
    assert found is not None
    content = found.model_proto.SerializeToString()
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    inputs = [each.name for each in session.get_inputs()]

    def run(given: Sequence[Tensor]) -> Sequence[Tensor]:
        fed = {name: tensor.numpy() for name, tensor in zip(inputs, given, strict=True)}
        return [torch.from_numpy(each) for each in session.run(None, fed)]

    return content, run


def _difference(model: nn.Module, runner: Runner, given: Sequence[Tensor], at: Mapping[str, int]) -> float:
    """The largest difference of the outputs, as a fraction of the largest value.  Raises :class:`SpecError`."""
    shown = ", ".join(f"{name} = {size}" for name, size in at.items())
    hint = "`--fixed` exports the network at one size"
    with torch.no_grad():
        wanted = _listed(model(*given))
        try:
            found = runner(given)
        except Exception as error:  # of the runtime
            said = printable(str(error).strip().split("\n")[0], 200) or type(error).__name__
            message = f"the exported network does not run at {shown}: {said}"
            raise SpecError([Diagnostic("export-wrong", message, hint=hint)]) from None
    worst = 0.0
    for one, other in zip(wanted, found, strict=True):
        if one.shape != other.shape:
            message = f"the exported network gives {list(other.shape)} at {shown}, and should give {list(one.shape)}"
            raise SpecError([Diagnostic("export-wrong", message, hint=hint)])
        top = max(float(one.abs().max()), 1e-12) if one.numel() else 1.0
        worst = max(worst, float((one - other).abs().max()) / top if one.numel() else 0.0)
    if not worst <= TOLERANCE:
        message = f"the exported network differs from torch's by {worst:.2g} of the largest value at {shown}"
        raise SpecError([Diagnostic("export-wrong", message, hint=hint)])
    return worst


def _listed(given: Any) -> list[Tensor]:
    return [given] if isinstance(given, Tensor) else [each for each in given if each is not None]


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without the exporters' own notes, which say nothing that the comparison does not."""
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logging.disable(level)
