"""The output of an importer: layers in the order of execution, each with its module and its inputs.

Values are numbers: first those of the inputs, then one for each layer's output.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, eq=False)
class Frame:
    """One call of a module that is not a single layer: its path and its class."""

    path: str
    """Its path from the root; empty for the root itself."""
    kind: str
    """The name of its class."""
    parent: Frame | None = None
    chain: bool = False
    """Whether it only calls its members in sequence, as ``nn.Sequential`` does."""
    doc: str = ""
    """The first line of its class's docstring."""
    checkpoint: bool = False
    """Whether training computes the values inside again instead of keeping them."""
    inputs: dict[int, str] = field(default_factory=dict)
    """The values given to it, by their names in the module."""


@dataclass(slots=True, eq=False)
class Layer:
    """One application of an op."""

    op: str
    arguments: dict[str, Any]
    reads: list[int]
    gives: int
    frame: Frame
    """The module call that contains it."""
    path: str = ""
    """Its module's path from the root; empty if it is not a module."""
    refers: dict[str, int] = field(default_factory=dict)
    """Arguments that name another layer, with that layer's value."""
    again: Layer | None = None
    """The layer whose weights it shares."""
    training: bool = False
    """Whether it runs in training only."""
    aside: bool = False
    """Whether nothing reads it, and it is kept only for its weights."""
    place: str = ""
    """The line of source that it comes from."""
    named: bool = False
    """Whether its path must be kept as a name, though it has no weights."""


@dataclass(slots=True, eq=False)
class Output:
    """One output."""

    name: str
    value: int
    training: bool = False
    loss_weight: float = 1.0


@dataclass(slots=True, eq=False)
class Network:
    """An imported network."""

    name: str
    inputs: list[tuple[str, tuple[int | str, ...]]]
    """Name and shape of each, sizes as numbers or symbols; value ``i`` is the ``i``-th."""
    sizes: dict[str, int]
    layers: list[Layer]
    outputs: list[Output]
    doc: str = ""
    task: str = ""
    """Its training task, if its outputs alone do not determine it."""
    initial: bool = False
    """Whether it is known how weights begin: by what the layers' arguments say."""
    head: list[str] = field(default_factory=list)
    """Further lines of the spec's head."""
