"""Exact symbolic sizes, and the set of input sizes for which a network is valid.

``terms`` defines sizes, ``evaluation`` gives them as numbers, ``writing`` as text; ``windows`` has the effect of
torch's ops on them, ``growth`` their slopes and inverses.  ``conditions`` has the conditions on sizes, ``decide`` finds
where one condition holds, ``solve`` where all hold.  ``sets`` has the resulting sets (``intervals`` their arithmetic,
``wording`` their text).
"""

from archspec.sizes.conditions import (
    AtLeast,
    AtMost,
    Condition,
    Equal,
    Failure,
    Residue,
    Several,
    complaint,
    every_row_used,
    fails,
    failure,
    names,
    sides,
    statement,
)
from archspec.sizes.evaluation import Evaluation, value
from archspec.sizes.growth import inverse, lowest, period, slope
from archspec.sizes.sets import ValidSet
from archspec.sizes.solve import Imposed, Solution, solve
from archspec.sizes.terms import (
    Dim,
    Product,
    Size,
    Step,
    Symbol,
    Total,
    base,
    joined,
    product,
    simplest,
    step,
    symbol,
    symbols,
    total,
)
from archspec.sizes.windows import rows_kept, span, transposed_step, window_step
from archspec.sizes.writing import ascii, factor, number, python, text

__all__ = [
    "AtLeast",
    "AtMost",
    "Condition",
    "Dim",
    "Equal",
    "Evaluation",
    "Failure",
    "Imposed",
    "Residue",
    "Several",
    "Size",
    "Solution",
    "Step",
    "Symbol",
    "Total",
    "Product",
    "ValidSet",
    "ascii",
    "base",
    "complaint",
    "every_row_used",
    "fails",
    "failure",
    "inverse",
    "joined",
    "lowest",
    "names",
    "number",
    "period",
    "product",
    "python",
    "rows_kept",
    "sides",
    "simplest",
    "slope",
    "solve",
    "span",
    "statement",
    "step",
    "symbol",
    "symbols",
    "factor",
    "text",
    "total",
    "transposed_step",
    "value",
    "window_step",
]
