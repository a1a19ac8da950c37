"""What a network computes in one step, to be held bit for bit against another's."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn


def randomise(module: nn.Module) -> None:
    """Values for everything, so that no difference hides behind zeros, ones or weights that shrink to nothing."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                scale = (2 / layer.weight[0].numel()) ** 0.5
                layer.weight.normal_(0, scale, generator=generator)
                if layer.bias is not None:
                    layer.bias.normal_(0, 0.1, generator=generator)
            elif isinstance(layer, nn.BatchNorm2d) and layer.running_mean is not None:
                assert layer.running_var is not None
                layer.running_mean.normal_(0, 0.1, generator=generator)
                layer.running_var.uniform_(0.5, 1.5, generator=generator)
        for name, parameter in module.named_parameters():
            if parameter.ndim > 1 and name.endswith(("token", "embedding", "embed", "in_proj_weight")):
                parameter.normal_(0, 0.1, generator=generator)
            if name.endswith((".gain", ".beta", ".gamma")):
                parameter.uniform_(0.5, 1.5, generator=generator)
            if name.endswith("layer_scale"):
                parameter.uniform_(0.1, 0.5, generator=generator)
            if (parameter == parameter.flatten()[0]).all():  # a norm's, a scale's: ones, zeros, or next to nothing
                low = -0.2 if name.endswith("bias") else 0.2
                parameter.uniform_(low, low + 0.5, generator=generator)


def run(module: nn.Module, image: Tensor) -> Iterator[tuple[str, Tensor | None]]:
    """Outputs, gradients of image and parameters, and buffers of one step, by name."""
    image = image.clone().requires_grad_()
    module.zero_grad()
    torch.manual_seed(3)
    result = module(image)
    outputs = result if isinstance(result, tuple) else (result,)
    generator = torch.Generator().manual_seed(2)
    loss = torch.stack([(output * torch.randn(output.shape, generator=generator)).sum() for output in outputs]).sum()
    loss.backward()
    yield "number of outputs", torch.tensor(len(outputs))
    for index, output in enumerate(outputs):
        yield f"output {index}", output.detach()
    yield "gradient of the image", image.grad
    for name, parameter in sorted(module.named_parameters()):
        yield f"gradient of {name}", parameter.grad
    for name, buffer in sorted(module.named_buffers()):
        yield name, buffer


def same_bits(ours: nn.Module, theirs: nn.Module, image: Tensor) -> None:
    """Strict load; then outputs, gradients and buffers, in evaluation and in training."""
    randomise(theirs)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    for training in (False, True):
        for module in (ours, theirs):
            module.train(training)
        for (what, mine), (same, other) in zip(run(ours, image), run(theirs, image), strict=True):
            assert what == same
            assert (mine is None) == (other is None), f"{what}, training={training}"
            assert mine is None or other is None or torch.equal(mine, other), f"{what}, training={training}"
