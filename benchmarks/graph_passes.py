"""Our walks over a graph beside networkx's: ``python benchmarks/graph_passes.py [BLOCKS]``.

What is asked: what one node is computed from, what the outputs need, an order to run in, and the nodes that every path
passes.  networkx wants its own graph first; building that and importing networkx are counted apart.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from time import process_time

import archspec
from archspec.analyses.walk import ancestors
from archspec.backends.diagram.series_parallel import decompose
from archspec.backends.diagram.units import Net, Unit

SPEC = """
archspec: 1
name: Column
params: {{blocks: {blocks}}}
inputs: {{image: [8, H, W]}}
sizes: {{H: 32, W: 32}}
steps:
  - add as unit$i:
      - []
      - - conv as one: {{channels: 8, kernel: 3, padding: 1}}
        - relu
        - conv as two: {{channels: 8, kernel: 3, padding: 1}}
    for: i in range(blocks)
"""


def timed(what: str, run: Callable[[], object]) -> None:
    start = process_time()
    run()
    print(f"{what:<44} {1000 * (process_time() - start):9.1f} ms")


def main(blocks: int) -> None:
    imports = "import time; a = time.process_time(); import networkx; print(time.process_time() - a)"
    alone = "import archspec; " + imports
    found = subprocess.run([sys.executable, "-c", alone], capture_output=True, text=True, check=True).stdout
    print(f"{'import networkx after archspec':<44} {1000 * float(found):9.1f} ms")
    graph = archspec.loads(SPEC.format(blocks=blocks)).graph
    last = len(graph.nodes) - 1
    print(f"{last + 1:,} nodes")
    timed("ancestors, ours", lambda: ancestors(graph, last))
    timed("what the outputs need, ours (Graph.connect)", graph.connect)
    net = Net([Unit(at, "", "other", None) for at in range(last + 1)], [list(node.inputs) for node in graph.nodes], {})
    timed("series and branches, ours (decompose)", lambda: decompose(net, range(last + 1), {}))

    import networkx

    timed("networkx's graph", lambda: graph.digraph)
    timed("networkx.ancestors", lambda: networkx.ancestors(graph.digraph, last))
    timed("networkx.topological_sort", lambda: list(networkx.topological_sort(graph.digraph)))
    timed("networkx.immediate_dominators", lambda: networkx.immediate_dominators(graph.digraph, 0))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_500)
