"""A recipe: how a network is trained, as pydantic models of the file ``train.yaml``.

A choice with options is written as the library writes a step: a word, or a mapping from the word to its options.

    optimizer: {sgd: {momentum: 0.9}}
    schedule: {step: {epochs: [30, 60]}}
    augment: [horizontal_flip, random_resized_crop: {scale: [0.08, 1]}]

:mod:`archspec.training.recipe_file` reads the file.  Imports no torch.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from archspec.training.run_folder import Count
from archspec.training.transforms import Mixing, Transform
from archspec.training.words import Choice, Strict

Above = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotBelow = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Betas = Annotated[list[Fraction], Field(min_length=2, max_length=2)]


class SGD(Strict):
    """Stochastic gradient descent, with momentum (https://pytorch.org/docs/stable/generated/torch.optim.SGD.html)."""

    momentum: Fraction = 0.9
    dampening: Fraction = 0.0
    nesterov: bool = False


class Adam(Strict):
    """Adam (https://arxiv.org/abs/1412.6980); weight decay is added to the gradient."""

    betas: Betas = Field(default=[0.9, 0.999])
    eps: Above = 1e-8
    amsgrad: bool = False


class AdamW(Adam):
    """Adam with weight decay apart from the gradient (https://arxiv.org/abs/1711.05101)."""


class NAdam(Strict):
    """Adam with Nesterov momentum."""

    betas: Betas = Field(default=[0.9, 0.999])
    eps: Above = 1e-8
    momentum_decay: NotBelow = 4e-3


class RAdam(Strict):
    """Adam with a rectified variance (https://arxiv.org/abs/1908.03265)."""

    betas: Betas = Field(default=[0.9, 0.999])
    eps: Above = 1e-8


class Adamax(Strict):
    """Adam with the infinity norm (https://arxiv.org/abs/1412.6980)."""

    betas: Betas = Field(default=[0.9, 0.999])
    eps: Above = 1e-8


class RMSprop(Strict):
    """Gradients divided by a running mean of their size."""

    alpha: Fraction = 0.99
    eps: Above = 1e-8
    momentum: Fraction = 0.0
    centered: bool = False


class Adagrad(Strict):
    """Gradients divided by the root of the sum of their squares."""

    lr_decay: NotBelow = 0.0
    eps: Above = 1e-10


class Adadelta(Strict):
    """Steps in the units of the weights (https://arxiv.org/abs/1212.5701)."""

    rho: Fraction = 0.9
    eps: Above = 1e-6


class Optimizer(Choice):
    """One of the optimisers of ``torch.optim``, with its options besides the learning rate and weight decay."""

    adamw: AdamW | None = None
    adam: Adam | None = None
    sgd: SGD | None = None
    rmsprop: RMSprop | None = None
    nadam: NAdam | None = None
    radam: RAdam | None = None
    adamax: Adamax | None = None
    adagrad: Adagrad | None = None
    adadelta: Adadelta | None = None


class Constant(Strict):
    """The learning rate stays."""


class Cosine(Strict):
    """Half a cosine from the peak to ``to`` times the peak (https://arxiv.org/abs/1608.03983)."""

    to: Fraction = 0.0


class Step(Strict):
    """The learning rate is multiplied by ``factor`` at each of ``epochs``, or after ``every`` so many epochs."""

    epochs: list[Count] | None = None
    every: Count | None = None
    factor: Annotated[float, Field(gt=0, le=1)] = 0.1

    @model_validator(mode="after")
    def _one_of_both(self) -> Step:
        if (self.epochs is None) == (self.every is None):
            raise ValueError("give either `epochs` or `every`")
        return self


class Poly(Strict):
    """The peak times (1 − step/steps) to a power (https://arxiv.org/abs/1506.04579)."""

    power: Above = 0.9


class Exponential(Strict):
    """The learning rate is multiplied by ``factor`` after each epoch."""

    factor: Annotated[float, Field(gt=0, le=1)] = 0.98


class Plateau(Strict):
    """The learning rate is multiplied by ``factor`` when the measure has not risen for ``patience`` epochs."""

    factor: Annotated[float, Field(gt=0, lt=1)] = 0.1
    patience: Count = 10
    smallest: NotBelow = 0.0


class Schedule(Choice):
    """How the learning rate falls after the warm-up."""

    cosine: Cosine | None = None
    constant: Constant | None = None
    step: Step | None = None
    poly: Poly | None = None
    exponential: Exponential | None = None
    plateau: Plateau | None = None


class Border(Strict):
    """Weights for the pixels between cells, ``weight``·exp(−(d₁ + d₂)²/2``sigma``²) (https://arxiv.org/abs/1505.04597).

    d₁ and d₂ are a pixel's distances to the nearest two cells.  A cell is a connected region of a class other than 0.
    """

    weight: NotBelow = 10.0
    sigma: Above = 5.0


class Recipe(Strict):
    """All that is chosen about a training besides the network and the data.  The defaults are what is used without."""

    recipe: Literal[1] = Field(default=1, description="Version of this format.")
    name: str | None = Field(default=None, description="The name of the recipe.")
    doc: str | None = Field(default=None, description="What the recipe is, in a line or two.")
    source: str | None = Field(default=None, description="URL of the paper.")
    epochs: Count = Field(default=20, description="Passes over the training data.")
    batch_size: Count = Field(default=32, description="Images per step, over all devices.")
    lr: Above = Field(default=1e-3, description="Peak learning rate.")
    seed: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Random seed: initial weights, order, augmentation."
    )
    optimizer: Optimizer = Field(
        default=Optimizer(adamw=AdamW()), description="The optimiser: adamw, {sgd: {momentum: 0.9}} …"
    )
    weight_decay: NotBelow = Field(default=1e-2, description="Weight decay.")
    decay: Literal["weights", "all"] = Field(
        default="weights", description="What decays: the weights of layers, or norms and biases too."
    )
    bias_lr: NotBelow = Field(default=1.0, description="Factor of the learning rate of biases.")
    warm_up: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.1, description="The fraction of all steps in which the learning rate rises to its peak."
    )
    schedule: Schedule = Field(
        default=Schedule(cosine=Cosine()), description="How the learning rate falls: cosine, step …"
    )
    clip: NotBelow = Field(default=1.0, description="The norm that gradients are clipped to; 0 for no clipping.")
    ema: Fraction | None = Field(default=None, description="Decay of an exponential moving average of the weights.")
    label_smoothing: Fraction | None = Field(
        default=None, description="Label smoothing. Default: that of the spec's loss."
    )
    early_stop: Count | None = Field(
        default=None, description="Stop after so many epochs in which the measure has not risen."
    )
    freeze: list[str] = Field(
        default_factory=list,
        description="Paths of steps that are not trained: features.0, or features.0..6.",
        json_schema_extra={"type": ["array", "string"]},
    )
    layer_lr: dict[str, NotBelow] = Field(
        default_factory=dict, description="Factors of the learning rate by path of a step: {features: 0.1}."
    )
    balance: Literal["loss", "sampling"] | None = Field(
        default=None,
        description="Count rare classes more: by weights in the loss, or by showing their images more often.",
    )
    border: Border | None = Field(
        default=None, description="For masks: count the pixels between cells more: {weight: 10, sigma: 5}."
    )
    augment: list[Transform] = Field(default_factory=list, description="Random changes of each image, in order.")
    mix: Mixing | None = Field(
        default=None, description="Random mixtures of the images of a batch: mixup, cutmix, or both."
    )

    model_config = ConfigDict(json_schema_extra={"title": "A recipe for training"})

    @model_validator(mode="before")
    @classmethod
    def _one_path(cls, given: Any) -> Any:
        """``freeze: features.0`` for a list of one."""
        if isinstance(given, dict):
            return {key: [v] if key == "freeze" and isinstance(v, str) else v for key, v in given.items()}
        return given

    @model_validator(mode="after")
    def _agrees(self) -> Recipe:
        if self.schedule.plateau and self.warm_up:
            raise ValueError("`plateau` follows the measure of each epoch, and has no warm-up: write `warm_up: 0`")
        if self.optimizer.sgd and self.optimizer.sgd.nesterov and not self.optimizer.sgd.momentum:
            raise ValueError("`nesterov` needs a `momentum` above 0")
        return self


PLAIN = Recipe()
"""The recipe of a training that is given none."""


def schema() -> dict[str, Any]:
    """The JSON Schema of a recipe's file."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Recipe.model_json_schema()}
