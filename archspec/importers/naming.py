"""Turns other tools' layer names into paths of steps: ``inception_3a/3x3_reduce`` is in the scope ``inception_3a``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from archspec.diagnostics import Fault, Source, Span
from archspec.elaborate.places import check_name
from archspec.importers.network import Frame

_RESERVED = {"sequence", "steps", "reuse"}
LONGEST = 60
DEEPEST = 8


def paths(
    names: Sequence[str], words: Sequence[str], follow: Sequence[bool], taken: Sequence[str] = ()
) -> list[tuple[str, ...]]:
    """A path for each name, all distinct, none below another; ``words`` are put before names that begin with a digit.

    A part of a name becomes a scope if the layers that share it are consecutive; otherwise the parts are joined by
    ``_``.  Layers that ``follow``, such as activations, are in the scope of the layer before them, whatever their
    names.  ``taken`` are the names of inputs.
    """
    split = [_parts(name, word) for name, word in zip(names, words, strict=True)]
    scopes, broken = _scopes([parts for parts, behind in zip(split, follow, strict=True) if not behind], taken)
    used: set[tuple[str, ...]] = {(name,) for name in taken} | scopes
    numbers: dict[tuple[str, ...], int] = {}
    found: list[tuple[str, ...]] = []
    for parts, behind in zip(split, follow, strict=True):
        if behind:
            around = found[-1][:-1] if found else ()
            own = parts[len(around) :] if parts[: len(around)] == around else parts
            path = (*around, "_".join(own))
        else:
            depth = next((depth for depth in range(1, len(parts)) if parts[:depth] in broken), len(parts))
            path = (*parts[: depth - 1], "_".join(parts[depth - 1 :]))
        base = path
        while path in used:
            numbers[base] = numbers.get(base, 1) + 1
            path = (*base[:-1], f"{base[-1]}_{numbers[base]}")
        used.add(path)
        found.append(path)
    return found


def _scopes(
    split: Sequence[tuple[str, ...]], taken: Sequence[str]
) -> tuple[set[tuple[str, ...]], set[tuple[str, ...]]]:
    """The prefixes that become scopes, and those that do not."""
    whole = set(split)
    seen: dict[tuple[str, ...], int] = {}
    broken: set[tuple[str, ...]] = set()
    for position, parts in enumerate(split):
        for depth in range(1, len(parts)):
            prefix = parts[:depth]
            if prefix in whole or prefix[0] in taken or seen.get(prefix, position - 1) < position - 1:
                broken.add(prefix)
            seen[prefix] = position
    return seen.keys() - broken, broken


def _parts(name: str, word: str) -> tuple[str, ...]:
    return tuple(legal(part, word) for part in name.split("/")[:DEEPEST] if part) or (word,)


def legal(name: str, word: str) -> str:
    """The name as a valid name of a step."""
    found = re.sub(r"\W+", "_", name[:LONGEST], flags=re.ASCII).strip("_") or word
    if found[0].isdigit():
        found = f"{word}_{found}"
    return f"{found}_" if found in _RESERVED or not _may_be(found) else found


@lru_cache(10_000)
def _may_be(name: str) -> bool:
    try:
        check_name(name, Span(Source("", ()), 1, 1, 1, 1))
    except Fault:
        return False
    return True


class Frames:
    """The modules that paths name, one for each prefix."""

    def __init__(self, root: Frame) -> None:
        self.root = root
        self._found: dict[tuple[str, ...], Frame] = {(): root}

    def of(self, path: tuple[str, ...]) -> Frame:
        """The module that contains a layer's path."""
        prefix = path[:-1]
        if prefix not in self._found:
            around = self.of(prefix)
            kind = re.match(r"[A-Za-z]+", prefix[-1])
            self._found[prefix] = Frame(".".join(prefix), kind[0] if kind else "block", around)
        return self._found[prefix]
