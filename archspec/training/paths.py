"""Paths of steps in a recipe: ``features.0``, ``features.0..6``, and the parameters that lie under them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from archspec.diagnostics import Diagnostic, nearest, printable

_RANGE = re.compile(r"((?:[^.]+\.)*)([0-9]{1,6})(?:\.\.|…)([0-9]{1,6})", re.ASCII)

LONGEST = 10_000
"""A range may name so many steps."""


def spread(paths: Iterable[str]) -> list[str]:
    """The paths with each range, ``features.0..6``, as the steps it names, both ends included."""
    found: list[str] = []
    for path in paths:
        span = _RANGE.fullmatch(path)
        if span is None:
            found.append(path)
            continue
        first, last = int(span[2]), int(span[3])
        found += [f"{span[1]}{index}" for index in range(first, min(last, first + LONGEST) + 1)]
    return found


def matching(name: str, paths: Sequence[str]) -> str | None:
    """The longest of the paths that is the name or a scope around it."""
    return max((path for path in paths if name == path or name.startswith(f"{path}.")), key=len, default=None)


def unknown(key: str, paths: Iterable[str], parameters: Sequence[str]) -> list[Diagnostic]:
    """A diagnostic for each path under which no parameter lies; ``key`` is the recipe's."""
    scopes = {name[:end] for name in parameters for end in _ends(name)}
    found: list[Diagnostic] = []
    for path in paths:
        if not any(part in scopes for part in spread([path])):
            near = nearest(path, scopes)
            hint = f"did you mean `{near}`?" if near else "`archspec check SPEC` lists the steps"
            message = f"`{key}` names `{printable(path, 60)}`, but no step of that path has weights"
            found.append(Diagnostic("bad-setting", message, hint=hint))
    return found


def _ends(name: str) -> list[int]:
    """Where each scope around a parameter ends in its name."""
    return [index for index, character in enumerate(name) if character == "."]
