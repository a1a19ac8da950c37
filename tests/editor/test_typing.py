"""A whole spec typed from nothing, and shipped specs changed at random: every feature answers, no hint is stale."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from lsprotocol import types

from archspec.editor import actions, colours, definitions, extraction, hover, inlay, outline, pictures, rename
from archspec.editor.completion import completion
from archspec.editor.diagnostics import diagnostics
from archspec.editor.documents import Document, Documents
from archspec.editor.formatting import formatted
from archspec.editor.settings import Hints
from archspec.syntax import lines
from tests.helpers.mutations import ROOT

EVERYTHING = range(1, 100_000)
HINTS = Hints(field=True, cost=True)
SHIPPED = sorted((*ROOT.glob("specs/*.yaml"), *ROOT.glob("archspec/library/*.yaml")))


def ask_everything(documents: Documents, document: Document, position: types.Position) -> None:
    """Ask every feature about a text; none may fail."""
    found = diagnostics(documents, document)
    inlay.hints(document, EVERYTHING, HINTS)
    hover.hover(document, position)
    completion(document, position, snippets=True)
    definitions.definition(documents, document, position)
    definitions.highlights(document, position)
    rename.prepare(document, position)
    outline.outline(document)
    outline.folding(document)
    colours.colours(document)
    actions.fixes(document, found)
    list(extraction.offers(document, types.Range(position, position)))
    list(
        extraction.offers(document, types.Range(types.Position(position.line, 0), types.Position(position.line + 2, 0)))
    )


def no_hint_is_stale(document: Document) -> None:
    """Of a text that is a spec the hints are its own; else each stands behind a line that did not change."""
    shown = {hint.position.line: hint.label for hint in inlay.hints(document, EVERYTHING, Hints())}
    if document.current is not None:
        fresh = Documents()
        other = fresh.put(document.uri, document.text, 1)
        fresh.study(other)
        assert shown == {hint.position.line: hint.label for hint in inlay.hints(other, EVERYTHING, Hints())}
    elif shown:
        assert document.good is not None
        before = lines(document.good.text)
        assert {lines(document.text)[line] for line in shown} <= set(before)


def end(text: str) -> types.Position:
    written = lines(text)
    return types.Position(len(written) - 1, len(written[-1].encode("utf-16-le")) // 2)


def test_resnet_typed_from_nothing() -> None:
    text = (ROOT / "specs" / "resnet.yaml").read_text(encoding="utf-8")
    words = re.findall(r"\w+|\s+|[^\w\s]", text)
    documents = Documents()
    typed, hinted = "", 0
    for number, word in enumerate(words):
        typed += word
        document = documents.put("file:///opened/resnet.yaml", typed, number)
        documents.study(document)
        hinted += bool(inlay.hints(document, EVERYTHING, Hints()))
        if number % 9 == 0:
            ask_everything(documents, document, end(typed))
        if number % 15 == 0:
            no_hint_is_stale(document)
    document = documents.open["file:///opened/resnet.yaml"]
    assert diagnostics(documents, document) == []
    assert hinted > len(words) // 3, "hints are there while a line is half written"


def change(text: str, chance: random.Random) -> tuple[str, types.Position]:
    """A text with a few characters or a line less, more or elsewhere, and where."""
    at = chance.randrange(len(text) + 1)
    kind = chance.randrange(5)
    if kind == 0:
        text = text[:at] + text[at + chance.randrange(1, 12) :]
    elif kind == 1:
        text = (
            text[:at]
            + chance.choice(["{", "}", "[", ": ", "$(", ")", "- ", "\n", "'", '"', "🙂", "#", "  "])
            + text[at:]
        )
    else:
        written = text.split("\n")
        line = chance.randrange(len(written))
        if kind == 2:
            written.insert(chance.randrange(len(written)), written.pop(line))
        elif kind == 3:
            written[line] = written[line][: chance.randrange(len(written[line]) + 1)]
        else:
            written.insert(line, written[chance.randrange(len(written))])
        text = "\n".join(written)
        at = min(at, len(text))
    return text, end(text[:at])


def edited(count: int, seed: int) -> None:
    """Open shipped specs and change each some times, asking everything after each change."""
    chance = random.Random(seed)
    done = 0
    while done < count:
        path = chance.choice(SHIPPED)
        text = path.read_text(encoding="utf-8")
        documents = Documents()
        document = documents.put((Path("/opened") / path.name).as_uri(), text, 0)
        documents.study(document)
        for _ in range(min(5, count - done)):
            text, position = change(text, chance)
            documents.put(document.uri, text, document.version)
            documents.study(document)
            ask_everything(documents, document, position)
            if done % 4 == 0:
                no_hint_is_stale(document)
            assert formatted(formatted(text)) == formatted(text)
            done += 1


def test_shipped_specs_changed_at_random() -> None:
    edited(60, 0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 21))
def test_many_changes(seed: int) -> None:
    edited(100, seed)


def test_the_picture_of_a_text_with_errors_is_the_last_good_one() -> None:
    documents = Documents()
    text = (ROOT / "specs" / "squeezenet_digits.yaml").read_text(encoding="utf-8")
    document = documents.put("file:///opened/a.yaml", text, 1)
    documents.study(document)
    before = pictures.picture(document)
    assert before is not None
    documents.put("file:///opened/a.yaml", text + "x: {", 2)
    documents.study(document)
    assert pictures.picture(document) == before
