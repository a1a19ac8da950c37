"""The sum of branches."""

from __future__ import annotations

from typing import ClassVar

from archspec.ops.elementwise import Elementwise


class Add(Elementwise):
    """Branches added number by number, in the order written (https://arxiv.org/abs/1512.03385)."""

    keyword: ClassVar[str] = "add"
    sign: ClassVar[str] = "+"
