"""Random changes of images, as a recipe names them; :mod:`archspec.training.augmentation` carries them out.

Imports no torch.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from archspec.training.words import Choice, Strict

Probability = Annotated[float, Field(ge=0, le=1)]
Strength = Annotated[float, Field(ge=0, le=10)]
Hue = Annotated[float, Field(ge=0, le=0.5)]
Pixels = Annotated[int, Field(ge=1, le=10_000)]
Area = Annotated[float, Field(gt=0, le=1)]
Ratio = Annotated[float, Field(gt=0, le=100)]
Degrees = Annotated[float, Field(ge=0, le=180)]


class Flip(Strict):
    """Mirror an image with probability ``p``."""

    p: Probability = 0.5


class RandomResizedCrop(Strict):
    """A part of random area and aspect ratio, resized to the input's size (https://arxiv.org/abs/1409.4842)."""

    scale: Annotated[list[Area], Field(min_length=2, max_length=2)] = Field(default=[0.08, 1.0])
    ratio: Annotated[list[Ratio], Field(min_length=2, max_length=2)] = Field(default=[0.75, 4 / 3])


class RandomCrop(Strict):
    """A part of the input's size out of the image with ``padding`` pixels around it."""

    padding: Pixels = 4
    mode: Annotated[str, Field(pattern="^(constant|edge|reflect|symmetric)$")] = "constant"


class ColorJitter(Strict):
    """Brightness, contrast and saturation by a random factor, hue by a random angle."""

    brightness: Strength = 0.0
    contrast: Strength = 0.0
    saturation: Strength = 0.0
    hue: Hue = 0.0


class Lighting(Strict):
    """Colours moved along the principal components of ImageNet's (Krizhevsky et al. 2012, section 4.1)."""

    std: Strength = 0.1


class Rotation(Strict):
    """Rotate by up to so many degrees."""

    degrees: Degrees = 10.0


class Affine(Strict):
    """Rotate, shift by a fraction of the size, scale."""

    degrees: Degrees = 0.0
    translate: Annotated[list[Probability], Field(min_length=2, max_length=2)] = Field(default=[0.1, 0.1])
    scale: Annotated[list[Ratio], Field(min_length=2, max_length=2)] = Field(default=[0.9, 1.1])


class Elastic(Strict):
    """Smooth random deformations, as U-Net is trained with (https://arxiv.org/abs/1505.04597)."""

    alpha: Annotated[float, Field(ge=0, le=10_000)] = 50.0
    sigma: Annotated[float, Field(gt=0, le=50)] = 5.0


class Blur(Strict):
    """A Gaussian blur."""

    kernel: Annotated[int, Field(ge=1, le=101)] = 5

    @model_validator(mode="after")
    def _odd(self) -> Blur:
        if self.kernel % 2 == 0:
            raise ValueError("`kernel` must be odd")
        return self


class Grayscale(Strict):
    """Take the colour away with probability ``p``."""

    p: Probability = 0.1


class Erasing(Strict):
    """Erase a rectangle with probability ``p`` (https://arxiv.org/abs/1708.04896)."""

    p: Probability = 0.25


class TrivialAugment(Strict):
    """One random change of random strength for each image (https://arxiv.org/abs/2103.10158)."""

    bins: Annotated[int, Field(ge=2, le=1000)] = 31


class RandAugment(Strict):
    """``count`` random changes of one strength (https://arxiv.org/abs/1909.13719)."""

    count: Annotated[int, Field(ge=1, le=20)] = 2
    magnitude: Annotated[int, Field(ge=0, le=30)] = 9


class Transform(Choice):
    """One change of an image; those of the shape change its mask too."""

    horizontal_flip: Flip | None = None
    vertical_flip: Flip | None = None
    random_resized_crop: RandomResizedCrop | None = None
    random_crop: RandomCrop | None = None
    rotation: Rotation | None = None
    affine: Affine | None = None
    elastic: Elastic | None = None
    color_jitter: ColorJitter | None = None
    lighting: Lighting | None = None
    grayscale: Grayscale | None = None
    blur: Blur | None = None
    erasing: Erasing | None = None
    trivial_augment: TrivialAugment | None = None
    rand_augment: RandAugment | None = None


class Mixing(Strict):
    """Mixtures of the images of a batch and of their classes; with both, each batch takes one at random."""

    mixup: Annotated[float, Field(gt=0, le=100)] | None = Field(
        default=None, description="α of mixup (https://arxiv.org/abs/1710.09412)."
    )
    cutmix: Annotated[float, Field(gt=0, le=100)] | None = Field(
        default=None, description="α of CutMix (https://arxiv.org/abs/1905.04899)."
    )

    @model_validator(mode="after")
    def _some(self) -> Mixing:
        if self.mixup is None and self.cutmix is None:
            raise ValueError("give `mixup`, `cutmix` or both")
        return self
