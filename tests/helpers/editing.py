"""A text in an editor, without the protocol: opened, typed in, and asked about."""

from __future__ import annotations

from pathlib import Path

from lsprotocol import types

from archspec.editor.documents import Document, Documents

SMALL = """\
archspec: 1
name: Small
params: {width: 8}
inputs: {image: [3, H, W]}
sizes: {H: 30, W: 30}
blocks:
  unit:
    doc: Two steps.
    params: {channels, stride: 1}
    steps:
      - conv as inner: {channels: $channels, kernel: 3, stride: $stride, padding: 1}
      - relu
steps:
  - conv as stem: {channels: $width, kernel: 3}
  - unit as first: {channels: $(2 * width)}
  - unit as second: {channels: 16, stride: 2}
  - relu
  - conv as last: {channels: 4, kernel: 1}
  - upsample: {to: stem}
"""
"""A network with a block that is used twice."""


def opened(text: str, path: Path = Path("/opened/small.yaml")) -> tuple[Documents, Document]:
    """A text as a file that an editor has open, studied."""
    documents = Documents()
    document = documents.put(path.as_uri(), text, 1)
    documents.study(document)
    return documents, document


def cursor(text: str) -> tuple[str, types.Position]:
    """A text without its ``|``, and where that was."""
    before, _, after = text.partition("|")
    lines = before.split("\n")
    return before + after, types.Position(len(lines) - 1, len(lines[-1].encode("utf-16-le")) // 2)


def place(text: str, words: str, of: str = "") -> types.Position:
    """Where words stand first in a text, from where ``of`` stands."""
    at = text.index(words, text.index(of))
    lines = text[:at].split("\n")
    return types.Position(len(lines) - 1, len(lines[-1].encode("utf-16-le")) // 2)


def applied(text: str, edits: list[types.TextEdit]) -> str:
    """A text after edits that do not overlap; all of it counts as UTF-16 does."""
    lines = text.split("\n")

    def offset(position: types.Position) -> int:
        units = lines[position.line].encode("utf-16-le")[: 2 * position.character]
        return sum(len(line) + 1 for line in lines[: position.line]) + len(units.decode("utf-16-le"))

    for edit in sorted(edits, key=lambda each: offset(each.range.start), reverse=True):
        text = text[: offset(edit.range.start)] + edit.new_text + text[offset(edit.range.end) :]
    return text
