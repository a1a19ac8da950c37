"""A loaded spec: what every later stage is handed."""

from __future__ import annotations

from archspec.diagnostics import Diagnostic
from archspec.elaborate import Variant
from archspec.graph import Graph
from archspec.records import record


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

    @property
    def name(self) -> str:
        """Name of the network."""
        return self.graph.name
