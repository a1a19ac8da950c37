"""How load, check and receptive fields grow from 1,000 to 100,000 steps: ``python benchmarks/analysis_growth.py``.

Time per step at 100,000 should be within 1.5 times that at 1,000.  The network is a column of residual blocks with a
strided convolution every so often, so sizes, merges and windows all grow with it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import process_time

import archspec
from archspec.analyses import receptive_field
from archspec.graph import Graph

SPEC = """
archspec: 1
name: Column
params: {{blocks: {blocks}}}
inputs: {{image: [3, H, W]}}
sizes: {{H: 224, W: 224}}
blocks:
  residual:
    steps:
      - add:
          - []
          - - conv as conv1: {{channels: 8, kernel: 3, padding: 1, bias: false}}
            - batch_norm as bn1
            - relu
            - conv as conv2: {{channels: 8, kernel: 3, padding: 1, bias: false}}
            - batch_norm as bn2
      - relu
steps:
  - conv as stem: {{channels: 8, kernel: 3, stride: 2, padding: 1}}
  - sequence as body:
      - residual as block$i:
        for: i in range(blocks)
"""
STEPS = (1_000, 10_000, 100_000)


def timed(work: Callable[[], object], repeats: int) -> float:
    """The best of some repeats, in seconds of this process: what else the machine does counts less."""
    best = float("inf")
    for _ in range(repeats):
        start = process_time()
        work()
        best = min(best, process_time() - start)
    return best


def measure(steps: int) -> dict[str, float]:
    """Seconds of each part for a network of about so many steps."""
    text = SPEC.format(blocks=steps // 7)
    repeats = max(2, 20_000 // steps)
    spec = archspec.loads(text)
    graph: Graph = spec.graph
    count = len(graph.nodes)
    parts: dict[str, Callable[[], object]] = {
        "load": lambda: archspec.loads(text),
        "check": lambda: archspec.check(spec).valid_sizes,
        "fields": lambda: receptive_field.table(graph, graph.sizes),
    }
    return {"steps": count, **{name: timed(work, repeats) for name, work in parts.items()}}


def main() -> int:
    """Print a table; the exit status is 1 where growth is worse than 1.5 times linear."""
    first: dict[str, float] | None = None
    worst = 0.0
    print(f"{'steps':>8}  {'load':>9}  {'check':>9}  {'fields':>9}  µs per step of each, and against the first")
    for steps in STEPS:
        found = measure(steps)
        each = {name: 1e6 * seconds / found["steps"] for name, seconds in found.items() if name != "steps"}
        first = first or each
        ratios = {name: each[name] / first[name] for name in each}
        whole = sum(each.values()) / sum(first.values())
        worst = max(worst, whole)
        seconds = "  ".join(f"{found[name]:8.3f}s" for name in each)
        shown = ", ".join(f"{each[name]:.1f} (×{ratios[name]:.2f})" for name in each)
        print(f"{int(found['steps']):>8,}  {seconds}  {shown}; together ×{whole:.2f}", flush=True)
    return 1 if worst > 1.5 else 0


if __name__ == "__main__":
    sys.exit(main())
