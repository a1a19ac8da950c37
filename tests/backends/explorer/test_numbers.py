"""The numbers of the page are those of Python: the same formulas, evaluated by its script, at random sizes."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest

import archspec
from archspec.analyses.refusals import explain
from archspec.analyses.shapes import coupled_failures, refusals, valid_sizes
from archspec.elaborate.shipped import spec_names
from archspec.sizes import Evaluation
from tests.helpers.page_numbers import NODE, computed, fields

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no node to run the page's script")


def agree(spec: archspec.Spec, asked: list[dict[str, int]], memories: int) -> int:
    """Compare the page with Python at sizes; gives how many of them are valid."""
    solutions = valid_sizes(spec.graph)
    valid = 0
    for sizes, answer in zip(asked, computed(spec, asked), strict=True):
        refused = refusals(solutions, sizes)
        coupled = coupled_failures(solutions, sizes)
        assert ("message" in answer) == bool(refused or coupled), sizes
        if refused:
            said = explain(spec.graph, refused[0], solutions[refused[0].symbol])
            assert answer["message"] == said.message
            assert answer["near"] == [str(near) for near in (refused[0].below, refused[0].above) if near is not None]
        if "message" not in answer:
            valid += 1
            runs(archspec.Report(spec.graph, sizes), answer, memory=valid <= memories)
    return valid


def runs(report: archspec.Report, answer: Mapping[str, Any], *, memory: bool) -> None:
    nodes, evaluation = report.graph.nodes, Evaluation(report.sizes)
    assert answer["shapes"] == [[str(evaluation.of(dim)) for dim in node.shape.dims] for node in nodes]
    assert answer["cost"] == [str(report.node_costs[node.index].multiply_adds) for node in nodes]
    assert answer["total"] == [str(report.total.parameters), str(report.total.multiply_adds)]
    if memory and answer["peak"] is not None:
        found = report.memory()
        assert answer["peak"] == [str(found.inference), found.inference_at]


def sizes_of(spec: archspec.Spec, count: int) -> list[dict[str, int]]:
    draw = random.Random(7)
    symbols = list(valid_sizes(spec.graph))
    return [{name: draw.choice((draw.randint(1, 40), draw.randint(1, 700))) for name in symbols} for _ in range(count)]


@pytest.mark.parametrize("name", ["unet_digits", "dilated8_voc", "alexnet"])
def test_the_page_computes_what_python_does(name: str) -> None:
    spec = archspec.load(name)
    agree(spec, [dict(spec.graph.sizes), *sizes_of(spec, 200)], memories=4)


def test_sizes_that_are_refused_are_refused_with_the_same_words() -> None:
    text = """
archspec: 1
inputs: {image: [3, H, W]}
sizes: {H: 48, W: 64}
steps:
  - conv as same: {channels: 8, kernel: 3, padding: 1}
  - max_pool: {kernel: 4}
  - upsample: {scale: 4}
  - add:
    from: [previous, same]
  - max_pool: {kernel: [2, 1], stride: [2, 1]}
  - pixel_unshuffle: {factor: 2}
"""
    spec = archspec.loads(text)
    asked = [{"H": height, "W": width} for height in range(1, 40) for width in (7, 8, 64)]
    assert 0 < agree(spec, asked, memories=3) < len(asked)


def test_conditions_over_two_symbols_hold_in_the_page_too() -> None:
    text = """
archspec: 1
inputs: {image: [3, H, W], other: [3, W, H]}
sizes: {H: 8, W: 8}
steps:
  - add:
    from: [image, other]
"""
    spec = archspec.loads(text)
    asked = [{"H": height, "W": width} for height in range(1, 6) for width in range(1, 6)]
    assert agree(spec, asked, memories=1) == 5


def test_integers_of_any_length_are_exact() -> None:
    steps = "\n".join("  - upsample: {scale: 7}" for _ in range(40))
    spec = archspec.loads(f"archspec: 1\ninputs: {{x: [1, H, W]}}\nsizes: {{H: 3, W: 5}}\nsteps:\n{steps}\n")
    (answer,) = computed(spec, [{"H": 3, "W": 5}])
    assert answer["shapes"][-1] == ["1", str(3 * 7**40), str(5 * 7**40)]


@pytest.mark.parametrize("name", ["dilated_context_basic", "fcn8s_vgg16", "unet_digits"])
def test_the_field_that_is_drawn_is_the_one_that_python_finds(name: str) -> None:
    spec = archspec.load(name)
    report = archspec.Report(spec.graph, dict(spec.graph.sizes))
    rows = [*range(-3, 40), 1000]
    for node, answer in zip(spec.graph.nodes, fields(spec, rows), strict=True):
        found = report.receptive_fields.get(node.path)
        if found is None:
            assert answer is None
            continue
        for (axis, along), (whole, runs, holes) in zip(found.axes.items(), answer, strict=True):
            assert whole == (axis in found.whole_axes)
            if along is None:
                assert runs is None
                continue
            phases = [along.at(row) for row in rows]
            read = [tuple(pixel for first, last in some for pixel in range(first, last + 1)) for some in runs]
            assert read == [() if phase is None else phase.pixels for phase in phases]
            assert holes == along.holes


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(spec_names()))
def test_every_shipped_spec_at_two_hundred_sizes(name: str) -> None:
    spec = archspec.load(name)
    agree(spec, [dict(spec.graph.sizes), *sizes_of(spec, 200)], memories=200)
