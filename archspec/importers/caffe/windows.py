"""Caffe's layers that move a window over a map: convolutions and pooling."""

from __future__ import annotations

from typing import Any

from archspec.importers.caffe.fields import Fields
from archspec.importers.caffe.given import Given


def _windows(given: Given, fields: Fields, least_kernel: int = 1) -> dict[str, Any]:
    """Kernel, stride, padding, dilation: each is one number for all axes, one for each, or a pair ``_h``, ``_w``."""
    found: dict[str, Any] = {}
    rank = given.rank()
    usual = {"kernel": None, "stride": 1, "padding": 0, "dilation": 1}
    for name, key in (("kernel", "kernel_size"), ("stride", "stride"), ("padding", "pad"), ("dilation", "dilation")):
        short = {"kernel_size": "kernel", "pad": "pad"}.get(key, key)
        least = 0 if name == "padding" else 1
        values = fields.wholes(key, least)
        if name != "dilation" and (fields.has(f"{short}_h") or fields.has(f"{short}_w")):
            if values or rank != 2:
                raise fields.wrong(f"{short}_h", f"and `{key}` cannot be given together")
            spare = usual[name]
            sides = [fields.wholes(f"{short}_{side}", least) for side in "hw"]
            if any(len(side) != 1 for side in sides) and (spare is None or any(len(side) > 1 for side in sides)):
                raise fields.wrong(f"{short}_h", f"and `{short}_w` must be given together")
            values = [side[0] if side else spare or 0 for side in sides]
        if not values:
            if usual[name] is None:
                raise given.refuse(f"`{key}` is missing", hint="write `kernel_size: 3`")
            values = [usual[name] or 0]
        if len(values) not in (1, rank):
            raise fields.wrong(key, f"has {len(values)} numbers for {rank} axes")
        found[name] = values if len(values) > 1 else values[0]
    return found


def convolution(given: Given) -> list[int]:
    fields = given.fields.message("convolution_param")
    channels = fields.whole("num_output", 0, 1)
    if not channels:
        raise given.refuse("`num_output` is missing")
    if fields.whole("axis", 1) != 1:
        raise given.refuse("only the channel axis is supported", "axis", fields)
    fields.flag("force_nd_im2col", False)
    bias = fields.flag("bias_term", True)
    op = "conv" if given.kind == "Convolution" else "conv_transpose"
    groups = fields.whole("group", 1, 1)
    value = given.add(op, channels=channels, groups=groups, bias=bias, **_windows(given, fields))
    given.keep("weight", *(["bias"] if bias else []))
    return [value]


def pooling(given: Given) -> list[int]:
    fields = given.fields.message("pooling_param")
    which = fields.word("pool", ("MAX", "AVE", "STOCHASTIC", "0", "1", "2"), "MAX")
    if which in ("STOCHASTIC", "2"):
        raise given.refuse("stochastic pooling is not supported", "pool", fields)
    op = "max_pool" if which in ("MAX", "0") else "avg_pool"
    floor = fields.word("round_mode", ("CEIL", "FLOOR", "0", "1"), "CEIL") in ("FLOOR", "1")
    ceil = fields.flag("ceil_mode", not floor)
    if fields.flag("global_pooling", False):
        for key in ("kernel_size", "kernel_h", "kernel_w"):
            if fields.has(key):
                raise given.refuse(f"global pooling has no `{key}`", key, fields)
        for key in ("stride", "pad"):
            fields.wholes(key)
        return [given.add("global_max_pool" if op == "max_pool" else "global_avg_pool")]
    windows = _windows(given, fields)
    if windows.pop("dilation") != 1:
        raise given.refuse("dilation is not supported for pooling", "dilation", fields)
    value = given.add(op, ceil=ceil, **windows)
    _hold_sizes(given, windows, ceil, value)
    return [value]


def _hold_sizes(given: Given, windows: dict[str, Any], ceil: bool, value: int) -> None:
    """Refuse a window that lies wholly outside the map: Caffe keeps it if there is no padding, torch never."""
    shapes = given.assembly.shapes
    before, after = shapes[given.reads[0]].spatial, shapes[value].spatial
    for axis, (size, found) in enumerate(zip(before, after, strict=True)):
        kernel, stride, padding = (
            windows[name][axis] if isinstance(windows[name], list) else windows[name]
            for name in ("kernel", "stride", "padding")
        )
        assert isinstance(size, int)
        room = size + 2 * padding - kernel
        count = (-(-room // stride) if ceil else room // stride) + 1
        if padding and (count - 1) * stride >= size + padding:
            count -= 1
        if count != found:
            raise given.refuse(f"its last window starts beyond the {size} rows; Caffe leaves that output undefined")
