"""Cutting a network: everything after one step is removed."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from archspec.rewrites.engine.base import Rewrite
from archspec.rewrites.engine.draft import Draft
from archspec.rewrites.engine.errors import RewriteError


class Cut(Rewrite):
    """Make a step's output the network's output, and remove every step that it does not need, auxiliary heads included.

    This turns a classifier into a backbone: ``{cut: {after: pool5}}``.  The weights of the remaining steps do not
    change.
    """

    keyword: ClassVar[str] = "cut"
    main: ClassVar[str | None] = "after"

    after: str = Field(description="path or label of the last step to keep")

    def apply(self, draft: Draft) -> None:
        """Keep what ``after`` needs; raises RewriteError if there is no such step, or nothing would be left."""
        node = draft.find(self.after)
        if node.op is None:
            raise RewriteError(f"`{self.after}` is an input, so no step would be left", node)
        if not node.shape.batched:
            raise RewriteError(f"`{self.after}` is a parameter, which does not depend on the input", node)
        if [one for _, one in draft.outputs] == [node]:
            raise RewriteError(f"the network already ends at `{self.after}`", node)
        draft.keep_only([(draft.last_output(), node)])
        draft.give(draft.root, node)
