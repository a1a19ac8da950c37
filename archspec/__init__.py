"""archspec: write a neural network down in YAML; check it, draw it, compile it to PyTorch."""

from archspec.diagnostics import Diagnostic, SpecError
from archspec.pipeline import Spec, compile, load, loads, render, source

__all__ = ["Diagnostic", "Spec", "SpecError", "compile", "load", "loads", "render", "source"]
