"""Emitted source is no longer than torchvision's own for the same network."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

import pytest

from tests.helpers.places import ROOT

BENCHMARK = ROOT / "benchmarks" / "source_length.py"


@pytest.fixture(scope="module")
def benchmark_file() -> ModuleType:
    """``benchmarks/source_length.py``, which is no part of the package."""
    described = importlib.util.spec_from_file_location("source_length", BENCHMARK)
    assert described is not None
    assert described.loader is not None
    module = importlib.util.module_from_spec(described)
    sys.modules["source_length"] = module
    described.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["squeezenet1_0", "googlenet", "densenet121", "resnet18", "resnet34", "resnet50"])
@pytest.mark.usefixtures("torchvision")
def test_no_longer_than_torchvisions(name: str, benchmark_file: ModuleType) -> None:
    """In lines and in tokens, even when only methods that ran count on the other side."""
    found = benchmark_file.lengths(name)
    assert 0 < found.ours.lines <= found.ran.lines <= found.theirs.lines
    assert 0 < found.ours.tokens <= found.ran.tokens <= found.theirs.tokens


def test_lines_hold_code(benchmark_file: ModuleType) -> None:
    """Imports, docstrings, comments and blank lines do not count; text that is a value does."""
    text = '''"""Doc.

Two paragraphs.
"""

import os  # with a comment


# a comment
class Net:
    """Doc."""

    text = """one
    two"""

    def f(self) -> int:
        """Doc."""
        return max(
            1,
            2,
        )
'''
    assert benchmark_file.length(text).lines == 8
    assert benchmark_file.length("x = 1\n").tokens == 3
