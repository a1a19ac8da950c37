"""What every rewrite is: options as fields, a derivation in its docstring, a guard that says why it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

from archspec.graph import Graph

if TYPE_CHECKING:
    from archspec.rewrites.engine.draft import Draft


class Rewrite(BaseModel):
    """Base of all rewrites.  A subclass lives in the file of its name; its fields are its options."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    keyword: ClassVar[str]
    main: ClassVar[str | None] = None
    """The option that may be given without its name: ``{remove: dropout1}``."""

    def apply(self, draft: Draft) -> None:
        """Edit a draft of the network.  Raises :class:`RewriteError` when it cannot."""
        raise NotImplementedError

    def prove(self, before: Graph, after: Graph, places: Mapping[int, int]) -> tuple[str, ...]:
        """What is worth telling of the finished network beside the old one; raises RewriteError if it may not be.

        ``places`` has the index after for the index before, of each node that is still there.
        """
        return ()


def _listed(value: object) -> object:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not names or not all(isinstance(name, str) and name for name in names):
        raise ValueError("must be the path or label of a step, or a list of them")
    return tuple(names)


_STEPS = {"type": ["string", "array"], "items": {"type": "string"}}
Steps = Annotated[tuple[str, ...], BeforeValidator(_listed), WithJsonSchema(_STEPS)]
"""Steps or blocks by path or label: one, or a list."""
