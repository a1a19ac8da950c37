"""`archspec watch`: the page of a spec on this machine, made anew whenever the file is saved.

``watched`` keeps the page and what is wrong with the spec, ``server`` shows them to the browser that knows the address.
"""

from archspec.watching.server import application, serve
from archspec.watching.watched import Watched

__all__ = ["Watched", "application", "serve"]
