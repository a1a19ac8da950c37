"""Softmax along an axis."""

from __future__ import annotations

from typing import ClassVar

from archspec.ops.common.pointwise import Normalised


class Softmax(Normalised):
    """exp(x), divided by its sum along one axis."""

    keyword: ClassVar[str] = "softmax"
    target: ClassVar[str] = "nn.Softmax"
    expression: ClassVar[str] = "F.softmax"
    name: ClassVar[str] = "softmax"
