"""Advice: each figure is the memory analysis's own, at the batch named and at the next."""

from __future__ import annotations

import re

import archspec
from archspec.analyses.memory import memory
from archspec.backends.reports.advice import advice
from tests.helpers.command_line import run


def test_the_batch_fits_and_the_next_does_not() -> None:
    spec = archspec.load("squeezenet1_1")
    said = [each.text for each in advice(archspec.check(spec), 2) if each.about == "batch"]
    assert len(said) == 4
    for text in said:
        found = re.fullmatch(r"(training|inference).* in (\w+) fits in 2 GB up to a batch of ([\d,]+)", text)
        assert found is not None, text
        batch = int(found[3].replace(",", ""))
        for size, fits in ((batch, True), (batch + 1, False)):
            at = memory(spec.graph, spec.graph.sizes, size, found[2])
            total = at.training_total if found[1] == "training" else at.inference_total
            assert total is not None
            assert (total <= 2e9) is fits


def test_the_checkpoint_saves_what_is_said() -> None:
    spec = archspec.load("mobilenet_v1")
    (text,) = [each.text for each in advice(archspec.check(spec), 2) if each.about == "checkpoint"]
    found = re.match(r"`--rewrite '(.*)'`: (\d+)% less", text)
    assert found is not None
    less = archspec.rewrite(spec, found[1])
    before, after = (memory(each.graph, spec.graph.sizes, 16).training for each in (spec, less))
    assert before is not None
    assert after is not None
    assert round(100 * (1 - after / before)) == int(found[2])


def test_a_network_that_does_not_fit_says_so() -> None:
    said = [each.text for each in advice(archspec.check(archspec.load("alexnet")), 0.01)]
    assert "inference in float32 does not fit in 0.01 GB" in said


def test_a_vector_network_wants_no_layout() -> None:
    spec = archspec.loads("archspec: 1\nname: N\ninputs: {x: [4]}\nsteps: [linear: {features: 2}]\n")
    assert not [each for each in advice(archspec.check(spec), 1) if each.about in ("layout", "checkpoint")]


def test_the_command() -> None:
    status, out, _ = run("summary", "squeezenet_digits", "--advice", "--format", "json")
    assert status == 0
    assert "channels last" in out
