"""The greatest of branches."""

from __future__ import annotations

from typing import ClassVar

from archspec.ops.common.elementwise import Extreme


class Maximum(Extreme):
    """The greatest number of all branches, place by place (https://arxiv.org/abs/1302.4389)."""

    keyword: ClassVar[str] = "maximum"
    circle: ClassVar[str | None] = "max"
