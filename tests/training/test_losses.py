"""The loss of a spec: the lecture's formula, ignored pixels, class weights, auxiliary outputs."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import archspec

SPEC = """\
archspec: 1
name: Net
inputs: {image: [2, H, W]}
sizes: {H: 6, W: 5}
loss: LOSS
steps:
  - conv as scores: {channels: 3, kernel: 1}
  - conv as side: {channels: 3, kernel: 1}
    from: image
outputs:
  scores: scores
  side: {from: side, training: true, loss_weight: 0.4}
"""


def net(loss: str = "cross_entropy", **params: Any) -> archspec.Spec:
    return archspec.loads(SPEC.replace("LOSS", loss), **params)


@pytest.fixture
def scores() -> torch.Tensor:
    return torch.randn(4, 3, 6, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.fixture
def target() -> torch.Tensor:
    return torch.randint(3, (4, 6, 5), generator=torch.Generator().manual_seed(2))


def by_hand(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Minus the logarithm of the target's probability, for each pixel."""
    exponent = scores.exp()
    chance = exponent / exponent.sum(1, keepdim=True)
    return -chance.gather(1, target[:, None]).log()[:, 0]


def test_is_the_mean_over_all_pixels(scores: torch.Tensor, target: torch.Tensor) -> None:
    found = archspec.loss(net())(scores, target)
    assert torch.allclose(found, by_hand(scores, target).mean(), rtol=1e-12)


def test_ignored_pixels_count_neither_above_nor_below(scores: torch.Tensor, target: torch.Tensor) -> None:
    loss = archspec.loss(net("{cross_entropy: {ignore: 255}}"))
    kept = torch.rand(target.shape, generator=torch.Generator().manual_seed(3)) < 0.7
    found = loss(scores, torch.where(kept, target, 255))
    assert torch.allclose(found, by_hand(scores, target)[kept].mean(), rtol=1e-12)


def test_class_weights_make_a_weighted_mean(scores: torch.Tensor, target: torch.Tensor) -> None:
    loss = archspec.loss(net("{cross_entropy: {weights: [1, 2, 0.5]}}")).double()
    weights = torch.tensor([1, 2, 0.5], dtype=torch.float64)[target]
    assert torch.allclose(loss(scores, target), (weights * by_hand(scores, target)).sum() / weights.sum(), rtol=1e-12)


def test_auxiliary_outputs_count_by_their_weight_in_training_only(target: torch.Tensor) -> None:
    spec = net()
    model, loss = archspec.compile(spec), archspec.loss(spec)
    image = torch.randn(4, 2, 6, 5)
    main, side = model.train()(image)
    expected = by_hand(main, target).mean() + 0.4 * by_hand(side, target).mean()
    assert torch.allclose(loss(model(image), target), expected)
    assert torch.allclose(loss(model.eval()(image), target), by_hand(main, target).mean())


def test_the_task_is_what_the_spec_says_or_what_its_output_is() -> None:
    assert net().graph.task == "segmentation"
    assert archspec.load("resnet18").graph.task == "classification"


@pytest.mark.parametrize(
    ("loss", "code"),
    [
        ("hinge", "unknown-loss"),
        ("{cross_entropy: {weight: [1, 1, 1]}}", "unknown-argument"),
        ("{cross_entropy: {weights: [1, 1]}}", "wrong-value"),
        ("{cross_entropy: {weights: [1, 1, -1]}}", "wrong-value"),
        ("{cross_entropy: {ignore: none}}", "wrong-type"),
        ("{cross_entropy: {label_smoothing: 1}}", "wrong-value"),
        ("[cross_entropy]", "wrong-type"),
    ],
)
def test_refuses_what_makes_no_sense(loss: str, code: str) -> None:
    with pytest.raises(archspec.SpecError) as caught:
        net(loss)
    assert [d.code for d in caught.value.diagnostics if d.severity == "error"] == [code]


def test_expand_keeps_the_task_and_the_loss() -> None:
    from archspec.backends.spec_text import expand

    for loss in ("cross_entropy", "{cross_entropy: {ignore: 0, weights: [1, 2, 0.5], label_smoothing: 0.1}}"):
        graph = net(loss).graph
        again = archspec.loads(expand(graph)).graph
        assert (again.task, again.loss) == (graph.task, graph.loss)
