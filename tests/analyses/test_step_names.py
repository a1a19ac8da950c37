"""One way to speak of a step: every place takes the same names, and says the same where a name is unclear."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

import archspec
from archspec import Spec
from archspec.backends.diagram.focusing import focused
from archspec.backends.reports import field
from archspec.pipeline import claims

STEPS = """
archspec: 1
name: Names
inputs: {image: [3, H, W]}
sizes: {H: 32, W: 32}
blocks:
  unit:
    steps:
      - conv as conv: {channels: 3, kernel: 3, padding: 1}
      - relu:
        label: half
      - conv: {channels: 3, kernel: 1}
  body:
    steps:
      - unit as first
      - sequence as rest:
          - unit
          - tanh
steps:
  - sequence as stage:
      - unit
      - unit as second
    label: early
  - body as body:
    label: late
  - relu
"""
NAMES = [
    ("stage.0.conv", "stage.0.conv"),
    ("stage.second.conv", "stage.second.conv"),
    ("stage.0.2", "stage.0.2"),
    ("stage.0.1", "stage.0.half"),
    ("stage.second.1", "stage.second.half"),
    ("body.rest.0.1", "body.rest.0.half"),
    ("body.rest.1", "body.rest.1"),
    ("body.rest.0.2", "body.rest.0"),
    ("body.first.2", "body.first"),
    ("stage.second.2", "early"),
    ("body.rest.1", "late"),
    ("stage.second.2", "stage"),
]
"""Paths of steps, each with a name for it: names, labels, numbers, whole scopes."""


def by_from(name: str) -> str:
    graph = archspec.loads(f"{STEPS}  - identity as probe:\n    from: {name}\n").graph
    return graph.nodes[graph.node("probe").inputs[0]].path


def by_outputs(name: str) -> str:
    graph = archspec.loads(f"{STEPS}outputs: {{probe: {name}}}\n").graph
    return graph.nodes[graph.outputs[0].node].path


def by_cut(name: str) -> str:
    graph = archspec.rewrite(archspec.loads(STEPS), {"cut": name}).graph
    return graph.nodes[graph.outputs[0].node].path


def by_rf(name: str) -> str:
    report = archspec.check(archspec.loads(STEPS))
    return report.graph.nodes[field.find(report, name)].path


def by_expect(name: str) -> str:
    claim = archspec.loads(f"{STEPS}expect: {{receptive_field: {{{name}: 0}}}}\n")
    found = re.search(rf"receptive field of `{re.escape(name)}`: 0 expected, (\d+) found", str(claims(claim)))
    assert found is not None
    report = archspec.check(archspec.loads(STEPS))
    sizes = {path: seen.sizes[0] for path, seen in report.receptive_fields.items()}
    return next(path for path, named in NAMES if named == name and sizes[path] == int(found[1]))


@pytest.mark.parametrize("place", [by_from, by_outputs, by_cut, by_rf, by_expect])
@pytest.mark.parametrize(("path", "name"), NAMES)
def test_every_place_takes_every_name(place: Callable[[str], str], path: str, name: str) -> None:
    assert place(name) == path


def removed(spec: Spec, name: str) -> set[str]:
    after = archspec.rewrite(spec, {"remove": name}).graph
    return {node.path for node in spec.graph.nodes} - {node.path for node in after.nodes}


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("stage.0.half", {"stage.0.1"}),
        ("stage.0.2", {"stage.0.2"}),
        ("body.rest.0", {"body.rest.0.conv", "body.rest.0.1", "body.rest.0.2"}),
        ("early", {f"stage.{unit}.{step}" for unit in ("0", "second") for step in ("conv", "1", "2")}),
    ],
)
def test_a_step_or_a_scope_is_removed_by_any_name(name: str, gone: set[str]) -> None:
    assert removed(archspec.loads(STEPS), name) == gone


@pytest.mark.parametrize("name", ["stage.0.conv", "stage.0.2", "body.first.conv"])
def test_a_step_is_set_by_any_name(name: str) -> None:
    after = archspec.rewrite(archspec.loads(STEPS), {"set": {"step": name, "bias": False}}).graph
    assert [node.path for node in after.nodes if getattr(node.op, "bias", True) is False] == [name]


@pytest.mark.parametrize(
    ("name", "path"),
    [("early", "stage"), ("late", "body"), ("body.rest", "body.rest"), ("stage.0", "stage.0"), ("unit", "stage.0")],
)
def test_a_picture_shows_a_scope_by_any_name(name: str, path: str) -> None:
    assert focused(archspec.loads(STEPS).graph, name)[0].path == path


def test_a_label_of_several_steps_is_told_apart_by_its_scope() -> None:
    spec = archspec.loads(STEPS)
    said = "`half` is the label of 3 steps"  # as little deep; a fourth lies deeper
    for refused in (
        lambda: archspec.rewrite(spec, {"cut": "half"}),
        lambda: field.find(archspec.check(spec), "half"),
        lambda: archspec.check(archspec.loads(f"{STEPS}expect: {{shapes: {{half: [1]}}}}\n")),
    ):
        with pytest.raises(archspec.SpecError, match=re.escape(said)) as raised:
            refused()
        assert "write `stage.0.half` or `stage.second.half` or `body.first.half`" in str(raised.value)


def test_every_use_of_a_block_is_removed_by_its_name() -> None:
    spec = archspec.loads(STEPS)
    after = archspec.rewrite(spec, {"remove": {"block": "unit"}}).graph
    assert [node.path for node in after.nodes] == ["image", "body.rest.1", "2"]
    with pytest.raises(archspec.SpecError, match=r"is a block `units`(.|\n)*did you mean `unit`"):
        archspec.rewrite(spec, {"remove": {"block": "units"}})
    with pytest.raises(archspec.SpecError, match="needs one of `step` and `block`"):
        archspec.rewrite(spec, {"remove": {"block": "unit", "step": "stage"}})


def test_squeeze_and_excitation_leaves_a_shipped_network_at_once() -> None:
    spec = archspec.load("efficientnet_b0")
    after = archspec.rewrite(spec, {"remove": {"block": "squeeze_excite"}})
    assert sum("fc1" in path for path in spec.graph.state) == 32
    assert not any("fc1" in path for path in after.graph.state)
    assert set(after.graph.state) < set(spec.graph.state)
