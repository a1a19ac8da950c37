"""Activation checkpointing of blocks."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from archspec.rewrites.engine.base import Rewrite, Steps
from archspec.rewrites.engine.draft import Draft
from archspec.rewrites.engine.errors import RewriteError
from archspec.rewrites.engine.nodes import DraftScope


class Checkpoint(Rewrite):
    """Compute the values inside blocks again in training, and keep only what goes into them.

    ``{checkpoint: {block: dense_layer}}``: in training these blocks take less memory, and run their forward twice
    (https://arxiv.org/abs/1604.06174).  Outputs, gradients and running statistics are the same bit for bit.  It is what
    `checkpoint: true` on a step does; of a checkpointed block within another only the outer one counts.
    """

    keyword: ClassVar[str] = "checkpoint"
    main: ClassVar[str | None] = "step"

    step: Steps | None = Field(None, description="path or label of the block or sequence, or a list of them")
    block: str | None = Field(None, description="the name of a block, every use of which is checkpointed")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if (self.step is None) == (self.block is None):
            raise ValueError("needs one of `step` and `block`")
        return self

    def apply(self, draft: Draft) -> None:
        """Mark each use; raises RewriteError for a step that is no module with steps inside."""
        scopes: list[DraftScope] = list(draft.uses(self.block)) if self.block is not None else []
        for name in self.step or ():
            scope = draft.scope(name)
            if scope is None:
                node = draft.find(name)
                raise RewriteError(f"`{node.path}` is a step with no values inside", node)
            scopes.append(scope)
        for scope in scopes:
            if scope.old.kind not in ("block", "sequence"):
                raise RewriteError(f"`{scope.path}` is no module, so it cannot be computed again", scope.output)
            scope.checkpoint = True
