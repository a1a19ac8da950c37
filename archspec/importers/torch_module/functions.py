"""Translates functions of ``torch.nn.functional`` and the like to ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archspec.importers.torch_module import layers
from archspec.importers.torch_module.layers import Unknown, collapse
from archspec.importers.torch_module.lowering import Lowering, Rule
from archspec.importers.torch_module.padding import Padded
from archspec.importers.torch_module.trace import Call, Value, Varied, Weight


class Given(dict[str, Any]):
    """The arguments of a call by name; asking for one that it lacks raises :class:`Unknown`."""

    def __missing__(self, name: str) -> Any:
        raise Unknown("unsupported arguments")


def bound(call: Call, names: Sequence[str], **defaults: Any) -> Given:
    """The arguments of a call by name; raises :class:`Unknown` for one that is not expected."""
    found = {**defaults, **dict(zip(names, call.arguments, strict=False)), **call.keywords}
    if len(call.arguments) > len(names) or found.keys() - set(names) - defaults.keys():
        raise Unknown("unsupported arguments")
    return Given(found)


def constant(value: Any, what: str) -> Any:
    """A number or numbers, which must be the same at all traced sizes; raises :class:`Unknown`."""
    if isinstance(value, Varied) or (isinstance(value, tuple) and any(isinstance(one, Varied) for one in value)):
        raise Unknown(f"{what} that varies with the size")
    return value


def owner(weights: Sequence[Any]) -> str:
    """The path of the module that owns the weights given to a function; raises :class:`Unknown`."""
    paths = {weight.path.rpartition(".")[0] for weight in weights if isinstance(weight, Weight)}
    if len(paths) != 1 or any(weight is not None and not isinstance(weight, Weight) for weight in weights):
        raise Unknown("computed weights")
    return paths.pop()


def named(weights: dict[str, Any]) -> None:
    """Raise :class:`Unknown` unless weights have the names that the op gives them."""
    for name, weight in weights.items():
        if isinstance(weight, Weight) and weight.path.rpartition(".")[2] != name:
            raise Unknown(f"a weight that is not called {name}")


def _simple(op: str, names: Sequence[str] = (), **defaults: Any) -> Rule:
    """A rule for an activation whose arguments have the same names in its op."""

    def rule(lowering: Lowering, call: Call) -> None:
        given = bound(call, ("input", *names, "inplace"), **defaults)
        arguments = {name: constant(given[name], name) for name in names if name in given}
        lowering.add(call, op, arguments, [lowering.number(given["input"])], call.result)

    return rule


CONV = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
CONV_DEFAULTS: dict[str, Any] = {"bias": None, "stride": 1, "padding": 0, "dilation": 1, "groups": 1}


def conv_arguments(given: dict[str, Any], shape: tuple[int, ...]) -> dict[str, Any]:
    """The op's arguments for a convolution by a weight of some shape."""
    arguments = {
        "channels": shape[0],
        "kernel": collapse(shape[2:]),
        "bias": given["bias"] is not None,
        "groups": given["groups"],
        **{name: collapse(constant(given[name], name)) for name in ("stride", "padding", "dilation")},
    }
    return arguments | ({"padding": 0} if arguments["padding"] == "valid" else {})


def conv(lowering: Lowering, call: Call) -> None:
    """A convolution by a layer's weight."""
    given = bound(call, CONV, **CONV_DEFAULTS)
    path = owner((given["weight"], given["bias"]))
    named({"weight": given["weight"], "bias": given["bias"]})
    arguments = conv_arguments(given, given["weight"].shape)
    source, arguments = lowering.unpadded("conv", arguments, given["input"])
    lowering.add(call, "conv", arguments, [source], call.result, path)


def _linear(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("input", "weight", "bias"), bias=None)
    path = owner((given["weight"], given["bias"]))
    named({"weight": given["weight"], "bias": given["bias"]})
    arguments = {"features": given["weight"].shape[0], "bias": given["bias"] is not None}
    lowering.add(call, "linear", arguments, [lowering.number(given["input"])], call.result, path)


def batch_norm(lowering: Lowering, call: Call) -> None:
    """A batch norm with a layer's weights."""
    names = ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")
    given = bound(call, names, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5)
    weights = {name: given[name] for name in ("running_mean", "running_var", "weight", "bias")}
    path = owner(tuple(weights.values()))
    named(weights)
    arguments = {
        "eps": given["eps"],
        "momentum": given["momentum"],
        "affine": given["weight"] is not None,
        "track_running_stats": given["running_mean"] is not None,
    }
    lowering.add(call, "batch_norm", arguments, [lowering.number(given["input"])], call.result, path)


def _group_norm(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("input", "num_groups", "weight", "bias", "eps"), weight=None, bias=None, eps=1e-5)
    path = owner((given["weight"], given["bias"])) if given["weight"] is not None else ""
    arguments = {"groups": given["num_groups"], "eps": given["eps"], "affine": given["weight"] is not None}
    arguments["bias"] = given["weight"] is None or given["bias"] is not None
    lowering.add(call, "group_norm", arguments, [lowering.number(given["input"])], call.result, path)


def _layer_norm(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("input", "normalized_shape", "weight", "bias", "eps"), weight=None, bias=None, eps=1e-5)
    path = owner((given["weight"], given["bias"])) if given["weight"] is not None else ""
    source = lowering.number(given["input"])
    count = len(constant(given["normalized_shape"], "a shape"))
    axes = layers.layer_norm_axes(count, lowering.axes[source])
    arguments = {"axes": tuple(axes), "eps": given["eps"], "affine": given["weight"] is not None}
    arguments["bias"] = given["weight"] is None or given["bias"] is not None
    lowering.add(call, "layer_norm", arguments, [source], call.result, path)


def _max_pool(lowering: Lowering, call: Call) -> None:
    names = ("input", "kernel", "stride", "padding", "dilation", "ceil", "indices")
    renamed = {"kernel_size": "kernel", "ceil_mode": "ceil", "return_indices": "indices"}
    call = _renamed(call, renamed)
    given = bound(call, names, stride=None, padding=0, dilation=1, ceil=False, indices=False)
    if given["indices"]:
        raise Unknown("return_indices")
    _pool(lowering, call, "max_pool", given, ("kernel", "stride", "padding", "dilation", "ceil"))


def _avg_pool(lowering: Lowering, call: Call) -> None:
    names = ("input", "kernel", "stride", "padding", "ceil", "count_include_pad", "divisor_override")
    call = _renamed(call, {"kernel_size": "kernel", "ceil_mode": "ceil"})
    given = bound(call, names, stride=None, padding=0, ceil=False, count_include_pad=True, divisor_override=None)
    if given["divisor_override"] is not None:
        raise Unknown("divisor_override")
    source = lowering.number(given["input"])
    kernel = (
        given["kernel"] if isinstance(given["kernel"], tuple) else (given["kernel"],) * lowering.rank(given["input"])
    )
    shapes = [shapes[source][2:] for shapes in lowering.shapes]
    if all(tuple(_at(one, size) for one in kernel) == shape for size, shape in enumerate(shapes)):
        lowering.add(call, "global_avg_pool", {}, [source], call.result)
        return
    _pool(lowering, call, "avg_pool", given, ("kernel", "stride", "padding", "ceil", "count_include_pad"))


def _at(value: Any, size: int) -> Any:
    return value.at[size] if isinstance(value, Varied) else value


def _pool(lowering: Lowering, call: Call, op: str, given: dict[str, Any], names: Sequence[str]) -> None:
    arguments = {name: collapse(constant(given[name], name)) for name in names}
    if arguments["stride"] in (None, [], ()) or arguments["stride"] == arguments["kernel"]:
        del arguments["stride"]
    source, arguments = lowering.unpadded(op, arguments, given["input"])
    lowering.add(call, op, arguments, [source], call.result)


def _renamed(call: Call, names: dict[str, str]) -> Call:
    keywords = {names.get(name, name): value for name, value in call.keywords.items()}
    return Call(
        call.what, None, call.path, call.frame, call.arguments, keywords, call.results, call.place, call.training
    )


def _adaptive(kind: str) -> Rule:
    def rule(lowering: Lowering, call: Call) -> None:
        given = bound(call, ("input", "output_size", "return_indices"), return_indices=False)
        op, arguments = layers.adaptive(kind, constant(given["output_size"], "a size"))
        lowering.add(call, op, arguments, [lowering.number(given["input"])], call.result)

    return rule


def _dropout(op: str) -> Rule:
    def rule(lowering: Lowering, call: Call) -> None:
        given = bound(call, ("input", "p", "training", "inplace"), p=0.5, training=True)
        lowering.add(call, op, {"p": given["p"]}, [lowering.number(given["input"])], call.result)

    return rule


def _softmax(op: str) -> Rule:
    def rule(lowering: Lowering, call: Call) -> None:
        given = bound(call, ("input", "dim", "_stacklevel", "dtype"), dim=None, dtype=None)
        source = lowering.number(given["input"])
        lowering.add(call, op, {"axis": lowering.axis(source, given["dim"])}, [source], call.result)

    return rule


def _normalize(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("input", "p", "dim", "eps", "out"), p=2.0, dim=1, eps=1e-12, out=None)
    if given["p"] != 2:
        raise Unknown("a norm other than the Euclidean")
    source = lowering.number(given["input"])
    arguments = {"axis": lowering.axis(source, given["dim"]), "eps": given["eps"]}
    lowering.add(call, "normalize", arguments, [source], call.result)


def _prelu(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("input", "weight"))
    path = owner((given["weight"],))
    named({"weight": given["weight"]})
    arguments = {"per_channel": given["weight"].shape[0] > 1}
    lowering.add(call, "prelu", arguments, [lowering.number(given["input"])], call.result, path)


def _lrn(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("input", "size", "alpha", "beta", "k"), alpha=1e-4, beta=0.75, k=1.0)
    arguments = {name: given[name] for name in ("size", "alpha", "beta", "k")}
    lowering.add(call, "lrn", arguments, [lowering.number(given["input"])], call.result)


def _interpolate(lowering: Lowering, call: Call) -> None:
    names = ("input", "size", "scale_factor", "mode", "align_corners", "recompute_scale_factor", "antialias")
    given = bound(
        call, names, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None,
        antialias=False,
    )  # fmt: skip
    if given["antialias"] or given["recompute_scale_factor"]:
        raise Unknown("antialias or recompute_scale_factor")
    source = lowering.number(given["input"])
    size = given["size"]
    if size is None or not varies(size):
        arguments = layers.upsampling(size, given["scale_factor"], given["mode"], given["align_corners"])
        lowering.add(call, "upsample", arguments, [source], call.result)
        return
    arguments = layers.upsampling(0, None, given["mode"], given["align_corners"])
    del arguments["size"]
    other = of_size(lowering, call)
    lowering.add(call, "upsample", arguments, [source], call.result, refers={"to": other})


def varies(size: Any) -> bool:
    """Whether a size or one of several varies."""
    return isinstance(size, Varied) or (isinstance(size, tuple) and any(isinstance(one, Varied) for one in size))


def of_size(lowering: Lowering, call: Call) -> int:
    """An earlier value with the size of a call's result at all traced sizes; raises :class:`Unknown`.

    Values whose size was read are preferred, the most recent first.
    """
    number = call.result
    wanted = [shapes[number][2:] for shapes in lowering.shapes]
    for known in lowering.asked(call):
        given = [shapes[known][2:] for shapes in lowering.shapes]
        if given == wanted and len(lowering.axes.get(known, ())) == len(lowering.shape(number)) - 1:
            return lowering.number(Value(known))
    raise Unknown("a size that no step has")


def _pad(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("input", "pad", "mode", "value"), mode="constant", value=None)
    rank = lowering.rank(given["input"])
    sides = given["pad"]
    if len(sides) > 2 * rank:
        raise Unknown("padding of channels")
    sides = (*sides, *(0,) * (2 * rank - len(sides)))
    even = all(one == two for one, two in zip(sides[::2], sides[1::2], strict=True))
    if given["mode"] != "constant" or (even and not varies(sides)):
        _padded(lowering, call, given, sides)
        return
    number = lowering.number(given["input"])
    runs = range(len(lowering.shapes))
    by_run = (tuple(_at(side, run) for side in sides) for run in runs)
    amounts = tuple(tuple(zip(one[::2], one[1::2], strict=True))[::-1] for one in by_run)
    sizes = tuple(lowering.shapes[run][lowering.value(given["input"])][2:] for run in runs)
    result = call.result
    lowering.padded[result] = Padded(number, sizes, amounts, given["value"] or 0)
    lowering.later(result, lambda: _padded(lowering, call, given, sides))


def _padded(lowering: Lowering, call: Call, given: dict[str, Any], sides: tuple[Any, ...]) -> None:
    """Padding as a step of its own."""
    arguments = layers.padding(constant(sides, "padding"), given["mode"], given["value"] or 0)
    lowering.add(call, "pad", arguments, [lowering.number(given["input"])], call.result)


def _clamp(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("input", "min", "max"), min=None, max=None)
    bounds = {name: constant(given[name], name) for name in ("min", "max") if given[name] is not None}
    lowering.add(call, "clamp", bounds, [lowering.number(given["input"])], call.result)


def _pixels(op: str, argument: str) -> Rule:
    """A shuffle of pixels and channels."""

    def rule(lowering: Lowering, call: Call) -> None:
        given = bound(call, ("input", argument))
        lowering.add(call, op, {"factor": given[argument]}, [lowering.number(given["input"])], call.result)

    return rule


def _channel_shuffle(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("input", "groups"))
    arguments = {"groups": given["groups"]}
    lowering.add(call, "channel_shuffle", arguments, [lowering.number(given["input"])], call.result)


_F = "torch.nn.functional."


def _everywhere(name: str, rule: Rule, inplace: bool = True) -> dict[str, Rule]:
    """One rule for a function and a method, and for their in-place variants."""
    found = {f"{_F}{name}": rule, f"torch.{name}": rule, f"torch.Tensor.{name}": rule}
    return found | ({f"{key}_": rule for key in found} if inplace else {})


RULES: dict[str, Rule] = {
    **{key: _simple(name) for name in ("relu", "relu6", "selu", "sigmoid", "tanh", "silu", "mish", "hardswish",
                                        "hardsigmoid") for key in _everywhere(name, conv)},
    **{key: _simple("abs") for name in ("abs", "absolute") for key in _everywhere(name, conv)},
    "torch.Tensor.__abs__": _simple("abs"),
    **{key: _clamp for name in ("clamp", "clip") for key in _everywhere(name, conv)},
    **_everywhere("pixel_shuffle", _pixels("pixel_shuffle", "upscale_factor")),
    **_everywhere("pixel_unshuffle", _pixels("pixel_unshuffle", "downscale_factor")),
    **_everywhere("leaky_relu", _simple("leaky_relu", ("negative_slope",))),
    **_everywhere("elu", _simple("elu", ("alpha",))),
    **_everywhere("gelu", _simple("gelu", ("approximate",))),
    **_everywhere("softplus", _simple("softplus", ("beta", "threshold"))),
    **_everywhere("softmax", _softmax("softmax")),
    **_everywhere("log_softmax", _softmax("log_softmax")),
    **_everywhere("prelu", _prelu),
    f"{_F}linear": _linear,
    f"{_F}group_norm": _group_norm,
    f"{_F}layer_norm": _layer_norm,
    f"{_F}channel_shuffle": _channel_shuffle,
    **{f"{origin}max_pool{rank}d": _max_pool for rank in (1, 2, 3) for origin in (_F, "torch.")},
    **{f"{origin}avg_pool{rank}d": _avg_pool for rank in (1, 2, 3) for origin in (_F, "torch._C._nn.")},
    **{f"{origin}{kind}{rank}d": _adaptive(kind) for kind in ("adaptive_avg_pool", "adaptive_max_pool")
       for rank in (1, 2, 3) for origin in (_F, "torch.")},
    **_everywhere("dropout", _dropout("dropout")),
    **{key: _dropout("channel_dropout") for rank in (1, 2, 3) for key in _everywhere(f"dropout{rank}d", conv)},
    f"{_F}local_response_norm": _lrn,
    f"{_F}normalize": _normalize,
    f"{_F}interpolate": _interpolate,
    f"{_F}pad": _pad,
}  # fmt: skip
