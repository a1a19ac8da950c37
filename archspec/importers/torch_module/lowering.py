"""Lowers calls to ops.

A function is looked up by name in the tables of ``functions``, ``arithmetic`` and ``shapes``; each entry adds the
layers for the call.  Calls without a counterpart are collected, so that one run reports all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
"""The default axes of a tensor by their number, without the batch."""

Rule = Callable[["Lowering", Call], None]


class Lowering:
    """The layers made so far, and what is known of each value of the trace."""

    def __init__(
        self,
        trace: Trace,
        shapes: Sequence[Sequence[tuple[int, ...]]],
        rules: Callable[[str], Rule | None],
        buffers: Mapping[str, str] | None = None,
    ) -> None:
        self.trace = trace
        self.shapes = shapes
        """For each traced size, the shape of each value."""
        self.layers: list[Layer] = []
        self.axes: dict[int, tuple[str, ...]] = {}
        self.buffers = buffers or {}
        """The paths of buffers, each with why the language does not have it; empty if it does."""
        self.parts: dict[int, tuple[Any, ...]] = {}
        """By value, how it is a view of another value, and which."""
        self.kept: dict[int, Callable[[], Any]] = {}
        """Values that no layer gives yet, each with the function that makes the layer when the value is read."""
        self.padded: dict[int, Padded] = {}
        """Padded maps whose padding the windows that read them may take over."""
        self.views: dict[int, tuple[Weight, tuple[int, ...]]] = {}
        """Parameters viewed with another shape."""
        self.parameters: dict[str, tuple[int, tuple[int, ...]]] = {}
        """The value and shape of parameters, by their paths."""
        self.heads: dict[Any, int] = {}
        """The value of each view of heads that has steps."""
        self.repeated: dict[int, Value | Weight] = {}
        """Expanded maps and parameters, each with what it was before expansion."""
        self._same: dict[int, int] = {}
        self._named: set[int] = set()
        self._readers: dict[int, list[Call]] = {}
        for call in trace.calls:
            for value in tensors((call.arguments, call.keywords)):
                self._readers.setdefault(value.number, []).append(call)
        self._next = len(trace.shapes)
        self._owners: dict[str, Layer] = {}
        self._rules = rules
        self._faults: dict[tuple[str, str], Diagnostic] = {}
        self.refused: list[Call] = []
        """The calls that have no counterpart."""
        for number in trace.inputs:
            self.axes[number] = AXES.get(len(self.shape(number)) - 1, ())

    def run(self) -> list[Layer]:
        """The layers of all calls; raises :class:`SpecError` with every call that has no counterpart."""
        for call in self.trace.calls:
            try:
                rule = self._rules(call.what)
                if rule is not None:
                    rule(self, call)
                elif call.module is not None:
                    self._module(call)
                else:
                    raise Unknown(f"`{call.what}`")
            except Unknown as error:
                self._fault(call, str(error))
        if self._faults:
            raise SpecError(list(self._faults.values()))
        self._name_inputs()
        return self.layers

    def _name_inputs(self) -> None:
        """Give each frame the names of its inputs by the values that layers read."""
        for layer in self.layers:
            frame: Frame | None = layer.frame
            while frame is not None and id(frame) not in self._named:
                self._named.add(id(frame))
                frame.inputs = {self._origin(number): name for number, name in frame.inputs.items()}
                frame = frame.parent

    def _origin(self, number: int) -> int:
        while number in self._same:
            number = self._same[number]
        return number

    def _fault(self, call: Call, words: str) -> None:
        self.refused.append(call)
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
        """The number of a tensor that a layer gives; makes the layer if needed; raises :class:`Unknown` otherwise."""
        if not isinstance(value, Value):
            raise Unknown(
                "a tensor that no step makes" if isinstance(value, Weight | Constant) else "unsupported arguments"
            )
        number = value.number
        while number in self._same or number in self.kept:
            if number in self.kept:
                self.kept.pop(number)()
            number = self._same.get(number, number)
        if not self.axes[number] and len(self.shape(value.number)) > 1:
            raise Unknown(f"a tensor of {len(self.shape(value.number))} axes")
        return number

    def unpadded(self, op: str, arguments: dict[str, Any], value: Any) -> tuple[int, dict[str, Any]]:
        """The input of a windowed op, and its arguments, with ``padding: same`` in place of an equal pad before it."""
        padded = self.padded.get(value.number) if isinstance(value, Value) else None
        if padded is not None and value.number in self.kept and padded.is_same(op, arguments):
            return padded.source, arguments | {"padding": "same"}
        return self.number(value), arguments

    def value(self, argument: Any) -> int:
        """The number of a tensor, without making a layer for it; raises :class:`Unknown` for anything else."""
        if not isinstance(argument, Value):
            raise Unknown("a tensor that no step makes")
        number = argument.number
        while self._same.get(number, len(self.trace.shapes)) < len(self.trace.shapes):
            number = self._same[number]
        return number

    def asked(self, call: Call) -> Iterator[int]:
        """The values whose size was read before a call, the latest first; then all earlier values, the latest first."""
        for number in dict.fromkeys(reversed(self.trace.asked[: call.asked])):
            yield self._same.get(number, number)
        yield from range(call.result - 1, -1, -1)

    def readers(self, number: int) -> Sequence[Call]:
        """The calls that read a value."""
        return self._readers.get(number, ())

    def shape(self, number: int) -> tuple[int, ...]:
        """The shape of a value at the first sizes; raises :class:`Unknown` for one that no call gave."""
        if number >= len(self.shapes[0]):
            raise Unknown("a part of a part")
        return self.shapes[0][number]

    def rank(self, value: Any) -> int:
        """The number of spatial axes of a tensor."""
        return max(len(self.shape(self.value(value))) - 2, 0)

    def same(self, result: Any, source: Any) -> None:
        """Note that a result is the same value as its source, for which no layer is made now."""
        if not isinstance(source, Value):
            raise Unknown("a tensor that no step makes")
        self._same[result.number] = source.number

    def axis(self, number: int, dim: Any) -> str:
        """The name of an axis; raises :class:`Unknown` for the batch."""
        axes = self.axes[number]
        if not isinstance(dim, int):
            raise Unknown("an axis that varies")
        at = dim + len(axes) + 1 if dim < 0 else dim
        if not 0 < at <= len(axes):
            raise Unknown("the batch axis")
        return axes[at - 1]

    def later(self, number: int, make: Callable[[], Any]) -> None:
        """Make the layer of a value only when something reads it."""
        self.axes.setdefault(number, AXES.get(len(self.shape(number)) - 1, ()))
        self.kept[number] = make

    # -- layers --------------------------------------------------------------------------------------------------------

    def fresh(self, axes: tuple[str, ...]) -> int:
        """A new value that is not in the trace."""
        self._next += 1
        self.axes[self._next] = axes
        return self._next

    def add(
        self, call: Call, op: str, arguments: dict[str, Any], reads: Sequence[int], gives: int, path: str = "",
        refers: dict[str, int] | None = None, axes: tuple[str, ...] | None = None,
    ) -> Layer:  # fmt: skip
        """Add a layer, with those arguments that differ from the op's defaults."""
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
        """The frame of a layer: a module that applies its own weights is the layer itself, not an enclosing module."""
        while path and frame.path == path and frame.parent is not None:
            frame = frame.parent
        return frame

    def _module(self, call: Call) -> None:
        read = [*call.arguments, *call.keywords.values()]
        op, arguments = table.read(call.module, self.rank(read[0]))
        if len(read) > 1 and any(isinstance(one, Value) for one in read[1:]):
            raise Unknown("several inputs")
        result = call.results
        if not isinstance(result, Value):
            raise Unknown("several outputs")
        if op == "identity":
            self.same(result, read[0])
            return
        source, arguments = self.unpadded(op, arguments, read[0])
        axes = self.axes[source]
        if op == "flatten":
            axes = ("channels",)
        elif axes and axes[0] != "channels" and op not in POINTWISE:
            raise Unknown("channels that are not first")
        self.add(call, op, arguments, [source], result.number, call.path, axes=axes)


def told(op: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments of an op that differ from its defaults."""
    fields = ops.find(op).model_fields
    found: dict[str, Any] = {}
    for name, value in arguments.items():
        default = fields[name].get_default()
        if fields[name].is_required() or value != default or isinstance(value, bool) is not isinstance(default, bool):
            found[name] = value
    return found


POINTWISE = frozenset(
    ("relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "sigmoid", "tanh", "hardswish",
     "hardsigmoid", "softplus", "dropout", "identity", "stochastic_depth", "linear")
)  # fmt: skip
"""Ops that work whichever axis holds the channels, or have them last."""
