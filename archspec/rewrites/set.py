"""Change of arguments."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import ConfigDict, Field

from archspec.rewrites.engine.base import Rewrite, Steps
from archspec.rewrites.engine.draft import Draft
from archspec.rewrites.engine.errors import RewriteError


class Set(Rewrite):
    """Change arguments of a step, or of several: ``{set: {step: features.0, padding: 100}}``, as FCN pads VGG.

    Every key other than ``step`` is an argument of the step's op.  Weights that keep their shapes stay, others are
    initialised anew.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    keyword: ClassVar[str] = "set"

    step: Steps = Field(description="path or label of the step, or a list of them")

    def apply(self, draft: Draft) -> None:
        """Change the arguments; raises RewriteError if there is no such step, or its op does not take them."""
        arguments: dict[str, Any] = self.model_extra or {}
        if not arguments:
            raise RewriteError("no argument is given", hint="write `{set: {step: conv1, padding: 100}}`")
        for name in self.step:
            scope = draft.scope(name)
            if scope is not None:
                raise RewriteError(f"`{name}` is a {scope.old.kind} of several steps", hint="name one step in it")
            node = draft.find(name)
            if node.op is None:
                raise RewriteError(f"`{name}` is an input, which has no arguments", node)
            draft.change(node, **arguments)
