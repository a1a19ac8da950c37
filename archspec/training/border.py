"""The weight of each pixel by how near it lies to two cells: equation 2 of U-Net (https://arxiv.org/abs/1505.04597).

Imports torch; scipy measures the distances.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy
import torch
from numpy.typing import NDArray
from torch import Tensor

BACKGROUND = 0
"""The class between cells."""


def border_weights(target: Tensor, weight: float, sigma: float) -> Tensor:
    """w₀·exp(−(d₁ + d₂)²/2σ²) for each pixel of class 0, d₁ and d₂ its distances to the nearest two cells; 0 elsewhere.

    ``target`` is ``[batch, height, width]`` of class indices, negative where they are ignored.  A cell is a region of
    one class other than 0, connected by the sides of pixels.  A distance is that of the centres of two pixels, in
    pixels.  The result is float32 on the target's device; a mask with fewer than two cells has no border.
    """
    found = numpy.zeros(tuple(target.shape), numpy.float32)
    for index, mask in enumerate(target.cpu().numpy()):
        nearest, second = nearest_two(cells(mask))
        drawn = weight * numpy.exp(-((nearest + second) ** 2) / (2 * sigma**2))
        found[index] = numpy.where(mask == BACKGROUND, drawn, 0)
    return torch.from_numpy(found).to(target.device)


def cells(mask: NDArray[numpy.int64]) -> NDArray[numpy.int64]:
    """The cells of a mask ``[height, width]``: their numbers from 1, and 0 where there is none."""
    ndimage = _ndimage()
    found = numpy.zeros(mask.shape, numpy.int64)
    count = 0
    for kind in numpy.unique(mask[mask > BACKGROUND]):
        regions, more = ndimage.label(mask == kind)
        found = numpy.where(regions > 0, regions + count, found)
        count += more
    return found


def nearest_two(numbers: NDArray[numpy.int64]) -> tuple[NDArray[numpy.float64], NDArray[numpy.float64]]:
    """The distances of each pixel to the nearest cell and to the nearest other one; infinite where there is none.

    Two numbers differ in some bit.  So the nearest other cell is the nearest, over all bits, of the cells that differ
    from the first in this bit: two transforms for each bit, not one for each cell.
    """
    ndimage = _ndimage()
    if not numbers.any():
        nowhere = numpy.full(numbers.shape, numpy.inf)
        return nowhere, nowhere
    nearest, (rows, columns) = ndimage.distance_transform_edt(numbers == 0, return_indices=True)
    first = numbers[rows, columns]
    second = numpy.full(numbers.shape, numpy.inf)
    for bit in range(int(numbers.max()).bit_length()):
        for value in (0, 1):
            others = (numbers > 0) & (numbers >> bit & 1 == value)
            if others.any():
                distance = ndimage.distance_transform_edt(~others)
                second = numpy.where(first >> bit & 1 != value, numpy.minimum(second, distance), second)
    return nearest, second


def _ndimage() -> Any:
    """scipy's, which takes a third of a second to import; its types say less than it gives."""
    return importlib.import_module("scipy.ndimage")
