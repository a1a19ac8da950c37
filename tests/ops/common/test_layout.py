"""Where numbers lie, how windows are padded and where slices end, as torch has it."""

from __future__ import annotations

from itertools import permutations

import pytest
import torch
from torch.nn import functional as F

import archspec
from archspec.ops import Shape, find
from archspec.ops.common.memory import is_contiguous, lies


@pytest.mark.parametrize("sizes", [(2, 3, 4, 5), (2, 1, 4, 5), (1, 3, 1, 5), (2, 3, 4)])
def test_lies_as_torch_says(sizes: tuple[int, ...]) -> None:
    """Over every order that the axes can lie in."""
    for order in permutations(range(len(sizes))):
        back = [order.index(axis) for axis in range(len(sizes))]
        tensor = torch.empty([sizes[axis] for axis in order]).permute(back)
        plain = tensor.is_contiguous()
        last = len(sizes) == 4 and tensor.is_contiguous(memory_format=torch.channels_last)
        assert is_contiguous(sizes, tensor.stride()) == plain
        assert lies("channels", sizes, tensor.stride()) == (plain or last)


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize(("kernel", "dilation"), [(4, 1), (2, 3), (6, 1)])
def test_same_padding_of_an_even_kernel(kernel: int, dilation: int) -> None:
    """The odd row goes to the end, as torch's own ``padding="same"`` lays it."""
    step = f"{{channels: 2, kernel: {kernel}, dilation: {dilation}, padding: same}}"
    spec = archspec.loads(f"archspec: 1\nname: n\ninputs: {{image: [3, 16, 16]}}\nsteps:\n  - conv: {step}\n")
    module = archspec.compile(spec)
    weight, bias = module.state_dict().values()
    image = torch.randn(1, 3, 16, 16)
    expected = F.conv2d(image, weight, bias, padding="same", dilation=dilation)
    torch.testing.assert_close(module(image), expected)


def test_a_slice_may_end_where_its_axis_ends() -> None:
    op = find("slice").model_validate({"start": 2, "length": 2})
    expected = torch.empty(4, 8, 8).narrow(0, 2, 2).shape
    assert op.infer([Shape.of(4, 8, 8)]).dims == tuple(expected)
