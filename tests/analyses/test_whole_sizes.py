"""Sizes at which no row is dropped, held against gradients.

A strided layer drops a row where that row of its input depends on the image and the layer's output does not depend on
it.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import archspec

HEAD = "archspec: 1\nname: Net\ninputs: {image: [1, H, W]}\nsizes: {H: 40, W: 40}\nsteps:\n"

CASES = (
    ["conv as down: {channels: 1, kernel: 3, stride: 2, padding: [[0, 1], [0, 1]]}"],
    ["conv as down: {channels: 1, kernel: 3, stride: 2, padding: [[1, 0], [1, 0]]}"],
    ["conv as down: {channels: 1, kernel: 3, stride: 2, padding: 1}"],
    ["conv as down: {channels: 1, kernel: [4, 2], stride: [3, 2], padding: [1, 0]}"],
    ["pad: {amount: [[0, 1], [0, 1]]}", "conv as down: {channels: 1, kernel: 3, stride: 2}"],
    ["pad: {amount: [[1, 0], [1, 0]]}", "conv as down: {channels: 1, kernel: 3, stride: 2}"],
    ["pad: {amount: [[0, 2], [0, 1]], value: 3}", "relu", "conv as down: {channels: 1, kernel: 4, stride: 4}"],
    [
        "pad: {amount: 3}",
        "conv as same: {channels: 1, kernel: 3, padding: 1}",
        "conv as down: {channels: 1, kernel: 4, stride: 4}",
    ],
    ["pad: {amount: 1}", "pad: {amount: [[0, 1], [1, 0]]}", "conv as down: {channels: 1, kernel: 3, stride: 3}"],
    ["sequence as pools: [avg_pool: {kernel: 3, stride: 2}]"],
    ["sequence as pools: [avg_pool: {kernel: 3, stride: 2, padding: 1}]"],
    ["sequence as pools: [avg_pool: {kernel: 3, stride: 2, ceil: true}]"],
    ["sequence as pools: [avg_pool: {kernel: 2, stride: 2, padding: 1, ceil: true}]"],
    [
        "conv as one: {channels: 1, kernel: 3, stride: 2, padding: 1}",
        "conv as two: {channels: 1, kernel: 3, stride: 2, padding: 1}",
    ],
    [
        "add: [[pad: {amount: [[0, 1], [0, 1]]}], [conv as wide: {channels: 1, kernel: 2, padding: 1}]]",
        "conv as down: {channels: 1, kernel: 2, stride: 2}",
    ],
    [
        "concat: [[pad: {amount: [[0, 2], [0, 2]]}], [pad: {amount: [[1, 1], [1, 1]]}]]",
        "conv as down: {channels: 1, kernel: 4, stride: 4}",
    ],
)


def _drops(model: nn.Module, image: Tensor, axis: int) -> bool:
    """Whether a strided layer leaves out a last row (axis 2) or column (axis 3) that depends on the image."""
    seen: list[tuple[Tensor, Tensor]] = []

    def keep(_: nn.Module, given: tuple[Tensor, ...], gave: Tensor) -> None:
        seen.append((given[0], gave))

    layers = [one for one in model.modules() if isinstance(one, nn.Conv2d | nn.AvgPool2d)]
    hooks = [one.register_forward_hook(keep) for one in layers]
    model(image)
    for hook in hooks:
        hook.remove()
    for given, gave in seen:
        if given is image:
            last = given.shape[axis] - 1
        else:
            rows = range(given.shape[axis] - 1, -1, -1)
            last = next(row for row in rows if _depends(given.select(axis, row), image))
        (gradient,) = torch.autograd.grad(gave.sum(), given, retain_graph=True)
        if not gradient.select(axis, last).any():
            return True
    return False


def _depends(part: Tensor, image: Tensor) -> bool:
    (gradient,) = torch.autograd.grad(part.sum(), image, retain_graph=True)
    return bool(gradient.any())


@pytest.mark.parametrize("steps", CASES, ids=lambda steps: " ".join(steps)[:60])
def test_rows_dropped_are_those_without_a_gradient(steps: list[str]) -> None:
    spec = archspec.loads(HEAD + "".join(f"  - {step}\n" for step in steps))
    report = archspec.check(spec)
    model = archspec.compile(spec)
    for parameter in model.parameters():
        nn.init.ones_(parameter)
    for axis, symbol in enumerate("HW", start=2):
        sizes = [size for size in range(1, 41) if report.valid_sizes[symbol].contains(size)]
        for size in sizes:
            shape = (1, 1, size, 9) if axis == 2 else (1, 1, 9, size)
            dropped = _drops(model, torch.rand(shape, requires_grad=True), axis)
            assert report.whole_sizes[symbol].contains(size) != dropped, (symbol, size)
