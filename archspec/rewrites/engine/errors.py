"""The error of rewrites."""

from __future__ import annotations

from archspec.rewrites.engine.nodes import DraftNode


class RewriteError(Exception):
    """A rewrite cannot be applied; ``node`` is the place, if there is a single one."""

    def __init__(self, message: str, node: DraftNode | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.node = node
        self.hint = hint
