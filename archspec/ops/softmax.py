"""Softmax along an axis."""

from __future__ import annotations

from typing import ClassVar

from archspec.ops.common.base import Drawn
from archspec.ops.common.pointwise import Normalised


class Softmax(Normalised):
    """exp(x), divided by its sum along one axis."""

    keyword: ClassVar[str] = "softmax"
    acts_per_channel: ClassVar[bool] = True
    drawn: ClassVar[Drawn | None] = "box"
    target: ClassVar[str] = "nn.Softmax"
    expression: ClassVar[str] = "F.softmax"
    name: ClassVar[str] = "softmax"
