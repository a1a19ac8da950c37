"""Exact symbolic sizes, and the set of input sizes for which a network is valid.

``terms`` has the sizes, ``writing`` their text, ``windows`` what torch's ops do to them, ``growth`` their slopes and
inverses.
"""

from archspec.sizes.growth import inverse, period, slope
from archspec.sizes.terms import Dim, Evaluation, Size, base, simplest, step, symbol, symbols, total, value
from archspec.sizes.windows import rows_kept, span, transposed_step, window_step
from archspec.sizes.writing import ascii, number, python, text

__all__ = [
    "Dim",
    "Evaluation",
    "Size",
    "ascii",
    "base",
    "inverse",
    "number",
    "period",
    "python",
    "rows_kept",
    "simplest",
    "slope",
    "span",
    "step",
    "symbol",
    "symbols",
    "text",
    "total",
    "transposed_step",
    "value",
    "window_step",
]
