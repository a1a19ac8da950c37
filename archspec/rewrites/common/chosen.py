"""Rewrites of what a call chooses: steps and blocks by name, or every use of a block."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from archspec.rewrites.engine.base import Rewrite, Steps
from archspec.rewrites.engine.draft import Draft
from archspec.rewrites.engine.nodes import DraftNode, DraftScope


class OfChosen(Rewrite):
    """A rewrite of the steps and blocks in ``step``, or of every use of ``block``."""

    main: ClassVar[str | None] = "step"

    step: Steps | None = Field(None, description="path or label of a step or block, or a list of them")
    block: str | None = Field(None, description="the name of a block, for every use of it")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.step is None) == (self.block is None):
            raise ValueError("needs one of `step` and `block`")
        return self

    def chosen(self, draft: Draft) -> list[DraftNode | DraftScope]:
        """What is chosen, each once.  Raises RewriteError for a name that nothing has."""
        if self.block is not None:
            return list(draft.uses(self.block))
        return list(dict.fromkeys(draft.scope(name) or draft.find(name) for name in self.step or ()))
