"""The sum along axes."""

from __future__ import annotations

from typing import ClassVar

from archspec.ops.common.along import Along


class Sum(Along):
    """The sum along the axes named, which go, or stay with size 1 (`keepdim`); of groups of channels, what split
    attention pools (https://arxiv.org/abs/2004.08955).
    """

    keyword: ClassVar[str] = "sum"
