"""The colours of a diagram, by what a box is, in a light and a dark theme.

Any two fills stay apart under the common colour-vision deficiencies; the text on each has a contrast of 6.7 or more.
"""

from __future__ import annotations

from typing import Literal

from archspec.records import record

Role = Literal["conv", "block", "pool", "up", "fc", "norm", "other", "io", "merge", "note"]
"""What a box is, as its colour tells."""

Theme = Literal["light", "dark"]

LEGEND: dict[Role, str] = {
    "conv": "convolution",
    "block": "block",
    "pool": "pooling",
    "up": "upsampling",
    "fc": "fully connected",
    "norm": "normalisation, activation",
    "other": "dropout, reshape, crop",
}
"""The words of the legend, in its order; other roles need none."""

SIGNS: dict[str, str] = {"+": "addition", "||": "concatenation", "×": "multiplication"}
"""What the sign in a merge circle stands for."""


@record
class Palette:
    """The colours of one theme; ``boxes`` gives fill and stroke."""

    background: str
    ink: str
    dim: str
    edge: str
    cluster: tuple[str, str]
    differs: str
    """The frame of what two networks have otherwise."""
    boxes: dict[Role, tuple[str, str]]


PALETTES: dict[Theme, Palette] = {
    "light": Palette(
        background="#ffffff",
        ink="#1a1f29",
        dim="#4a5361",
        edge="#3a4150",
        cluster=("#f6f7f9", "#bcc2cc"),
        differs="#c2001d",
        boxes={
            "conv": ("#c9e0fa", "#2f6ea8"),
            "block": ("#9db9ef", "#2b4a94"),
            "pool": ("#f0b49d", "#a8431a"),
            "up": ("#a3e6c4", "#0b7050"),
            "fc": ("#cdb6c9", "#70496b"),
            "norm": ("#f8e2a8", "#8a6d00"),
            "other": ("#eceef1", "#6f7682"),
            "io": ("#ffffff", "#7d8694"),
            "merge": ("#ffffff", "#3a4150"),
            "note": ("#ffffff", "#bcc2cc"),
        },
    ),
    "dark": Palette(
        background="#14171c",
        ink="#f0f2f5",
        dim="#c0c7d1",
        edge="#b4bbc6",
        cluster=("#1c2027", "#3b424d"),
        differs="#ff6b6b",
        boxes={
            "conv": ("#0b4366", "#5aa0dd"),
            "block": ("#474c93", "#a3a9ff"),
            "pool": ("#7d4520", "#f0a070"),
            "up": ("#1f5f48", "#4fd0a5"),
            "fc": ("#6a4a6b", "#d9a8d6"),
            "norm": ("#463500", "#d8b93a"),
            "other": ("#2b2e33", "#8f96a3"),
            "io": ("#14171c", "#8a93a2"),
            "merge": ("#14171c", "#b4bbc6"),
            "note": ("#14171c", "#3b424d"),
        },
    ),
}
