"""Translates max pools that keep the places of their maxima, and the unpooling that uses them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archspec.importers.torch_module import layers
from archspec.importers.torch_module.functions import bound, constant, of_size, varies
from archspec.importers.torch_module.layers import Unknown, collapse
from archspec.importers.torch_module.lowering import Lowering, Rule
from archspec.importers.torch_module.trace import Call, Value

POOL = ("kernel", "stride", "padding")


def pooled(lowering: Lowering, call: Call, arguments: dict[str, Any], source: Any) -> None:
    """A max pool with the places of its maxima."""
    found, places = call.results
    lowering.add(
        call, "max_pool", arguments | {"indices": True}, [lowering.number(source)], found.number, call.path
    )  # fmt: skip
    full = {"stride": arguments["kernel"], "padding": 0} | arguments
    lowering.parts[places.number] = ("places", found.number, {name: full[name] for name in POOL})

    def refuse() -> None:
        raise Unknown("places of maxima that something else than unpooling reads")

    lowering.later(places.number, refuse)


def _pool_module(lowering: Lowering, call: Call) -> None:
    arguments = layers.max_pool(call.module)
    if call.module.return_indices:
        pooled(lowering, call, arguments, call.source)
        return
    source, arguments = lowering.unpadded("max_pool", arguments, call.source)
    lowering.add(call, "max_pool", arguments, [source], call.result, call.path)


def _pool(lowering: Lowering, call: Call) -> None:
    names = ("input", "kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
    given = bound(call, names, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False)
    arguments = {
        "kernel": collapse(constant(given["kernel_size"], "a kernel")),
        **{name: collapse(constant(given[name], name)) for name in ("padding", "dilation")},
        "ceil": given["ceil_mode"],
    }
    stride = collapse(given["stride"])
    if stride not in (None, [], (), arguments["kernel"]):
        arguments["stride"] = stride
    pooled(lowering, call, arguments, given["input"])


def _unpool(lowering: Lowering, call: Call, own: dict[str, Any], source: Any, places: Any, size: Any) -> None:
    kept = lowering.parts.get(lowering.value(places))
    if kept is None or kept[0] != "places":
        raise Unknown("places that no max pool gives")
    if own != kept[2]:
        raise Unknown("other windows than the pool's")
    refers = {"indices": lowering.number(Value(kept[1]))}
    if size is not None and varies(_spatial(size, lowering.rank(source))):
        refers["to"] = of_size(lowering, call)
    lowering.add(call, "max_unpool", {}, [lowering.number(source)], call.result, call.path, refers=refers)


def _spatial(size: Any, rank: int) -> Any:
    return size[-rank:] if isinstance(size, tuple) else size


def _unpool_module(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("input", "indices", "output_size"), output_size=None)
    own = {name: collapse(getattr(call.module, "kernel_size" if name == "kernel" else name)) for name in POOL}
    _unpool(lowering, call, own, given["input"], given["indices"], given["output_size"])


def _unpool_function(lowering: Lowering, call: Call) -> None:
    names = ("input", "indices", "kernel_size", "stride", "padding", "output_size")
    given = bound(call, names, stride=None, padding=0, output_size=None)
    kernel = collapse(given["kernel_size"])
    stride: Sequence[int] | int = collapse(given["stride"]) or kernel
    own = {"kernel": kernel, "stride": stride, "padding": collapse(given["padding"])}
    _unpool(lowering, call, own, given["input"], given["indices"], given["output_size"])


_F = "torch.nn.functional."
RULES: dict[str, Rule] = {
    **{f"{_F}max_pool{rank}d_with_indices": _pool for rank in (1, 2, 3)},
    **{f"{_F}max_unpool{rank}d": _unpool_function for rank in (1, 2, 3)},
}
_POOLING = "torch.nn.modules.pooling."
MODULES: dict[str, Rule] = {
    **{f"{_POOLING}MaxPool{rank}d": _pool_module for rank in (1, 2, 3)},
    **{f"{_POOLING}MaxUnpool{rank}d": _unpool_module for rank in (1, 2, 3)},
}
