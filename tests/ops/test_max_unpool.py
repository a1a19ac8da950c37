"""Unpooling by the indices of a pool, held against torch: values, sizes, rows, memory, rewrites, messages."""

from __future__ import annotations

import re

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import archspec
from archspec import Spec
from archspec.analyses.memory import memory
from archspec.backends.spec_text import expand
from archspec.ops.common.windows import Transposed
from tests.helpers.interpreter import Interpreter
from tests.helpers.live_storages import inference, inputs_of, training

HOURGLASS = """
archspec: 1
name: Hourglass
inputs: {image: [3, H, W]}
sizes: {H: 12, W: 8}
blocks:
  down:
    params: {channels}
    steps:
      - conv as conv: {channels: $channels, kernel: 3, padding: 1}
      - relu
      - max_pool as pool: {kernel: 2, indices: true}
  up:
    inputs: {x, pool}
    params: {channels}
    steps:
      - max_unpool: {indices: pool}
      - conv as conv: {channels: $channels, kernel: 3, padding: 1}
steps:
  - down as down1: {channels: 4}
  - down as down2: {channels: 6}
  - conv as middle: {channels: 6, kernel: 1}
  - up as up2: {channels: 4}
    from: [previous, down2]
  - up as up1: {channels: 2}
    from: [previous, down1]
"""


class Hourglass(nn.Module):
    """The same by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.down1 = nn.ModuleDict({"conv": nn.Conv2d(3, 4, 3, padding=1)})
        self.down2 = nn.ModuleDict({"conv": nn.Conv2d(4, 6, 3, padding=1)})
        self.middle = nn.Conv2d(6, 6, 1)
        self.up2 = nn.ModuleDict({"conv": nn.Conv2d(6, 4, 3, padding=1)})
        self.up1 = nn.ModuleDict({"conv": nn.Conv2d(4, 2, 3, padding=1)})

    def forward(self, image: Tensor) -> Tensor:
        x, first = F.max_pool2d(F.relu(self.down1["conv"](image)), 2, return_indices=True)
        x, second = F.max_pool2d(F.relu(self.down2["conv"](x)), 2, return_indices=True)
        x = F.max_unpool2d(self.middle(x), second, [2, 2])
        return self.up1["conv"](F.max_unpool2d(self.up2["conv"](x), first, [2, 2]))


def gradients(model: nn.Module, image: Tensor) -> list[Tensor]:
    image = image.clone().requires_grad_()
    model(image).square().sum().backward()
    assert image.grad is not None
    return [image.grad, *(parameter.grad for parameter in model.parameters() if parameter.grad is not None)]


def test_a_network_that_unpools_has_torchs_bits() -> None:
    spec = archspec.loads(HOURGLASS)
    ours, theirs = archspec.compile(spec), Hourglass()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    for height, width in ((12, 8), (4, 4), (20, 12)):
        image = torch.randn(2, 3, height, width)
        assert torch.equal(ours(image), theirs(image))
        assert all(map(torch.equal, gradients(ours, image), gradients(theirs, image)))
        (value,) = Interpreter(spec.graph, ours.state_dict(), False).run(image)
        assert torch.equal(value, ours(image))
        ours.zero_grad()
        theirs.zero_grad()


def test_expand_names_the_pool_and_builds_the_same() -> None:
    spec = archspec.loads(HOURGLASS)
    again = archspec.loads(expand(spec.graph))
    model, other = archspec.compile(spec), archspec.compile(again)
    other.load_state_dict(model.state_dict(), strict=True)
    image = torch.randn(1, 3, 12, 8)
    assert torch.equal(model(image), other(image))


def test_memory_is_what_torch_has_alive() -> None:
    spec = archspec.loads(HOURGLASS)
    model, sizes = archspec.compile(spec), {"H": 12, "W": 8}
    given = inputs_of(spec.graph, sizes, 2)
    assert memory(spec.graph, sizes, 2).inference == inference(model, given)
    loss = 8  # the mean of the outputs and its gradient, which are no part of the network
    assert memory(spec.graph, sizes, 2).training == training(model, given) - loss


STEPS = """
archspec: 1
inputs: {{image: [2, {size}]}}
{sizes}
steps:
  - conv as stem: {{channels: 2, kernel: 1}}
  - max_pool as pool: {{kernel: 3, stride: 2, padding: 1{keep}}}
  - max_unpool as back: {{indices: {pool}}}
"""


def steps(size: str, pool: str = "pool", keep: str = ", indices: true") -> Spec:
    sizes = "sizes: {H: 7, W: 5}" if "H" in size else ""
    return archspec.loads(STEPS.format(size=size, sizes=sizes, pool=pool, keep=keep))


def test_sizes_are_whole_windows_unless_a_step_says_them() -> None:
    found = archspec.check(steps("H, W"))
    assert found.valid_sizes["H"].describe() == "H odd"
    found = archspec.check(steps("H, W", "pool, to: stem"))
    assert found.valid_sizes["H"].describe() == "H ≥ 1"
    for pool, sizes in (("pool", (7, 5)), ("pool, to: stem", (7, 5)), ("pool, to: stem", (4, 6))):
        model = archspec.compile(steps("H, W", pool))
        assert model(torch.randn(1, 2, *sizes)).shape[2:] == sizes
    assert "output_size=(6, 4)" in archspec.source(steps("6, 4"))


def test_a_row_reads_the_windows_that_hold_it() -> None:
    """Which of them gave it depends on the image: many images together show all."""
    spec = steps("9, 9")
    model = archspec.compile(spec)
    felt = torch.zeros(9, 5, dtype=torch.bool)
    for _ in range(60):
        pooled, indices = F.max_pool2d(torch.randn(1, 1, 9, 9), 3, 2, 1, return_indices=True)
        pooled = torch.ones_like(pooled).requires_grad_()
        result = F.max_unpool2d(pooled, indices, [3, 3], [2, 2], [1, 1])
        for row in range(9):
            (gradient,) = torch.autograd.grad(result[0, 0, row].sum(), pooled, retain_graph=True)
            felt[row] |= gradient[0, 0].ne(0).any(1)
    node = spec.graph.node("back")
    window = node.op.window(spec.graph.shapes_in(node), 0, "height") if node.op is not None else None
    assert isinstance(window, Transposed)
    read = [[(row + 1 - tap) / 2 for tap in range(3)] for row in range(9)]
    assert felt.tolist() == [[float(place) in places for place in range(5)] for places in read]
    assert model.training


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (("H, W", "stem"), "`indices` needs a pool that keeps them"),
        (("H, W", "pool", ""), "write `max_pool: {indices: true}`"),
        (("H, W", "pool", ", dilation: 2, indices: true"), "indices of a dilated pool cannot be used"),
        (("H, W", "pool", ", ceil: true, indices: true"), ""),
    ],
)
def test_messages(spec: tuple[str, ...], said: str) -> None:
    if not said:
        assert archspec.check(steps(*spec))
        return
    with pytest.raises(archspec.SpecError, match=re.escape(said)):
        archspec.check(steps(*spec))


def test_a_pool_whose_indices_are_read_is_not_removed() -> None:
    with pytest.raises(archspec.SpecError, match="reads the indices of `pool`"):
        archspec.rewrite(steps("H, W"), {"remove": "pool"})
    text = STEPS.format(size="H, W", sizes="", pool="pool", keep=", indices: true")
    unread = archspec.loads(text.rpartition("  - max_unpool")[0])
    assert len(archspec.rewrite(unread, {"remove": "pool"}).graph.nodes) == 2
