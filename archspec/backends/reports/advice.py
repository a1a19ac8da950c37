"""What a network's graph implies for running and training it fast: advice, each with the numbers it follows from."""

from __future__ import annotations

from collections import Counter
from typing import Any

from archspec.analyses.memory import memory
from archspec.analyses.report import Report
from archspec.backends.reports.memory import need_sizes
from archspec.graph import Graph
from archspec.records import record
from archspec.rewrites import RewriteError, rewrite
from archspec.rewrites.checkpoint import Checkpoint

MOST = 65_536
"""The largest batch that is looked for."""
BATCH = 16
"""The batch at which checkpoints are compared."""
WORTH = 0.1
"""The least part of training's memory that a checkpoint has to save to be named."""


@record
class Advice:
    """One piece of advice: its subject, and what to do with the reason."""

    about: str
    text: str


def advice(report: Report, gigabytes: float) -> list[Advice]:
    """What the graph implies at the report's sizes, with ``gigabytes`` of memory.

    Raises :class:`archspec.SpecError` where a symbol has no number.
    """
    need_sizes(report)
    graph = report.graph
    found = [*_layout(graph), *_precision(report)]
    for training in (False, True):
        found += [Advice("batch", _batch(report, gigabytes, dtype, training)) for dtype in ("float32", "bfloat16")]
    return found + _checkpoint(report)


def _layout(graph: Graph) -> list[Advice]:
    """Channels last, where convolutions over two axes have a pool or a norm beside them."""
    kinds = Counter(
        node.op.keyword for node in graph.nodes if node.op is not None and node.shape.rank == 2 and not node.dead
    )
    convs, pools = kinds["conv"], kinds["max_pool"]
    if not convs:
        return []
    counts = _counted(convs, "convolution") + (f" and {_counted(pools, 'max pool')}" if pools else "")
    what = "`model.to(memory_format=torch.channels_last)`, and the images too"
    return [Advice("layout", f"channels last, for {counts} over two axes; {what}")]


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count > 1 else ''}"


def _precision(report: Report) -> list[Advice]:
    """bfloat16 for what is mostly convolutions and matrix products."""
    products = report.total.multiply_adds
    if not products:
        return []
    elements = memory(report.graph, report.sizes).activations // 4
    each = products / max(elements, 1)
    gain = "products outweigh the memory traffic" if each > 50 else "memory traffic weighs as much as products"
    text = f"bfloat16, where the processor has it: {each:,.0f} multiply-adds for each number a step gives, so {gain}"
    return [Advice("precision", f"{text}; in training with `torch.autocast`")]


def _batch(report: Report, gigabytes: float, dtype: str, training: bool) -> str:
    """The largest batch that fits, by doubling and halving: memory grows with it."""
    room = int(gigabytes * 1e9)

    def fits(batch: int) -> bool:
        said = memory(report.graph, report.sizes, batch, dtype)
        total = said.training_total if training else said.inference_total
        return total is not None and total <= room

    low, high = 1 + training, 2 + training  # some networks cannot be trained on one image
    if not fits(low):
        return f"{'training' if training else 'inference'} in {dtype} does not fit in {gigabytes:g} GB"
    while high <= MOST and fits(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    what = "training, without the optimiser's own state," if training else "inference"
    return f"{what} in {dtype} fits in {gigabytes:g} GB up to a batch of {low:,}"


def _checkpoint(report: Report) -> list[Advice]:
    """The block whose checkpoints save the most."""
    before = memory(report.graph, report.sizes, BATCH).training
    if not before:
        return []
    uses = Counter(scope.block.name for scope in report.graph.root.scopes() if scope.kind == "block" and scope.block)
    best: tuple[int, str] | None = None
    for block, count in uses.items():
        if count < 2 or any(scope.checkpoint for scope in report.graph.root.scopes()):
            continue
        try:
            less = memory(rewrite(report.graph, [Checkpoint(block=block, step=None)]), report.sizes, BATCH).training
        except RewriteError:
            continue
        if less is not None and (best is None or less < best[0]):
            best = (less, block)
    if best is None or best[0] > (1 - WORTH) * before:
        return []
    saved = f"{1 - best[0] / before:.0%} less memory in training at a batch of {BATCH}, for one more forward of them"
    return [Advice("checkpoint", f"`--rewrite 'checkpoint(block={best[1]})'`: {saved}")]


def text(found: list[Advice]) -> str:
    """The advice as lines."""
    width = max((len(each.about) for each in found), default=0)
    return "\n".join(f"{each.about:<{width}}  {each.text}" for each in found) or "no advice"


def to_json(found: list[Advice]) -> list[dict[str, Any]]:
    """The advice as plain data."""
    return [{"about": each.about, "text": each.text} for each in found]
