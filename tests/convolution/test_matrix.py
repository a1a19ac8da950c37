"""The convolution matrix against torch's own convolutions, forwards and transposed, for any arguments."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch.nn import functional as F

import archspec
from archspec.convolution.matrix import Geometry, transposed_size

CONVOLUTIONS: dict[int, Any] = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED: dict[int, Any] = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


@dataclass(frozen=True)
class Case:
    """Arguments of a convolution that fits its input."""

    size: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    inner: int
    outer: int
    groups: int

    @property
    def weight(self) -> torch.Tensor:
        generator = torch.Generator().manual_seed(0)
        shape = (self.outer * self.groups, self.inner, *self.kernel)
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    def matrix(self, weight: torch.Tensor) -> torch.Tensor:
        return archspec.conv_matrix(
            weight,
            self.size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )

    def convolved(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        sides = [side for pair in reversed(self.padding) for side in pair]
        return CONVOLUTIONS[len(self.size)](
            F.pad(x, sides)[None], weight, stride=self.stride, dilation=self.dilation, groups=self.groups
        )[0]


@st.composite
def cases(draw: st.DrawFn, symmetric: bool = False) -> Case:
    rank = draw(st.integers(1, 3))
    most = {1: 12, 2: 7, 3: 4}[rank]

    def numbers(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(rank))

    before = numbers(0, 3)
    case = Case(
        size=numbers(1, most),
        kernel=numbers(1, 3),
        stride=numbers(1, 3),
        padding=tuple(zip(before, before if symmetric else numbers(0, 3), strict=True)),
        dilation=numbers(1, 3),
        inner=draw(st.integers(1, 3)),
        outer=draw(st.integers(1, 2)),
        groups=draw(st.integers(1, 3)),
    )
    spans = [d * (k - 1) + 1 for k, d in zip(case.kernel, case.dilation, strict=True)]
    assume(all(n + sum(p) >= span for n, p, span in zip(case.size, case.padding, spans, strict=True)))
    return case


@given(cases())
def test_equals_torchs_convolution(case: Case) -> None:
    weight = case.weight
    matrix = case.matrix(weight)
    x = torch.randn(case.inner * case.groups, *case.size, dtype=torch.float64)
    y = case.convolved(x, weight)
    assert matrix.shape == (y.numel(), x.numel())
    torch.testing.assert_close(matrix @ x.flatten(), y.flatten(), rtol=1e-12, atol=1e-12)


@given(cases(symmetric=True))
def test_its_transpose_is_the_transposed_convolution(case: Case) -> None:
    """From the output's shape back to the input's; output padding says which of s input sizes it was."""
    weight = case.weight
    padding = tuple(before for before, _ in case.padding)
    geometry = Geometry.of(case.size, case.kernel, case.stride, case.padding, case.dilation)
    least = [
        (n - 1) * s - 2 * p + d * (k - 1) + 1
        for n, s, p, d, k in zip(geometry.output, case.stride, padding, case.dilation, case.kernel, strict=True)
    ]
    more = tuple(n - low for n, low in zip(case.size, least, strict=True))
    assert all(0 <= rest < s for rest, s in zip(more, case.stride, strict=True))
    assert case.size == transposed_size(geometry.output, case.kernel, case.stride, padding, case.dilation, more)
    y = torch.randn(case.outer * case.groups, *geometry.output, dtype=torch.float64)
    matrix = case.matrix(weight)
    bias = torch.zeros(case.inner * case.groups, dtype=torch.float64)
    # torch wants output padding below the stride or the dilation; both hold here.
    back = TRANSPOSED[len(case.size)](
        y[None], weight, bias, case.stride, padding, more, case.groups, dilation=case.dilation
    )[0]
    assert back.shape[1:] == case.size
    torch.testing.assert_close(matrix.T @ y.flatten(), back.flatten(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation"), list(product((1, 2, 3, 5), (1, 2, 3), (0, 1, 2), (1, 2)))
)
def test_size_law_of_transposed_convolution(kernel: int, stride: int, padding: int, dilation: int) -> None:
    """(n − 1)·s − 2·p + d·(k − 1) + 1 + output padding; each of its s sizes is one that the convolution takes to n."""
    weight = torch.randn(1, 1, kernel)
    for n, more in product(range(1, 8), range(stride)):
        size = (n - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1 + more
        if size < 1:
            with pytest.raises(ValueError, match="has an empty output"):
                transposed_size([n], [kernel], stride, padding, dilation, more)
            continue
        assert transposed_size([n], [kernel], stride, padding, dilation, more) == (size,)
        back = F.conv_transpose1d(torch.randn(1, 1, n), weight, None, stride, padding, more, 1, dilation)
        assert back.shape[2:] == (size,)
        assert Geometry.of([size], [kernel], stride, padding, dilation).output == (n,)


def test_the_lectures_example() -> None:
    """A 4×4 input and a 3×3 kernel: 4 rows of 16, nine weights in each."""
    weight = torch.arange(1.0, 10).reshape(1, 1, 3, 3)
    dense = archspec.conv_matrix(weight, (4, 4)).to_dense()
    first = [1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 0, 0, 0, 0]
    assert dense.tolist() == [[0.0] * shift + first[: 16 - shift] for shift in (0, 1, 4, 5)]


@given(cases())
def test_the_pattern_is_the_matrixs(case: Case) -> None:
    """What pictures are drawn from names the same entries, in the same order."""
    count = prod(case.kernel)
    weight = torch.arange(1, count + 1).reshape(1, 1, *case.kernel).double()
    matrix = archspec.conv_matrix(weight, case.size, stride=case.stride, padding=case.padding, dilation=case.dilation)
    geometry = Geometry.of(case.size, case.kernel, case.stride, case.padding, case.dilation)
    found = [
        (row, column, int(value) - 1)
        for (row, column), value in zip(matrix.indices().T.tolist(), matrix.values(), strict=True)
    ]
    assert found == list(geometry.pattern())


def test_it_is_coalesced_and_gradients_reach_the_weight() -> None:
    weight = torch.randn(4, 3, 3, 3, dtype=torch.float64, requires_grad=True)
    x = torch.randn(6, 5, 5, dtype=torch.float64)
    matrix = archspec.conv_matrix(weight, (5, 5), stride=2, padding=1, groups=2)
    assert matrix.is_coalesced()
    again = torch.sparse_coo_tensor(matrix.indices(), matrix.values(), matrix.shape, check_invariants=True).coalesce()
    assert torch.equal(again.indices(), matrix.indices())
    (matrix @ x.flatten()).square().sum().backward()
    found, weight.grad = weight.grad, None
    F.conv2d(x[None], weight, stride=2, padding=1, groups=2).square().sum().backward()
    torch.testing.assert_close(found, weight.grad, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("shape", "size", "arguments", "words"),
    [
        ((1, 1, 3, 3), (4,), {}, "a weight of 4 axes"),
        ((1, 1), (), {}, "the size has 0 axes"),
        ((1, 1, 1, 1, 1, 1), (1, 1, 1, 1), {}, "the size has 4 axes"),
        ((3, 1, 3), (4,), {"groups": 2}, "do not divide into 2 groups"),
        ((3, 1, 3), (4,), {"groups": 0}, "do not divide into 0 groups"),
        ((1, 1, 3), (2,), {}, "the kernel does not fit: it spans 3 of 2 rows"),
        ((1, 1, 3), (4,), {"dilation": 2}, "spans 5 of 4 rows"),
        ((1, 1, 3), (4,), {"stride": 0}, "`stride` has 0"),
        ((1, 1, 3), (4,), {"stride": (1, 1)}, "`stride` has 2 numbers for 1 axes"),
        ((1, 1, 3), (4,), {"padding": -1}, "`padding` has -1"),
        ((1, 1, 3), (4,), {"padding": [(1, 2, 3)]}, "`padding` must be a number"),
    ],
)
def test_what_makes_no_convolution(
    shape: tuple[int, ...], size: tuple[int, ...], arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        archspec.conv_matrix(torch.zeros(shape), size, **arguments)


def test_output_padding_is_below_the_stride() -> None:
    with pytest.raises(ValueError, match="must be smaller than the stride"):
        transposed_size([3], [3], 2, 0, 1, 2)


def test_import_takes_no_torch() -> None:
    program = "import sys, archspec; archspec.conv_matrix; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
