"""archspec: neural networks in YAML, checked, drawn and compiled to PyTorch."""

from archspec.analyses.report import Report
from archspec.convolution.matrix import conv_matrix
from archspec.diagnostics import Diagnostic, SpecError
from archspec.notebooks import show
from archspec.pipeline import (
    Bounds,
    Spec,
    check,
    compare,
    compile,
    expand,
    fit,
    from_file,
    from_files,
    from_torch,
    load,
    loads,
    loss,
    page,
    render,
    rewrite,
    source,
)

show()

__all__ = [
    "Bounds",
    "Diagnostic",
    "Report",
    "Spec",
    "SpecError",
    "check",
    "compare",
    "compile",
    "conv_matrix",
    "expand",
    "fit",
    "from_file",
    "from_files",
    "from_torch",
    "load",
    "loads",
    "loss",
    "page",
    "render",
    "rewrite",
    "source",
]
