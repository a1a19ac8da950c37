"""The docstring of a class, from the description of its block."""

from __future__ import annotations

import re
from typing import Any

from archspec.families import algebra
from archspec.families.templates import Template

_QUOTED = re.compile(r"`([A-Za-z_]\w*)(: *[^`]*)?`")
_COUNTED = re.compile(r" [a-z]+s\b")
"""A plural after a name, which shows that the name is a count."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


def described(doc: str, template: Template) -> str:
    """A block's description without the parameters that its class does not have.

    A parameter with the same value in all uses is not an argument of the class.  In the first sentence a count is
    replaced by its value; other sentences that mention the parameter are left out.
    """
    first, *others = _SENTENCE.split(" ".join(doc.split()))
    known = {parameter.wanted for parameter in template.parameters} | template.locals.keys()
    block = template.uses[0].block
    lost = set(block.model.params) - known if block is not None else set[str]()
    kept = [text for text in others if lost.isdisjoint(match[1] for match in _QUOTED.finditer(text))]

    def said(match: re.Match[str]) -> str:
        name = match[1]
        if name in known or match[2]:
            return match[0]
        value = _value(template, name) if _COUNTED.match(match.string, match.end()) else None
        return str(value) if type(value) is int else name

    return " ".join([_QUOTED.sub(said, first), *kept])


def _value(template: Template, name: str) -> Any:
    """The value of a name in all uses; None where they differ."""
    values = [algebra.plain(scope.owner.values.get(name)) for scope in template.uses]
    return values[0] if all(algebra.same(value, values[0]) for value in values) else None
