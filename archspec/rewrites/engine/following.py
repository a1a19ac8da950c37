"""New values for parameters of blocks, after a rewrite has changed steps that take them.

With ``conv: {channels: $channels}`` the block's ``channels`` are those of the convolution.  If every step that takes a
parameter directly, in the block or in blocks used there, has the same new value for it, the parameter gets this value.
So the emitted class is called with its actual channels, and not with the old ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from archspec.rewrites.engine.draft import Draft
from archspec.rewrites.engine.nodes import DraftNode, DraftScope
from archspec.schema import Step
from archspec.syntax import Mapping as YamlMapping
from archspec.syntax import Scalar

_STRAIGHT = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)\Z")

Votes = dict[DraftScope, dict[str, list[Any]]]
"""By scope and name: the new values of the steps that take the name."""


def values(draft: Draft) -> dict[DraftScope, Mapping[str, Any]]:
    """By use of a block: its values, if some have changed."""
    votes: Votes = {}
    for node in draft.nodes():
        _node(node, votes)
    found: dict[DraftScope, Mapping[str, Any]] = {}
    for scope in reversed(list(draft.scopes())):
        cast = votes.get(scope)
        if cast is None or scope.old.block is None or scope.parent is None:
            continue
        new = {name: given[0] for name, given in cast.items() if all(one == given[0] for one in given)}
        changed = {name: value for name, value in new.items() if scope.old.values[name] != value}
        if changed:
            found[scope] = {**scope.old.values, **changed}
        _pass_on(scope.parent, scope.old.step, new, votes)
    return found


def _node(node: DraftNode, votes: Votes) -> None:
    like, owner = node.like, _owner(node.scope)
    if like is None or like.op is None or node.op is None or type(like.op) is not type(node.op):
        return
    for argument, name in _straight(like.step):
        if argument not in type(node.op).model_fields or name not in owner.old.values:
            continue
        if owner.old.values[name] == getattr(like.op, argument):
            votes.setdefault(owner, {}).setdefault(name, []).append(getattr(node.op, argument))


def _pass_on(around: DraftScope, step: Step | None, new: Mapping[str, Any], votes: Votes) -> None:
    """Pass new values on to the surrounding block, for arguments that were taken directly from it."""
    owner = _owner(around)
    for parameter, name in _straight(step):
        if parameter in new and name in owner.old.values:
            votes.setdefault(owner, {}).setdefault(name, []).append(new[parameter])


def _owner(scope: DraftScope) -> DraftScope:
    """The use of a block that a scope is written in."""
    while scope.old.block is None and scope.parent is not None:
        scope = scope.parent
    return scope


def _straight(step: Step | None) -> Iterator[tuple[str, str]]:
    """The arguments of a step that are only a name."""
    if step is None or not isinstance(step.body, YamlMapping):
        return
    for key, value in step.body.entries:
        match = _STRAIGHT.match(value.value) if isinstance(value, Scalar) and isinstance(value.value, str) else None
        if match is not None:
            yield str(key.text), match[1]
