"""Changed specs through all that needs no torch: nothing but a diagnostic, within the limits, the same each time.

``make fuzz`` runs for an hour, and writes what it finds.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.helpers.fuzz import Outcome, cases, fuzz, run
from tests.helpers.mutations import Mutator, corpus


def test_fifty_cases() -> None:
    kinds = Counter[str]()
    for seed, text, outcome in cases(0, 50):
        assert not outcome.is_find, f"seed {seed}: {outcome.kind} {outcome.why}\n{text}"
        kinds[outcome.kind] += 1
    assert min(kinds["accepted"], kinds["refused"]) > 10


def test_cases_are_the_same_each_time() -> None:
    one, other = Mutator(corpus()), Mutator(corpus())
    assert [one.make(seed) for seed in range(20)] == [other.make(seed) for seed in reversed(range(20))][::-1]
    assert len({one.make(seed) for seed in range(20)}) > 15


def test_finds_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage that goes wrong is a find, its spec and its traceback are kept."""
    monkeypatch.setattr("archspec.pipeline.source", lambda spec: 1 // 0)
    found = run("archspec: 1\ninputs: {image: [1, H]}\nsizes: {H: 4}\nsteps: [relu]\n")
    assert (found.kind, found.is_find) == ("traceback", True)
    assert "ZeroDivisionError" in found.why
    kinds = fuzz(0.02, tmp_path, 0)
    assert kinds["traceback"] > 0
    written = sorted(path.suffix for path in (tmp_path / "finds").iterdir())
    assert written.count(".txt") == written.count(".yaml") > 0
    assert any((tmp_path / "corpus").iterdir())


def test_slow_is_a_find(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.helpers.fuzz.SECONDS", -1.0)
    found: Outcome = run("archspec: 1\ninputs: {image: [1, H]}\nsizes: {H: 4}\nsteps: [relu]\n")
    assert found.kind == "slow"
