"""From a module to a spec's text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from archspec.diagnostics import Diagnostic, SpecError, printable
from archspec.graph import Graph
from archspec.importers.network import Network, Output
from archspec.importers.tidying import tidy
from archspec.importers.torch_module import arithmetic, functions, shapes
from archspec.importers.torch_module.capture import capture, on_meta, said_of
from archspec.importers.torch_module.idle import with_idle
from archspec.importers.torch_module.layers import Unknown
from archspec.importers.torch_module.lowering import Lowering
from archspec.importers.torch_module.sizing import Runs, runs
from archspec.importers.torch_module.trace import Trace, Value, tensors
from archspec.importers.torch_module.traces import mark_training, together
from archspec.importers.writing import written
from archspec.records import record
from archspec.sizes import Evaluation

if TYPE_CHECKING:
    from torch import nn

RULES = functions.RULES | arithmetic.RULES | shapes.RULES


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


def ways(module: nn.Module, size: Sequence[int], name: str | None = None) -> Iterator[Callable[[], Imported]]:
    """The ways to import a module that takes one image: at all sizes, and at the given ones only.

    Raises :class:`SpecError` if the module does not run; each way raises it if the language lacks something.
    """
    if not 1 <= len(size) <= 4 or any(isinstance(one, bool) or not isinstance(one, int) or one < 1 for one in size):
        raise refuse("`sizes` are the channels and the sizes of an image", "such as (3, 224, 224)")
    channels, *spatial = size
    bare = on_meta(module)
    evaluated = capture(bare, [(2, channels, *spatial)], False)
    weights = {key: tuple(tensor.shape) for key, tensor in module.state_dict().items()}
    title = _word(name or type(module).__name__)
    for found in runs(bare, channels, spatial):
        yield partial(_imported, bare, found, evaluated, channels, title, weights)


def _imported(
    bare: nn.Module, found: Runs, evaluated: Trace, channels: int, name: str, weights: dict[str, tuple[int, ...]]
) -> Imported:
    """The spec made from some runs of a module; raises :class:`SpecError`."""
    first = found.traces[0]
    only_training = mark_training(first, evaluated)
    buffers = frozenset(path for path, _ in bare.named_buffers())
    lowering = Lowering(together(found.traces), [one.shapes for one in found.traces], RULES, buffers)
    layers = lowering.run()
    outputs = _outputs(lowering, first, only_training)
    layers = tidy(layers, outputs)
    channels_of = {number: shape[1] for number, shape in enumerate(first.shapes) if len(shape) > 1}
    kinds = {number: (count, len(lowering.axes.get(number, ())) - 1) for number, count in channels_of.items()}
    layers = with_idle(bare, layers, kinds)
    network = Network(
        name=name,
        inputs=[("image", (channels, *(found.symbols or found.sizes[0])))],
        sizes=dict(zip(found.symbols, found.sizes[0], strict=False)),
        layers=layers,
        outputs=outputs,
        doc=said_of(type(bare)),
    )
    at = found.at()
    shapes_of = tuple(
        tuple(trace.shapes[value.number][1:] for _, given in trace.outputs for value in tensors(given))
        for trace in found.traces[: len(at)]
    )
    return Imported(name, written(network, channels_of), weights, at, shapes_of)


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
