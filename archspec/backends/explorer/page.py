"""The page as text: data, styles and scripts in one file, with a content security policy that forbids loading."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

from archspec.analyses.report import Report
from archspec.backends.diagram import known_depth, known_theme
from archspec.backends.explorer.data import Link, data

FOLDER = Path(__file__).parent / "web"
STYLES = ("theme", "frame", "figure", "panel", "code", "narrow")
SCRIPTS = (
    "numbers",
    "memory",
    "validity",
    "model",
    "text",
    "layout",
    "layered",
    "placing",
    "painting",
    "view",
    "colours",
    "field",
    "code",
    "panel",
    "finding",
    "address",
    "live",
    "keys",
    "choosing",
    "opening",
    "sizing",
    "buttons",
    "main",
)
"""The files of the page's script, in order."""


def page(
    report: Report,
    *,
    depth: int | None = None,
    focus: str | None = None,
    theme: str | None = None,
    links: Sequence[Link] = (),
) -> str:
    """The page of a network: self-contained HTML.

    ``depth`` opens that many levels of blocks at first; ``focus`` selects a block and opens it; without a ``theme`` the
    page follows the reader's system.  Raises :class:`SpecError` for a theme, focus or depth that does not exist.
    """
    chosen = None if theme is None else known_theme(theme)
    known_depth(depth)
    network, texts = data(report, depth, focus, links)
    return _filled(report.graph.name, network, texts, theme=chosen)


def live_page(report: Report | None, version: int) -> str:
    """The page of a watched spec, which listens to its server for changes; None stands for a spec with errors only."""
    network, texts = (None, None) if report is None else data(report)
    return _filled("archspec" if report is None else report.graph.name, network, texts, live=version)


def _filled(title: str, network: object, texts: object, *, theme: str | None = None, live: int | None = None) -> str:
    style = "".join(_read(f"{name}.css") for name in STYLES)
    script = script_text()
    allowed = f"style-src {_hash(style)}; script-src {_hash(script)}"
    allowed += "" if live is None else "; connect-src 'self'"
    filled = {
        "policy": f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'",
        "title": escape(title),
        "theme": f' data-theme="{theme}"' if theme else "",
        "live": "" if live is None else f' data-live="{live}"',
        "style": style,
        "data": embedded(network),
        "texts": embedded(texts),
        "script": script,
    }
    parts = _read("page.html").split("{{")
    return parts[0] + "".join(filled[name] + rest for name, _, rest in (part.partition("}}") for part in parts[1:]))


def script_text() -> str:
    """The page's script: its files in one function, so that it defines no global names."""
    return '"use strict";\n(() => {\n' + "\n".join(_read(f"{name}.js") for name in SCRIPTS) + "\nstart();\n})();\n"


def embedded(value: object) -> str:
    """Data as JSON that is safe inside a script element: no text in it can end the script or begin a tag."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
