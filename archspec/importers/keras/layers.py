"""Translates Keras's layers to ops, class by class, with the variables that hold their weights.

Defaults and rules are those of Keras 3's layers.
"""

from __future__ import annotations

from typing import Any

from archspec.importers.keras.activations import activated
from archspec.importers.keras.common import RANKS, Rule, collapsed, plain, rank_of
from archspec.importers.keras.network import Given


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
        "kernel": collapsed(kernels),
        "stride": collapsed(strides),
        "padding": 0 if padding == "valid" else _same_padding(kernels, strides, dilations),
    }


def _same_padding(kernels: list[int], strides: list[int], dilations: list[int]) -> Any:
    """The padding on each side if it is the same at every size; otherwise ``same``."""
    extra = [dilation * (kernel - 1) for kernel, dilation in zip(kernels, dilations, strict=True)]
    if any(rows % 2 or stride > 1 for rows, stride in zip(extra, strides, strict=True)):
        return "same"
    return collapsed([rows // 2 for rows in extra])


def _ended(given: Given, value: int, bias: bool, part: str = "") -> int:
    """The end of a layer with a kernel: its bias is kept, and its activation applied."""
    if bias:
        given.keep("bias", "bias", part=part)
    return activated(given, value)


def _conv(given: Given) -> int:
    settings, rank = given.settings, rank_of(given)
    window = _window(given, "kernel_size", rank)
    bias = settings.flag("use_bias", True)
    value = given.add(
        "conv", channels=settings.whole("filters"), groups=settings.whole("groups", 1), bias=bias,
        dilation=collapsed(settings.each("dilation_rate", rank)), **window,
    )  # fmt: skip
    given.keep("weight", "kernel", "kernel")
    return _ended(given, value, bias)


def _depthwise(given: Given) -> int:
    settings, rank = given.settings, rank_of(given)
    window = _window(given, "kernel_size", rank)
    bias = settings.flag("use_bias", True)
    channels = given.channels()
    value = given.add(
        "conv", channels=channels * settings.whole("depth_multiplier", 1), groups=channels, bias=bias,
        dilation=collapsed(settings.each("dilation_rate", rank)), **window,
    )  # fmt: skip
    settings.skip("filters", "groups")
    given.keep("weight", "kernel", "depthwise")
    return _ended(given, value, bias)


def _separable(given: Given) -> int:
    settings, rank = given.settings, rank_of(given)
    window = _window(given, "kernel_size", rank)
    bias = settings.flag("use_bias", True)
    channels = given.channels()
    settings.skip("groups")
    value = given.add(
        "conv", part="depthwise", channels=channels * settings.whole("depth_multiplier", 1), groups=channels,
        bias=False, dilation=collapsed(settings.each("dilation_rate", rank)), **window,
    )  # fmt: skip
    given.keep("weight", "depthwise_kernel", "depthwise", "depthwise")
    value = given.add("conv", [value], "pointwise", channels=settings.whole("filters"), kernel=1, bias=bias)
    given.keep("weight", "pointwise_kernel", "kernel", "pointwise")
    return _ended(given, value, bias, "pointwise")


def _transposed(given: Given) -> int:
    """With padding ``same`` the output is stride times as large: rows are cut off, an odd one at the end."""
    settings, rank = given.settings, rank_of(given)
    given.first_data_format()
    same = settings.word("padding", ("valid", "same"), "valid") == "same"
    kernel, stride = settings.each("kernel_size", rank, None), settings.each("strides", rank)
    if settings.get("output_padding") is not None or settings.each("dilation_rate", rank) != [1] * rank:
        raise settings.refuse("output padding and dilation are not supported")
    bias = settings.flag("use_bias", True)
    over = [max(k - s, 0) if same else 0 for k, s in zip(kernel, stride, strict=True)]
    extra = [max(s - k, 0) for k, s in zip(kernel, stride, strict=True)]
    value = given.add(
        "conv_transpose", channels=settings.whole("filters"), kernel=collapsed(kernel), stride=collapsed(stride),
        padding=collapsed([rows // 2 for rows in over]), output_padding=collapsed(extra), bias=bias,
    )  # fmt: skip
    settings.skip("groups")
    given.keep("weight", "kernel", "kernel")
    if any(rows % 2 for rows in over):
        value = given.add("crop", [value], amount=[[0, rows % 2] for rows in over])
    return _ended(given, value, bias)


def _pool(op: str) -> Rule:
    def rule(given: Given) -> int:
        window = _window(given, "pool_size", rank_of(given))
        if op == "avg_pool" and window["padding"] != 0:
            window["count_include_pad"] = False
        return given.add(op, **window)

    return rule


def _global(op: str) -> Rule:
    def rule(given: Given) -> int:
        given.first_data_format()
        rank, kept = rank_of(given), given.settings.flag("keepdims", False)
        assert rank
        value = given.add(op)
        return value if kept else given.add("flatten", [value])

    return rule


def _dense(given: Given) -> int:
    """A linear layer on a vector; on a map, a 1×1 convolution."""
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
    return _ended(given, value, bias)


def _batch_norm(given: Given) -> int:
    settings = given.settings
    _along_channels(given, "axis", -1)
    momentum = round(1 - settings.number("momentum", 0.99), 12)
    scale, center = settings.flag("scale", True), settings.flag("center", True)
    if settings.get("renorm", False):
        raise settings.refuse("batch renormalisation is not supported")
    settings.skip("renorm_clipping", "renorm_momentum")
    value = given.add("batch_norm", eps=settings.number("epsilon", 1e-3), momentum=momentum, affine=scale or center)
    given.keep("running_mean", "moving_mean")
    given.keep("running_var", "moving_variance")
    _keep_affine(given, scale, center)
    return value


def _layer_norm(given: Given) -> int:
    settings = given.settings
    _along_channels(given, "axis", -1)
    if settings.get("rms_scaling", False):
        raise settings.refuse("scaling by the root mean square is not supported")
    scale, center = settings.flag("scale", True), settings.flag("center", True)
    value = given.add("layer_norm", eps=settings.number("epsilon", 1e-3), affine=scale or center)
    _keep_affine(given, scale, center)
    return value


def _keep_affine(given: Given, scale: bool, center: bool) -> None:
    """Keep the scale and the shift of a normalisation; the op has both or none."""
    if scale or center:
        given.keep("weight", "gamma", "plain" if scale else "ones")
        given.keep("bias", "beta", "plain" if center else "zeros")


def _along_channels(given: Given, name: str, usual: int) -> None:
    found = given.settings.get(name, usual)
    axes = found if isinstance(found, list) else [found]
    if len(axes) != 1 or type(axes[0]) is not int or given.axis(axes[0]) != "channels":
        raise given.settings.refuse("only the channel axis is supported")


def _normalization(given: Given) -> int:
    """Normalisation by fixed means and variances: a scale and shift per channel, as a depthwise 1×1 convolution."""
    settings = given.settings
    _along_channels(given, "axis", -1)
    if settings.flag("invert", False):
        raise settings.refuse("inverse normalisation is not supported")
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
        raise settings.wrong("mean", f"must be {count} numbers")
    scales = [1 / max(max(one, 0.0) ** 0.5, 1e-7) for one in variances]
    given.keep("weight", "", "settings", values=scales)
    given.keep("bias", "", "settings", values=[-one * by for one, by in zip(means, scales, strict=True)])
    return value


def _by_channel(given: Given, bias: bool = True) -> int:
    if not given.rank():
        raise given.settings.refuse("scaling a vector is not supported")
    channels = given.channels()
    return given.add("conv", channels=channels, kernel=1, groups=channels, bias=bias)


def _rescaling(given: Given) -> int:
    settings = given.settings
    scale, offset = settings.numbers("scale", 1.0), settings.numbers("offset", 0.0)
    if isinstance(scale, list) or isinstance(offset, list):
        value, count = _by_channel(given), given.channels()
        for name, found in (("scale", scale), ("offset", offset)):
            if isinstance(found, list) and len(found) != count:
                raise settings.wrong(name, f"must be {count} numbers")
        given.keep("weight", "", "settings", values=scale)
        given.keep("bias", "", "settings", values=offset)
        return value
    value = given.reads[0]
    if scale != 1:
        value = given.add("scale", [value], by=plain(scale))
    return given.add("shift", [value], by=plain(offset)) if offset else value


def _layer_scale(given: Given) -> int:
    given.settings.skip("projection_dim")
    channels, rank = given.channels(), given.rank()
    factors = given.add("parameter", [], shape=[channels, *[1] * rank])
    given.keep("", "gamma")
    return given.add("multiply", [given.reads[0], factors])


def _custom_scale(given: Given) -> int:
    """Inception-ResNet v2's layer: the first input plus the second times a number."""
    if len(given.reads) != 2:
        raise given.settings.refuse("it needs two inputs")
    one, other = given.reads
    return given.add("add", [one, given.add("scale", [other], by=plain(given.settings.number("scale", 1.0)))])


RULES: dict[str, Rule] = {
    **{f"Conv{rank}": _conv for rank in RANKS},
    **{f"DepthwiseConv{rank}": _depthwise for rank in RANKS},
    **{f"SeparableConv{rank}": _separable for rank in RANKS},
    **{f"Conv{rank}Transpose": _transposed for rank in RANKS},
    **{f"MaxPooling{rank}": _pool("max_pool") for rank in RANKS},
    **{f"AveragePooling{rank}": _pool("avg_pool") for rank in RANKS},
    **{f"GlobalMaxPooling{rank}": _global("global_max_pool") for rank in RANKS},
    **{f"GlobalAveragePooling{rank}": _global("global_avg_pool") for rank in RANKS},
    "BatchNormalization": _batch_norm,
    "CustomScaleLayer": _custom_scale,
    "Dense": _dense,
    "LayerNormalization": _layer_norm,
    "LayerScale": _layer_scale,
    "Normalization": _normalization,
    "Rescaling": _rescaling,
}
"""The translation rule of each layer class."""
