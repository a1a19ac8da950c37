"""What is bound to be too much is refused before it is walked, and nothing that would fit is."""

from __future__ import annotations

import json
from typing import Any

import pytest

import archspec
from archspec.elaborate.fewest import Fewest
from archspec.elaborate.nodes import Nodes
from tests.helpers.block_specs import block_spec
from tests.helpers.loop_specs import loop_spec


def doubled(levels: int, use: str) -> str:
    """Blocks that each use the one below twice."""

    def both(below: str) -> list[Any]:
        one, other = {f"{below} as x": None}, {f"{below} as y": None}
        ways = {
            "after": [one, other],
            "beside": [{"add as m": [[one], [other]]}],
            "by name": [{"concat as m": {"left": [one], "right": [other]}}],
            "in a sequence": [{"sequence as s": [one, other]}],
            "repeated": [{"steps": [{below: None}], "repeat": 2}],
        }
        return ways[use]

    blocks: dict[str, Any] = {"b0": ["relu", "sigmoid"]}
    blocks |= {f"b{level}": both(f"b{level - 1}") for level in range(1, levels + 1)}
    spec = {"archspec": 1, "name": "Doubled", "inputs": {"image": [1, "H", "W"]}, "sizes": {"H": 4, "W": 4}}
    return json.dumps({**spec, "blocks": blocks, "steps": [{f"b{levels} as top": None}]})


def least_bound(text: str) -> int:
    """The smallest bound on steps with which a spec loads."""
    low, high = 1, 4096
    while low < high:
        middle = (low + high) // 2
        try:
            archspec.loads(text, bounds=archspec.Bounds(nodes=middle))
            high = middle
        except archspec.SpecError as error:
            if error.diagnostics[0].code != "too-many-nodes":
                raise
            low = middle + 1
    return low


@pytest.mark.parametrize("use", ["after", "beside", "by name", "in a sequence", "repeated"])
def test_doubling_is_refused_before_it_is_walked(use: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks: list[object] = []
    tick = Nodes.tick
    monkeypatch.setattr(Nodes, "tick", lambda *given: ticks.append(given) or tick(*given))
    with pytest.raises(archspec.SpecError) as error:
        archspec.loads(doubled(60, use))
    assert [each.code for each in error.value.diagnostics] == ["too-many-nodes"]
    assert len(ticks) == 1


@pytest.mark.parametrize(
    "steps",
    [
        [{"b": None, "repeat": 400_000}],
        [{"steps": [{"b": None}, "relu"], "repeat": 300_000}],
        [{"steps": [{"steps": ["relu"], "repeat": 1000}], "repeat": 1000}],
        [{"steps": [{"steps": ["relu"], "repeat": 1000}], "repeat": "$(500 * 2)"}],
    ],
)
def test_repeats_are_refused_before_they_are_walked(steps: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    ticks: list[object] = []
    tick = Nodes.tick
    monkeypatch.setattr(Nodes, "tick", lambda *given: ticks.append(given) or tick(*given))
    spec = {"archspec": 1, "name": "Many", "inputs": {"image": [1, "H", "W"]}, "blocks": {"b": ["relu", "sigmoid"]}}
    with pytest.raises(archspec.SpecError) as error:
        archspec.loads(json.dumps({**spec, "steps": steps}))
    assert [each.code for each in error.value.diagnostics] == ["too-many-nodes"]
    assert len(ticks) <= 1


@pytest.mark.parametrize("use", ["after", "beside", "by name", "in a sequence", "repeated"])
def test_what_fits_is_walked(use: str) -> None:
    assert len(archspec.loads(doubled(4, use)).graph.nodes) > 32


@pytest.mark.parametrize("make", [block_spec, loop_spec])
def test_the_same_bound_as_walking_finds(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(2):
        text = make(seed)
        found = least_bound(text)
        with monkeypatch.context() as patch:
            patch.setattr(Fewest, "of", lambda self, definition: 0)
            patch.setattr(Fewest, "of_copy", lambda self, step, file: 0)
            assert least_bound(text) == found, seed


def test_what_a_condition_stops_is_walked() -> None:
    """A block that uses itself has no count of its own."""
    again = {"b": {"n": "$(n - 1)"}, "when": "n > 0"}
    blocks = {"b": {"params": {"n": None}, "steps": ["relu", again]}}
    spec = {"archspec": 1, "name": "Itself", "inputs": {"image": [1, "H", "W"]}, "sizes": {"H": 4, "W": 4}}
    text = json.dumps({**spec, "blocks": blocks, "steps": [{"b as top": {"n": 5}}]})
    assert least_bound(text) == 13


def test_a_chain_of_blocks_that_is_long() -> None:
    """No depth of Python's is used up."""
    blocks: dict[str, Any] = {"b0": ["relu"], **{f"b{at}": [f"b{at - 1}"] for at in range(1, 2001)}}
    spec = {"archspec": 1, "name": "Long", "inputs": {"image": [1, "H", "W"]}, "sizes": {"H": 4, "W": 4}}
    with pytest.raises(archspec.SpecError) as error:
        archspec.loads(json.dumps({**spec, "blocks": blocks, "steps": ["b2000"]}))
    assert error.value.diagnostics[0].code == "block-depth"
