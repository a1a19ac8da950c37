"""`archspec help` and `archspec explain` as they are called."""

from __future__ import annotations

import json

import pytest

from archspec.language.explanations import explanations
from tests.helpers.command_line import run


def test_help_on_an_op() -> None:
    status, out, err = run("help", "max_pool")
    assert (status, err) == (0, "")
    assert "max_pool: an op (pooling)" in out
    assert "  kernel" in out
    assert "  - max_pool: {" in out
    status, out, _ = run("help", "max_pool", "--format", "json")
    (told,) = json.loads(out)
    assert told["arguments"][0] == {
        "name": "kernel",
        "default": "required",
        "description": "kernel size, one number or one for each spatial axis",
    }


def test_help_lists_what_there_is_help_on() -> None:
    status, out, _ = run("help")
    assert status == 0
    assert "depthwise_separable" in out
    status, out, _ = run("help", "--format", "json")
    assert list(json.loads(out)) == ["ops", "blocks", "forms", "rewrites", "specs", "pages"]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("help", "check"), "`archspec check --help`"),
        (("help", "list"), "`archspec list --help`"),
        (("help", "fc"), "write `linear`"),
        (("explain", "unknown-opp"), "did you mean `unknown-op`?"),
        (("explain", "?"), "lists all codes"),
    ],
)
def test_what_there_is_no_help_on(words: tuple[str, ...], hint: str) -> None:
    status, out, err = run(*words)
    assert (status, out) == (2, "")
    assert hint in err


def test_explain() -> None:
    status, out, err = run("explain", "unknown-op")
    assert (status, err) == (0, "")
    assert out.startswith("unknown-op\n")
    assert "wrong\n  - dense: {features: 10}" in out
    assert run("explain", "error[unknown-op]")[1] == out
    status, out, _ = run("explain", "unknown-op", "--format", "json")
    assert set(json.loads(out)) == {"code", "why", "wrong", "right"}
    assert run("explain")[1].split() == list(explanations())
