"""What the site's pages need that Markdown does not give."""

from __future__ import annotations

import re
from typing import Any

_ROLE = re.compile(r":(?:class|func|mod|meth):(?=<code>)")


def on_page_content(html: str, **_: Any) -> str:
    """Docstrings name classes as Sphinx does, ``:class:`Name```; here only the name is shown."""
    return _ROLE.sub("", html)
