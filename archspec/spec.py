"""A loaded spec, the input of every later stage."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from archspec.diagnostics import Diagnostic
from archspec.elaborate import Variant
from archspec.graph import Graph
from archspec.records import record
from archspec.sizes import symbols


@record
class Spec:
    """A loaded spec: the resolved graph, and the diagnostics of loading it."""

    variant: Variant
    graph: Graph
    diagnostics: tuple[Diagnostic, ...]
    """Warnings and notes; there is no spec with errors."""
    misfits: tuple[Diagnostic, ...] = ()
    """Why its own sizes do not fit; only a spec that was opened for other sizes has any."""
    pristine: bool = True
    """Whether no parameter or size was given from outside, so that ``expect`` applies."""

    _repr_html_: ClassVar[Callable[..., str]]
    """How a notebook shows it; :mod:`archspec.notebooks` knows."""

    def __repr__(self) -> str:
        steps = sum(node.op is not None for node in self.graph.nodes)
        return f"<Spec {self.name}: {self.variant.shown}, {steps:,} steps>"

    def to_yaml(self) -> str:
        """The text of its file, unchanged; ``archspec.expand`` writes the result of parameters and rewrites."""
        return "\n".join(self.variant.definition.file.node.span.source.lines)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols of the input sizes, in the order of the inputs."""
        shapes = [self.graph.nodes[index].shape for index in self.graph.inputs.values()]
        return tuple(dict.fromkeys(name for shape in shapes for dim in shape.spatial for name in symbols(dim)))

    @property
    def name(self) -> str:
        """Name of the network."""
        return self.graph.name
