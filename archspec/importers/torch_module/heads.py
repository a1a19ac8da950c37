"""Follows tokens whose channels are viewed as heads: through views, transpositions and selections, by axes' names.

No layer is made for them unless something else than fused attention reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from archspec.importers.torch_module.functions import bound
from archspec.importers.torch_module.layers import Unknown
from archspec.importers.torch_module.lowering import Lowering, Rule
from archspec.importers.torch_module.trace import Call, Value
from archspec.ops.common.attending import TOKENS
from archspec.records import record

BATCH, WHICH, TOKEN, HEAD, WIDTH = "batch", "which", "token", "head", "width"
NAMES = {WHICH: "parts", TOKEN: TOKENS[0], HEAD: "heads", WIDTH: TOKENS[1]}
"""The axes of a view as the language names them."""


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
    turned: bool = False
    """Whether the call before swapped the last two axes."""


def follow(lowering: Lowering, call: Call, shape: tuple[int, ...]) -> bool:
    """Follow a view of tokens or heads to a shape; False if it is not one."""
    source = call.source
    known = of(lowering, source)
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
    note(lowering, call, call.results, found)
    return True


def order(lowering: Lowering, call: Call, order: Sequence[int]) -> bool:
    """Follow heads whose axes are put in another order; False if the tensor is not heads."""
    known = of(lowering, call.source)
    if known is None:
        return False
    axes = tuple(known.axes[at] for at in order)
    note(lowering, call, call.results, replace(known, axes=axes, turned=exchanges(order) and not known.turned))
    return True


def exchanges(order: Sequence[int]) -> bool:
    """Whether an order of axes exchanges the last two and leaves the others."""
    count = len(order)
    return list(order) == [*range(count - 2), count - 1, count - 2]


def select(lowering: Lowering, call: Call, index: int) -> bool:
    """Follow the selection of queries, keys or values by an index of the first axis; False if it is not one."""
    known = of(lowering, call.source)
    if known is None or known.axes[0] != WHICH:
        return False
    note(lowering, call, call.results, replace(known, axes=known.axes[1:], which=index % known.count))
    return True


def of(lowering: Lowering, value: Any) -> Heads | None:
    """The view that a value is; None if it is none."""
    if not isinstance(value, Value):
        return None
    found = lowering.parts.get(lowering.value(value))
    return found[1] if found is not None and found[0] == "heads" else None


def note(lowering: Lowering, call: Call, result: Value, found: Heads) -> None:
    """Note that a result is a view; its steps are made if something reads them."""
    lowering.parts[result.number] = ("heads", found)
    lowering.axes[result.number] = tuple(NAMES[axis] for axis in found.axes if axis != BATCH)
    lowering.later(result.number, lambda: lowering.same(result, Value(made(lowering, call, found))))


def made(lowering: Lowering, call: Call, found: Heads) -> int:
    """The value of a view, with the steps that make it where nothing has read it before."""
    if found.attended is not None or found.axes[0] != BATCH:
        raise Unknown("heads that something else than attention reads")
    key = replace(found, turned=False)
    if key in lowering.heads:
        return lowering.heads[key]
    source, sizes, axes = lowering.number(Value(found.source)), (found.heads, -1), (HEAD, WIDTH)
    if found.which is not None:
        part = lowering.fresh(TOKENS)
        lowering.add(call, "chunk", {"chunks": found.count, "index": found.which}, [source], part, axes=TOKENS)
        source = part
    elif found.count > 1:
        sizes, axes = (found.count, *sizes), (WHICH, *axes)
    names = (TOKENS[0], *(NAMES[axis] for axis in axes))
    wanted = tuple(NAMES[axis] for axis in found.axes[1:])
    last = lowering.fresh(names)
    lowering.add(call, "unflatten", {"sizes": sizes, "axes": names[1:]}, [source], last, axes=names)
    if wanted != names:
        source, last = last, lowering.fresh(wanted)
        lowering.add(call, "permute", {"axes": wanted}, [source], last, axes=wanted)
    lowering.heads[key] = last
    return last


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
    known = of(lowering, given["input"])
    if known is None or known.axes[given["dim"]] != WHICH:
        raise Unknown("a tensor that is not heads")
    axes = tuple(axis for axis in known.axes if axis != WHICH)
    for index, part in enumerate(call.results):
        note(lowering, call, part, replace(known, axes=axes, which=index))


RULES: dict[str, Rule] = {"torch.Tensor.unbind": _unbind, "torch.unbind": _unbind}
