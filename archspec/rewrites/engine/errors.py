"""The one way a rewrite fails."""

from __future__ import annotations

from archspec.rewrites.engine.nodes import DraftNode


class RewriteError(Exception):
    """A rewrite cannot apply; ``node`` is where, when it is one place."""

    def __init__(self, message: str, node: DraftNode | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.node = node
        self.hint = hint
