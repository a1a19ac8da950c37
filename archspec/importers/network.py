"""A network as an importer hands it on: layers in the order they run, the module each stands in, what each reads.

Values are numbers: first the inputs', then one for what each layer gives.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, eq=False)
class Frame:
    """One call of a module that is more than a layer: where it stands and what class it is of."""

    path: str
    """Its path from the root; empty for the root itself."""
    kind: str
    """The name of its class."""
    parent: Frame | None = None
    chain: bool = False
    """Whether it only calls what it holds, one after the other, as ``nn.Sequential`` does."""
    doc: str = ""
    """The first line of what its class says of itself."""


@dataclass(slots=True, eq=False)
class Layer:
    """One application of an op."""

    op: str
    arguments: dict[str, Any]
    reads: list[int]
    gives: int
    frame: Frame
    """The module call it stands in."""
    path: str = ""
    """Its module's path from the root; empty where it is no module."""
    refers: dict[str, int] = field(default_factory=dict)
    """Arguments that name another layer, with the value it gives."""
    again: Layer | None = None
    """The layer whose weights it applies again."""
    training: bool = False
    """Whether only training runs it."""
    aside: bool = False
    """Whether nothing reads it, and it stands for its weights alone."""
    place: str = ""
    """The line of its framework's source."""
    named: bool = False
    """Whether its path is a name to keep, though nothing is kept under it."""


@dataclass(slots=True, eq=False)
class Output:
    """One output."""

    name: str
    value: int
    training: bool = False


@dataclass(slots=True, eq=False)
class Network:
    """A network that was brought along."""

    name: str
    inputs: list[tuple[str, tuple[int | str, ...]]]
    """Name and shape of each, sizes as numbers or symbols; value ``i`` is the ``i``-th."""
    sizes: dict[str, int]
    layers: list[Layer]
    outputs: list[Output]
    doc: str = ""
    task: str = ""
    """What it is trained for, where its outputs alone would not say."""
