"""Assembles a network layer by layer, in a file's order: shapes are inferred on the way, at the file's own size.

An error of an op becomes a diagnostic at the layer's place in the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from archspec import ops
from archspec.diagnostics import Fault, Span, printable
from archspec.importers.network import Frame, Layer, Network, Output
from archspec.importers.tensors import Filled
from archspec.ops import Shape, ShapeError
from archspec.records import record

PER_AXIS = ("kernel", "stride", "padding", "dilation", "offset")
"""Arguments that are one number for all axes or one for each."""
SYMBOLS = {1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}


class Assembly:
    """The layers so far, and the shape of each value."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.root = Frame("", name)
        self.layers: list[Layer] = []
        self.shapes: list[Shape] = []
        self.weights: dict[str, tuple[int, ...]] = {}
        self.pinned = False
        """Whether the network is valid at its own sizes only."""
        self._inputs: list[tuple[str, tuple[int, ...]]] = []

    def input(self, name: str, dims: Sequence[int], span: Span | None = None) -> int:
        """Add an input with channels and sizes; inputs come before all layers."""
        assert not self.layers
        try:
            self.shapes.append(Shape.of(*dims))
        except ShapeError as error:
            raise Fault("bad-input", f"input `{printable(name, 60)}`: {error}", span) from None
        self._inputs.append((name, tuple(dims)))
        return len(self.shapes) - 1

    def add(
        self,
        op: str,
        reads: Sequence[int],
        arguments: Mapping[str, Any] | None = None,
        *,
        path: Sequence[str] = (),
        frame: Frame | None = None,
        span: Span | None = None,
        refers: Mapping[str, int] | None = None,
        named: bool = False,
        again: Layer | None = None,
    ) -> int:
        """Add a layer; returns the number of its value.  Raises :class:`Fault` if the op refuses.

        ``again`` is the layer whose weights it shares.
        """
        if op not in ops.names():
            raise Fault("not-importable", f"the language has no op `{op}`", span)
        kind, references = ops.find(op), dict(refers or {})
        given = {name: _plain(name, value) for name, value in (arguments or {}).items()}
        inputs = [self.shapes[value] for value in (*reads, *references.values())]
        try:
            made = kind.model_validate(given | dict.fromkeys(references, "previous"))
            shape = made.infer(inputs)
            weights = made.weights(inputs)
        except ValidationError as failure:
            error = failure.errors(include_url=False)[0]
            said = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ")
            raise Fault("wrong-value", f"`{'.'.join(map(str, error['loc']))}`: {printable(said)}", span) from None
        except ShapeError as error:
            raise Fault("shape-mismatch", f"`{op}`: {printable(str(error), 400)}", span) from None
        if any(isinstance(dim, int) and dim < 1 for dim in shape.dims):
            raise Fault("shape-mismatch", f"`{op}` has an empty output for {_times(inputs[0])}", span)
        kept = {name: value for name, value in given.items() if not _usual(kind, name, value)}
        at = ".".join(path) if again is None else again.path
        number = len(self.shapes)
        self.shapes.append(shape)
        where = frame or self.root
        self.layers.append(Layer(op, kept, list(reads), number, where, at, references, again, named=named))
        for weight in weights if again is None else ():
            self.weights[f"{at}.{weight.name}" if weight.name else at] = tuple(weight.shape)
        return number

    def mark(self) -> tuple[int, int, int]:
        """How much there is, for :meth:`back`."""
        return len(self.layers), len(self.shapes), len(self.weights)

    def back(self, mark: tuple[int, int, int]) -> None:
        """Take back every layer added since a mark: the file's layer that they belong to is refused."""
        layers, shapes, weights = mark
        del self.layers[layers:], self.shapes[shapes:]
        while len(self.weights) > weights:
            self.weights.popitem()

    def channels(self, value: int) -> int:
        """The number of channels of a value."""
        return self.shapes[value].channels

    def network(self, outputs: Sequence[tuple[str, int]], doc: str = "", task: str = "") -> Network:
        """The whole network, with the first input's sizes as symbols."""
        sizes: dict[str, int] = {}
        inputs: list[tuple[str, tuple[int | str, ...]]] = []
        for name, (channels, *spatial) in self._inputs:
            symbols = () if self.pinned else SYMBOLS.get(len(spatial), ())
            if not inputs and symbols:
                sizes = dict(zip(symbols, spatial, strict=True))
            same = bool(symbols) and [sizes.get(symbol) for symbol in symbols] == spatial
            inputs.append((name, (channels, *(symbols if same else spatial))))
        found = [Output(name, value) for name, value in outputs]
        return Network(self.name, inputs, sizes, self.layers, found, doc, task)


def _plain(name: str, value: Any) -> Any:
    """One number if all axes have the same."""
    if name in PER_AXIS and isinstance(value, list) and all(type(one) is int and one == value[0] for one in value):
        return value[0]
    return value


def _usual(kind: type[ops.Op], name: str, value: Any) -> bool:
    """Whether an argument equals its default."""
    field = kind.model_fields[name]
    usual = field.get_default() if not field.is_required() else ...
    return type(usual) is type(value) and usual == value


def _times(shape: Shape) -> str:
    return "×".join(map(str, shape.dims))


@record
class Read:
    """A file that was read: the layers, the outputs by name, and a reader for a file of their weights."""

    assembly: Assembly
    outputs: list[tuple[str, int]]
    weights: Callable[[Path], Filled]
