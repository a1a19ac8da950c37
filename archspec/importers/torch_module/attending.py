"""Translates attention: heads split off the channels of tokens, scaled dot products, and heads joined again.

Views, transpositions and selections between these calls are followed by the names of their axes.  No layer is made for
them unless something else reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from archspec.importers.torch_module.functions import bound, constant
from archspec.importers.torch_module.layers import Unknown
from archspec.importers.torch_module.lowering import Lowering, Rule
from archspec.importers.torch_module.trace import Call, Value
from archspec.ops.common.attending import TOKENS
from archspec.records import record

BATCH, WHICH, TOKEN, HEAD, WIDTH = "batch", "which", "token", "head", "width"


@record
class Heads:
    """Tokens whose channels are viewed as heads."""

    source: int
    """The tokens."""
    axes: tuple[str, ...]
    """What each axis of the view is."""
    heads: int
    count: int = 1
    """How many values of each head lie side by side in the channels, such as queries, keys and values."""
    which: int | None = None
    """The one that is selected."""
    attended: tuple[int, float] | None = None
    """The heads and the dropout, if the view is the output of attention."""


def follow(lowering: Lowering, call: Call, shape: tuple[int, ...], otherwise: Callable[[], None]) -> bool:
    """Follow a view of tokens or heads to a shape; False if it is not one.

    ``otherwise`` makes the layer of the view if something that is not attention reads it.
    """
    source = call.source
    known = _heads(lowering, source)
    if known is not None:
        return _join(lowering, call, known, shape)
    number = lowering.value(source)
    before = lowering.shape(number)
    if lowering.axes.get(number) != TOKENS or len(before) != 3 or shape[:2] != before[:2]:
        return False
    if len(shape) == 5:
        found = Heads(number, (BATCH, TOKEN, WHICH, HEAD, WIDTH), shape[3], shape[2])
    elif len(shape) == 4:
        found = Heads(number, (BATCH, TOKEN, HEAD, WIDTH), shape[2])
    else:
        return False
    lowering.parts[call.result] = ("heads", found)
    lowering.later(call.result, otherwise)
    return True


def order(lowering: Lowering, call: Call, order: Sequence[int]) -> bool:
    """Follow heads whose axes are put in another order; False if the tensor is not heads."""
    known = _heads(lowering, call.source)
    if known is None:
        return False
    _note(lowering, call.results, replace(known, axes=tuple(known.axes[at] for at in order)))
    return True


def select(lowering: Lowering, call: Call, index: int) -> bool:
    """Follow the selection of queries, keys or values by an index of the first axis; False if it is not one."""
    known = _heads(lowering, call.source)
    if known is None or known.axes[0] != WHICH:
        return False
    _note(lowering, call.results, replace(known, axes=known.axes[1:], which=index % known.count))
    return True


def _heads(lowering: Lowering, value: Any) -> Heads | None:
    if not isinstance(value, Value):
        return None
    found = lowering.parts.get(lowering.value(value))
    return found[1] if found is not None and found[0] == "heads" else None


def _note(lowering: Lowering, result: Value, found: Heads) -> None:
    def refuse() -> None:
        raise Unknown("heads that something else than attention reads")

    lowering.parts[result.number] = ("heads", found)
    lowering.later(result.number, refuse)


def _join(lowering: Lowering, call: Call, known: Heads, shape: tuple[int, ...]) -> bool:
    """The layer of attention, where the heads of its output are joined."""
    joined = known.attended is not None and known.axes == (BATCH, TOKEN, HEAD, WIDTH) and len(shape) == 3
    if not joined or shape[:2] != lowering.shape(lowering.value(call.source))[:2]:
        return False
    heads, dropout = known.attended or (0, 0.0)
    arguments = {"heads": heads, "dropout": dropout}
    reads = [lowering.number(Value(known.source))]
    lowering.add(call, "attention", arguments, reads, call.result, axes=TOKENS)
    return True


def _unbind(lowering: Lowering, call: Call) -> None:
    given = bound(call, ("input", "dim"), dim=0)
    known = _heads(lowering, given["input"])
    if known is None or known.axes[given["dim"]] != WHICH:
        raise Unknown("a tensor that is not heads")
    axes = tuple(axis for axis in known.axes if axis != WHICH)
    for index, part in enumerate(call.results):
        _note(lowering, part, replace(known, axes=axes, which=index))


def _attend(lowering: Lowering, call: Call) -> None:
    names = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal", "scale", "enable_gqa")
    given = bound(call, names, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False)
    if given["attn_mask"] is not None or given["is_causal"] or given["scale"] is not None or given["enable_gqa"]:
        raise Unknown("a mask, another scale or groups of heads")
    parts = [_heads(lowering, given[name]) for name in ("query", "key", "value")]
    found = [part for part in parts if part is not None]
    if len(found) != 3 or any(part.axes != (BATCH, HEAD, TOKEN, WIDTH) for part in found):
        raise Unknown("queries, keys or values that are not heads of tokens")
    first = found[0]
    if len({part.heads for part in found}) > 1 or len({lowering.shape(part.source) for part in found}) > 1:
        raise Unknown("queries, keys and values of several shapes")
    source = first.source
    if [(part.source, part.count, part.which) for part in found] != [(source, 3, at) for at in range(3)]:
        source = _beside(lowering, call, found)
    made = Heads(source, first.axes, first.heads, attended=(first.heads, constant(given["dropout_p"], "dropout")))
    _note(lowering, call.results, made)


def _beside(lowering: Lowering, call: Call, parts: Sequence[Heads]) -> int:
    """Queries, keys and values from three steps, put side by side."""
    if any(part.count != 1 for part in parts):
        raise Unknown("queries, keys and values in another order")
    made = lowering.fresh(TOKENS)
    reads = [lowering.number(Value(part.source)) for part in parts]
    lowering.add(call, "concat", {"axis": "channels"}, reads, made, axes=TOKENS)
    return made


def module(lowering: Lowering, call: Call) -> None:
    """``nn.MultiheadAttention`` of tokens to one another, whose weights nothing reads."""
    names = (
        "query",
        "key",
        "value",
        "key_padding_mask",
        "need_weights",
        "attn_mask",
        "average_attn_weights",
        "is_causal",
    )
    given = bound(
        call, names, key_padding_mask=None, need_weights=True, attn_mask=None, average_attn_weights=True,
        is_causal=False,
    )  # fmt: skip
    own = call.module
    if given["key_padding_mask"] is not None or given["attn_mask"] is not None or given["is_causal"]:
        raise Unknown("a mask")
    if given["need_weights"]:
        raise Unknown("need_weights")
    if not own.batch_first or not own._qkv_same_embed_dim or own.bias_k is not None or own.add_zero_attn:
        raise Unknown("batch_first=False, kdim, vdim, add_bias_kv or add_zero_attn")
    reads = {lowering.number(given[name]) for name in ("query", "key", "value")}
    source = reads.pop()
    if reads or lowering.axes[source] != TOKENS:
        raise Unknown("several inputs")
    arguments = {"heads": own.num_heads, "dropout": own.dropout, "bias": own.in_proj_bias is not None}
    result = call.results[0]
    lowering.add(call, "multihead_attention", arguments, [source], result.number, call.path, axes=TOKENS)


RULES: dict[str, Rule] = {
    "torch.Tensor.unbind": _unbind,
    "torch.unbind": _unbind,
    "torch.nn.functional.scaled_dot_product_attention": _attend,
    "torch._C._nn.scaled_dot_product_attention": _attend,
}
MODULES: dict[str, Rule] = {"torch.nn.modules.activation.MultiheadAttention": module}
