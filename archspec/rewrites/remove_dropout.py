"""Removal of dropout."""

from __future__ import annotations

from typing import ClassVar

from archspec.rewrites.engine.base import Rewrite
from archspec.rewrites.engine.draft import Draft
from archspec.rewrites.engine.errors import RewriteError


class RemoveDropout(Rewrite):
    """Remove every dropout: of elements, of channels, and stochastic depth.

    In evaluation dropout is the identity, so the function is the same bit for bit; in training it differs.
    """

    keyword: ClassVar[str] = "remove_dropout"

    def apply(self, draft: Draft) -> None:
        """Remove each dropout; raises RewriteError if there is none."""
        found = [node for node in draft.nodes() if node.op is not None and node.op.kind == "dropout"]
        if not found:
            raise RewriteError("the network has no dropout")
        for node in found:
            draft.remove(node)
