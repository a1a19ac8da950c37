"""A spec that may change under way: its page, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from archspec import pipeline
from archspec.analyses.report import Report
from archspec.backends.explorer import live_page
from archspec.diagnostics import SpecError, render_all
from archspec.elaborate.shipped import specs_folder
from archspec.spec import Spec

LIVE = ' data-live="{}"'
"""How a page says which one it is."""


@dataclass(slots=True)
class Watched:
    """The page of a spec; the last one that could be made stays while the file has errors."""

    load: Callable[[], Spec]
    """Loads the spec as the command line asks; raises :class:`SpecError`."""
    path: Path
    version: int = 0
    """Counts the pages: a browser that shows another one loads this."""
    page: str = ""
    errors: str = ""
    """What is wrong, as a terminal shows it; empty where nothing is."""
    _spec: Spec | None = field(default=None)

    def renew(self) -> bool:
        """Load the spec again; gives whether there is anything new to see."""
        before = self.version, self.errors
        report: Report | None = None
        try:
            spec = self.load()
            report = pipeline.examine(spec)
            self._spec, self.errors = spec, ""
        except SpecError as error:
            self.errors = render_all(error.diagnostics)
        if report is not None or not self.version:
            page = live_page(report, self.version + 1)
            if page != self.page.replace(LIVE.format(self.version), LIVE.format(self.version + 1)):
                self.page, self.version = page, self.version + 1
        return (self.version, self.errors) != before

    @property
    def folders(self) -> list[Path]:
        """The folders whose files matter: the spec's own, and those of the files that it is made of."""
        found = {self.path.resolve().parent}
        nodes = () if self._spec is None else self._spec.graph.nodes
        for name in {node.span.source.name for node in nodes}:
            folder = (self.path.parent / name).resolve().parent
            if folder.is_dir() and folder != specs_folder().parent:
                found.add(folder)
        return sorted(found)
