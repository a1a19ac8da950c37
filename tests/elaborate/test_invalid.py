"""What archspec says of broken and hostile specs: the exact text, place and hint of every one.

``invalid/NAME.yaml`` must give ``invalid/NAME.txt``; ``make golden`` writes the texts anew.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

import archspec
from archspec.diagnostics import Diagnostic, render_all, to_json
from tests.helpers.places import SPECS

FOLDER = Path(__file__).parent / "invalid"
PARTS = {"import_cycle_b"}
"""Files that others import; they are no case of their own."""
NAMES = sorted(file.stem for file in FOLDER.glob("*.yaml") if file.stem not in PARTS)


def said(path: Path) -> tuple[Diagnostic, ...]:
    """Everything said of a spec, a good one's warnings too; anything but a SpecError fails the test."""
    try:
        return archspec.check(archspec.load(path)).diagnostics
    except archspec.SpecError as error:
        return error.diagnostics


@pytest.mark.parametrize("name", NAMES)
def test_says_exactly_this(name: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.chdir(FOLDER)
    found = said(Path(f"{name}.yaml"))
    text = render_all(found) + "\n"
    if request.config.getoption("--update-golden"):
        (FOLDER / f"{name}.txt").write_text(text, encoding="utf-8")
    assert text == (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    assert any(d.severity == "error" for d in found) != name.startswith("unused_")
    for diagnostic in found:
        plain = to_json(diagnostic)
        assert plain["message"] == diagnostic.message
        if diagnostic.span is not None:
            assert plain["place"]["line"] == diagnostic.span.line


def test_there_are_many_kinds() -> None:
    assert len(NAMES) >= 60


# -- what is made here because it would be silly to keep -----------------------------------------------------------


def codes(path: Path) -> set[str]:
    return {d.code for d in said(path) if d.severity == "error"}


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    assert codes(path) == {"too-large"}


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "dangling.yaml").symlink_to(tmp_path / "nothing.yaml")
    (tmp_path / "circle.yaml").symlink_to(tmp_path / "circle.yaml")
    assert codes(tmp_path / "folder.yaml") == {"not-a-file"}
    assert codes(tmp_path / "dangling.yaml") == {"file-not-found"}
    assert codes(tmp_path / "circle.yaml") == {"file-not-found"}
    assert codes(tmp_path / "nothing.yaml") == {"file-not-found"}
    if Path("/dev/zero").exists():
        assert codes(Path("/dev/zero")) == {"not-a-file"}


def test_pipes_are_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    assert codes(tmp_path / "pipe.yaml") == {"not-a-file"}
    spec = tmp_path / "spec.yaml"
    spec.write_text("archspec: 1\nextends: pipe\n")
    assert codes(spec) == {"unknown-spec"}
    spec.write_text("archspec: 1\nextends: pipe.yaml\n")
    assert codes(spec) == {"not-a-file"}


def test_names_that_no_file_can_have(tmp_path: Path) -> None:
    name = "n" * 300
    for text, code in ((name, "unknown-spec"), (f"{name}.yaml", "not-a-file")):
        with pytest.raises(archspec.SpecError) as error:
            archspec.load(text)
        assert [each.code for each in error.value.diagnostics] == [code]
        spec = tmp_path / "spec.yaml"
        for line in (f"extends: {text}", f"import: {{a: {text}}}\ninputs: {{x: [1]}}\nsteps: [a]"):
            spec.write_text(f"archspec: 1\n{line}\n")
            assert codes(spec) == {code}


@pytest.mark.parametrize("seed", range(40))
def test_random_bytes_give_a_diagnostic(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    path = tmp_path / "random.yaml"
    path.write_bytes(bytes(chance.randrange(256) for _ in range(chance.randrange(1, 400))))
    assert codes(path)


def test_too_many_steps_stop_before_they_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "repeats.yaml"
    path.write_text(
        "archspec: 1\nname: Net\ninputs: {image: [3, H, W]}\nblocks:\n"
        "  a: {steps: [{relu: {}, repeat: 1000}]}\n  b: {steps: [{a: {}, repeat: 1000}]}\n"
        "  c: {steps: [{b: {}, repeat: 1000}]}\nsteps: [c]\n"
    )
    with pytest.raises(archspec.SpecError) as caught:
        archspec.load(path, bounds=archspec.Bounds(nodes=20_000))
    assert [d.code for d in caught.value.diagnostics] == ["too-many-nodes"]


WORDS = (
    "$",
    "$(",
    ")",
    "}",
    "{",
    "[",
    "]",
    ":",
    "- ",
    "null",
    "-1",
    "1e400",
    "true",
    "''",
    "*",
    "from",
    "when: 1",
    "\t",
    "as ",
    "#",
    "0x",
    "~",
)
SHIPPED = sorted(SPECS.glob("*.yaml"))


def mutated(text: str, chance: random.Random) -> str:
    """A spec with a few lines lost, doubled, moved or indented anew, and a few words put in."""
    lines = text.split("\n")
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(lines))
        kind = chance.randrange(6)
        if kind == 0:
            del lines[at]
        elif kind == 1:
            lines.insert(at, lines[chance.randrange(len(lines))])
        elif kind == 2:
            lines[at] = "  " + lines[at]
        elif kind == 3:
            lines[at] = lines[at].replace(chance.choice(("1", "3", "64", "$", ":", "conv")), chance.choice(WORDS), 1)
        elif kind == 4:
            column = chance.randrange(len(lines[at]) + 1)
            lines[at] = lines[at][:column] + chance.choice(WORDS) + lines[at][column:]
        else:
            column = chance.randrange(len(lines[at]) + 1)
            lines[at] = lines[at][:column] + lines[at][column + 1 :]
        lines = lines or [""]
    return "\n".join(lines)


@pytest.mark.parametrize("seed", range(150))
def test_a_shipped_spec_with_mistakes_never_gives_a_traceback(seed: int) -> None:
    chance = random.Random(seed)
    path = chance.choice(SHIPPED)
    text = mutated(path.read_text(encoding="utf-8"), chance)
    try:
        found = archspec.check(archspec.loads(text, name=path.name, folder=path.parent))
    except archspec.SpecError as error:
        shown = render_all(error.diagnostics)
    else:
        shown = str(found.receptive_fields)
    assert shown


def test_every_bound_can_be_moved_and_has_its_own_message(tmp_path: Path) -> None:
    head = "archspec: 1\nname: Net\ninputs: {image: [3, H, W]}\n"
    deep = head + "steps: " + "[{steps: " * 30 + "[relu]" + "}]" * 30 + "\n"
    blocks = head + "blocks: {a: {params: {n}, steps: [relu, {a: {n: $(n - 1)}, when: n > 0}]}}\nsteps: [a: {n: 30}]\n"
    many = head + "steps: [{relu: {}, repeat: 50}]\n"
    for text, bounds, code in (
        (deep, archspec.Bounds(depth=40), "too-deep"),
        (blocks, archspec.Bounds(depth=20), "block-depth"),
        (many, archspec.Bounds(nodes=40), "too-many-nodes"),
        (many, archspec.Bounds(values=5), "too-many-nodes"),
        (many, archspec.Bounds(text_bytes=20), "too-large"),
    ):
        with pytest.raises(archspec.SpecError) as caught:
            archspec.loads(text, bounds=bounds)
        assert [d.code for d in caught.value.diagnostics] == [code]
        assert archspec.loads(text).graph.nodes
