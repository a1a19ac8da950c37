"""What Keras's layers mean, class by class: ops, with the variables that their weights are.

Defaults and rules are those of Keras 3's own layers.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from archspec.importers.keras.network import Given

Rule = Callable[[Given], int]

RANKS = {"1D": 1, "2D": 2, "3D": 3}


def _collapsed(values: list[Any]) -> Any:
    return values[0] if all(value == values[0] for value in values) else values


def _rank(given: Given) -> int:
    rank = RANKS[given.kind[-2:]] if given.kind[-2:] in RANKS else RANKS[given.kind[:-9][-2:]]
    if given.rank() != rank:
        raise given.settings.refuse(f"its input has {given.rank()} axes beside the channels, not {rank}")
    return rank


def _window(given: Given, kernel: str, rank: int) -> dict[str, Any]:
    settings = given.settings
    given.first_data_format()
    padding = settings.word("padding", ("valid", "same"), "valid")
    kernels = settings.each(kernel, rank, None if kernel == "kernel_size" else 2)
    strides = settings.each("strides", rank, 1) if kernel == "kernel_size" else [
        *(settings.each("strides", rank) if settings.get("strides") is not None else kernels)
    ]  # fmt: skip
    dilations = settings.each("dilation_rate", rank) if kernel == "kernel_size" else [1] * rank
    return {
        "kernel": _collapsed(kernels),
        "stride": _collapsed(strides),
        "padding": 0 if padding == "valid" else _same_padding(kernels, strides, dilations),
    }


def _same_padding(kernels: list[int], strides: list[int], dilations: list[int]) -> Any:
    """Rows on each side, where these are as many at every size; elsewhere ``same``."""
    extra = [dilation * (kernel - 1) for kernel, dilation in zip(kernels, dilations, strict=True)]
    if any(rows % 2 or stride > 1 for rows, stride in zip(extra, strides, strict=True)):
        return "same"
    return _collapsed([rows // 2 for rows in extra])


def _conv(given: Given) -> int:
    settings, rank = given.settings, _rank(given)
    window = _window(given, "kernel_size", rank)
    bias = settings.flag("use_bias", True)
    value = given.add(
        "conv", channels=settings.whole("filters"), groups=settings.whole("groups", 1), bias=bias,
        dilation=_collapsed(settings.each("dilation_rate", rank)), **window,
    )  # fmt: skip
    given.keep("weight", "kernel", "kernel")
    if bias:
        given.keep("bias", "bias")
    return _activated(given, value)


def _depthwise(given: Given) -> int:
    settings, rank = given.settings, _rank(given)
    window = _window(given, "kernel_size", rank)
    bias = settings.flag("use_bias", True)
    channels = given.channels()
    value = given.add(
        "conv", channels=channels * settings.whole("depth_multiplier", 1), groups=channels, bias=bias,
        dilation=_collapsed(settings.each("dilation_rate", rank)), **window,
    )  # fmt: skip
    settings.skip("filters", "groups")
    given.keep("weight", "kernel", "depthwise")
    if bias:
        given.keep("bias", "bias")
    return _activated(given, value)


def _separable(given: Given) -> int:
    settings, rank = given.settings, _rank(given)
    window = _window(given, "kernel_size", rank)
    bias = settings.flag("use_bias", True)
    channels = given.channels()
    settings.skip("groups")
    value = given.add(
        "conv", part="depthwise", channels=channels * settings.whole("depth_multiplier", 1), groups=channels,
        bias=False, dilation=_collapsed(settings.each("dilation_rate", rank)), **window,
    )  # fmt: skip
    given.keep("weight", "depthwise_kernel", "depthwise", "depthwise")
    value = given.add("conv", [value], "pointwise", channels=settings.whole("filters"), kernel=1, bias=bias)
    given.keep("weight", "pointwise_kernel", "kernel", "pointwise")
    if bias:
        given.keep("bias", "bias", part="pointwise")
    return _activated(given, value)


def _transposed(given: Given) -> int:
    """Of padding ``same`` the output is stride times as large: rows are cut off, an odd one at the end."""
    settings, rank = given.settings, _rank(given)
    given.first_data_format()
    same = settings.word("padding", ("valid", "same"), "valid") == "same"
    kernel, stride = settings.each("kernel_size", rank, None), settings.each("strides", rank)
    if settings.get("output_padding") is not None or settings.each("dilation_rate", rank) != [1] * rank:
        raise settings.refuse("it has output padding or dilation")
    bias = settings.flag("use_bias", True)
    over = [max(k - s, 0) if same else 0 for k, s in zip(kernel, stride, strict=True)]
    extra = [max(s - k, 0) for k, s in zip(kernel, stride, strict=True)]
    value = given.add(
        "conv_transpose", channels=settings.whole("filters"), kernel=_collapsed(kernel), stride=_collapsed(stride),
        padding=_collapsed([rows // 2 for rows in over]), output_padding=_collapsed(extra), bias=bias,
    )  # fmt: skip
    settings.skip("groups")
    given.keep("weight", "kernel", "kernel")
    if bias:
        given.keep("bias", "bias")
    if any(rows % 2 for rows in over):
        value = given.add("crop", [value], amount=[[0, rows % 2] for rows in over])
    return _activated(given, value)


def _pool(op: str) -> Rule:
    def rule(given: Given) -> int:
        window = _window(given, "pool_size", _rank(given))
        if op == "avg_pool" and window["padding"] != 0:
            window["count_include_pad"] = False
        return given.add(op, **window)

    return rule


def _global(op: str) -> Rule:
    def rule(given: Given) -> int:
        given.first_data_format()
        rank, kept = _rank(given), given.settings.flag("keepdims", False)
        assert rank
        value = given.add(op)
        return value if kept else given.add("flatten", [value])

    return rule


def _dense(given: Given) -> int:
    """A matrix on a vector; on a map it is a 1×1 convolution."""
    settings = given.settings
    units, bias = settings.whole("units"), settings.flag("use_bias", True)
    source = given.reads[0]
    map_ = given.network.flattened.get(source)
    if given.rank():
        value = given.add("conv", channels=units, kernel=1, bias=bias)
        given.keep("weight", "kernel", "kernel")
    else:
        value = given.add("linear", features=units, bias=bias)
        if map_ is None:
            given.keep("weight", "kernel", "kernel")
        else:
            given.keep("weight", "kernel", "flattened", values=map_)
    if bias:
        given.keep("bias", "bias")
    return _activated(given, value)


def _batch_norm(given: Given) -> int:
    settings = given.settings
    _along_channels(given, "axis", -1)
    momentum = round(1 - settings.number("momentum", 0.99), 12)
    scale, center = settings.flag("scale", True), settings.flag("center", True)
    if settings.get("renorm", False):
        raise settings.refuse("it renormalises")
    settings.skip("renorm_clipping", "renorm_momentum")
    value = given.add("batch_norm", eps=settings.number("epsilon", 1e-3), momentum=momentum, affine=scale or center)
    given.keep("running_mean", "moving_mean")
    given.keep("running_var", "moving_variance")
    if scale or center:
        given.keep("weight", "gamma", "plain" if scale else "ones")
        given.keep("bias", "beta", "plain" if center else "zeros")
    return value


def _layer_norm(given: Given) -> int:
    settings = given.settings
    _along_channels(given, "axis", -1)
    if settings.get("rms_scaling", False):
        raise settings.refuse("it scales by the root mean square")
    scale, center = settings.flag("scale", True), settings.flag("center", True)
    value = given.add("layer_norm", eps=settings.number("epsilon", 1e-3), affine=scale or center)
    if scale or center:
        given.keep("weight", "gamma", "plain" if scale else "ones")
        given.keep("bias", "beta", "plain" if center else "zeros")
    return value


def _along_channels(given: Given, name: str, usual: int) -> None:
    found = given.settings.get(name, usual)
    axes = found if isinstance(found, list) else [found]
    if len(axes) != 1 or type(axes[0]) is not int or given.axis(axes[0]) != "channels":
        raise given.settings.refuse("it works along other axes than the channels")


def _normalization(given: Given) -> int:
    """Fixed means and variances: a factor and a shift for each channel, which is a depthwise 1×1 convolution."""
    settings = given.settings
    _along_channels(given, "axis", -1)
    if settings.flag("invert", False):
        raise settings.refuse("it turns normalisation round")
    settings.skip("input_mean", "input_variance")
    mean, variance = settings.get("mean"), settings.get("variance")
    value = _by_channel(given)
    if mean is None and variance is None:
        given.keep("weight", "variance", "inverse")
        given.keep("bias", "mean", "offset")
        return value
    means, variances = settings.numbers("mean", 0.0), settings.numbers("variance", 1.0)
    count = given.channels()
    means = means if isinstance(means, list) else [means] * count
    variances = variances if isinstance(variances, list) else [variances] * count
    if len(means) != count or len(variances) != count:
        raise settings.wrong("mean", f"is {count} numbers")
    scales = [1 / max(max(one, 0.0) ** 0.5, 1e-7) for one in variances]
    given.keep("weight", "", "settings", values=scales)
    given.keep("bias", "", "settings", values=[-one * by for one, by in zip(means, scales, strict=True)])
    return value


def _by_channel(given: Given, bias: bool = True) -> int:
    if not given.rank():
        raise given.settings.refuse("it scales a vector")
    channels = given.channels()
    return given.add("conv", channels=channels, kernel=1, groups=channels, bias=bias)


def _rescaling(given: Given) -> int:
    settings = given.settings
    scale, offset = settings.numbers("scale", 1.0), settings.numbers("offset", 0.0)
    if isinstance(scale, list) or isinstance(offset, list):
        value, count = _by_channel(given), given.channels()
        for name, found in (("scale", scale), ("offset", offset)):
            if isinstance(found, list) and len(found) != count:
                raise settings.wrong(name, f"is {count} numbers")
        given.keep("weight", "", "settings", values=scale)
        given.keep("bias", "", "settings", values=offset)
        return value
    value = given.reads[0]
    if scale != 1:
        value = given.add("scale", [value], by=_number(scale))
    return given.add("shift", [value], by=_number(offset)) if offset else value


def _layer_scale(given: Given) -> int:
    given.settings.skip("projection_dim")
    channels, rank = given.channels(), given.rank()
    factors = given.add("parameter", [], shape=[channels, *[1] * rank])
    given.keep("", "gamma")
    return given.add("multiply", [given.reads[0], factors])


def _custom_scale(given: Given) -> int:
    """Of Inception-ResNet v2: the first input plus the second times a number."""
    if len(given.reads) != 2:
        raise given.settings.refuse("it takes two inputs")
    one, other = given.reads
    return given.add("add", [one, given.add("scale", [other], by=_number(given.settings.number("scale", 1.0)))])


def _number(value: float) -> int | float:
    return int(value) if value == int(value) else value


# -- activations -------------------------------------------------------------------------------------------------------

ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "elu": ("elu", {}), "gelu": ("gelu", {}), "hard_silu": ("hardswish", {}), "hard_swish": ("hardswish", {}),
    "leaky_relu": ("leaky_relu", {"negative_slope": 0.2}), "log_softmax": ("log_softmax", {}), "mish": ("mish", {}),
    "relu": ("relu", {}), "relu6": ("relu6", {}), "selu": ("selu", {}), "sigmoid": ("sigmoid", {}),
    "silu": ("silu", {}), "softmax": ("softmax", {}), "softplus": ("softplus", {}), "swish": ("silu", {}),
    "tanh": ("tanh", {}), "hard_sigmoid": ("hardsigmoid", {}),
}  # fmt: skip


def _activated(given: Given, value: int) -> int:
    """The activation that a layer's settings name."""
    settings = given.settings
    found = settings.get("activation", "linear")
    if isinstance(found, dict) and found.get("class_name") == "function":
        found = found.get("config")
    if found == "linear":
        return value
    if not isinstance(found, str) or found not in ACTIVATIONS:
        raise settings.wrong("activation", f"is one of {', '.join(ACTIVATIONS)}")
    if found == "hard_sigmoid" and given.network.old:  # Keras 2: another slope
        value = given.add("shift", [given.add("scale", [value], by=0.2)], by=0.5)
        return given.add("clamp", [value], min=0, max=1)
    op, arguments = ACTIVATIONS[found]
    return given.add(op, [value], **arguments)


def _activation(given: Given) -> int:
    return _activated(given, given.reads[0])


def _relu(given: Given) -> int:
    settings = given.settings
    most, slope = settings.get("max_value"), settings.number("negative_slope", 0.0)
    if settings.number("threshold", 0.0) != 0 or (most is not None and slope):
        raise settings.refuse("it has a threshold, or a slope beside a bound")
    if most is None:
        return given.add("leaky_relu", negative_slope=slope) if slope else given.add("relu")
    bound = settings.number("max_value", 6.0)
    return given.add("relu6") if bound == 6 else given.add("clamp", min=0, max=_number(bound))


def _leaky(given: Given) -> int:
    usual = given.settings.number("alpha", 0.3)
    return given.add("leaky_relu", negative_slope=given.settings.number("negative_slope", usual))


def _elu(given: Given) -> int:
    return given.add("elu", alpha=_number(given.settings.number("alpha", 1.0)))


def _prelu(given: Given) -> int:
    shared, rank = given.settings.get("shared_axes"), given.rank()
    if rank and sorted(shared or []) != list(range(1, rank + 1)):
        raise given.settings.refuse("it has a slope for each number of a map")
    value = given.add("prelu", per_channel=True)
    given.keep("weight", "alpha")
    return value


def _softmax(given: Given) -> int:
    at = given.settings.get("axis", -1)
    if type(at) is not int:
        raise given.settings.wrong("axis", "is a whole number")
    return given.add("softmax", axis=given.axis(at))


# -- forms and merges --------------------------------------------------------------------------------------------------


def _padding(given: Given) -> int:
    given.first_data_format()
    sides = given.settings.sides("padding", _rank(given))
    amount = _collapsed([pair[0] if pair[0] == pair[1] else pair for pair in sides])
    amount = sides if any(pair[0] != pair[1] for pair in sides) else amount
    return given.add("pad", amount=amount)


def _cropping(given: Given) -> int:
    given.first_data_format()
    return given.add("crop", amount=given.settings.sides("cropping", _rank(given)))


def _upsampling(given: Given) -> int:
    given.first_data_format()
    rank = _rank(given)
    way = given.settings.word("interpolation", ("nearest", "bilinear"), "nearest")
    return given.add("upsample", scale=_collapsed(given.settings.each("size", rank, 2)), mode=way)


def _flatten(given: Given) -> int:
    """A map as a vector in Keras's order, channels last: by the matrix that follows, or by turning it first."""
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
    """Whether what reads a vector is a matrix, perhaps behind what works on each number alone."""
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


def _passing(rule: Rule) -> Rule:
    """A rule for what works on each number: a vector that was a map stays one."""

    def passing(given: Given) -> int:
        value = rule(given)
        if given.reads[0] in given.network.flattened:
            given.network.flattened[value] = given.network.flattened[given.reads[0]]
        return value

    return passing


def _reshape(given: Given) -> int:
    wanted = given.settings.get("target_shape", [])
    dims = given.dims(given.reads[0])
    if not isinstance(wanted, list) or any(type(one) is not int for one in wanted) or not wanted:
        raise given.settings.wrong("target_shape", "is whole numbers")
    total = prod(dims)
    if wanted.count(-1) == 1 and total % (known := prod(one for one in wanted if one != -1) or 1) == 0:
        wanted = [total // known if one == -1 else one for one in wanted]
    if prod(wanted) != total or min(wanted) < 1:
        raise given.settings.wrong("target_shape", f"is {total} numbers")
    last = wanted if given.network.format == "channels_first" else [wanted[-1], *wanted[:-1]]
    if last == dims:
        return given.reads[0]
    if max(dims) != total or max(wanted) != total:
        raise given.settings.refuse("it mixes channels and places")
    if len(last) == 1:
        return given.add("flatten")
    return given.add("reshape", shape=last)


def _merge(op: str) -> Rule:
    def rule(given: Given) -> int:
        return given.add(op) if len(given.reads) > 1 else given.reads[0]

    return rule


def _average(given: Given) -> int:
    return given.add("scale", [given.add("add")], by=1 / len(given.reads))


def _concatenate(given: Given) -> int:
    at = given.settings.get("axis", -1)
    if type(at) is not int:
        raise given.settings.wrong("axis", "is a whole number")
    return given.add("concat", axis=given.axis(at))


def _dropout(op: str) -> Rule:
    return lambda given: given.add(op, p=given.settings.number("rate", 0.5))


def _same(given: Given) -> int:
    given.settings.skip("stddev", "l1", "l2")
    return given.reads[0]


def _operation(op: str, alone: str) -> Rule:
    """A sum or product between tensors, or of one with a number."""

    def rule(given: Given) -> int:
        if any(type(number) not in (int, float) for number in given.numbers) or len(given.numbers) > 1:
            raise given.settings.refuse("it works with something else than numbers")
        if given.numbers:
            return given.add(alone, by=_number(given.numbers[0]))
        return given.add(op)

    return rule


RULES: dict[str, Rule] = {
    **{f"Conv{rank}": _conv for rank in RANKS},
    **{f"DepthwiseConv{rank}": _depthwise for rank in RANKS},
    **{f"SeparableConv{rank}": _separable for rank in RANKS},
    **{f"Conv{rank}Transpose": _transposed for rank in RANKS},
    **{f"MaxPooling{rank}": _pool("max_pool") for rank in RANKS},
    **{f"AveragePooling{rank}": _pool("avg_pool") for rank in RANKS},
    **{f"GlobalMaxPooling{rank}": _global("global_max_pool") for rank in RANKS},
    **{f"GlobalAveragePooling{rank}": _global("global_avg_pool") for rank in RANKS},
    **{f"ZeroPadding{rank}": _padding for rank in RANKS},
    **{f"Cropping{rank}": _cropping for rank in RANKS},
    **{f"UpSampling{rank}": _upsampling for rank in RANKS},
    **{f"SpatialDropout{rank}": _dropout("channel_dropout") for rank in RANKS},
    "Activation": _passing(_activation),
    "ActivityRegularization": _same,
    "Add": _merge("add"),
    "Average": _average,
    "BatchNormalization": _batch_norm,
    "Concatenate": _concatenate,
    "CustomScaleLayer": _custom_scale,
    "Dense": _dense,
    "Dropout": _passing(_dropout("dropout")),
    "ELU": _passing(_elu),
    "Flatten": _flatten,
    "GaussianNoise": _passing(_same),
    "Identity": _passing(_same),
    "LayerNormalization": _layer_norm,
    "LayerScale": _layer_scale,
    "LeakyReLU": _passing(_leaky),
    "Maximum": _merge("maximum"),
    "Minimum": _merge("minimum"),
    "Multiply": _merge("multiply"),
    "Normalization": _normalization,
    "PReLU": _prelu,
    "ReLU": _passing(_relu),
    "Rescaling": _rescaling,
    "Reshape": _reshape,
    "Softmax": _softmax,
    "Subtract": _merge("subtract"),
}
"""By class what a layer becomes."""

OPERATIONS: dict[str, Rule] = {
    "Add": _operation("add", "shift"),
    "Multiply": _operation("multiply", "scale"),
}
"""By class what an operation between tensors becomes."""
