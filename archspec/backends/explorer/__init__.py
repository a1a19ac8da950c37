"""The explorer: one HTML page for one network, where blocks open and close and every step can be inspected.

``boxes`` determines the boxes and ``opening`` which are open first; ``steps``, ``tables``, ``memory``, ``limits`` and
``texts`` hold the details; ``data`` collects all of it as plain data, and ``page`` joins it with the scripts and styles
in this folder.  The page loads nothing and evaluates the same exact formulas as Python.
"""

from archspec.backends.explorer.data import Link, data
from archspec.backends.explorer.page import live_page, page

__all__ = ["Link", "data", "live_page", "page"]
