"""A long file takes work in proportion to its length, in every form it may have."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

from archspec.importers.files import imported


def chain(count: int) -> str:
    """One layer after the other."""
    return "".join(f'layer {{ name: "r{at}" type: "ReLU" bottom: "x{at}" top: "x{at + 1}" }}\n' for at in range(count))


def residual(count: int) -> str:
    """Sums of a layer and its input."""
    return "".join(
        f'layer {{ name: "c{at}" type: "Convolution" bottom: "x{at}" top: "c{at}" '
        f"convolution_param {{ num_output: 2 kernel_size: 1 }} }}\n"
        f'layer {{ name: "e{at}" type: "Eltwise" bottom: "c{at}" bottom: "x{at}" top: "x{at + 1}" }}\n'
        for at in range(count // 2)
    )


def scopes(count: int) -> str:
    """Layers whose names share their beginnings."""
    return "".join(
        f'layer {{ name: "g{at}/c" type: "Convolution" bottom: "x{at}" top: "c{at}" '
        f"convolution_param {{ num_output: {at % 7 + 1} kernel_size: 1 }} }}\n"
        f'layer {{ name: "g{at}/r" type: "ReLU" bottom: "c{at}" top: "x{at + 1}" }}\n'
        for at in range(count // 2)
    )


def nested(count: int) -> str:
    """Sums of the input and everything so far."""
    return 'layer { name: "r" type: "ReLU" bottom: "x0" top: "e0" }\n' + "".join(
        f'layer {{ name: "s{at}" type: "Sigmoid" bottom: "e{at - 1}" top: "s{at}" }}\n'
        f'layer {{ name: "e{at}" type: "Eltwise" bottom: "x0" bottom: "s{at}" top: "e{at}" }}\n'
        for at in range(1, count // 2)
    )


def written(body: str, folder: Path) -> Path:
    path = folder / "net.prototxt"
    path.write_text('input: "x0" input_shape { dim: 1 dim: 2 dim: 3 dim: 3 }\n' + body)
    return path


def calls(path: Path) -> int:
    """How many functions are called to import a file, those of C among them."""
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        imported(path)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("form", [chain, residual, scopes])
def test_twice_the_layers_are_twice_the_work(form: Callable[[int], str], tmp_path: Path) -> None:
    calls(written(form(20), tmp_path))  # what is remembered from run to run
    few, many = (calls(written(form(count), tmp_path)) for count in (200, 400))
    assert many < 2.2 * few


@pytest.mark.slow
@pytest.mark.parametrize("form", [chain, residual, scopes, nested])
def test_a_hundred_thousand_layers(form: Callable[[int], str], tmp_path: Path) -> None:
    assert len(imported(written(form(100_000), tmp_path)).read.assembly.layers) >= 99_000
