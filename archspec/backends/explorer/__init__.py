"""The explorer: one page of HTML for one network, to open and close its blocks in and to look at every step.

``boxes`` says which boxes there are and ``opening`` which stand open; ``steps``, ``tables``, ``memory``, ``limits`` and
``texts`` what is known of them; ``data`` is all of it as plain data, and ``page`` joins it with the scripts and styles
that lie beside it.  The page loads nothing and evaluates the same exact formulas as Python.
"""

from archspec.backends.explorer.data import Link, data
from archspec.backends.explorer.page import live_page, page

__all__ = ["Link", "data", "live_page", "page"]
