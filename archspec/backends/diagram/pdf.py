"""A picture as pdf, made from its svg with no system library: the extra ``pdf`` (svglib and reportlab)."""

from __future__ import annotations

import io
import logging
import re
import warnings
from functools import cache
from pathlib import Path

from archspec.diagnostics import Diagnostic, SpecError

_FACES = ("Arial.ttf", "arial.ttf", "LiberationSans-Regular.ttf", "Arimo-Regular.ttf", "Arimo[wght].ttf")
_FOLDERS = (
    "/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts", "/Library/Fonts",
    "/System/Library/Fonts/Supplemental", "~/Library/Fonts", "C:/Windows/Fonts",
)  # fmt: skip
_NARROWER = 0.87
"""DejaVu Sans is wider than Arial: its sizes are scaled by this."""


@cache
def _register() -> float:
    """Give reportlab a font called Arial; the factor for its sizes."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFError, TTFont

    for folder in map(Path, _FOLDERS):
        root = folder.expanduser()
        for face in _FACES if root.is_dir() else ():
            for path in sorted(root.rglob(face)):
                try:
                    pdfmetrics.registerFont(TTFont("Arial", str(path)))
                except (TTFError, OSError):
                    continue
                return 1.0
    import matplotlib

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    pdfmetrics.registerFont(TTFont("Arial", str(path)))
    return _NARROWER


def from_svg(svg: bytes) -> bytes:
    """A pdf of one page, the same bytes for the same svg.  Raises :class:`SpecError` without the extra."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from reportlab import rl_config
            from reportlab.graphics import renderPDF
            from svglib.svglib import svg2rlg

            scale = _register()
    except ImportError as missing:
        message = f"a pdf needs `{missing.name}`, which is not installed"
        hint = (
            "`pip install 'archspec-nn[pdf]'`, draw with the system's Graphviz (`--engine dot`), or choose svg or png"
        )
        raise SpecError([Diagnostic("no-pdf", message, None, hint)]) from missing
    text = svg.decode("utf-8")
    text = re.sub(r"<title>.*?</title>", "", text, flags=re.DOTALL)
    text = re.sub(r'font-size="([\d.]+)"', lambda size: f'font-size="{float(size[1]) * scale:.2f}"', text)
    logger = logging.getLogger("svglib.svglib")
    level, before = logger.level, rl_config.invariant
    logger.setLevel(logging.CRITICAL)
    rl_config.invariant = 1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            drawing = svg2rlg(io.BytesIO(text.encode("utf-8")))
            if drawing is None:
                raise SpecError(
                    [Diagnostic("no-pdf", "the picture could not be turned into a pdf", None, "choose svg or png")]
                )
            document = renderPDF.drawToString(drawing)
            return document if isinstance(document, bytes) else document.encode("latin-1")
    finally:
        logger.setLevel(level)
        rl_config.invariant = before
