"""Spec and library to graph: resolve names, evaluate, inline blocks, infer shapes on the way.

The front door: :func:`elaborate` over what :class:`Loader` read.
"""

from archspec.elaborate.loader import Loader, Variant, library_folder, specs_folder
from archspec.elaborate.network import elaborate

__all__ = ["Loader", "Variant", "elaborate", "library_folder", "specs_folder"]
