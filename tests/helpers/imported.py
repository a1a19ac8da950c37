"""An imported spec held to its module: the same weights, outputs and gradients, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

import archspec
from tests.helpers.bits import randomise


def tensors(given: Any) -> list[Tensor]:
    """Every tensor of what a module gives, in order."""
    if isinstance(given, Tensor):
        return [given]
    values = given.values() if isinstance(given, dict) else given
    return [tensor for value in values if value is not None for tensor in tensors(value)]


def shown_sizes(spec: archspec.Spec, size: Sequence[int]) -> list[tuple[int, ...]]:
    """The size a module is made for; where the spec has symbols two others, small ones if they fit."""
    own = tuple(size)
    if not spec.symbols:
        return [own]
    channels, *spatial = own
    small = (((10, 75, 101), (16, 96, 64)), ((16, 128, 96), (16, 160, 192)))
    further = [tuple(one[-len(spatial) :]) for pair in small for one in pair]
    further += [tuple(one + more for one in spatial) for more in (32, 64)]
    fitting = (one for one in further if not _misfits(spec, (channels, *one)))
    return [(channels, *one) for one in islice(fitting, 2)] or [own]


def _misfits(spec: archspec.Spec, size: Sequence[int]) -> bool:
    try:
        report = archspec.check(spec, sizes=dict(zip(spec.symbols, size[1:], strict=False)))
    except archspec.SpecError:
        return True
    return bool(report.refused(training=True, batch=2))


def difference(module: nn.Module, spec: archspec.Spec, sizes: Sequence[tuple[int, ...]]) -> str:
    """What is not the same in evaluation or training at some sizes, in words; the module's weights are drawn anew."""
    randomise(module)
    made = archspec.compile(spec)
    made.load_state_dict(module.state_dict(), strict=True)
    kept = deepcopy(module.state_dict())
    for size in sizes:
        image = torch.randn(2, *size)
        for training in (False, True):
            runs = (_run(each, kept, image, training) for each in (module, made))
            for (name, one), (_, other) in zip(*runs, strict=True):
                if not torch.equal(one, other):
                    state = "training" if training else "evaluation"
                    return f"{name} differs in {state} at {'×'.join(map(str, size))} by {(one - other).abs().max():.2g}"
    return ""


def _run(module: nn.Module, weights: dict[str, Tensor], image: Tensor, training: bool) -> Iterator[tuple[str, Tensor]]:
    """The outputs of a run and the gradients of the weights, each with a name."""
    module.train(training)
    module.load_state_dict(weights)
    torch.manual_seed(1)
    with torch.set_grad_enabled(training):
        outputs = tensors(module(image))
    yield "the number of outputs", torch.tensor(len(outputs))
    for index, output in enumerate(outputs):
        yield f"output {index}", output.detach()
    if training:
        own = dict(sorted(module.named_parameters()))
        loss = torch.stack([output.square().mean() for output in outputs]).sum()
        found = torch.autograd.grad(loss, list(own.values()), allow_unused=True)
        for name, gradient in zip(own, found, strict=True):
            if gradient is not None:
                yield f"the gradient of {name}", gradient
