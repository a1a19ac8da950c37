"""The ops: one class in one file each, found by listing this folder.

The front door: ``find("conv")`` returns the class, ``names()`` every keyword.  A file is imported when its op is first
used, so a network imports only the ops it has.
"""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path

from archspec.ops.common.base import (
    Argument,
    Example,
    Function,
    Kind,
    Module,
    Op,
    Product,
    Shape,
    ShapeError,
    Weight,
)

__all__ = [
    "Argument",
    "Example",
    "Function",
    "Kind",
    "Module",
    "Op",
    "Product",
    "Shape",
    "ShapeError",
    "Weight",
    "find",
    "names",
]


@cache
def names() -> frozenset[str]:
    """The keyword of every op."""
    return frozenset(file.stem for file in Path(__file__).parent.glob("[!_]*.py"))


@cache
def find(keyword: str) -> type[Op]:
    """Return the class of an op; raises KeyError if there is none of that name."""
    if keyword not in names():
        raise KeyError(keyword)
    module = importlib.import_module(f"archspec.ops.{keyword}")
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Op) and value.__dict__.get("keyword") == keyword:
            return value
    raise KeyError(keyword)
