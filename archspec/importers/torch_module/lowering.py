"""Calls said in ops.

A function is looked up by its name in the tables of ``functions``, ``arithmetic`` and ``shapes``; each entry adds the
layers that the call stands for.  What has no counterpart is collected, so that one run tells all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from archspec import ops
from archspec.diagnostics import Diagnostic, SpecError, printable
from archspec.importers.network import Frame, Layer
from archspec.importers.torch_module import layers as table
from archspec.importers.torch_module.layers import Unknown
from archspec.importers.torch_module.padding import Padded
from archspec.importers.torch_module.trace import Call, Constant, Trace, Value, Weight, tensors
from archspec.ops.common.shape import SPATIAL

AXES = {rank + 1: ("channels", *names) for rank, names in SPATIAL.items()} | {1: ("channels",)}
"""The axes of a tensor of so many, the batch left out."""

Rule = Callable[["Lowering", Call], None]


class Lowering:
    """The layers made so far, and what each value of the trace is."""

    def __init__(
        self,
        trace: Trace,
        shapes: Sequence[Sequence[tuple[int, ...]]],
        rules: dict[str, Rule],
        buffers: frozenset[str] = frozenset(),
    ) -> None:
        self.trace = trace
        self.shapes = shapes
        """By size, the shape of each value."""
        self.layers: list[Layer] = []
        self.axes: dict[int, tuple[str, ...]] = {}
        self.buffers = buffers
        """Paths of tensors that are no parameters."""
        self.parts: dict[int, tuple[Any, ...]] = {}
        """What is known of a value beside its shape: that it is a view of another, and which."""
        self.kept: dict[int, Callable[[], Any]] = {}
        """Values that no layer gives yet, with what makes the layer when one is read."""
        self.padded: dict[int, Padded] = {}
        """What is known of maps that windows may pad themselves."""
        self.views: dict[int, tuple[Weight, tuple[int, ...]]] = {}
        """Parameters under another shape."""
        self.parameters: dict[str, int] = {}
        """The values of parameters, by their paths."""
        self.repeated: dict[int, Value] = {}
        """Maps with rows repeated, and the map before."""
        self._same: dict[int, int] = {}
        self._next = len(trace.shapes)
        self._owners: dict[str, Layer] = {}
        self._rules = rules
        self._faults: dict[tuple[str, str], Diagnostic] = {}
        for number in trace.inputs:
            self.axes[number] = AXES.get(len(self.shape(number)) - 1, ())

    def run(self) -> list[Layer]:
        """The layers of all calls; raises :class:`SpecError` with all that have no counterpart."""
        for call in self.trace.calls:
            try:
                if call.module is not None:
                    self._module(call)
                else:
                    rule = self._rules.get(call.what)
                    if rule is None:
                        raise Unknown(f"`{call.what}`")
                    rule(self, call)
            except Unknown as error:
                self._fault(call, str(error))
            except (AttributeError, IndexError, KeyError, TypeError, ValueError):
                self._fault(call, "other arguments")  # in a form that its rule does not foresee
        if self._faults:
            raise SpecError(list(self._faults.values()))
        return self.layers

    def _fault(self, call: Call, words: str) -> None:
        path = call.path or call.frame.path
        key = (call.place, words)
        where = f"in `{path}`: " if path else ""
        what = words if words.startswith("`") else f"`{call.what}` with {words}"
        message = f"{where}{printable(what, 120)} has no counterpart in the language"
        self._faults.setdefault(key, Diagnostic("not-importable", message, details=(call.place,)))
        for value in tensors(call.results):
            self.axes.setdefault(value.number, AXES.get(len(self.shape(value.number)) - 1, ()))

    # -- what is known of values ---------------------------------------------------------------------------------------

    def number(self, value: Any) -> int:
        """The number of a tensor that a layer gives; raises :class:`Unknown` for any other."""
        if not isinstance(value, Value):
            raise Unknown("a tensor that no step gives" if isinstance(value, Weight | Constant) else "other arguments")
        number = value.number
        while number in self._same:
            number = self._same[number]
        if number in self.kept:
            self.kept.pop(number)()
        if not self.axes[number] and len(self.shape(value.number)) > 1:
            raise Unknown(f"a tensor of {len(self.shape(value.number))} axes")
        return number

    def unpadded(self, op: str, arguments: dict[str, Any], value: Any) -> tuple[int, dict[str, Any]]:
        """What windows read, and their arguments: a map that is padded only for them is padded by them."""
        padded = self.padded.get(value.number) if isinstance(value, Value) else None
        if padded is not None and value.number in self.kept and padded.is_same(op, arguments):
            return padded.source, arguments | {"padding": "same"}
        return self.number(value), arguments

    @staticmethod
    def value(argument: Any) -> int:
        """The number of a tensor, no layer being made for it yet; raises :class:`Unknown` for what is none."""
        if not isinstance(argument, Value):
            raise Unknown("a tensor that no step gives")
        return argument.number

    def asked(self, call: Call) -> Iterator[int]:
        """The values that were asked for their size before a call, the last of them first, then all others so."""
        for number in dict.fromkeys(reversed(self.trace.asked[: call.asked])):
            yield self._same.get(number, number)
        yield from range(call.results.number - 1, -1, -1)

    def shape(self, number: int) -> tuple[int, ...]:
        """The shape of a value at the first sizes."""
        return self.shapes[0][number]

    def rank(self, value: Any) -> int:
        """How many spatial axes a tensor has."""
        return max(len(self.shape(self.value(value))) - 2, 0)

    def same(self, result: Any, source: Any) -> None:
        """A value is another one."""
        self._same[result.number] = self.number(source)

    def axis(self, number: int, dim: Any) -> str:
        """The name of an axis; raises :class:`Unknown` for the batch."""
        axes = self.axes[number]
        if not isinstance(dim, int):
            raise Unknown("an axis that varies")
        at = dim + len(axes) + 1 if dim < 0 else dim
        if not 0 < at <= len(axes):
            raise Unknown("the batch's axis")
        return axes[at - 1]

    def later(self, number: int, make: Callable[[], Any]) -> None:
        """Make the layer of a value when something reads it, and none where nothing does."""
        self.axes.setdefault(number, AXES.get(len(self.shape(number)) - 1, ()))
        self.kept[number] = make

    # -- layers --------------------------------------------------------------------------------------------------------

    def fresh(self, axes: tuple[str, ...]) -> int:
        """A value that no call of the trace gave."""
        self._next += 1
        self.axes[self._next] = axes
        return self._next

    def add(
        self, call: Call, op: str, arguments: dict[str, Any], reads: Sequence[int], gives: int, path: str = "",
        refers: dict[str, int] | None = None, axes: tuple[str, ...] | None = None,
    ) -> Layer:  # fmt: skip
        """A layer; of its arguments those that differ from the op's own defaults."""
        frame = self._frame(call.frame, path)
        layer = Layer(
            op,
            told(op, arguments),
            list(reads),
            gives,
            frame,
            path,
            refers or {},
            training=call.training,
            place=call.place,
        )
        if path and ops.find(op).weights is not ops.Op.weights:
            layer.again = self._owners.setdefault(path, layer)
            layer.again = None if layer.again is layer else layer.again
        if axes is None:
            axes = self.axes[reads[0]] if reads else ()
        self.axes[gives] = axes
        self.layers.append(layer)
        return layer

    @staticmethod
    def _frame(frame: Frame, path: str) -> Frame:
        """Where a layer stands: a module that uses its own weights is a layer itself, and none around it."""
        while path and frame.path == path and frame.parent is not None:
            frame = frame.parent
        return frame

    def _module(self, call: Call) -> None:
        read = [*call.arguments, *call.keywords.values()]
        op, arguments = table.read(call.module, self.rank(read[0]))
        if len(read) > 1 and any(isinstance(one, Value) for one in read[1:]):
            raise Unknown("several inputs")
        source, arguments = self.unpadded(op, arguments, read[0])
        result = call.results
        if not isinstance(result, Value):
            raise Unknown("several outputs")
        axes = self.axes[source]
        if op == "identity":
            self.same(result, read[0])
            return
        if op == "flatten":
            axes = ("channels",)
        elif axes and axes[0] != "channels" and op not in POINTWISE:
            raise Unknown("channels that are not first")
        self.add(call, op, arguments, [source], result.number, call.path, axes=axes)


def told(op: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Of an op's arguments those that differ from its own defaults."""
    fields = ops.find(op).model_fields
    found: dict[str, Any] = {}
    for name, value in arguments.items():
        default = fields[name].get_default()
        if fields[name].is_required() or value != default or isinstance(value, bool) is not isinstance(default, bool):
            found[name] = value
    return found


def parameter(lowering: Lowering, call: Call, weight: Weight) -> int:
    """A parameter as a value; raises :class:`Unknown` for a buffer."""
    if weight.path in lowering.buffers:
        raise Unknown("a buffer that is no layer's")
    axes = AXES.get(len(weight.shape))
    if axes is None:
        raise Unknown(f"a parameter of {len(weight.shape)} axes")
    if weight.path in lowering.parameters:
        return lowering.parameters[weight.path]
    value = lowering.parameters[weight.path] = lowering.fresh(axes)
    lowering.add(call, "parameter", {"shape": weight.shape}, [], value, weight.path, axes=axes)
    return value


POINTWISE = frozenset(
    ("relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "sigmoid", "tanh", "hardswish",
     "hardsigmoid", "softplus", "dropout", "identity", "stochastic_depth", "linear")
)  # fmt: skip
"""Ops that do not ask which axis holds the channels, or have them last."""
