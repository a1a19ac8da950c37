"""A loaded spec: what every later stage is handed."""

from __future__ import annotations

from archspec.diagnostics import Diagnostic
from archspec.elaborate import Variant
from archspec.graph import Graph
from archspec.records import record
from archspec.sizes import symbols


@record
class Spec:
    """A loaded spec: the resolved graph, and what was said on the way."""

    variant: Variant
    graph: Graph
    diagnostics: tuple[Diagnostic, ...]
    """Warnings and notes; a spec with errors is never made."""
    misfits: tuple[Diagnostic, ...] = ()
    """Why its own sizes do not fit; only a spec opened to be looked at at other sizes has any."""
    pristine: bool = True
    """Whether it stands as its file says, so that ``expect`` applies: no parameter or size was given from outside."""

    def __repr__(self) -> str:
        steps = sum(node.op is not None for node in self.graph.nodes)
        return f"<Spec {self.name}: {self.variant.shown}, {steps:,} steps>"

    def to_yaml(self) -> str:
        """The file it was loaded from, as it stands; ``archspec.expand`` writes what parameters and rewrites made."""
        return "\n".join(self.variant.definition.file.node.span.source.lines)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols of its inputs' sizes, in the order in which the inputs have them."""
        shapes = [self.graph.nodes[index].shape for index in self.graph.inputs.values()]
        return tuple(dict.fromkeys(name for shape in shapes for dim in shape.spatial for name in symbols(dim)))

    @property
    def name(self) -> str:
        """Name of the network."""
        return self.graph.name
