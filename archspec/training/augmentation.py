"""Random changes of images and masks: a recipe's words as the transforms of ``torchvision.transforms.v2``.

Each image's changes depend on the seed, the epoch and the image alone: not on the number of workers or devices, nor on
where a run was resumed.  A mask is turned, cropped and bent with its image, by nearest neighbour; what a crop or a turn
brings in from outside is ignored.

Needs torchvision.  Imports torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from archspec.diagnostics import Diagnostic, SpecError
from archspec.running.torchvision_library import torchvision
from archspec.training.batches import mixed
from archspec.training.transforms import Mixing, Transform

PASSED_OVER = -1
"""The value of a mask's pixels that a transform brings in from outside."""

EIGENVALUES = (0.2175, 0.0188, 0.0045)
EIGENVECTORS = ((-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203))
"""The principal components of ImageNet's pixels in [0, 1], as the lecture's networks were trained with."""


class Augmented(Dataset[tuple[Tensor, Any]]):
    """A data set whose images are changed at random: item ``epoch · length + index``.

    ``examples`` gives pixels, ``[channels, height, width]`` of uint8, with ``pixels(index)``, and normalises them with
    ``normalised``.
    """

    def __init__(self, examples: Any, augment: Sequence[Transform], seed: int, masks: bool = False) -> None:
        self.examples = examples
        self.seed = seed
        self.change = transform(augment, examples.size, masks)

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, number: int) -> tuple[Tensor, Any]:
        pixels, target = self.examples.pixels(number % len(self.examples))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(mixed(self.seed, number))
            pixels, target = self.change(pixels, target)
        return self.examples.normalised(pixels), self.examples.target(target)


def transform(
    augment: Sequence[Transform], size: tuple[int, int], masks: bool = False
) -> Callable[[Tensor, Any], tuple[Tensor, Any]]:
    """A function of an image and its class, or its mask, ``[height, width]`` with −1 where it is ignored."""
    v2, tensors = library()
    _check(augment, size, masks)
    made = v2.Compose([_made(v2, each, size) for each in augment])

    def change(pixels: Tensor, target: Any) -> tuple[Tensor, Any]:
        if isinstance(target, Tensor) and target.ndim == 2:
            image, mask = made(tensors.Image(pixels), tensors.Mask(target[None]))
            return image.as_subclass(Tensor), mask.as_subclass(Tensor)[0]
        return made(tensors.Image(pixels)).as_subclass(Tensor), target

    return change


def _check(augment: Sequence[Transform], size: tuple[int, int], masks: bool) -> None:
    """Raise :class:`SpecError` for a change that reaches beyond images of this size, or that has none for masks."""
    wrong: list[Diagnostic] = []
    for each in augment:
        if each.elastic is not None and 4 * each.elastic.sigma >= min(size):
            message = (
                f"`elastic` with a sigma of {each.elastic.sigma:g} needs images larger than {4 * each.elastic.sigma:g}"
            )
            wrong.append(Diagnostic("bad-setting", message, hint="use a smaller `sigma`, and `alpha` in proportion"))
        if masks and each.word in ("trivial_augment", "rand_augment"):
            hint = "use affine, rotation and color_jitter"
            wrong.append(Diagnostic("bad-setting", f"torchvision's `{each.word}` has nothing for masks", hint=hint))
        if each.random_crop is not None and each.random_crop.padding >= min(size):
            wrong.append(Diagnostic("bad-setting", "`random_crop` has a `padding` as large as the images"))
        if each.blur is not None and each.blur.kernel // 2 >= min(size):
            wrong.append(Diagnostic("bad-setting", "`blur` has a `kernel` twice as large as the images"))
    if wrong:
        raise SpecError(wrong)


def mixture(mix: Mixing, classes: int) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """A function of a batch and its classes, ``[batch]``; it gives shares of classes, ``[batch, classes]``."""
    v2, _ = library()
    made = [
        kind(alpha=alpha, num_classes=classes)
        for kind, alpha in ((v2.MixUp, mix.mixup), (v2.CutMix, mix.cutmix))
        if alpha is not None
    ]
    return made[0] if len(made) == 1 else v2.RandomChoice(made)


def library() -> tuple[Any, Any]:
    """``torchvision.transforms.v2`` and ``torchvision.tv_tensors``.  Raises :class:`SpecError` without torchvision."""
    try:
        torchvision()
        from torchvision import tv_tensors
        from torchvision.transforms import v2
    except ImportError:
        hint = "pip install torchvision"
        raise SpecError([Diagnostic("no-package", "augmentation needs torchvision", hint=hint)]) from None
    return v2, tv_tensors


def _made(v2: Any, each: Transform, size: tuple[int, int]) -> nn.Module:
    """One word of a recipe as a transform."""
    options = each.options.model_dump()
    fill = {"fill": _fill()}
    match each.word:
        case "horizontal_flip":
            return v2.RandomHorizontalFlip(**options)
        case "vertical_flip":
            return v2.RandomVerticalFlip(**options)
        case "random_resized_crop":
            return v2.RandomResizedCrop(list(size), antialias=True, **options)
        case "random_crop":
            return v2.RandomCrop(list(size), padding=options["padding"], padding_mode=options["mode"], **fill)
        case "rotation":
            return v2.RandomRotation(options["degrees"], interpolation=v2.InterpolationMode.BILINEAR, **fill)
        case "affine":
            return v2.RandomAffine(**options, interpolation=v2.InterpolationMode.BILINEAR, **fill)
        case "elastic":
            return v2.ElasticTransform(options["alpha"], options["sigma"], **fill)
        case "color_jitter":
            return v2.ColorJitter(**options)
        case "grayscale":
            return v2.RandomGrayscale(**options)
        case "blur":
            return v2.GaussianBlur(options["kernel"])
        case "erasing":
            return _ImageAlone(v2.RandomErasing(**options))
        case "trivial_augment":
            return v2.TrivialAugmentWide(options["bins"], fill=None)
        case "rand_augment":
            return v2.RandAugment(options["count"], options["magnitude"], fill=None)
        case _:
            return _Lighting(v2, options["std"])


def _fill() -> dict[Any, int]:
    """Black around an image; around a mask, what is ignored."""
    _, tensors = library()
    return {tensors.Image: 0, tensors.Mask: PASSED_OVER}


class _ImageAlone(nn.Module):
    """A change of the image that leaves a mask as it is."""

    def __init__(self, change: nn.Module) -> None:
        super().__init__()
        self.change = change

    def forward(self, image: Tensor, *others: Any) -> Any:
        """The image changed; masks stay."""
        return (self.change(image), *others) if others else self.change(image)


class _Lighting(nn.Module):
    """Colours moved along the principal components of ImageNet's; the same for all pixels of an image."""

    def __init__(self, v2: Any, std: float) -> None:
        super().__init__()
        self.std = std
        self._function = v2.functional

    def forward(self, image: Tensor, *others: Any) -> Any:
        """The image moved; masks stay."""
        pixels = image.as_subclass(Tensor)
        alpha = torch.randn(3) * self.std
        if len(pixels) == 3:
            shift = torch.tensor(EIGENVECTORS) @ (alpha * torch.tensor(EIGENVALUES))
            pixels = (pixels.float() + 255 * shift.view(3, 1, 1)).round().clamp(0, 255).to(image.dtype)
        _, tensors = library()
        moved = tensors.Image(pixels)
        return (moved, *others) if others else moved
