"""The settings of the server, under ``archspec`` in the editor's settings or as its initialisation options."""

from __future__ import annotations

from dataclasses import field, replace
from typing import Any, Literal

from archspec.records import record

Sizes = Literal["symbols", "numbers", "off"]
_SIZES: dict[str, Sizes] = {"symbols": "symbols", "numbers": "numbers", "off": "off"}


@record
class Hints:
    """The contents of inlay hints."""

    shape: Sizes = "symbols"
    """The shape of each step: with symbols, at the spec's size, or not at all."""
    field: bool = False
    """The receptive field."""
    cost: bool = False
    """Parameters and multiply-adds."""


@record
class Settings:
    """All settings."""

    hints: Hints = field(default_factory=Hints)
    delay: float = 0.02
    """Seconds without a keystroke before a text is studied, while keystrokes follow quickly."""


def settings(given: Any, before: Settings) -> Settings:
    """The previous settings updated with an editor's; invalid values are ignored."""
    if not isinstance(given, dict):
        return before
    hints = given.get("hints")
    found = before.hints
    if isinstance(hints, dict):
        shape = hints.get("shape")
        found = Hints(
            _SIZES.get(shape, found.shape) if isinstance(shape, str) else found.shape,
            _switch(hints.get("field"), found.field),
            _switch(hints.get("cost"), found.cost),
        )
    delay = given.get("delay")
    if isinstance(delay, int | float) and not isinstance(delay, bool) and 0 <= delay <= 5:
        before = replace(before, delay=float(delay))
    return replace(before, hints=found)


def _switch(given: Any, before: bool) -> bool:
    return given if isinstance(given, bool) else before
