"""The initialisers of weights: one class for each of torch's functions, and for two that torch lacks."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from archspec.ops.common.arguments import AboveZero, NonNegative, Number, literal

Nonlinearity = Literal["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"]


class Initialiser(BaseModel):
    """One way to fill a tensor; a subclass for each, its fields the arguments of torch's function."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: ClassVar[str]
    target: ClassVar[str]
    """Name of the function that fills the tensor, as called in the emitted file."""
    helper: ClassVar[str | None] = None
    """Source of that function, if torch does not have it."""
    sole: ClassVar[str | None] = None
    """The field that can be given without its name: ``{constant: 0.1}``."""

    def statement(self) -> str:
        """The torch statement over ``{tensor}``; arguments equal to torch's defaults are left out."""
        values = [
            f"{name}={literal(getattr(self, name))}"
            for name, field in type(self).model_fields.items()
            if field.is_required() or getattr(self, name) != field.default
        ]
        return f"{self.target}({', '.join(['{tensor}', *values])})"


class Zeros(Initialiser):
    """All zeros."""

    name: ClassVar[str] = "zeros"
    target: ClassVar[str] = "nn.init.zeros_"


class Ones(Initialiser):
    """All ones."""

    name: ClassVar[str] = "ones"
    target: ClassVar[str] = "nn.init.ones_"


class Constant(Initialiser):
    """The same value everywhere."""

    name: ClassVar[str] = "constant"
    target: ClassVar[str] = "nn.init.constant_"
    sole: ClassVar[str | None] = "value"

    value: Number = Field(description="the value")

    def statement(self) -> str:
        """``nn.init.constant_({tensor}, 0.1)``."""
        return f"{self.target}({{tensor}}, {literal(self.value)})"


class Normal(Initialiser):
    """Normally distributed."""

    name: ClassVar[str] = "normal"
    target: ClassVar[str] = "nn.init.normal_"

    mean: Number = Field(0.0, description="the mean")
    std: AboveZero = Field(1.0, description="the standard deviation")


class Uniform(Initialiser):
    """Uniformly distributed."""

    name: ClassVar[str] = "uniform"
    target: ClassVar[str] = "nn.init.uniform_"

    low: Number = Field(0.0, description="the lower bound")
    high: Number = Field(1.0, description="the upper bound")

    def statement(self) -> str:
        """``nn.init.uniform_({tensor}, -0.1, 0.1)``; torch calls the bounds a and b."""
        return f"{self.target}({{tensor}}, {literal(self.low)}, {literal(self.high)})"


class TruncNormal(Initialiser):
    """Normally distributed, cut off at ``a`` and ``b``."""

    name: ClassVar[str] = "trunc_normal"
    target: ClassVar[str] = "nn.init.trunc_normal_"

    mean: Number = Field(0.0, description="the mean before the cut")
    std: AboveZero = Field(1.0, description="the standard deviation before the cut")
    a: Number = Field(-2.0, description="the least value")
    b: Number = Field(2.0, description="the greatest value")


class _Kaiming(Initialiser):
    a: Number = Field(0.0, description="negative slope of the leaky ReLU after the layer")
    mode: Literal["fan_in", "fan_out"] = Field(
        "fan_in", description="keep the variance of the outputs (fan_in) or of the gradients (fan_out)"
    )
    nonlinearity: Nonlinearity = Field("leaky_relu", description="the activation after the layer")


class KaimingNormal(_Kaiming):
    """Normal, with a variance that rectifiers preserve (https://arxiv.org/abs/1502.01852)."""

    name: ClassVar[str] = "kaiming_normal"
    target: ClassVar[str] = "nn.init.kaiming_normal_"


class KaimingUniform(_Kaiming):
    """Uniform, with a variance that rectifiers preserve (https://arxiv.org/abs/1502.01852)."""

    name: ClassVar[str] = "kaiming_uniform"
    target: ClassVar[str] = "nn.init.kaiming_uniform_"


class _Gained(Initialiser):
    gain: Number = Field(1.0, description="a factor on the result")


class XavierNormal(_Gained):
    """Normal, scaled by fan-in and fan-out (Glorot and Bengio, 2010)."""

    name: ClassVar[str] = "xavier_normal"
    target: ClassVar[str] = "nn.init.xavier_normal_"


class XavierUniform(_Gained):
    """Uniform, scaled by fan-in and fan-out (Glorot and Bengio, 2010)."""

    name: ClassVar[str] = "xavier_uniform"
    target: ClassVar[str] = "nn.init.xavier_uniform_"


class Orthogonal(_Gained):
    """A random orthogonal matrix (https://arxiv.org/abs/1312.6120)."""

    name: ClassVar[str] = "orthogonal"
    target: ClassVar[str] = "nn.init.orthogonal_"


class Dirac(Initialiser):
    """An identity convolution: each channel passes through unchanged."""

    name: ClassVar[str] = "dirac"
    target: ClassVar[str] = "nn.init.dirac_"


class Identity(Initialiser):
    """Yu and Koltun's identity for context modules, for any channels (https://arxiv.org/abs/1511.07122, eq. 4, 5)."""

    name: ClassVar[str] = "identity"
    target: ClassVar[str] = "identity_"
    helper: ClassVar[str | None] = '''\
@torch.no_grad()
def identity_(weight: Tensor, classes: int = 0, std: float = 0.0) -> Tensor:
    """Pass each class through, for any number of channels (arXiv:1511.07122, eq. 5)."""
    outputs, inputs = weight.shape[:2]
    classes = classes or min(outputs, inputs)
    output, input = torch.arange(outputs)[:, None], torch.arange(inputs)
    same = output * classes // outputs == input * classes // inputs
    nn.init.normal_(weight, std=std)
    centre = weight[(..., *(size // 2 for size in weight.shape[2:]))]
    centre[same.to(weight.device)] = classes / outputs
    return weight
'''

    classes: NonNegative = Field(0, description="number of classes C; 0: the smaller number of channels")
    std: Number = Field(0.0, description="standard deviation of the other weights")


class Bilinear(Initialiser):
    """Bilinear interpolation, for a transposed convolution that upsamples (https://arxiv.org/abs/1411.4038, 3.3)."""

    name: ClassVar[str] = "bilinear"
    target: ClassVar[str] = "bilinear_"
    helper: ClassVar[str | None] = '''\
@torch.no_grad()
def bilinear_(weight: Tensor) -> Tensor:
    """Fill a weight with bilinear interpolation of each channel (arXiv:1411.4038)."""
    kernel = torch.ones((), dtype=weight.dtype, device=weight.device)
    for size in weight.shape[2:]:
        factor = (size + 1) // 2
        centre = factor - (1 if size % 2 else 0.5)
        offset = torch.arange(size, device=weight.device) - centre
        kernel = kernel[..., None] * (1 - offset.abs() / factor)
    channel = torch.arange(weight.shape[0], device=weight.device)
    weight.zero_()[channel, channel % weight.shape[1]] = kernel
    return weight
'''


INITIALISERS: dict[str, type[Initialiser]] = {
    kind.name: kind
    for kind in (
        Zeros,
        Ones,
        Constant,
        Normal,
        Uniform,
        TruncNormal,
        KaimingNormal,
        KaimingUniform,
        XavierNormal,
        XavierUniform,
        Orthogonal,
        Dirac,
        Identity,
        Bilinear,
    )
}
