"""One layer of a Caffe file, as its rule is given it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from archspec.diagnostics import Fault
from archspec.importers.assembly import Assembly
from archspec.importers.caffe.fields import Fields
from archspec.importers.caffe.weights import Filling


@dataclass(slots=True, eq=False)
class Given:
    """One layer of the file, with its inputs."""

    fields: Fields
    name: str
    kind: str
    assembly: Assembly
    reads: list[int]
    tops: int
    path: tuple[str, ...] = ()
    frame: Any = None
    scale: Given | None = None
    """The Scale layer that completes a BatchNorm."""
    fillings: list[Filling] = field(default_factory=list)

    def add(self, op: str, reads: Sequence[int] | None = None, named: bool = True, **arguments: Any) -> int:
        """Add one op in the layer's place."""
        refers = {name: value for name, value in arguments.items() if name == "to"}
        given = {name: value for name, value in arguments.items() if name != "to"}
        return self.assembly.add(
            op, self.reads if reads is None else reads, given,
            path=self.path, frame=self.frame, span=self.fields.place, refers=refers, named=named,
        )  # fmt: skip

    def keep(self, *tensors: str, how: str = "plain", layer: str = "") -> None:
        """Record which tensors the layer's blobs become, in order."""
        self.fillings.append(Filling(layer or self.name, ".".join(self.path), tensors, how))

    def rank(self) -> int:
        """The number of spatial axes of the first input."""
        return self.assembly.shapes[self.reads[0]].rank

    def refuse(self, message: str, key: str | None = None, at: Fields | None = None, hint: str | None = None) -> Fault:
        """The fault for a layer that the language cannot express."""
        span = (at or self.fields).span(key) if key else self.fields.place
        return Fault("not-importable", f"{self.kind}: {message}", span, hint)
