"""The use of a block that its hints are about: the first, or the one chosen on the block's name."""

from __future__ import annotations

from collections.abc import Iterator

from lsprotocol import types

from archspec.characters import printable
from archspec.editor.documents import Document

COMMAND = "archspec.chooseUse"
MOST = 20
"""The most uses that are offered."""


def offers(document: Document, selected: types.Range) -> Iterator[types.CodeAction]:
    """The actions on a block's name: one for each of its uses, which shows the hints of that use."""
    study = document.current
    place = None if study is None else study.place(document.lines.point(selected.start))
    if study is None or place is None or place.kind != "block":
        return
    for scope in study.uses(place.text)[:MOST]:
        title = f"Show the hints of `{printable(scope.path, 60)}`"
        command = types.Command(title, COMMAND, arguments=[document.uri, place.text, scope.path])
        yield types.CodeAction(title, types.CodeActionKind.Empty, command=command)
