"""Activation checkpointing of blocks."""

from __future__ import annotations

from typing import ClassVar

from archspec.rewrites.common.chosen import OfChosen
from archspec.rewrites.engine.draft import Draft
from archspec.rewrites.engine.errors import RewriteError
from archspec.rewrites.engine.nodes import DraftNode


class Checkpoint(OfChosen):
    """Compute the values inside blocks again in training, and keep only what goes into them.

    ``{checkpoint: {block: dense_layer}}``: in training these blocks take less memory, and run their forward twice
    (https://arxiv.org/abs/1604.06174).  Outputs, gradients and running statistics are the same bit for bit.  It is what
    `checkpoint: true` on a step does; of a checkpointed block within another only the outer one counts.
    """

    keyword: ClassVar[str] = "checkpoint"

    def apply(self, draft: Draft) -> None:
        """Mark each use; raises RewriteError for a step that is not a module with steps inside."""
        for what in self.chosen(draft):
            if isinstance(what, DraftNode):
                raise RewriteError(f"`{what.path}` is a step with no values inside", what)
            if what.old.kind not in ("block", "sequence"):
                raise RewriteError(f"`{what.path}` is not a module, so it cannot be computed again", what.output)
            what.checkpoint = True
