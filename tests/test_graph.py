"""Our walks over a graph, which `archspec check` can afford, held against networkx's."""

from __future__ import annotations

import random

import networkx

import archspec
from archspec.analyses.walk import ancestors
from archspec.backends.diagram.series_parallel import Element, Parallel, Tangle, decompose
from archspec.backends.diagram.units import Net, Unit
from archspec.graph import Graph


def random_graph(seed: int) -> Graph:
    """Up to 12 steps that read what they like, with outputs anywhere, one of them in training only."""
    chance = random.Random(seed)
    names, lines = ["image"], ["archspec: 1", "name: N", "inputs: {image: [2, H, W]}", "steps:"]
    for at in range(chance.randint(2, 12)):
        sources = [chance.choice(names[-4:]) for _ in range(chance.choice((1, 1, 2, 3)))]
        lines += [f"  - {'relu' if len(sources) == 1 else 'add'} as s{at}:", f"    from: [{', '.join(sources)}]"]
        names.append(f"s{at}")
    outputs = chance.sample(names[1:], 2)
    lines.append(f"outputs: {{a: {outputs[0]}, b: {{from: {outputs[1]}, training: true}}}}")
    return archspec.loads("\n".join(lines) + "\n").graph


def test_what_a_node_is_computed_from_and_what_outputs_need() -> None:
    dead = training_only = 0
    for seed in range(60):
        graph = random_graph(seed)
        wires = graph.digraph
        assert list(networkx.lexicographical_topological_sort(wires)) == list(range(len(graph.nodes)))
        above = [{index, *networkx.ancestors(wires, index)} for index in range(len(graph.nodes))]
        assert [ancestors(graph, index) for index in range(len(graph.nodes))] == above
        always, training = (above[output.node] for output in graph.outputs)
        for node in graph.nodes:
            assert node.dead is (node.index not in always | training)
            assert node.training_only is (node.index in training - always)
            dead, training_only = dead + node.dead, training_only + node.training_only
        assert [graph.consumers(node.index) for node in graph.nodes] == [
            sorted(target for _, target in wires.out_edges(node.index)) for node in graph.nodes
        ]
    assert dead > 20
    assert training_only > 20


def test_a_series_is_cut_at_the_dominators() -> None:
    """The steps of a series are the units that every path from the first to the last passes."""
    cuts = 0
    for seed in range(200):
        chance = random.Random(seed)
        count = chance.randint(2, 14)
        before: list[list[int]] = [[]]
        for at in range(1, count):
            before.append(sorted({chance.randint(max(0, at - 2), at - 1) for _ in range(chance.choice((1, 1, 1, 2)))}))
        read = {source for sources in before for source in sources}
        before.append([at for at in range(count) if at not in read])
        units = [Unit(at, str(at), "other", None) for at in range(count + 1)]
        wires = networkx.DiGraph([(source, target) for target, sources in enumerate(before) for source in sources])
        dominators = networkx.immediate_dominators(wires, 0)
        passed, at = {0, count}, count
        while at:
            at = dominators[at]
            passed.add(at)
        found = {_last(element) for element in decompose(Net(units, before, {}), range(count + 1), {})}
        assert found == passed
        cuts += len(passed) - 2
    assert cuts > 200


def _last(element: Element) -> int | None:
    """The cut point that an element of a series ends with."""
    match element:
        case Unit():
            return element.index
        case Parallel():
            return None if element.sink is None else element.sink.index
        case Tangle():
            return element.units[-1].index
        case _:
            raise AssertionError(f"no {element} in a network without scopes and outputs aside")
