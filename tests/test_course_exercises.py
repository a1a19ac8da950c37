"""The exercises: what is handed out fails its own claims, the worked solution meets them, and the page has both."""

from __future__ import annotations

import doctest
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import archspec
from tests.helpers.exercises import EXERCISES, FOLDER, PAGE, Exercise, page


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda each: each.name)
def test_the_solution_passes_and_what_is_handed_out_does_not(exercise: Exercise) -> None:
    with pytest.raises(archspec.SpecError) as error:
        archspec.check(archspec.load(exercise.path))
    assert {each.code for each in error.value.diagnostics} == {"claim-failed"}
    assert archspec.check(archspec.load(exercise.solution)).diagnostics == ()


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda each: each.name)
def test_a_solution_changes_the_network_and_not_the_claims(exercise: Exercise) -> None:
    def claims(path: Path) -> tuple[str, ...]:
        """The lines that say what is asked: all about inputs, sizes, the spec that is extended, the claims."""
        text = path.read_text(encoding="utf-8")
        return tuple(re.findall(r"^(?:name|inputs|sizes|extends|expect): .*$", text, re.MULTILINE))

    assert claims(exercise.path) == claims(exercise.solution)
    assert len(claims(exercise.path)) >= 3


def near_misses(exercise: Exercise) -> Iterator[str]:
    """The solution with one of its numbers, on a line that was not handed out so, one larger."""
    given = exercise.path.read_text(encoding="utf-8").splitlines()
    lines = exercise.solution.read_text(encoding="utf-8").splitlines()
    for at, line in enumerate(lines):
        if line not in given and not line.startswith("#"):
            for number in re.finditer(r"(?<![\w.])\d+(?![\w.])", line):
                changed = f"{line[: number.start()]}{int(number[0]) + 1}{line[number.end() :]}"
                yield "\n".join([*lines[:at], changed, *lines[at + 1 :], ""])


@pytest.mark.parametrize("exercise", [each for each in EXERCISES if any(near_misses(each))], ids=lambda each: each.name)
def test_an_answer_that_is_almost_right_does_not_pass(exercise: Exercise) -> None:
    for answer in near_misses(exercise):
        with pytest.raises(archspec.SpecError):
            archspec.check(archspec.loads(answer))


def test_there_are_twenty() -> None:
    assert [int(each.name[:2]) for each in EXERCISES] == list(range(1, 21))


def test_the_page_is_current(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-golden"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), "docs/course/exercises.md is old: `make golden` renews it"


def module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def failures(path: Path) -> int:
    runner = doctest.DocTestRunner(verbose=False)
    for test in doctest.DocTestFinder().find(module(path), path.stem):
        runner.run(test, out=lambda text: None)
    return runner.summarize(verbose=False)[0]


def test_the_questions_about_matrices() -> None:
    """Each of the four functions is examined, and the solutions are right."""
    assert failures(FOLDER / "solutions" / "matrix.py") == 0
    runner = doctest.DocTestRunner(verbose=False)
    for test in doctest.DocTestFinder().find(module(FOLDER / "matrix.py"), "matrix"):
        if test.examples:
            assert runner.run(test, out=lambda text: None).failed > 0, f"{test.name} passes as it is handed out"
    assert runner.tries >= 4
