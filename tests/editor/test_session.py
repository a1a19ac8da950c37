"""The session: a keystroke ends the study of the text before it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from archspec.editor.documents import Document
from archspec.editor.server import make
from archspec.editor.session import Interrupted
from archspec.editor.study import Study
from tests.helpers.editing import SMALL


def test_a_keystroke_ends_the_study_of_the_text_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first step that is walked after it is the last, and what was found until then is not kept."""
    server = make()
    document = server.documents.put("file:///opened/small.yaml", SMALL, 1)
    study, walked = server.documents.study, 0

    def typed_into(document: Document, pulse: Callable[[], None]) -> Study:
        def step() -> None:
            nonlocal walked
            walked += 1
            if walked == 3:
                server.documents.put(document.uri, SMALL + "# a word\n", 2)
            pulse()

        return study(document, step)

    monkeypatch.setattr(server.documents, "study", typed_into)
    with pytest.raises(Interrupted):
        server.study(document)
    assert (walked, document.study) == (3, None)
    server.study(document)
    assert document.study is not None
    assert document.study.text.endswith("# a word\n")
    assert walked > 6, "without a keystroke it goes on to the end"
