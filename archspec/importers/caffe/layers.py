"""Translates Caffe's layers to ops, type by type, with the place of their weights in a ``.caffemodel``.

Defaults and rules follow Caffe's ``caffe.proto`` and the sources of its layers.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from archspec.importers.caffe.fields import Fields
from archspec.importers.caffe.given import Given
from archspec.importers.caffe.windows import convolution, pooling


def _inner_product(given: Given) -> list[int]:
    fields = given.fields.message("inner_product_param")
    features = fields.whole("num_output", 0, 1)
    if not features:
        raise given.refuse("`num_output` is missing")
    if fields.whole("axis", 1) != 1:
        raise given.refuse("only flattening from the channel axis to the last is supported", "axis", fields)
    bias = fields.flag("bias_term", True)
    reads = given.reads
    if given.rank():
        reads = [given.add("flatten", named=False)]
    value = given.add("linear", reads, features=features, bias=bias)
    given.keep("weight", *(["bias"] if bias else []), how="transposed" if fields.flag("transpose", False) else "plain")
    return [value]


def _batch_norm(given: Given) -> list[int]:
    fields = given.fields.message("batch_norm_param")
    kept = fields.flag("use_global_stats", True)
    momentum = round(1 - fields.number("moving_average_fraction", 0.999), 12)
    affine = given.scale is not None
    eps = fields.number("eps", 1e-5)
    value = given.add("batch_norm", eps=eps, momentum=momentum, affine=affine, track_running_stats=kept)
    if kept:
        given.keep("running_mean", "running_var", how="statistics")
    if given.scale is not None:
        given.keep("weight", "bias", layer=given.scale.name)
    return [value]


def _scale(given: Given) -> list[int]:
    """A factor for each channel: either learnt, which is a depthwise 1×1 convolution, or the second input."""
    fields = given.fields.message("scale_param")
    axis, axes = fields.whole("axis", 1, -9), fields.whole("num_axes", 1, -1)
    bias = fields.flag("bias_term", False)
    if len(given.reads) == 2:
        map_, factors = given.reads
        if bias or axis != 0:
            raise given.refuse("with a second input only `axis: 0` without a bias is supported", "scale_param")
        shapes = given.assembly.shapes
        if shapes[factors].rank == 0 and shapes[map_].rank:
            ones = [1] * shapes[map_].rank
            factors = given.add("reshape", [factors], named=False, shape=[shapes[factors].channels, *ones])
        return [given.add("multiply", [map_, factors])]
    if axis != 1 or axes != 1 or not given.rank():
        raise given.refuse("only scaling the channels of a map is supported", "scale_param")
    channels = given.assembly.channels(given.reads[0])
    value = given.add("conv", channels=channels, kernel=1, groups=channels, bias=bias)
    given.keep("weight", *(["bias"] if bias else []))
    return [value]


def _lrn(given: Given) -> list[int]:
    fields = given.fields.message("lrn_param")
    if fields.word("norm_region", ("ACROSS_CHANNELS", "WITHIN_CHANNEL", "0", "1"), "ACROSS_CHANNELS") not in (
        "ACROSS_CHANNELS",
        "0",
    ):
        raise given.refuse("only normalisation across channels is supported", "norm_region", fields)
    size = fields.whole("local_size", 5, 1)
    if size % 2 == 0:
        raise fields.wrong("local_size", "must be odd")
    alpha, beta, k = fields.number("alpha", 1.0), fields.number("beta", 0.75), fields.number("k", 1.0)
    return [given.add("lrn", size=size, alpha=alpha, beta=beta, k=k)]


def _eltwise(given: Given) -> list[int]:
    fields = given.fields.message("eltwise_param")
    operation = fields.word("operation", ("PROD", "SUM", "MAX", "0", "1", "2"), "SUM")
    factors = fields.numbers("coeff")
    fields.flag("stable_prod_grad", True)
    if operation in ("MAX", "2"):
        return [given.add("maximum")]
    if operation in ("PROD", "0"):
        return [given.add("multiply")]
    if factors and len(factors) != len(given.reads):
        raise fields.wrong("coeff", f"has {len(factors)} numbers for {len(given.reads)} inputs")
    scaled = [
        value if factor == 1 else given.add("scale", [value], named=False, by=_number(factor))
        for value, factor in zip(given.reads, factors or [1.0] * len(given.reads), strict=True)
    ]
    return [given.add("add", scaled)]


def _concat(given: Given) -> list[int]:
    fields = given.fields.message("concat_param")
    axis = fields.whole("axis", fields.whole("concat_dim", 1))
    return [given.add("concat", axis=_axis(given, axis, fields))]


def _slice(given: Given) -> list[int]:
    fields = given.fields.message("slice_param")
    axis = fields.whole("axis", fields.whole("slice_dim", 1))
    name = _axis(given, axis, fields)
    whole = given.assembly.shapes[given.reads[0]].dims[axis - 1]
    assert isinstance(whole, int)
    points = [0, *fields.wholes("slice_point", 1), whole]
    if len(points) == 2:
        if whole % given.tops:
            raise given.refuse(f"{whole} {name} cannot be divided into {given.tops} equal parts")
        points = [part * (whole // given.tops) for part in range(given.tops + 1)]
    sizes = [end - start for start, end in pairwise(points)]
    if len(sizes) != given.tops or min(sizes) < 1:
        raise fields.wrong("slice_point", f"does not split {whole} {name} into {given.tops} parts")
    if len(sizes) == 1:
        return given.reads
    return [given.add("split", named=False, sizes=sizes, index=index, axis=name) for index in range(len(sizes))]


def _axis(given: Given, axis: int, fields: Fields) -> str:
    axes = given.assembly.shapes[given.reads[0]].axes
    if not 1 <= axis <= len(axes):
        raise given.refuse(f"the input has no axis {axis}", "axis", fields)
    return axes[axis - 1]


def _crop(given: Given) -> list[int]:
    fields = given.fields.message("crop_param")
    if len(given.reads) != 2:
        raise given.refuse("it needs two inputs: a map, and the reference for its size")
    if fields.whole("axis", 2, -9) not in (2, -2):
        raise given.refuse("only cropping height and width is supported", "axis", fields)
    offsets = fields.wholes("offset")
    if len(offsets) not in (0, 1, given.rank()):
        raise fields.wrong("offset", f"has {len(offsets)} numbers for {given.rank()} axes")
    offset = offsets if len(offsets) > 1 else (offsets or [0])[0]
    return [given.add("crop", given.reads[:1], to=given.reads[1], offset=offset)]


def _power(given: Given) -> list[int]:
    fields = given.fields.message("power_param")
    power, factor, shift = fields.number("power", 1.0), fields.number("scale", 1.0), fields.number("shift", 0.0)
    if power != 1:
        raise given.refuse(f"a power of {power:g} is not supported", "power", fields)
    value = given.reads[0]
    if factor != 1:
        value = given.add("scale", [value], named=False, by=_number(factor))
    if shift != 0:
        value = given.add("shift", [value], named=False, by=_number(shift))
    return [value]


def _number(value: float) -> int | float:
    return int(value) if value == int(value) else value


def _relu(given: Given) -> list[int]:
    slope = given.fields.message("relu_param").number("negative_slope", 0.0)
    return [given.add("leaky_relu", named=False, negative_slope=slope) if slope else given.add("relu", named=False)]


def _prelu(given: Given) -> list[int]:
    shared = given.fields.message("prelu_param").flag("channel_shared", False)
    value = given.add("prelu", per_channel=not shared)
    given.keep("weight")
    return [value]


def _elu(given: Given) -> list[int]:
    alpha = given.fields.message("elu_param").number("alpha", 1.0)
    return [given.add("elu", named=False, alpha=alpha)]


def _dropout(given: Given) -> list[int]:
    fields = given.fields.message("dropout_param")
    fields.flag("scale_train", True)
    return [given.add("dropout", p=fields.number("dropout_ratio", 0.5))]


def _softmax(given: Given) -> list[int]:
    if given.fields.message("softmax_param").whole("axis", 1, -9) != 1:
        raise given.refuse("only the channel axis is supported", "softmax_param")
    return [given.add("softmax")]


def _flatten(given: Given) -> list[int]:
    fields = given.fields.message("flatten_param")
    if (fields.whole("axis", 1, -9), fields.whole("end_axis", -1, -9)) != (1, -1):
        raise given.refuse("only flattening from the channel axis to the last is supported", "flatten_param")
    return [given.add("flatten")] if given.rank() else given.reads


def _reshape(given: Given) -> list[int]:
    fields = given.fields.message("reshape_param")
    if fields.whole("axis", 0, -9) != 0 or fields.whole("num_axes", -1, -9) != -1:
        raise given.refuse("only reshaping all axes is supported", "reshape_param")
    wanted = fields.message("shape").wholes("dim", -1)
    axes = given.assembly.shapes[given.reads[0]].axes
    if len(wanted) < 2 or wanted[0] != 0:
        raise given.refuse("the batch axis must stay: the first `dim` must be 0", "reshape_param")
    if any(size == 0 and at >= len(axes) for at, size in enumerate(wanted[1:])):
        raise given.refuse(f"a `dim` of 0 keeps an axis, and only {len(axes)} follow the batch", "reshape_param")
    shape: list[int | str] = [size or axes[at] for at, size in enumerate(wanted[1:])]
    return [given.add("reshape", shape=shape)]


def _plain(op: str) -> Callable[[Given], list[int]]:
    return lambda given: [given.add(op, named=False)]


def _split(given: Given) -> list[int]:
    return given.reads * given.tops


RULES: dict[str, Callable[[Given], list[int]]] = {
    "BNLL": _plain("softplus"),
    "BatchNorm": _batch_norm,
    "Concat": _concat,
    "Convolution": convolution,
    "Crop": _crop,
    "Deconvolution": convolution,
    "Dropout": _dropout,
    "ELU": _elu,
    "Eltwise": _eltwise,
    "Flatten": _flatten,
    "InnerProduct": _inner_product,
    "LRN": _lrn,
    "PReLU": _prelu,
    "Pooling": pooling,
    "Power": _power,
    "ReLU": _relu,
    "Reshape": _reshape,
    "Scale": _scale,
    "Sigmoid": _plain("sigmoid"),
    "Slice": _slice,
    "Softmax": _softmax,
    "Split": _split,
    "TanH": _plain("tanh"),
}
"""The translation rule of each layer type."""

WORDS = {"Convolution": "conv", "Deconvolution": "deconv", "InnerProduct": "fc", "Pooling": "pool", "BatchNorm": "bn"}
"""The prefixes of names that begin with a digit, by layer type."""

ACTIVATIONS = ("BNLL", "ELU", "ReLU", "Sigmoid", "TanH")
"""Types without weights whose names do not matter."""

MANY = ("Concat", "Eltwise")
"""Types that take any number of inputs."""

TWO = ("Crop", "Scale")
"""Types that take two inputs, or may."""
