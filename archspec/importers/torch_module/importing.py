"""From a module to a spec's text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from archspec.diagnostics import Diagnostic, SpecError, printable
from archspec.graph import Graph
from archspec.importers.network import Network, Output
from archspec.importers.torch_module import arithmetic, functions, shapes
from archspec.importers.torch_module.capture import capture, on_meta
from archspec.importers.torch_module.layers import Unknown
from archspec.importers.torch_module.lowering import Lowering
from archspec.importers.torch_module.tidying import tidy
from archspec.importers.torch_module.trace import Trace, Value, tensors
from archspec.importers.torch_module.traces import mark_training, together
from archspec.importers.writing import written
from archspec.records import record
from archspec.sizes import Evaluation

if TYPE_CHECKING:
    from torch import nn

SYMBOLS = {1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}
FURTHER = (32, 64, 96)
"""What is added to the sizes asked for, axis by axis, to see what varies with them."""


@record
class Imported:
    """What a module became, and what holds it to the module."""

    name: str
    text: str
    weights: dict[str, tuple[int, ...]]
    """The shapes of the module's ``state_dict``."""
    sizes: tuple[dict[str, int], ...]
    outputs: tuple[tuple[tuple[int, ...], ...], ...]
    """At each of the sizes the shape of each output, the batch left out."""

    def hold(self, graph: Graph) -> None:
        """Raise :class:`SpecError` where a spec's graph has other weights than the module, or other shapes."""
        own = {
            f"{node.path}.{weight.name}" if weight.name else node.path: tuple(weight.shape)
            for node in graph.nodes
            if node.op is not None and node.reuse is None
            for weight in node.op.weights(graph.shapes_in(node))
        }
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
    """``3 tensors``."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def imported(module: nn.Module, size: Sequence[int], name: str | None = None) -> Imported:
    """The spec of a module that takes one image of channels and sizes; raises :class:`SpecError`."""
    if not 1 <= len(size) <= 4 or any(isinstance(one, bool) or not isinstance(one, int) or one < 1 for one in size):
        raise refuse("`sizes` are the channels and the sizes of an image", "such as (3, 224, 224)")
    channels, *spatial = size
    bare = on_meta(module)
    sizes = [tuple(spatial), *_others(tuple(spatial))]
    traces: list[Trace] = []
    fixed = False
    for index, one in enumerate(sizes):
        try:
            traces.append(capture(bare, [(2 + index, channels, *one)], True))
        except SpecError:
            if index == 0:
                raise
            fixed = True
            break
    if fixed:
        traces = [traces[0], capture(bare, [(3, channels, *spatial)], True)]
    evaluated = capture(bare, [(2, channels, *spatial)], False)
    only_training = mark_training(traces[0], evaluated)
    trace = together(traces)
    rules = functions.RULES | arithmetic.RULES | shapes.RULES
    buffers = frozenset(path for path, _ in bare.named_buffers())
    lowering = Lowering(trace, [one.shapes for one in traces], rules, buffers)
    layers = lowering.run()
    if any(not isinstance(found, Value) for _, found in traces[0].outputs):
        raise refuse("the module gives more than tensors that it works out")
    try:  # what nothing read before is made now
        outputs = [
            Output(_word(key), lowering.number(found), only_training.get(key, False))
            for key, found in traces[0].outputs
        ]
    except Unknown as error:
        raise refuse(f"an output is {error}") from None
    layers, outputs = tidy(layers, outputs)
    symbols = SYMBOLS.get(len(spatial), ()) if not fixed else ()
    network = Network(
        name=_word(name or type(module).__name__),
        inputs=[("image", (channels, *(symbols or spatial)))],
        sizes=dict(zip(symbols, spatial, strict=False)),
        layers=layers,
        outputs=outputs,
        doc=_doc(module),
    )
    found = written(network, {number: shape[1] for number, shape in enumerate(traces[0].shapes) if len(shape) > 1})
    at: list[dict[str, int]] = (
        [dict(zip(symbols, one, strict=False)) for one in sizes[: len(traces)]] if not fixed else [{}]
    )
    shapes_of = [
        tuple(trace.shapes[value.number][1:] for _, given in trace.outputs for value in tensors(given))
        for trace in traces[: len(at)]
    ]
    weights = {key: tuple(tensor.shape) for key, tensor in module.state_dict().items()}
    return Imported(network.name, found, weights, tuple(at), tuple(shapes_of))


def _others(spatial: tuple[int, ...]) -> list[tuple[int, ...]]:
    return [tuple(size + FURTHER[(axis + more) % 3] * more for axis, size in enumerate(spatial)) for more in (1, 2)]


def _word(name: str) -> str:
    found = re.sub(r"\W", "_", name)
    return found if not found[:1].isdigit() else f"_{found}"


def _doc(module: nn.Module) -> str:
    own = type(module).__dict__.get("__doc__") or ""
    return own.strip().split("\n")[0][:200]


def refuse(message: str, hint: str | None = None) -> SpecError:
    """An import that cannot be."""
    return SpecError([Diagnostic("not-importable", message, None, hint)])
