"""The least of branches."""

from __future__ import annotations

from typing import ClassVar

from archspec.ops.common.elementwise import Extreme


class Minimum(Extreme):
    """The least number of all branches, place by place (https://arxiv.org/abs/1302.4389)."""

    keyword: ClassVar[str] = "minimum"
    circle: ClassVar[str | None] = "min"
