"""Runs many random networks against torch: ``python -m tests.helpers.soak [GRAPHS [FIRST_SEED [PROCESSES]]]``.

20,000 graphs unless told otherwise: plain ones, those with the rarer steps, and those with tokens, in turn.

Prints every disagreement with its spec; the exit status is 1 when there was one.
"""

from __future__ import annotations

import os
import sys
import traceback
from concurrent.futures import ProcessPoolExecutor

CHUNK = 50


def chunk(first: int) -> tuple[int, int, int, list[str]]:
    """Graphs that loaded, sizes tried, rows compared and disagreements of one chunk."""
    import torch

    from tests.helpers.agreement import Disagreement, agree

    torch.set_num_threads(1)
    loads = sizes = rows = 0
    wrong: list[str] = []
    for seed in range(first, first + CHUNK):
        try:
            outcome = agree(seed, kind=("plain", "wider", "tokens")[seed % 3])
        except Disagreement as disagreement:
            wrong.append(str(disagreement))
        except Exception:
            wrong.append(f"seed {seed}:\n{traceback.format_exc()}")
        else:
            loads, sizes, rows = loads + outcome.loads, sizes + outcome.sizes, rows + outcome.rows
    return loads, sizes, rows, wrong


def main(graphs: int = 20_000, first: int = 1_000_000, processes: int = os.cpu_count() or 1) -> int:
    """Run the soak; gives the exit status."""
    starts = range(first, first + graphs, CHUNK)
    loads = sizes = rows = 0
    wrong: list[str] = []
    with ProcessPoolExecutor(processes) as pool:
        for done, found in enumerate(pool.map(chunk, starts), 1):
            loads, sizes, rows = loads + found[0], sizes + found[1], rows + found[2]
            for text in found[3]:
                print(text, flush=True)
            wrong += found[3]
            if done % 20 == 0 or done == len(starts):
                print(f"{done * CHUNK:,} graphs, {loads:,} valid, {sizes:,} sizes, {rows:,} rows of receptive fields: "
                      f"{len(wrong)} disagreements", flush=True)  # fmt: skip
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(*map(int, sys.argv[1:])))
