"""archspec: neural networks in YAML, checked, drawn and compiled to PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archspec.analyses.report import Report
    from archspec.convolution.matrix import conv_matrix
    from archspec.diagnostics import Diagnostic, SpecError
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


def __getattr__(name: str) -> Any:
    """Import the compiler when one of its names is first used: a command imports only the parts that it needs.

    All names are bound at once, since one of them, ``source``, is also the name of a folder, which Python binds when
    it imports the folder.
    """
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from archspec import notebooks, pipeline
    from archspec.convolution.matrix import conv_matrix

    notebooks.show()
    known = {**vars(pipeline), "conv_matrix": conv_matrix}
    globals().update((each, known[each]) for each in __all__)
    return known[name]


def __dir__() -> list[str]:
    return __all__
