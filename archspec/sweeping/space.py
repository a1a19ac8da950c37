"""A space file: the spec, the values of its parameters that are tried, input sizes, limits."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from archspec.analyses.memory import BYTES
from archspec.diagnostics import Diagnostics, Fault, Span, did_you_mean, printable
from archspec.elaborate.shipped import more_names, spec_names
from archspec.records import record
from archspec.sweeping.limits import Limit, parse_limit
from archspec.syntax import Items, Limits, Node, Scalar, parse, plain, read
from archspec.syntax import Mapping as YamlMapping
from archspec.validation import Words, complaints

MOST_VARIANTS = 1_000_000
"""Maximum number of variants of a space."""

_SIZES = re.compile(r"[1-9][0-9]{0,6}(x[1-9][0-9]{0,6})*\Z")


def _word(value: Any) -> Any:
    return value.value if isinstance(value, Scalar) else value


def _entries(value: Any) -> Any:
    return {str(key.text): node for key, node in value.entries} if isinstance(value, YamlMapping) else value


def _list(value: Any) -> Any:
    return list(value.items) if isinstance(value, Items) else value


Word = Annotated[str, BeforeValidator(_word), Field(strict=True)]
Count = Annotated[int, BeforeValidator(_word), Field(strict=True, ge=1, le=1_000_000_000)]
Entries = Annotated[dict[str, Any], BeforeValidator(_entries)]
Listed = Annotated[list[Any], BeforeValidator(_list), Field(min_length=1)]
Dtype = Annotated[Literal["float32", "float64", "bfloat16", "float16"], BeforeValidator(_word)]


class SpaceModel(BaseModel):
    """A space file: a spec, and the values that are tried."""

    model_config = ConfigDict(extra="forbid")

    spec: Word = Field(description="The spec: the name of a shipped one, or a path beside this file.")
    space: Entries = Field(description="The values of each parameter that are tried: `width: [0.25, 0.5, 1]`.")
    sizes: Listed | None = Field(
        None, description="The input sizes that are tried: `[128, 160x192]`, a number for all symbols or one for each."
    )
    batch: Count = Field(1, description="Images per batch, for the memory.")
    dtype: Dtype = Field("float32", description="Data type of the numbers, for the memory.")
    limits: Entries = Field(default_factory=dict, description="The most of a measure: `{macs: 300e6, memory: 2GB}`.")
    training: Entries = Field(
        default_factory=dict, description="The values that trials choose from: `lr: [0.001, 0.01]`, `batch_size: [32]`."
    )


@record
class Space:
    """A space: which variants there are, and what they are measured at."""

    shown: str
    """The file's name for users."""
    spec: str
    """The spec as `load` takes it."""
    axes: Mapping[str, tuple[Any, ...]]
    """The values of each parameter, in the order written."""
    sizes: tuple[str, ...]
    """The input sizes as on a command line; empty for the spec's own."""
    batch: int
    dtype: str
    limits: tuple[Limit, ...]
    training: Mapping[str, tuple[Any, ...]]
    keys: Mapping[str, Span]
    """The place of each parameter's name."""

    @property
    def points(self) -> int:
        """Number of combinations of the parameters' values."""
        return math.prod(map(len, self.axes.values()))

    @property
    def variants(self) -> int:
        """Number of variants: at every point, one for each input size."""
        return self.points * max(1, len(self.sizes))

    def point(self, index: int) -> dict[str, Any]:
        """The parameters' values of a point; the last parameter varies fastest."""
        found: dict[str, Any] = {}
        for name, values in reversed(list(self.axes.items())):
            index, place = divmod(index, len(values))
            found[name] = values[place]
        return dict(reversed(found.items()))

    def described(self) -> dict[str, Any]:
        """What decides the rows, as plain data."""
        axes = {name: list(values) for name, values in self.axes.items()}
        return {"axes": axes, "sizes": list(self.sizes), "batch": self.batch, "dtype": self.dtype}


_EXAMPLE = "write `spec: mobilenet_v1` and `space: {width: [0.25, 0.5, 1]}`"
_WORDS = Words(
    "a space",
    kinds={
        "too_short": "a list of one value or more",
        "literal_error": f"one of {', '.join(BYTES)}",
        "greater_than_equal": "1 or more",
        "less_than_equal": "a smaller number",
    },
    hints={"spec": _EXAMPLE, "space": _EXAMPLE},
)

TRAINING = ("lr", "batch_size")
"""What ``training`` may vary."""


def read_space(path: Path) -> Space:
    """The space of a file.  Raises :class:`SpecError` with every fault, at its place."""
    diagnostics = Diagnostics()
    space: Space | None = None
    try:
        text = read(path, Limits(), "name a .yaml file")
        space = _space(parse(text, str(path), Limits(), str(path)), path, diagnostics)
    except Fault as fault:
        diagnostics.add(fault.diagnostic)
    diagnostics.raise_if_errors()
    assert space is not None
    return space


def _space(node: Node, path: Path, diagnostics: Diagnostics) -> Space | None:
    """A space of a located file; None, with diagnostics added, where its structure is wrong."""
    if not isinstance(node, YamlMapping):
        raise Fault("structure", "a space must be a mapping with `spec` and `space`", node.span)
    try:
        model = SpaceModel.model_validate({str(key.text): value for key, value in node.entries})
    except ValidationError as failure:
        for each in complaints(SpaceModel, node, failure, _WORDS):
            diagnostics.add(each)
        return None
    axes = _axes(model.space, "space", node, diagnostics)
    training = _axes(model.training, "training", node, diagnostics)
    for name in training:
        if name not in TRAINING:
            hint = did_you_mean(name, TRAINING) or f"trials can vary {' and '.join(TRAINING)}"
            diagnostics.error(
                "unknown-key", f"`training` has no key `{printable(name)}`", _key(node, "training", name), hint
            )
    sizes = tuple(filter(None, (_size(item, diagnostics) for item in model.sizes or ())))
    limits = [parse_limit(name, value, _key(node, "limits", name), diagnostics) for name, value in model.limits.items()]
    keys = {name: span for name in axes if (span := _key(node, "space", name)) is not None}
    space = Space(
        printable(str(path)),
        _spec(model.spec, path),
        axes,
        sizes,
        model.batch,
        model.dtype,
        tuple(limit for limit in limits if limit is not None),
        training,
        keys,
    )
    if space.variants > MOST_VARIANTS:
        key = node.key("space")
        message = f"the space has {space.variants:,} variants; at most {MOST_VARIANTS:,} are measured"
        diagnostics.error("too-many-variants", message, key.span if key else node.span)
    return space


def _axes(
    entries: Mapping[str, Any], section: str, node: YamlMapping, diagnostics: Diagnostics
) -> dict[str, tuple[Any, ...]]:
    """The values of each name in a section."""
    found: dict[str, tuple[Any, ...]] = {}
    for name, values in entries.items():
        if isinstance(values, Items) and values.items:
            found[name] = tuple(plain(item) for item in values.items)
            continue
        message = f"`{printable(name)}` must be a list of values to try"
        hint = f"write `{printable(name)}: [0.25, 0.5, 1]`; a list as a value is a list in the list: `[[2, 2], [3, 3]]`"
        diagnostics.error("wrong-type", message, _key(node, section, name), hint)
    return found


def _size(item: Node, diagnostics: Diagnostics) -> str | None:
    """An input size as on a command line; None, with a diagnostic, for anything else."""
    text = str(item.value).lower().replace("×", "x") if isinstance(item, Scalar) else ""
    if _SIZES.match(text):
        return text
    diagnostics.error("wrong-type", "a size is a whole number, or one for each symbol: 160x192", item.span)
    return None


def _spec(text: str, path: Path) -> str:
    """The spec's name, or its path from here: a path in a space is relative to the space's folder."""
    if text in spec_names() | more_names():
        return text
    return str(path.parent / text)


def _key(node: YamlMapping, section: str, name: str) -> Span | None:
    inner = node.get(section)
    key = inner.key(name) if isinstance(inner, YamlMapping) else None
    return key.span if key is not None else None
