"""The trace of a module's calls, without tensors, as ``capture`` records it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from archspec.importers.network import Frame
from archspec.importers.torch_module.layers import Unknown
from archspec.records import record


@record
class Value:
    """A tensor from an input or a call, by its number in the trace."""

    number: int


@record
class Weight:
    """A parameter or buffer of the module, by its path."""

    path: str
    shape: tuple[int, ...]


@record
class Constant:
    """A tensor that no call gave and no module owns."""

    shape: tuple[int, ...]


@record
class Varied:
    """A number that varies with the size: its value at each traced size."""

    at: tuple[Any, ...]


@dataclass(slots=True, eq=False)
class Call:
    """One call of a layer or a function."""

    what: str
    """The name of a function, or of a layer's class."""
    module: Any
    """The layer; None for a function."""
    path: str
    frame: Frame
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    results: Any
    """The results, with tensors as :class:`Value`."""
    place: str
    training: bool = False
    """Whether it runs in training only."""
    asked: int = 0
    """How many times a tensor's size had been read before."""

    @property
    def source(self) -> Any:
        """The first argument; raises :class:`Unknown` without one."""
        if self.arguments:
            return self.arguments[0]
        if "input" not in self.keywords:
            raise Unknown("unsupported arguments")
        return self.keywords["input"]

    @property
    def result(self) -> int:
        """The number of the one result; raises :class:`Unknown` if there are several."""
        if not isinstance(self.results, Value):
            raise Unknown("several outputs")
        return self.results.number


@dataclass(slots=True, eq=False)
class Trace:
    """One run."""

    calls: list[Call] = field(default_factory=list)
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    """The shape of each value."""
    strides: list[tuple[int, ...]] = field(default_factory=list)
    """The strides of each value in memory."""
    inputs: list[int] = field(default_factory=list)
    outputs: list[tuple[str, Any]] = field(default_factory=list)
    """Names and values, as the module returns them."""
    asked: list[int] = field(default_factory=list)
    """The values whose sizes were read, in order."""


def tensors(found: Any) -> Iterator[Value]:
    """The values in an argument or a result."""
    if isinstance(found, Value):
        yield found
    elif isinstance(found, tuple | list):
        for item in found:
            yield from tensors(item)
    elif isinstance(found, dict):
        for item in found.values():
            yield from tensors(item)
