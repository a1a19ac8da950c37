"""Translates Darknet's sections to ops as its own code reads them: defaults, windows, and the layers a layer reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from archspec.diagnostics import Fault
from archspec.importers.assembly import Assembly
from archspec.importers.darknet.cfg import Section
from archspec.importers.darknet.weights import Stored
from archspec.importers.network import Frame

EPS = 1e-5
"""The epsilon of batch normalisation: 1e-5 inside the root on GPUs and in AlexeyAB's Darknet; 1e-6 outside on a CPU."""

MOMENTUM = 0.01
"""The weight of a new batch in the running statistics: Darknet keeps 0.99 of the old."""

ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "elu": ("elu", {}),
    "leaky": ("leaky_relu", {"negative_slope": 0.1}),
    "logistic": ("sigmoid", {}),
    "mish": ("mish", {}),
    "relu": ("relu", {}),
    "relu6": ("relu6", {}),
    "selu": ("selu", {}),
    "swish": ("silu", {}),
    "tanh": ("tanh", {}),
}

MOST_FROM = 1000
"""The most layers that one layer may read."""


@dataclass(slots=True, eq=False)
class Network:
    """The layers so far."""

    assembly: Assembly
    current: int
    given: list[int | None] = field(default_factory=list)
    """The value of each section; None if it was refused."""
    stored: list[Stored] = field(default_factory=list)

    def add(self, section: Section, op: str, reads: list[int], **more: Any) -> int:
        """Add one op in a section's place."""
        arguments = {name: value for name, value in more.items() if name not in ("frame", "path")}
        path, frame = more.get("path", ()), more.get("frame")
        return self.assembly.add(op, reads, arguments, path=path, frame=frame, span=section.span())

    def activate(self, section: Section, value: int, usual: str, frame: Frame | None = None) -> int:
        """Add the activation that a section names."""
        name = section.text("activation", usual)
        if name == "linear":
            return value
        if name not in ACTIVATIONS:
            raise section.refuse(f"has an unknown activation: `{name[:30]}`", "activation")
        op, arguments = ACTIVATIONS[name]
        return self.add(section, op, [value], frame=frame, **arguments)

    def layer(self, section: Section, number: int, key: str) -> int:
        """The value of another layer, counted from the first, or backwards from this one; raises :class:`Fault`."""
        index = section.index + number if number < 0 else number
        if not 0 <= index < section.index:
            raise section.wrong(key, f"names layer {index}, which does not come before this one, {section.index}")
        value = self.given[index]
        if value is None:
            raise Unknown
        return value

    def size(self, value: int) -> tuple[Any, ...]:
        """Height and width."""
        return self.assembly.shapes[value].spatial


class Unknown(Exception):
    """A layer reads one that was refused before."""


def _frame(network: Network, section: Section, word: str, whole: bool) -> tuple[Frame | None, str]:
    """The module of a section, None for a single step, and its path."""
    path = f"{word}{section.index}"
    return (Frame(path, section.name, network.assembly.root) if whole else None), path


def _learnt(network: Network, section: Section, op: str, value: int, arguments: dict[str, Any], word: str) -> int:
    """A convolution or a linear layer, with its normalisation and activation."""
    norm = section.whole("batch_normalize", 0) != 0
    linear = section.text("activation", "logistic") == "linear"
    frame, path = _frame(network, section, word, norm or not linear)
    at = (path, word) if frame is not None else (path,)
    value = network.add(section, op, [value], bias=not norm, frame=frame, path=at, **arguments)
    tail = None
    if norm:
        tail = f"{path}.bn"
        value = network.add(section, "batch_norm", [value], frame=frame, path=(path, "bn"), eps=EPS, momentum=MOMENTUM)
    network.stored.append(Stored(section.index, section.name, ".".join(at), tail))
    return network.activate(section, value, "logistic", frame)


def _convolutional(network: Network, section: Section) -> int:
    kernel, groups = section.whole("size", 1, 1), section.whole("groups", 1, 1)
    stride = section.whole("stride", 1, 1)
    strides = [section.whole(key, stride, 1) for key in ("stride_y", "stride_x")]
    padding = section.whole("padding", 0)
    if section.whole("pad", 0):
        padding = kernel // 2
    dilation = section.whole("dilation", 1, 1) if kernel > 1 else 1
    for key in ("binary", "xnor", "flipped", "dontload", "antialiasing", "deform"):
        if section.whole(key, 0):
            raise section.refuse(f"is not supported with `{key}`", key)
    arguments = {
        "channels": section.whole("filters", 1, 1),
        "kernel": kernel,
        "stride": strides,
        "padding": padding * dilation,
        "dilation": dilation,
        "groups": groups,
    }
    return _learnt(network, section, "conv", network.current, arguments, "conv")


def _connected(network: Network, section: Section) -> int:
    value = network.current
    if network.assembly.shapes[value].rank:
        value = network.add(section, "flatten", [value])
    return _learnt(network, section, "linear", value, {"features": section.whole("output", 1, 1)}, "fc")


def _maxpool(network: Network, section: Section) -> int:
    """``padding`` is the total number of padded rows; half of them, rounded down, come before the map."""
    stride = section.whole("stride", 1, 1)
    kernel = section.whole("size", stride, 1)
    padding = section.whole("padding", kernel - 1)
    for key in ("maxpool_depth", "antialiasing"):
        if section.whole(key, 0):
            raise section.refuse(f"is not supported with `{key}`", key)
    sides = [padding // 2, padding - padding // 2]
    amount: Any = sides[0] if sides[0] == sides[1] else [sides, sides]
    return network.add(section, "max_pool", [network.current], kernel=kernel, stride=stride, padding=amount)


def _avgpool(network: Network, section: Section) -> int:
    return network.add(section, "global_avg_pool", [network.current])


def _dropout(network: Network, section: Section) -> int:
    return network.add(section, "dropout", [network.current], p=section.number("probability", 0.5))


def _softmax(network: Network, section: Section) -> int:
    if section.whole("groups", 1, 1) != 1 or section.has("tree") or section.whole("spatial", 0):
        raise section.refuse("is supported over all numbers together only")
    if section.number("temperature", 1.0) != 1:
        raise section.refuse("is supported without a temperature only", "temperature")
    value = network.current
    if network.assembly.shapes[value].rank:
        value = network.add(section, "flatten", [value])
    return network.add(section, "softmax", [value])


def _route(network: Network, section: Section) -> int:
    numbers = section.wholes("layers")
    if not 1 <= len(numbers) <= MOST_FROM:
        raise section.refuse("must name at least one layer", "layers" if section.has("layers") else None)
    groups, which = section.whole("groups", 1, 1), section.whole("group_id", 0)
    values = [network.layer(section, number, "layers") for number in numbers]
    if groups > 1:
        cut: list[int] = []
        for value in values:
            channels = network.assembly.channels(value)
            if channels % groups or which >= groups:
                raise section.wrong("groups", f"does not split {channels} channels so that there is a part {which}")
            sizes = [channels // groups] * groups
            cut.append(network.add(section, "split", [value], sizes=sizes, index=which))
        values = cut
    return values[0] if len(values) == 1 else network.add(section, "concat", values)


def _shortcut(network: Network, section: Section) -> int:
    """The layer before plus others, over the channels and positions that both have."""
    numbers = section.wholes("from")
    if not 1 <= len(numbers) <= MOST_FROM:
        raise section.refuse("must name at least one layer", "from" if section.has("from") else None)
    if section.text("weights_type", "none") != "none":
        raise section.refuse("is supported without learnt weights only", "weights_type")
    first, second = section.number("alpha", 1.0), section.number("beta", 1.0)
    value = _scaled(network, section, network.current, first)
    others = [
        _scaled(network, section, _subsampled(network, section, network.layer(section, number, "from")), second)
        for number in numbers
    ]
    channels = network.assembly.channels(value)
    if all(network.assembly.channels(other) == channels for other in others):
        value = network.add(section, "add", [value, *others])
    else:
        for other in others:
            value = _partly(network, section, value, other)
    return network.activate(section, value, "linear")


def _scaled(network: Network, section: Section, value: int, factor: float) -> int:
    return value if factor == 1 else network.add(section, "scale", [value], by=factor)


def _subsampled(network: Network, section: Section, value: int) -> int:
    """A map larger than the layer before, subsampled to its size: every second row and column, or fewer."""
    own, other = network.size(network.current), network.size(value)
    if own == other:
        return value
    step = other[0] // own[0] if own and other else 0
    if step < 2 or step != other[1] // own[1]:
        raise section.refuse("adds maps whose sizes do not differ by one whole factor")
    return network.add(section, "max_pool", [value], kernel=1, stride=step)


def _partly(network: Network, section: Section, value: int, other: int) -> int:
    own, least = network.assembly.channels(value), network.assembly.channels(other)
    if least >= own:
        if least > own:
            other = network.add(section, "slice", [other], length=own)
        return network.add(section, "add", [value, other])
    start = network.add(section, "slice", [value], length=least)
    start = network.add(section, "add", [start, other])
    rest = network.add(section, "slice", [value], start=least)
    return network.add(section, "concat", [start, rest])


def _upsample(network: Network, section: Section) -> int:
    stride = section.whole("stride", 2, 1)
    value = network.add(section, "upsample", [network.current], scale=stride)
    return _scaled(network, section, value, section.number("scale", 1.0))


def _reorg(network: Network, section: Section) -> int:
    """As ``reorg_cpu``: the buffer is read as a map of fewer channels and larger sides, whose cells become channels.

    It is neither ``pixel_unshuffle`` nor a permutation of it, and holds for a single size.
    """
    stride = section.whole("stride", 1, 1)
    for key in ("reverse", "flatten", "extra"):
        if section.whole(key, 0):
            raise section.refuse(f"is not supported with `{key}`", key)
    value = network.current
    shape = network.assembly.shapes[value]
    if shape.rank != 2:
        raise section.refuse("needs a map")
    channels, height, width = (int(str(dim)) for dim in shape.dims)
    if channels % stride**2 or height % stride or width % stride:
        raise section.refuse(f"cannot divide {channels}×{height}×{width} by {stride}", "stride")
    axes = ["channels", "height", "row", "width", "column"]
    parts = [channels // stride**2, height, stride, width, stride]
    value = network.add(section, "reshape", [value], shape=parts, axes=axes)
    value = network.add(section, "permute", [value], axes=["row", "column", "channels", "height", "width"])
    return network.add(section, "reshape", [value], shape=[channels * stride**2, height // stride, width // stride])


def _crop(network: Network, section: Section) -> int:
    """The centre crop of inference; values from 0 to 1 are then scaled to −1 to 1."""
    size = [section.whole("crop_height", 1, 1), section.whole("crop_width", 1, 1)]
    value = network.add(section, "crop", [network.current], size=size)
    if section.whole("noadjust", 0):
        return value
    return network.add(section, "shift", [network.add(section, "scale", [value], by=2)], by=-1)


RULES: dict[str, Callable[[Network, Section], int]] = {
    "avgpool": _avgpool,
    "connected": _connected,
    "convolutional": _convolutional,
    "crop": _crop,
    "dropout": _dropout,
    "maxpool": _maxpool,
    "reorg": _reorg,
    "route": _route,
    "shortcut": _shortcut,
    "softmax": _softmax,
    "upsample": _upsample,
}
SHORT = {
    "avg": "avgpool", "conn": "connected", "conv": "convolutional", "max": "maxpool", "soft": "softmax",
}  # fmt: skip
HEADS = ("yolo", "region", "detection")
"""Sections whose input is an output of the network: they turn it into boxes."""

NOTHING = ("cost",)
"""Sections that only training uses."""

__all__ = ["Fault", "HEADS", "NOTHING", "Network", "RULES", "SHORT", "Unknown"]
