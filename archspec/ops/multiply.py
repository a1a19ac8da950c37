"""The product of branches."""

from __future__ import annotations

from typing import ClassVar

from archspec.ops.elementwise import Elementwise


class Multiply(Elementwise):
    """Branches multiplied number by number, in the order written, as a gate is (https://arxiv.org/abs/1709.01507)."""

    keyword: ClassVar[str] = "multiply"
    sign: ClassVar[str] = "*"
