"""Splitting a convolution into several, one after another; shared by the factorising rewrites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archspec.ops import Op
from archspec.ops.common.pointwise import Normalised
from archspec.rewrites.engine.draft import Draft
from archspec.rewrites.engine.errors import RewriteError
from archspec.rewrites.engine.nodes import DraftNode, DraftScope

Part = Mapping[str, Any]
"""The arguments in which a part differs from the original convolution."""


def split(draft: Draft, conv: DraftNode, parts: Sequence[Part], suffixes: Sequence[str], between: bool) -> None:
    """Put ``parts[:-1]`` before a convolution, and make it the last part.

    If the step has a name, the new ones get the name with ``suffixes``; if it is numbered, they are numbered too, and
    later numbers move up.

    With ``between``, its normalisation and activation also follow the other parts.  A block with only this convolution
    is used once more for each part.  All weights are initialised anew.
    """
    assert conv.op is not None
    if conv.reuse is not None or conv in draft.sharing:
        raise RewriteError(f"`{conv.path}` shares its weights with another step", conv)
    follow = following(conv) if between else []
    block = _alone(conv, follow)
    for part, suffix in zip(parts[:-1], suffixes, strict=True):
        op = type(conv.op).model_validate(_arguments(conv.op) | dict(part))
        if block is not None:
            draft.set(draft.copy_before(block, _named(block.name, suffix)), op)
            continue
        shape = conv.shape
        draft.insert_before(conv, op, _named(conv.name, suffix), shape)
        for node in follow:
            assert node.op is not None
            draft.insert_before(conv, node.op, _named(node.name, suffix), shape)
    draft.change(conv, **parts[-1])
    draft.start_anew(conv)


def following(conv: DraftNode) -> list[DraftNode]:
    """The normalisation and activation after a convolution, if nothing else reads the values in between."""
    found: list[DraftNode] = []
    node = conv
    while len(node.readers) == 1:
        (node,) = node.readers
        if node.op is None or node.scope is not conv.scope or len(node.inputs) != 1 or node.reuse is not None:
            break
        if node.op.kind not in ("normalisation", "activation") or isinstance(node.op, Normalised):
            break
        found.append(node)
        if node.op.kind == "activation":
            break
    return found


def _alone(conv: DraftNode, follow: Sequence[DraftNode]) -> DraftScope | None:
    """The use of a block that has only the convolution with its normalisation and activation."""
    scope = conv.scope
    chain = [conv, *follow]
    if scope.old.kind != "block" or not follow or scope.items != chain or scope.output is not chain[-1]:
        return None
    return scope if len(scope.inputs) == 1 and conv.inputs == scope.inputs else None


def _named(name: str, suffix: str) -> str:
    """``conv1_a`` for ``conv1``; empty for a numbered step, so that the new one is numbered too."""
    return "" if name.isdigit() or not name else f"{name}_{suffix}"


def _arguments(op: Op) -> dict[str, Any]:
    return {name: getattr(op, name) for name in type(op).model_fields}
