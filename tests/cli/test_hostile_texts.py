"""Nothing that others wrote reaches a terminal, a pipe or a file as something that is obeyed."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import torch
import typer

from archspec import load
from archspec.characters import json_text, printable, prose, visible
from archspec.cli import app
from archspec.cli.app import command_names
from tests.helpers.command_line import run
from tests.helpers.hostile import ESCAPES, LONG, STRANGE, on_terminal, places, raw, specs_with

OF_A_SPEC = {
    "check": (),
    "summary": (),
    "render": ("-o", "OUT.svg"),
    "compile": (),
    "expand": (),
    "rf": (),
    "diff": ("SPEC",),
    "memory": (),
    "erf": ("--seeds", "1"),
    "conv-matrix": ("--of", "c", "-o", "OUT.svg"),
    "convert-weights": ("SPEC", "WEIGHTS", "-o", "OUT.pt"),
    "train": ("--data", "FOLDER"),
    "evaluate": ("--weights", "WEIGHTS", "--data", "FOLDER"),
    "predict": ("WEIGHTS", "--weights", "WEIGHTS"),
    "export": ("--to", "safetensors", "-o", "OUT.safetensors"),
    "profile": ("--seconds", "0.01", "--batch", "1"),
    "format": ("--check",),
}
"""The commands that read a spec, with what else each needs."""

OF_NONE = {"new", "data", "list", "schema", "help", "explain", "import", "lsp", "sweep", "watch"}

PRODUCTS = {"compile", "expand"}
"""What hands a text on as it was written, however long."""


def calls(path: Path, *, as_json: bool = False) -> Iterator[list[str]]:
    """Each command about a spec."""
    weights = path.parent / "weights.pt"
    torch.save({ESCAPES: torch.zeros(1), LONG: torch.zeros(1), 3: torch.zeros(1)}, weights)
    words = {"SPEC": str(path), "WEIGHTS": str(weights), "FOLDER": str(path.parent)}
    for command, more in OF_A_SPEC.items():
        given = [words.get(word) or word.replace("OUT", str(path.parent / "out")) for word in more]
        yield [command, str(path), *given, *(["--format", "json"] if as_json else [])]


def holds(words: list[str], status: int, shown: str) -> None:
    """One answer: no bug, nothing raw, no more of a text than a reader needs; a program gets all of it."""
    assert status != 70, shown[-500:]
    assert not raw(shown), (words, raw(shown))
    if words[0] not in PRODUCTS and "json" not in words:
        assert "A" * 4100 not in shown, words


def walk(path: Path) -> None:
    """A spec through every command, in a pipe, as JSON and on a terminal."""
    for words in calls(path):
        status, out, error = run(*words)
        holds(words, status, out + error)
        if words[0] == "expand" and status == 0:
            again = path.with_name("again.yaml")
            again.write_text(out, encoding="utf-8")
            assert run("expand", str(again))[0] == 0, out
            assert len(load(again).graph.nodes) == len(load(path).graph.nodes)
        if words[0] == "compile" and status == 0:
            ast.parse(out)
        if words[0] == "render" and status == 0:
            drawn = path.with_name("out.svg").read_text(encoding="utf-8")
            holds(words, status, drawn)
            ElementTree.fromstring(drawn)
        holds(words, 0, on_terminal(*words))
    for words in calls(path, as_json=True):
        status, out, error = run(*words)
        holds(words, status, out + error)
        json.loads(out)


def test_every_command_is_walked() -> None:
    assert set(OF_A_SPEC) | OF_NONE == set(command_names())


def written(path: Path, data: dict[str, Any]) -> Path:
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def everywhere(text: str) -> dict[str, Any]:
    """A spec that loads, with a text wherever one may stand that nothing is asked of."""
    block = {"doc": text, "source": text, "params": {"p": text}, "steps": [{"conv": {"channels": 2, "kernel": 1}}]}
    return {
        "archspec": 1, "name": "Small", "doc": text, "source": text, "params": {"p": text}, "let": {"q": text},
        "inputs": {"image": [1, "H", "W"]}, "sizes": {"H": 8, "W": 8}, "blocks": {"b": block},
        "steps": [{"conv as c": {"channels": 2, "kernel": 3}}, "relu", {"b as d": {"p": text}}, {"b as e": {}}],
        "defaults": {"elu": {"alpha": text}}, "example": {"x": text},
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", [pytest.param(STRANGE, id="strange"), pytest.param(LONG, id="long", marks=pytest.mark.slow)]
)
def test_a_text_in_every_place_at_once_through_every_command(text: str, tmp_path: Path) -> None:
    """Its file has a name that is no better."""
    path = written(tmp_path / "a\x1b]0;owned\x07\x1b[35m\u202e.yaml", everywhere(text))
    assert run("check", str(path))[0] == 0
    walk(path)


def test_places_are_those_of_the_schema() -> None:
    """The walk below would hold on nothing if it found none."""
    found = set(places())
    assert {("doc",), ("steps", 0, "conv", "kernel"), ("blocks", "some", "doc"), ("expect", None), (None,)} <= found
    assert len(found) > 400


SHALLOW = 2
"""How deep the places are that the suite itself walks."""


def walk_places(deepest: int, tmp_path: Path) -> set[int]:
    """Texts in each place; what loads goes through every command, what does not through one of them in turn."""
    statuses = set[int]()
    for text in (STRANGE, ESCAPES, LONG):
        for turn, (place, spec) in enumerate(specs_with(text)):
            if place.count(".") < deepest:
                path = written(tmp_path / "spec.yaml", spec)
                words = list(calls(path, as_json=turn % 3 == 0))[turn % len(OF_A_SPEC)]
                status, out, error = run(*words)
                holds([*words, place], status, out + error)
                statuses.add(status)
                if status == 0 and deepest > SHALLOW:
                    walk(path)
    return statuses


def test_a_text_in_each_place_of_a_file(tmp_path: Path) -> None:
    assert {0, 1} <= walk_places(1, tmp_path)


@pytest.mark.slow
def test_a_text_in_each_place_of_the_schema(tmp_path: Path) -> None:
    assert {0, 1} <= walk_places(99, tmp_path)


@pytest.mark.slow
def test_texts_in_the_arguments_of_every_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each argument and option that takes a text, found from the commands themselves."""
    monkeypatch.chdir(tmp_path)  # where one of them names a file to write
    spec = str(written(tmp_path / "spec.yaml", everywhere("x")))
    commands: dict[str, Any] = typer.main.get_command(app).commands  # pyright: ignore[reportAttributeAccessIssue]
    said = 0
    for command, known in commands.items():
        for param in known.params:
            if getattr(param, "is_flag", False) or param.name == "help":
                continue
            text = "\x1b]0;owned\x07\x1b[35m\x9b\u202e\u2028" + "A" * 20_000
            option = [param.opts[0], text] if param.opts[0].startswith("-") else [text]
            words = [command, *([spec] if command in OF_A_SPEC and param.name != "spec" else []), *option]
            status, out, error = run(*words)
            holds(words, status, out + error)
            assert status in (0, 1, 2), words
            said += 1
    assert said > 60


def test_a_word_that_is_no_command_and_no_option() -> None:
    assert not raw(on_terminal("check", "\x1b[35m\x9b") + on_terminal("\x1b[35m\u202e") + on_terminal("--\x1b\u202e"))


def test_what_is_shown_of_a_text() -> None:
    assert printable("a\x1b\n\u202e×") == "a\\x1b\\n\\u202e×"
    assert printable("abc", 2) == "ab…"
    assert visible("a\tb\n\x9bé\u2028") == "a\tb\n\\x9bé\\u2028"
    assert prose("b" * 5000) == "b" * 4000 + "…"
    shown = json_text({"a\u202e": ["\x7f\x9b\ud800é", "\n"]}, None)
    assert shown.isprintable()
    assert json.loads(shown) == {"a\u202e": ["\x7f\x9b\ud800é", "\n"]}
