"""From a module to a spec's text."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from archspec.diagnostics import Diagnostic, SpecError, did_you_mean, printable
from archspec.graph import Graph
from archspec.importers.network import Layer, Network, Output
from archspec.importers.tidying import tidy
from archspec.importers.torch_module import (
    arithmetic,
    aten,
    attending,
    functions,
    heads,
    matrices,
    parameters,
    shapes,
    standardising,
    unpooling,
)
from archspec.importers.torch_module.capture import capture, on_meta, said_of
from archspec.importers.torch_module.idle import with_idle
from archspec.importers.torch_module.layers import Unknown
from archspec.importers.torch_module.lowering import Lowering
from archspec.importers.torch_module.opaque import OPAQUE, lowered_opaque, rule
from archspec.importers.torch_module.sizing import ALONE, Inputs, Runs, runs
from archspec.importers.torch_module.trace import Trace, Value, tensors
from archspec.importers.torch_module.traces import mark_training, together
from archspec.importers.writing import written
from archspec.records import record
from archspec.sizes import Evaluation

if TYPE_CHECKING:
    from torch import nn

RULES = {
    **functions.RULES,
    **arithmetic.RULES,
    **parameters.RULES,
    **shapes.RULES,
    **standardising.RULES,
    **heads.RULES,
    **attending.RULES,
    **matrices.RULES,
    **attending.MODULES,
    **unpooling.RULES,
    **unpooling.MODULES,
}


@record
class Imported:
    """The spec of a module, and what is needed to check it against the module."""

    name: str
    text: str
    weights: dict[str, tuple[int, ...]]
    """The shapes of the module's ``state_dict``."""
    sizes: tuple[dict[str, int], ...]
    outputs: tuple[tuple[tuple[int, ...], ...], ...]
    """For each traced size, the shape of each output without the batch."""

    def hold(self, graph: Graph) -> None:
        """Raise :class:`SpecError` if a spec's graph and the module differ in weights or output shapes."""
        own = graph.state
        missing = [key for key in self.weights if key not in own]
        if missing:
            shown = ", ".join(f"`{printable(key, 60)}`" for key in missing[:5])
            raise refuse(f"{counted(len(missing), 'tensor')} of modules that are never called: {shown}")
        if own != self.weights:
            raise refuse("the weights found are not the module's")
        for sizes, wanted in zip(self.sizes, self.outputs, strict=True):
            evaluation = Evaluation(sizes)
            for output, shape in zip(graph.outputs, wanted, strict=True):
                found = tuple(evaluation.of(dim) for dim in graph.nodes[output.node].shape.dims)
                if found != shape:
                    at = ", ".join(f"{symbol} = {size}" for symbol, size in sizes.items())
                    raise refuse(f"at {at} the output `{output.name}` is {shape}, and the spec says {found}")


def counted(number: int, what: str) -> str:
    """A count with its noun: ``3 tensors``."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def ways(
    module: nn.Module, sizes: Sequence[int] | Inputs, name: str | None = None, opaque: bool = False
) -> Iterator[Callable[[], Imported]]:
    """The ways to import a module: at all sizes, and at the given ones only.  ``opaque``: keep what the language lacks.

    Raises :class:`SpecError` if the module does not run; each way raises it if the language lacks something.
    """
    inputs = _checked(module, sizes)
    bare = on_meta(module)
    evaluated = capture(bare, inputs, 2, False)
    weights = {key: tuple(tensor.shape) for key, tensor in module.state_dict().items()}
    title = _word(name or type(module).__name__)
    for found in runs(bare, inputs):
        yield partial(_imported, bare, found, evaluated, title, weights, opaque)


def _checked(module: nn.Module, sizes: Sequence[int] | Inputs) -> dict[str, tuple[int, ...]]:
    """The inputs' shapes by name; raises :class:`SpecError` for what is none."""
    inputs = (
        {name: tuple(shape) for name, shape in sizes.items()} if isinstance(sizes, Mapping) else {ALONE: tuple(sizes)}
    )
    if not inputs:
        raise refuse("`sizes` names no input", 'such as {"image": (3, 224, 224), "depth": (1, 224, 224)}')
    for shape in inputs.values():
        whole = all(isinstance(one, int) and not isinstance(one, bool) and one >= 1 for one in shape)
        if not 1 <= len(shape) <= 4 or not whole:
            raise refuse("`sizes` are the channels and the sizes of an image", "such as (3, 224, 224)")
    if ALONE in inputs:
        return inputs
    taken = inspect.signature(module.forward).parameters
    open_ = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in taken.values())
    for name in inputs:
        if not isinstance(name, str) or not name.isidentifier() or (name not in taken and not open_):
            hint = did_you_mean(str(name), taken) or f"its inputs are {', '.join(taken)}"
            raise refuse(f"the module has no input `{printable(str(name), 60)}`", hint)
    return inputs


def _imported(
    bare: nn.Module,
    found: Runs,
    evaluated: Trace,
    name: str,
    weights: dict[str, tuple[int, ...]],
    opaque: bool,
) -> Imported:
    """The spec made from some runs of a module; raises :class:`SpecError`."""
    first = found.traces[0]
    only_training = mark_training(first, evaluated)
    trace, shapes = together(found.traces), [one.shapes for one in found.traces]
    rules = {**RULES, OPAQUE: rule(bare, weights)}

    def lowered(trace: Trace) -> Lowering:
        return Lowering(
            trace, shapes, lambda what: rules.get(what) or aten.rule_of(rules, what), _buffers(bare, weights)
        )

    lowering, layers = lowered_opaque(trace, lowered) if opaque else lowered_whole(trace, lowered)
    outputs = _outputs(lowering, first, only_training)
    layers = tidy(layers, outputs)
    channels_of = {number: shape[1] for number, shape in enumerate(first.shapes) if len(shape) > 1}
    kinds = {number: (count, len(lowering.axes.get(number, ())) - 1) for number, count in channels_of.items()}
    layers = with_idle(bare, layers, kinds)
    network = Network(
        name=name,
        inputs=list(found.inputs),
        sizes=found.at[0],
        layers=layers,
        outputs=outputs,
        doc=said_of(type(bare)),
    )
    shapes_of = tuple(
        tuple(trace.shapes[value.number][1:] for _, given in trace.outputs for value in tensors(given))
        for trace in found.traces
    )
    return Imported(name, written(network, channels_of), weights, found.at, shapes_of)


def lowered_whole(trace: Trace, lowered: Callable[[Trace], Lowering]) -> tuple[Lowering, list[Layer]]:
    """The layers of a trace; raises :class:`SpecError` with all that has no counterpart."""
    lowering = lowered(trace)
    return lowering, lowering.run()


def _buffers(module: nn.Module, weights: Collection[str]) -> dict[str, str]:
    """The paths of a module's buffers, each with why the language does not have it; empty if it does."""
    import torch

    found: dict[str, str] = {}
    for path, tensor in module.named_buffers():
        kept = path in weights and tensor.dtype == torch.float32
        found[path] = "" if kept else "a buffer that is not in the state_dict, or not of 32-bit numbers"
    return found


def _outputs(lowering: Lowering, trace: Trace, only_training: dict[str, bool]) -> list[Output]:
    """The outputs of a module; layers that nothing has read so far are made now.  Raises :class:`SpecError`."""
    if any(not isinstance(found, Value) for _, found in trace.outputs):
        raise refuse("the module's outputs must be tensors that it computes")
    try:
        return [
            Output(_word(key), lowering.number(found), only_training.get(key, False)) for key, found in trace.outputs
        ]
    except Unknown as error:
        raise refuse(f"an output is {error}") from None


def _word(name: str) -> str:
    found = re.sub(r"\W", "_", name)
    return found if not found[:1].isdigit() else f"_{found}"


def refuse(message: str, hint: str | None = None) -> SpecError:
    """The error for a module that cannot be imported."""
    return SpecError([Diagnostic("not-importable", message, None, hint)])
