"""Initialisation of weights: ``init:`` of a step, as data and as torch statements.

Three ways to write one: a name (``kaiming_normal``), a name with its arguments (``{kaiming_normal: {mode: fan_out}}``),
or one of these for each tensor (``{weight: xavier_uniform, bias: zeros}``). The first two initialise ``weight``.
"""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from archspec.diagnostics import did_you_mean, printable
from archspec.ops.common.arguments import AboveZero, NonNegative, Number, literal, refuse, shown
from archspec.records import record

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
TENSORS = ("weight", "bias")
"""The tensors that ``init`` can name; an initialiser without a tensor name is for the op's first tensor."""


@record
class Init:
    """The initialisers of an op's tensors, as written; the key None is the op's main tensor."""

    tensors: tuple[tuple[str | None, Initialiser], ...]

    @classmethod
    def parse(cls, value: object) -> Init:
        """Parse any of the three notations."""
        if isinstance(value, Init):
            return value
        if isinstance(value, str):
            return cls(((None, _initialiser(value, {})),))
        if not isinstance(value, dict) or not value:
            refuse(f"must be the name of an initialiser, not {shown(value)}", "for example `kaiming_normal`")
        keys = list(value)
        if all(key in TENSORS for key in keys):
            return cls(tuple((str(key), cls.parse(value[key])._only()) for key in keys))
        if len(keys) > 1:
            refuse(
                "must be one initialiser, or one for each of `weight` and `bias`, not "
                + ", ".join(shown(key) for key in keys[:4]),
                "write {weight: …, bias: …}",
            )
        return cls(((None, _initialiser(keys[0], value[keys[0]])),))

    def _only(self) -> Initialiser:
        if len(self.tensors) != 1 or self.tensors[0][0] is not None:
            refuse("names a tensor inside a tensor")
        return self.tensors[0][1]

    def statements(self, main: str = "weight") -> dict[str, str]:
        """Statements over ``{tensor}`` by tensor name; ``main`` is the tensor of an initialiser without one."""
        return {main if name is None else name: how.statement() for name, how in self.tensors}

    @property
    def helpers(self) -> tuple[str, ...]:
        """Sources of the functions that these statements need and torch lacks."""
        return tuple(dict.fromkeys(how.helper for _, how in self.tensors if how.helper is not None))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the initialisers."""
        return tuple(how.name for _, how in self.tensors)

    def plain(self) -> Any:
        """The value of ``init`` in a spec, as plain data."""

        def one(how: Initialiser) -> Any:
            given = how.model_dump(exclude_defaults=True)
            return {how.name: given} if given else how.name

        if len(self.tensors) == 1 and self.tensors[0][0] is None:
            return one(self.tensors[0][1])
        return {name: one(how) for name, how in self.tensors}

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Validation by :meth:`parse`."""
        return core_schema.no_info_plain_validator_function(
            cls.parse, serialization=core_schema.plain_serializer_function_ser_schema(lambda init: init.plain())
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """A schema that lists every initialiser with its arguments."""
        return deepcopy(_every())


@cache
def _every() -> dict[str, Any]:
    """The schema of :class:`Init`, the same for each op that has weights."""
    one = {"anyOf": [{"enum": list(INITIALISERS)}, *(_json_schema(kind) for kind in INITIALISERS.values())]}
    tensors = {"type": "object", "additionalProperties": False, "minProperties": 1}
    return {"anyOf": [*one["anyOf"], {**tensors, "properties": dict.fromkeys(TENSORS, one)}]}


def _json_schema(kind: type[Initialiser]) -> dict[str, Any]:
    arguments = kind.model_json_schema()
    given: dict[str, Any] = arguments
    if kind.sole is not None:
        given = {"anyOf": [arguments["properties"][kind.sole], arguments]}
    return {
        "type": "object",
        "description": (kind.__doc__ or "").strip(),
        "additionalProperties": False,
        "required": [kind.name],
        "properties": {kind.name: given},
    }


def _initialiser(name: object, arguments: object) -> Initialiser:
    kind = INITIALISERS.get(name) if isinstance(name, str) else None
    if kind is None:
        refuse(f"{shown(name)} is not an initialiser", did_you_mean(str(name)[:80], [*INITIALISERS, *TENSORS]))
    if kind.sole is not None and isinstance(arguments, int | float):
        arguments = {kind.sole: arguments}
    if not isinstance(arguments, dict):
        refuse(f"the arguments of `{kind.name}` must be named, not {shown(arguments)}")
    try:
        return kind.model_validate(arguments)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = printable(".".join(str(part) for part in first["loc"]), 60)
        message = {
            "missing": f"`{kind.name}` needs `{where}`",
            "extra_forbidden": f"`{kind.name}` has no argument `{where}`",
        }.get(first["type"], f"`{where}` of `{kind.name}`: {first['msg']}")
        hint = did_you_mean(where, kind.model_fields) if first["type"] == "extra_forbidden" else None
        refuse(message, hint or first.get("ctx", {}).get("hint"))
