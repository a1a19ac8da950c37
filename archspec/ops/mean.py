"""The mean along axes."""

from __future__ import annotations

from typing import ClassVar

from archspec.ops.common.along import Along


class Mean(Along):
    """The mean along the axes named, which go, or stay with size 1 (`keepdim`); of channels, the map of spatial
    attention (https://arxiv.org/abs/1807.06521).
    """

    keyword: ClassVar[str] = "mean"
