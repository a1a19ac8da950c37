"""Log-softmax along an axis."""

from __future__ import annotations

from typing import ClassVar

from archspec.ops.common.base import Drawn
from archspec.ops.common.pointwise import Normalised


class LogSoftmax(Normalised):
    """The logarithm of softmax along one axis."""

    keyword: ClassVar[str] = "log_softmax"
    acts_per_channel: ClassVar[bool] = True
    drawn: ClassVar[Drawn | None] = "box"
    target: ClassVar[str] = "nn.LogSoftmax"
    expression: ClassVar[str] = "F.log_softmax"
    name: ClassVar[str] = "log softmax"
