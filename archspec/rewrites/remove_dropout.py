"""Dropout taken out: what is left of a network once it no longer trains."""

from __future__ import annotations

from typing import ClassVar

from archspec.rewrites.engine.base import Rewrite
from archspec.rewrites.engine.draft import Draft
from archspec.rewrites.engine.errors import RewriteError


class RemoveDropout(Rewrite):
    """Take out every dropout, element-wise, channel-wise and of depth.

    In evaluation dropout is the identity, so the function there is the same bit for bit; in training it is another.
    """

    keyword: ClassVar[str] = "remove_dropout"

    def apply(self, draft: Draft) -> None:
        """Remove each node whose op drops; refuses when there is none."""
        found = [node for node in draft.nodes() if node.op is not None and node.op.kind == "dropout"]
        if not found:
            raise RewriteError("the network has no dropout")
        for node in found:
            draft.remove(node)
