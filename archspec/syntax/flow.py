"""Plain data as YAML text again, in flow style."""

from __future__ import annotations

import json
import re
from typing import Any

from archspec.syntax.scalars import resolve

_PLAIN = re.compile(r"[A-Za-z_][\w.]*")


class Bare(str):
    """Text written without quotes wherever flow style allows it, such as an expression."""

    __slots__ = ()


def flow(value: Any) -> str:
    """Plain data on one line; text is quoted where YAML would read it as something else."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    if isinstance(value, Bare) and not set(value) & set(",[]{}"):
        return str(value)
    if isinstance(value, str) and _PLAIN.fullmatch(value) and resolve(value) == value:
        return value
    return json.dumps(value)
