"""archspec: neural networks in YAML, checked, drawn and compiled to PyTorch."""

# ruff: noqa: F403, F405 (a type checker reads the star, and __all__ is the one list of names)

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archspec.pipeline import *

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


if not TYPE_CHECKING:  # a type checker refuses a name that is not in the list

    def __getattr__(name: str) -> Any:
        """Import the compiler when one of its names is first used: a command imports only the parts that it needs."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from archspec import notebooks, pipeline

        notebooks.show()
        globals().update((each, getattr(pipeline, each)) for each in __all__)
        return globals()[name]


def __dir__() -> list[str]:
    return __all__
