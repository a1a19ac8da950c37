"""Translates layers of ``torch.nn`` and of vision libraries to ops, with arguments from the module's attributes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from archspec.ops.channel_shuffle import CHANNEL_SHUFFLE
from archspec.ops.common.shape import SPATIAL
from archspec.ops.stochastic_depth import STOCHASTIC_DEPTH

Arguments = dict[str, Any]


class Unknown(Exception):
    """No op does what the module does."""


def is_layer(module: Any) -> bool:
    """Whether a module is translated as a whole rather than by its inner calls."""
    return _reader(module) is not None or _whole(module)


def _whole(module: Any) -> bool:
    return type(module).__module__.startswith("torch.nn.modules.") and type(module).__name__ in _SEVERAL


def read(module: Any, rank: int) -> tuple[str, Arguments]:
    """The op and the arguments of a layer on a map of some spatial axes; raises :class:`Unknown`."""
    reader = _reader(module)
    if reader is None:
        raise Unknown("several inputs or outputs")
    return reader(module, rank)


def _reader(module: Any) -> Callable[[Any, int], tuple[str, Arguments]] | None:
    kind = type(module)
    origin = kind.__module__
    if origin.startswith("torch.nn.modules."):
        return _TORCH.get(kind.__name__)
    known = _OTHERS.get((origin.split(".")[0], kind.__name__))
    if known is None and kind.__name__ in _EMITTED:
        text, reader = _EMITTED[kind.__name__]
        return reader if _source(kind) == text.strip() else None
    return known


def _source(kind: type) -> str:
    try:
        return inspect.getsource(kind).strip()
    except (OSError, TypeError):
        return ""


def collapse(sizes: Any, rank: int = 0) -> Any:
    """One number if all axes have the same."""
    if isinstance(sizes, tuple | list):
        return sizes[0] if len(set(sizes)) == 1 else list(sizes)
    return sizes


def _windows(module: Any, *names: str) -> Arguments:
    found: Arguments = {}
    for name in names:
        found[name] = collapse(getattr(module, "kernel_size" if name == "kernel" else name))
    return found


def _conv(module: Any, rank: int) -> tuple[str, Arguments]:
    found = {"channels": module.out_channels, **_windows(module, "kernel", "stride", "dilation")}
    padding = module.padding
    found["padding"] = 0 if padding == "valid" else padding if padding == "same" else collapse(padding)
    if module.padding_mode != "zeros":
        raise Unknown(f"padding_mode {module.padding_mode}")
    return "conv", found | {"groups": module.groups, "bias": module.bias is not None}


def _conv_transpose(module: Any, rank: int) -> tuple[str, Arguments]:
    found = {"channels": module.out_channels, **_windows(module, "kernel", "stride", "dilation", "padding")}
    found["output_padding"] = collapse(module.output_padding)
    return "conv_transpose", found | {"groups": module.groups, "bias": module.bias is not None}


def _batch_norm(module: Any, rank: int) -> tuple[str, Arguments]:
    return "batch_norm", {
        "eps": module.eps,
        "momentum": module.momentum,
        "affine": module.affine,
        "track_running_stats": module.track_running_stats,
    }


def _instance_norm(module: Any, rank: int) -> tuple[str, Arguments]:
    return "instance_norm", _batch_norm(module, rank)[1]


def _group_norm(module: Any, rank: int) -> tuple[str, Arguments]:
    found = {"groups": module.num_groups, "eps": module.eps, "affine": module.affine}
    return "group_norm", found | {"bias": not module.affine or module.bias is not None}


def layer_norm_axes(count: int, axes: tuple[str, ...]) -> list[str]:
    """The last ``count`` axes."""
    return list(axes[len(axes) - count :])


def _linear(module: Any, rank: int) -> tuple[str, Arguments]:
    return "linear", {"features": module.out_features, "bias": module.bias is not None}


def max_pool(module: Any) -> Arguments:
    """The arguments of a max pool, without its indices."""
    found = _windows(module, "kernel", "stride", "padding", "dilation")
    return _own_stride(found) | {"ceil": module.ceil_mode}


def _max_pool(module: Any, rank: int) -> tuple[str, Arguments]:
    if module.return_indices:
        raise Unknown("return_indices")
    return "max_pool", max_pool(module)


def _avg_pool(module: Any, rank: int) -> tuple[str, Arguments]:
    if getattr(module, "divisor_override", None) is not None:
        raise Unknown("divisor_override")
    found = _own_stride(_windows(module, "kernel", "stride", "padding"))
    return "avg_pool", found | {"ceil": module.ceil_mode, "count_include_pad": module.count_include_pad}


def _own_stride(found: Arguments) -> Arguments:
    """Arguments without a stride that equals the kernel."""
    return {name: value for name, value in found.items() if name != "stride" or value != found["kernel"]}


def adaptive(op: str, size: Any) -> tuple[str, Arguments]:
    """An adaptive pool; with output size 1 it is a global one."""
    kind = op.removeprefix("adaptive_")
    if collapse(size) == 1:
        return f"global_{kind}", {}
    return op, {"size": collapse(size)}


def _upsample(module: Any, rank: int) -> tuple[str, Arguments]:
    return "upsample", upsampling(module.size, module.scale_factor, module.mode, module.align_corners)


def upsampling(size: Any, scale: Any, mode: str, align_corners: bool | None) -> Arguments:
    """The arguments of an interpolation; raises :class:`Unknown`."""
    if mode not in ("nearest", "linear", "bilinear", "trilinear"):
        raise Unknown(f"mode {mode}")
    found: Arguments = {"mode": mode, "align_corners": bool(align_corners)}
    if size is not None:
        return found | {"size": collapse(size)}
    factors = scale if isinstance(scale, tuple | list) else (scale,)
    whole = tuple(int(factor) if float(factor).is_integer() else float(factor) for factor in factors)
    return found | {"scale": collapse(whole)}


def _dropout(module: Any, rank: int) -> tuple[str, Arguments]:
    return "dropout", {"p": module.p}


def _channel_dropout(module: Any, rank: int) -> tuple[str, Arguments]:
    return "channel_dropout", {"p": module.p}


def _pad(module: Any, rank: int) -> tuple[str, Arguments]:
    mode = {"Reflection": "reflect", "Replication": "replicate", "Circular": "circular"}
    name = type(module).__name__
    found = next((word for prefix, word in mode.items() if name.startswith(prefix)), "constant")
    return "pad", padding(module.padding, found, getattr(module, "value", 0) or 0)


def padding(sides: tuple[int, ...] | list[int], mode: str, value: float) -> Arguments:
    """The arguments of a pad from torch's amounts, which start with the last axis."""
    pairs = [list(sides[at : at + 2]) for at in range(0, len(sides), 2)][::-1]
    if any(side < 0 for pair in pairs for side in pair):
        raise Unknown("negative padding")
    even = all(before == after for before, after in pairs)
    amount: Any = collapse([before for before, _ in pairs]) if even else pairs
    return {"amount": amount, "mode": mode, "value": int(value) if float(value).is_integer() else value}


def _activation(op: str, *names: str) -> Callable[[Any, int], tuple[str, Arguments]]:
    return lambda module, rank: (op, {name: getattr(module, name) for name in names})


def _softmax(op: str) -> Callable[[Any, int], tuple[str, Arguments]]:
    def read(module: Any, rank: int) -> tuple[str, Arguments]:
        axes = ("channels", *SPATIAL.get(rank, ()))
        at = module.dim if module.dim is None or module.dim >= 0 else module.dim + len(axes) + 1
        if at is None or not 0 < at <= len(axes):
            raise Unknown(f"dim {module.dim}")
        return op, {"axis": axes[at - 1]}

    return read


def _prelu(module: Any, rank: int) -> tuple[str, Arguments]:
    return "prelu", {"per_channel": module.num_parameters > 1}


def _lrn(module: Any, rank: int) -> tuple[str, Arguments]:
    return "lrn", {"size": module.size, "alpha": module.alpha, "beta": module.beta, "k": module.k}


def _flatten(module: Any, rank: int) -> tuple[str, Arguments]:
    if module.start_dim != 1 or module.end_dim != -1:
        raise Unknown("only some of the axes")
    return "flatten", {}


def _channel_shuffle(module: Any, rank: int) -> tuple[str, Arguments]:
    return "channel_shuffle", {"groups": module.groups}


def _stochastic_depth(module: Any, rank: int) -> tuple[str, Arguments]:
    if getattr(module, "mode", "row") != "row":
        raise Unknown(f"mode {module.mode}")
    return "stochastic_depth", {"p": float(module.p)}


def _drop_path(module: Any, rank: int) -> tuple[str, Arguments]:
    if not module.scale_by_keep:
        raise Unknown("scale_by_keep")
    return "stochastic_depth", {"p": float(module.drop_prob or 0.0)}


_TORCH: dict[str, Callable[[Any, int], tuple[str, Arguments]]] = {
    **{f"Conv{rank}d": _conv for rank in (1, 2, 3)},
    **{f"ConvTranspose{rank}d": _conv_transpose for rank in (1, 2, 3)},
    **{f"BatchNorm{rank}d": _batch_norm for rank in (1, 2, 3)},
    **{f"InstanceNorm{rank}d": _instance_norm for rank in (1, 2, 3)},
    **{f"MaxPool{rank}d": _max_pool for rank in (1, 2, 3)},
    **{f"AvgPool{rank}d": _avg_pool for rank in (1, 2, 3)},
    **{
        f"AdaptiveAvgPool{r}d": lambda module, rank: adaptive("adaptive_avg_pool", module.output_size)
        for r in (1, 2, 3)
    },
    **{
        f"AdaptiveMaxPool{r}d": lambda module, rank: adaptive("adaptive_max_pool", module.output_size)
        for r in (1, 2, 3)
    },
    **{
        f"{kind}Pad{rank}d": _pad
        for kind in ("Zero", "Constant", "Reflection", "Replication", "Circular")
        for rank in (1, 2, 3)
    },
    **{f"Dropout{rank}d": _channel_dropout for rank in (1, 2, 3)},
    "Dropout": _dropout,
    "GroupNorm": _group_norm,
    "Linear": _linear,
    "Upsample": _upsample,
    "UpsamplingNearest2d": _upsample,
    "UpsamplingBilinear2d": _upsample,
    "Flatten": _flatten,
    "ChannelShuffle": _channel_shuffle,
    "PixelShuffle": lambda module, rank: ("pixel_shuffle", {"factor": module.upscale_factor}),
    "PixelUnshuffle": lambda module, rank: ("pixel_unshuffle", {"factor": module.downscale_factor}),
    "Hardtanh": lambda module, rank: ("clamp", {"min": module.min_val, "max": module.max_val}),
    "Identity": _activation("identity"),
    "LocalResponseNorm": _lrn,
    "ReLU": _activation("relu"),
    "ReLU6": _activation("relu6"),
    "LeakyReLU": _activation("leaky_relu", "negative_slope"),
    "ELU": _activation("elu", "alpha"),
    "SELU": _activation("selu"),
    "GELU": _activation("gelu", "approximate"),
    "SiLU": _activation("silu"),
    "Mish": _activation("mish"),
    "Sigmoid": _activation("sigmoid"),
    "Tanh": _activation("tanh"),
    "Hardswish": _activation("hardswish"),
    "Hardsigmoid": _activation("hardsigmoid"),
    "Softplus": _activation("softplus", "beta", "threshold"),
    "PReLU": _prelu,
    "Softmax": _softmax("softmax"),
    "LogSoftmax": _softmax("log_softmax"),
    "Softmax2d": lambda module, rank: ("softmax", {}),
}
_SEVERAL = frozenset(("MultiheadAttention", *(f"MaxUnpool{rank}d" for rank in (1, 2, 3))))
"""Layers with several inputs or outputs."""
_OTHERS: dict[tuple[str, str], Callable[[Any, int], tuple[str, Arguments]]] = {
    ("torchvision", "StochasticDepth"): _stochastic_depth,
    ("timm", "DropPath"): _drop_path,
}
_EMITTED: dict[str, tuple[str, Callable[[Any, int], tuple[str, Arguments]]]] = {
    "StochasticDepth": (STOCHASTIC_DEPTH, _stochastic_depth),
    "ChannelShuffle": (CHANNEL_SHUFFLE, _channel_shuffle),
}
"""Helper classes that archspec emits, with their source: a name alone could be any class."""
