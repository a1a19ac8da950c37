"""The base class of rewrites: options as fields, a derivation in the docstring, and errors with a reason."""

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
    """The option that can be given without its name: ``{remove: dropout1}``."""

    def apply(self, draft: Draft) -> None:
        """Edit a draft of the network.  Raises :class:`RewriteError` if the rewrite cannot be applied."""
        raise NotImplementedError

    def prove(self, before: Graph, after: Graph, places: Mapping[int, int]) -> tuple[str, ...]:
        """Compare the new network with the old one, and return notes; raises RewriteError if the result is not allowed.

        ``places`` maps the old index of each remaining node to its new index.
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
