"""Translates Keras's layers that reshape a map or merge several."""

from __future__ import annotations

from math import prod

from archspec.importers.keras.common import RANKS, Rule, collapsed, passing, plain, rank_of
from archspec.importers.keras.network import Given


def _padding(given: Given) -> int:
    given.first_data_format()
    sides = given.settings.sides("padding", rank_of(given))
    amount = collapsed([pair[0] if pair[0] == pair[1] else pair for pair in sides])
    amount = sides if any(pair[0] != pair[1] for pair in sides) else amount
    return given.add("pad", amount=amount)


def _cropping(given: Given) -> int:
    given.first_data_format()
    return given.add("crop", amount=given.settings.sides("cropping", rank_of(given)))


def _upsampling(given: Given) -> int:
    given.first_data_format()
    rank = rank_of(given)
    way = given.settings.word("interpolation", ("nearest", "bilinear"), "nearest")
    return given.add("upsample", scale=collapsed(given.settings.each("size", rank, 2)), mode=way)


def _flatten(given: Given) -> int:
    """A map as a vector in Keras's order, channels last: by reordering the next matrix, or permuting the map."""
    given.first_data_format()
    if not given.rank():
        return given.reads[0]
    dims = given.dims(given.reads[0])
    if given.network.format == "channels_first" or prod(dims[1:]) == 1 or dims[0] == 1:
        return given.add("flatten")
    if _meets_matrices(given):
        value = given.add("flatten")
        given.network.flattened[value] = tuple(dims)
        return value
    axes = given.network.assembly.shapes[given.reads[0]].axes
    return given.add("flatten", [given.add("permute", axes=(*axes[1:], axes[0]))])


PASSING = ("Dropout", "Activation", "ReLU", "LeakyReLU", "ELU")


def _meets_matrices(given: Given) -> bool:
    """Whether a vector is read only by linear layers, possibly after elementwise layers."""
    waiting = [given.call.gives]
    while waiting:
        readers = given.network.readers.get(waiting.pop(), [])
        if not readers:
            return False
        for call in readers:
            if call.kind in PASSING and call.settings.config.get("activation") != "softmax":
                waiting.append(call.gives)
            elif call.kind != "Dense" or not call.first:
                return False
    return True


def _reshape(given: Given) -> int:
    wanted = given.settings.get("target_shape", [])
    dims = given.dims(given.reads[0])
    if not isinstance(wanted, list) or any(type(one) is not int for one in wanted) or not wanted:
        raise given.settings.wrong("target_shape", "must be whole numbers")
    total = prod(dims)
    if wanted.count(-1) == 1 and total % (known := prod(one for one in wanted if one != -1) or 1) == 0:
        wanted = [total // known if one == -1 else one for one in wanted]
    if prod(wanted) != total or min(wanted) < 1:
        raise given.settings.wrong("target_shape", f"must be {total} numbers")
    last = wanted if given.network.format == "channels_first" else [wanted[-1], *wanted[:-1]]
    if last == dims:
        return given.reads[0]
    if max(dims) != total or max(wanted) != total:
        raise given.settings.refuse("a reshape that mixes channels and pixels is not supported")
    if len(last) == 1:
        return given.add("flatten")
    return given.add("reshape", shape=last)


def _merge(op: str, alone: str = "") -> Rule:
    """A merge of tensors, or of a tensor with a number: Keras 2 and the older format write ``x + 3`` like this too."""

    def rule(given: Given) -> int:
        if not given.numbers:
            return given.add(op) if len(given.reads) > 1 else given.reads[0]
        if not alone or len(given.reads) != 1 or len(given.numbers) != 1:
            raise given.settings.refuse("its operands must be tensors, or a tensor and a number")
        return given.add(alone, by=plain(given.numbers[0]))

    return rule


def _average(given: Given) -> int:
    return given.add("scale", [given.add("add")], by=1 / len(given.reads))


def _concatenate(given: Given) -> int:
    at = given.settings.get("axis", -1)
    if type(at) is not int:
        raise given.settings.wrong("axis", "must be a whole number")
    return given.add("concat", axis=given.axis(at))


def _dropout(op: str) -> Rule:
    return lambda given: given.add(op, p=given.settings.number("rate", 0.5))


def _same(given: Given) -> int:
    given.settings.skip("stddev", "l1", "l2")
    return given.reads[0]


RULES: dict[str, Rule] = {
    **{f"ZeroPadding{rank}": _padding for rank in RANKS},
    **{f"Cropping{rank}": _cropping for rank in RANKS},
    **{f"UpSampling{rank}": _upsampling for rank in RANKS},
    **{f"SpatialDropout{rank}": _dropout("channel_dropout") for rank in RANKS},
    "ActivityRegularization": _same,
    "Add": _merge("add", "shift"),
    "Average": _average,
    "Concatenate": _concatenate,
    "Dropout": passing(_dropout("dropout")),
    "Flatten": _flatten,
    "GaussianNoise": passing(_same),
    "Identity": passing(_same),
    "Maximum": _merge("maximum"),
    "Minimum": _merge("minimum"),
    "Multiply": _merge("multiply", "scale"),
    "Reshape": _reshape,
    "Subtract": _merge("subtract"),
}
"""The translation rule of each layer class."""

OPERATIONS: dict[str, Rule] = {
    "Add": _merge("add", "shift"),
    "Multiply": _merge("multiply", "scale"),
}
"""The translation rule of each operation between tensors."""
