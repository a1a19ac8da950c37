"""The weights of borders: against distances by brute force, and in the loss of a training."""

from __future__ import annotations

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from torch.nn import functional

from archspec.diagnostics import SpecError
from archspec.training.border import border_weights
from archspec.training.losses import Loss
from archspec.training.recipe_file import recipe_of

MASKS = arrays.arrays(
    numpy.int64, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.sampled_from([-1, 0, 0, 1, 2])
)


def by_brute_force(mask: NDArray[numpy.int64], weight: float, sigma: float) -> NDArray[numpy.float64]:
    """Equation 2, pixel by pixel: regions by flooding, distances to every pixel of every region."""
    regions: list[list[tuple[int, int]]] = []
    free = {(int(y), int(x)) for y, x in numpy.argwhere(mask > 0)}
    while free:
        edge = [free.pop()]
        regions.append([])
        while edge:
            y, x = edge.pop()
            regions[-1].append((y, x))
            for near in ((y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)):
                if near in free and mask[near] == mask[y, x]:
                    free.remove(near)
                    edge.append(near)
    found = numpy.zeros(mask.shape)
    for y, x in numpy.argwhere(mask == 0):
        distances = sorted(min(numpy.hypot(y - v, x - u) for v, u in region) for region in regions)
        if len(distances) > 1:
            found[y, x] = weight * numpy.exp(-((distances[0] + distances[1]) ** 2) / (2 * sigma**2))
    return found


@settings(max_examples=50)
@given(mask=MASKS, weight=st.floats(0.1, 20), sigma=st.floats(0.5, 10))
def test_weights_are_those_of_equation_2(mask: NDArray[numpy.int64], weight: float, sigma: float) -> None:
    found = border_weights(torch.from_numpy(mask)[None], weight, sigma)[0]
    numpy.testing.assert_allclose(found.numpy(), by_brute_force(mask, weight, sigma), rtol=1e-6, atol=1e-30)


def test_the_gap_between_two_cells_weighs_most() -> None:
    """Two squares one pixel apart, with w₀ = 10 and σ = 5: in the gap both distances are 1."""
    mask = torch.zeros(1, 9, 11, dtype=torch.int64)
    mask[:, 2:7, 1:5] = mask[:, 2:7, 6:10] = 1
    found = border_weights(mask, 10, 5)[0]
    assert found[4, 5] == found.max() == pytest.approx(10 * numpy.exp(-4 / 50))
    assert not found[mask[0] == 1].any()
    mask[:, :, 6:] = 0
    assert not border_weights(mask, 10, 5).any()  # one cell has no neighbour


def test_the_loss_is_the_mean_of_weighted_pixels() -> None:
    """Equation 1: each pixel's −log p by w_c + w₀·exp(…); ignored pixels are left out."""
    torch.manual_seed(0)
    scores, target = torch.randn(2, 3, 8, 8, requires_grad=True), torch.randint(-1, 3, (2, 8, 8))
    weights = torch.tensor([0.5, 2.0, 1.0])
    loss = Loss({"output": 1.0}, ignore=-1, weights=weights.tolist())
    loss.border = (10.0, 5.0)
    labelled = target >= 0
    each = functional.cross_entropy(scores, target, ignore_index=-1, reduction="none")
    pixel = weights[target.clamp(min=0)] + border_weights(target, 10, 5)
    found = loss(scores, target)
    torch.testing.assert_close(found, (pixel * each)[labelled].mean())
    found.backward()
    loss.border = None
    assert not torch.allclose(found, loss(scores, target))
    plain = Loss({"output": 1.0}, ignore=-1)
    plain.border = (0.0, 5.0)
    torch.testing.assert_close(plain(scores, target), functional.cross_entropy(scores, target, ignore_index=-1))


@pytest.mark.parametrize("given", [{"weight": -1}, {"sigma": 0}, {"width": 3}])
def test_a_border_that_makes_no_sense(given: dict[str, float]) -> None:
    with pytest.raises(SpecError, match="border"):
        recipe_of({"border": given})
