"""What an editor keeps from one load of a spec to the next."""

from __future__ import annotations

from collections.abc import Mapping

from archspec.analyses.trial import Known
from archspec.diagnostics import printable
from archspec.elaborate.fewest import Fewest
from archspec.elaborate.stamps import Stamps
from archspec.expressions import Work
from archspec.ops import Op
from archspec.schema import SpecFile
from archspec.syntax import Limits, Node, parse

MOST_PARSED = 400
"""Files whose nodes are kept from one load to the next."""
MOST_KEPT = 100_000
"""Ops, and fitting shapes, that are kept from one load to the next."""


class Shelf:
    """What an editor has beside the files on the disk, from one load to the next.

    ``unsaved`` are the texts of files being edited, by path.  What was done for an earlier load is not done again: a
    file is parsed once, with the expressions in it, an op with its arguments is made once, and shapes that it took are
    known to fit.
    """

    def __init__(self) -> None:
        self.unsaved: dict[str, str] = {}
        self.ops: dict[tuple[type[Op], str], Op] = {}
        """Every op that was made, by its class and arguments."""
        self.stamps = Stamps(at_once=True)
        """What uses of blocks made."""
        self.fewest = Fewest()
        """The fewest steps that blocks run."""
        self._parsed: dict[str, tuple[str, Node, list[SpecFile]]] = {}
        self._known = Known()
        self._sizes: dict[str, int] = {}

    def parsed(self, text: str, shown: str, limits: Limits, path: str) -> Node:
        """The text of a file as nodes.  Raises Fault."""
        known = self._parsed.get(path)
        if known is not None and known[0] == text and known[1].span.source.name == printable(shown):
            return known[1]
        node = parse(text, shown, limits, path)
        if len(self._parsed) >= MOST_PARSED:
            self._parsed.clear()
        self._parsed[path] = (text, node, [])
        return node

    def file(self, node: Node, path: str, work: Work) -> SpecFile | None:
        """A file that was parsed here, for a new load: nothing in it is used yet; None if it is not kept."""
        known = self._parsed.get(path)
        if known is None or known[1] is not node or not known[2]:
            return None
        file = known[2][0]
        file.begin(work)
        return file

    def put(self, node: Node, file: SpecFile) -> None:
        """Keep a file of which nothing had to be said."""
        known = self._parsed.get(file.key)
        if known is not None and known[1] is node:
            known[2].append(file)

    def known(self, sizes: Mapping[str, int]) -> Known:
        """What trials at these sizes have found; to be filled by who asks."""
        if dict(sizes) != self._sizes or max(len(self._known.fitting), len(self._known.inferred)) > MOST_KEPT:
            self._sizes, self._known = dict(sizes), Known()  # another trial may still use that of other sizes
        return self._known

    def tidy(self) -> None:
        """Keep no more than may be kept; called between two loads."""
        if len(self.ops) > MOST_KEPT:
            self.ops.clear()
        if self.fewest.size > MOST_KEPT:
            self.fewest = Fewest()
        self.stamps.tidy()
