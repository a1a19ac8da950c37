"""The documents say what is so: their commands are run and what they show is compared, their examples are checked.

In a document

- ```` ```console ```` holds commands after ``$``, each with what it prints; a line ``…`` stands for any lines, and
  trailing blanks do not count;
- ``<!-- $ archspec … -->`` on the line above any other block says that the block is what that command prints;
- ```` ```yaml ```` whose first line is ``# name.yaml`` is written to that file, for the commands below it; any other
  must be a spec, or the steps of one, without errors or warnings;
- ```` ```python ```` is run, with ``>>>`` as a doctest;
- ``<!-- slow -->`` on the line above leaves a block to the slow tests;
- a command fails only where the document shows an ``error[`` from it;
- an ``.svg`` that a command writes is the one that ``docs/pictures`` holds.

``make golden`` writes what commands print into the documents, and the pictures.
"""

from __future__ import annotations

import doctest
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import archspec
from archspec.language import reference
from tests.helpers.command_line import invoke
from tests.helpers.places import ROOT
from tests.helpers.snippets import completed

PICTURES = ROOT / "docs" / "pictures"
COURSE = tuple(str(page.relative_to(ROOT)) for page in sorted((ROOT / "docs" / "course").glob("*.md")))
PAGES = ("docs/bring.md", "docs/training.md", *COURSE)
DOCUMENTS = ("README.md", "docs/language.md", "docs/commands.md", "docs/lecture.md", *PAGES)

_FENCE = re.compile(
    r"(?:^<!-- (?P<note>[^\n]*?) -->\n)?^```(?P<language>\w+)\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True)
class Block:
    """A fenced block: where it is, what it is, and the text inside."""

    line: int
    language: str
    note: str
    body: str
    span: tuple[int, int]
    """Where the body lies in the document."""


def blocks(text: str) -> Iterator[Block]:
    for match in _FENCE.finditer(text):
        line = text.count("\n", 0, match.start("body"))
        yield Block(line, match["language"], match["note"] or "", match["body"], match.span("body"))


def shown(text: str) -> list[str]:
    """Lines as a document shows them: no trailing blanks, no empty lines at the ends."""
    lines = [line.rstrip() for line in text.splitlines()]
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    return lines


def agrees(wanted: list[str], found: list[str]) -> bool:
    """Whether lines are as shown, ``…`` on a line of its own standing for any number of them."""
    pattern = "".join("(?:[^\n]*\n)*?" if line.strip() in ("…", "# …") else re.escape(line) + "\n" for line in wanted)
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in found)) is not None


def run(command: str, wanted: list[str]) -> list[str]:
    """What a command prints, on both streams."""
    words = shlex.split(command)
    assert words[0] == "archspec", f"`{command}` is no command of archspec's"
    result = invoke(words[1:])
    expected = any("error[" in line for line in wanted)
    assert (result.exit_code != 0) == expected, f"`{command}` ends with {result.exit_code}\n{result.output}"
    return shown(result.output)


class Follower:
    """Does what a document says, in a folder of its own, and gathers where the document is wrong."""

    def __init__(self, text: str, update: bool) -> None:
        self.text = text
        self.update = update
        self.faults: list[str] = []
        self.names: dict[str, Any] = {}
        self.replaced: list[tuple[tuple[int, int], str]] = []

    def follow(self, slow: bool) -> None:
        for block in blocks(self.text):
            if block.note != "slow" or slow:
                self._block(block)

    @property
    def updated(self) -> str:
        """The document with what commands print."""
        text = self.text
        for (start, end), body in reversed(self.replaced):
            text = text[:start] + body + text[end:]
        return text

    def _block(self, block: Block) -> None:
        if block.language == "console":
            self._console(block)
        elif block.note.startswith("$ "):
            wanted = shown(block.body)
            found = run(block.note[2:], wanted)
            self._compare(block, wanted, found, "".join(f"{line}\n" for line in found))
        elif block.language == "yaml":
            self._yaml(block)
        elif block.language == "python":
            self._python(block)

    def _console(self, block: Block) -> None:
        parts = re.split(r"^\$ (.*)\n", block.body, flags=re.MULTILINE)
        assert not parts[0], f"line {block.line}: a command comes first"
        pairs = [(command, shown(output)) for command, output in zip(parts[1::2], parts[2::2], strict=True)]
        found = [run(command, wanted) for command, wanted in pairs]
        told = [
            f"$ {command}\n" + "".join(f"{line}\n" for line in (wanted if agrees(wanted, lines) else lines))
            for (command, wanted), lines in zip(pairs, found, strict=True)
        ]
        for (_, wanted), lines in zip(pairs, found, strict=True):
            self._compare(block, wanted, lines, "\n".join(told))

    def _compare(self, block: Block, wanted: list[str], found: list[str], body: str) -> None:
        if agrees(wanted, found):
            return
        if self.update:
            if not self.replaced or self.replaced[-1][0] != block.span:
                self.replaced.append((block.span, body))
        else:
            self.faults.append(f"line {block.line} shows\n" + "\n".join(wanted) + "\nand it is\n" + "\n".join(found))

    def _yaml(self, block: Block) -> None:
        name = re.match(r"# ([\w/]+\.yaml)\n", block.body)
        if name is not None:
            Path(name[1]).write_text(block.body, encoding="utf-8")
            return
        try:
            said = archspec.check(archspec.loads(completed(block.body), folder=Path.cwd())).diagnostics
        except archspec.SpecError as error:
            said = error.diagnostics
        self.faults += [f"line {block.line}: {each}" for each in said]

    def _python(self, block: Block) -> None:
        if ">>>" not in block.body:
            exec(compile(block.body, f"line {block.line}", "exec"), self.names)
            return
        test = doctest.DocTestParser().get_doctest(block.body, self.names, "document", None, block.line)
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
        said: list[str] = []
        runner.run(test, out=said.append, clear_globs=False)
        self.names.update(test.globs)
        self.faults += said


def follow(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, update: bool, slow: bool = False) -> None:
    path = ROOT / name
    monkeypatch.chdir(folder)
    if "import lightning" in path.read_text(encoding="utf-8"):
        import archspec.training.lightning_library  # noqa: F401  (a torchvision for another torch fails to import)
    follower = Follower(path.read_text(encoding="utf-8"), update)
    follower.follow(slow)
    for picture in sorted(folder.glob("*.svg")):
        kept = PICTURES / picture.name
        if update:
            PICTURES.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(picture.read_bytes())
        elif not kept.is_file() or not same_picture(kept, picture):
            follower.faults.append(f"docs/pictures/{picture.name} is not what is drawn: `make golden` renews it")
    if follower.replaced:
        path.write_text(follower.updated, encoding="utf-8")
    assert not follower.faults, f"{name}\n" + "\n\n".join(follower.faults)


def same_picture(kept: Path, drawn: Path) -> bool:
    """Whether two pictures are the same; of those that matplotlib draws, whose bytes vary with its fonts, only that."""
    old, new = kept.read_bytes(), drawn.read_bytes()
    return old == new or (b"matplotlib" in old and b"matplotlib" in new)


@pytest.mark.filterwarnings("ignore:.*does not have many workers")
@pytest.mark.parametrize("name", DOCUMENTS)
def test_document(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    follow(name, tmp_path, monkeypatch, bool(request.config.getoption("--update-golden")))


@pytest.mark.slow
@pytest.mark.parametrize("name", DOCUMENTS)
def test_document_whole(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    follow(name, tmp_path, monkeypatch, bool(request.config.getoption("--update-golden")), slow=True)


@pytest.mark.parametrize(
    "path", [*DOCUMENTS, "archspec/README.md", "docs/reference.md", "docs/exports.md", "docs/editors.md"]
)
def test_links_lead_somewhere(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)|src=\"([^\"]+)\"", text)
    assert links or path == "docs/exports.md"
    for link in links:
        target = link[0] or link[1]
        if "://" not in target:
            assert ((ROOT / path).parent / target).exists(), f"{path} links to {target}"


def test_reference_is_current(request: pytest.FixtureRequest) -> None:
    path = ROOT / "docs" / "reference.md"
    if request.config.getoption("--update-golden"):
        path.write_text(reference.text(), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == reference.text(), "docs/reference.md is old: `make golden` renews it"
