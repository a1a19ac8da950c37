"""Calls in unusual forms: each is imported as torch runs it, or refused with its place; no rule falls over one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import archspec
from archspec.diagnostics import SpecError
from tests.helpers.imported import difference


class Calls(nn.Module):
    """A convolution, and a function of its output."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.function(self.conv(x)))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.neg(input=x),
        lambda x: torch.rsub(x, torch.sigmoid(x)),
        lambda x: torch.rsub(input=x, other=torch.sigmoid(x)),
        lambda x: torch.permute(input=x, dims=(0, 2, 1, 3)).permute(dims=(0, 2, 1, 3)),
        lambda x: torch.transpose(input=x, dim0=2, dim1=3),
        lambda x: torch.flatten(input=x, start_dim=2).unsqueeze(dim=3),
        lambda x: torch.reshape(input=x, shape=x.shape),
        lambda x: F.relu(input=x),
        lambda x: torch.mean(input=x, dim=(2, 3), keepdim=True),
    ],
)
def test_arguments_by_name_are_those_by_position(function: Callable[[Tensor], Tensor]) -> None:
    module = Calls(function)
    assert difference(module, archspec.from_torch(module, (3, 9, 12)), ((3, 9, 12),)) == ""


@pytest.mark.parametrize(
    ("function", "called"),
    [
        (lambda x: F.adaptive_max_pool1d(x.flatten(2), 2, return_indices=True)[0], "adaptive_max_pool1d"),
        (lambda x: torch.adaptive_max_pool1d(x.flatten(2), 2)[0], "adaptive_max_pool1d"),
        (lambda x: x.view_as(other=torch.sigmoid(x)), "view_as"),
        (lambda x: x[..., 0].softmax(dim=0), "softmax"),
        (lambda x: F.conv2d(x, torch.sigmoid(x)[:1]), "__getitem__"),
        (lambda x: torch.sub(x, 1, alpha=x.shape[2]), "sub"),
    ],
)
def test_what_the_language_lacks_is_refused(function: Callable[[Tensor], Tensor], called: str) -> None:
    with pytest.raises(SpecError) as refused:
        archspec.from_torch(Calls(function), (3, 9, 12))
    (first, *_) = refused.value.diagnostics
    assert first.code == "not-importable"
    assert called in first.message
    assert "test_refusals.py:" in " ".join(first.details)


def test_a_step_that_gives_more_tensors_at_another_size_is_right_at_one() -> None:
    module = Calls(lambda x: torch.split(x, 2, dim=2)[-1])
    spec = archspec.from_torch(module, (3, 9, 12))
    assert not spec.symbols
    assert difference(module, spec, ((3, 9, 12),)) == ""
