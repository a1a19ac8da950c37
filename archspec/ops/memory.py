"""What an op keeps in memory: beside its output while it runs, and until its backward step has run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from archspec.ops.base import Product

Numbers: TypeAlias = "tuple[Product, int | None]"
"""How many numbers for one sample, and bytes of each (None: as many as the map's own dtype has)."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What autograd keeps for the backward step: inputs by position, the output, and tensors of its own."""

    inputs: tuple[int, ...] = ()
    output: bool = False
    extra: tuple[Numbers, ...] = ()


NOTHING = Saved()
INPUT = Saved((0,))
OUTPUT = Saved(output=True)
