"""Translates fused attention: scaled dot products of heads, and torch's own module."""

from __future__ import annotations

from collections.abc import Sequence

from archspec.importers.torch_module import heads
from archspec.importers.torch_module.functions import bound, constant
from archspec.importers.torch_module.heads import BATCH, HEAD, TOKEN, WIDTH, Heads
from archspec.importers.torch_module.layers import Unknown
from archspec.importers.torch_module.lowering import Lowering, Rule
from archspec.importers.torch_module.trace import Call, Value
from archspec.ops.common.attending import TOKENS


def _attend(lowering: Lowering, call: Call) -> None:
    names = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal", "scale", "enable_gqa")
    given = bound(call, names, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False)
    if given["attn_mask"] is not None or given["is_causal"] or given["scale"] is not None or given["enable_gqa"]:
        raise Unknown("a mask, another scale or groups of heads")
    parts = [heads.of(lowering, given[name]) for name in ("query", "key", "value")]
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
    heads.note(lowering, call, call.results, made)


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
    "torch.nn.functional.scaled_dot_product_attention": _attend,
    "torch._C._nn.scaled_dot_product_attention": _attend,
}
MODULES: dict[str, Rule] = {"torch.nn.modules.activation.MultiheadAttention": module}
