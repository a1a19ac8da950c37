"""Shared by the rules for Keras's layers."""

from __future__ import annotations

from typing import Any

from archspec.importers.keras.network import Given, Rule

RANKS = {"1D": 1, "2D": 2, "3D": 3}


def collapsed(values: list[Any]) -> Any:
    return values[0] if all(value == values[0] for value in values) else values


def rank_of(given: Given) -> int:
    rank = RANKS[given.kind[-2:]] if given.kind[-2:] in RANKS else RANKS[given.kind[:-9][-2:]]
    if given.rank() != rank:
        raise given.settings.refuse(f"its input has {given.rank()} axes besides the channels, not {rank}")
    return rank


def plain(value: float) -> int | float:
    return int(value) if value == int(value) else value


def passing(rule: Rule) -> Rule:
    """A rule for elementwise layers: a vector that was a flattened map remains marked as one."""

    def passed(given: Given) -> int:
        value = rule(given)
        if given.reads[0] in given.network.flattened:
            given.network.flattened[value] = given.network.flattened[given.reads[0]]
        return value

    return passed
