"""The pages that `archspec help` shows, and that a wheel carries."""

from __future__ import annotations

import json
import re
import tomllib

import pytest

from archspec.language.pages import docs_folder, page, page_names
from tests.helpers.command_line import run
from tests.helpers.places import ROOT


@pytest.mark.parametrize("name", page_names())
def test_a_page_is_readable_text(name: str) -> None:
    shown = page(name)
    assert shown.startswith("# ")
    assert not re.search(r"!\[|\]\(|<!--|</?details|</?summary", re.sub(r"```.*?```", "", shown, flags=re.DOTALL))


def test_the_course_is_there_in_order() -> None:
    names = page_names()
    assert names[:3] == ["course", "course/01-classifiers", "course/02-depth"]
    assert {"course/exercises", "course/questions", "language", "lecture", "reference"} <= set(names)


def test_help_shows_a_page() -> None:
    status, out, err = run("help", "course/02-depth")
    assert (status, err) == (0, "")
    assert out.startswith("# 2. Depth")
    assert "degradation" in out
    status, out, _ = run("help", "course/02-depth", "--format", "json")
    assert json.loads(out) == {"name": "course/02-depth", "kind": "a page", "text": page("course/02-depth")}
    assert "course/10-segmentation" in run("help")[1]


def test_what_is_no_page() -> None:
    with pytest.raises(KeyError):
        page("../README")
    status, out, err = run("help", "course/12")
    assert (status, out) == (2, "")
    assert "there is no help on `course/12`" in err


def test_the_wheel_carries_them() -> None:
    """Each page lies below something that the wheel includes at the place where the package looks."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert all((ROOT / source).exists() for source in included)
    assert docs_folder() == ROOT / "docs"
    for name in page_names():
        path = f"docs/{'course/README' if name == 'course' else name}.md"
        assert any(path == source or path.startswith(f"{source}/") for source in included)
        assert all(target == f"archspec/{source}" for source, target in included.items())
