"""From spec and library to a graph: resolve names, evaluate expressions, inline blocks, infer shapes.

The entry point is :func:`elaborate`, on the files that :class:`Loader` has read.
"""

from archspec.elaborate.loader import Loader, Variant
from archspec.elaborate.network import elaborate
from archspec.elaborate.shipped import library_folder, specs_folder

__all__ = ["Loader", "Variant", "elaborate", "library_folder", "specs_folder"]
