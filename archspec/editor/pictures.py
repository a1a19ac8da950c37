"""The picture of the network beside the text, drawn as `archspec render` draws it."""

from __future__ import annotations

from archspec.editor.documents import Document
from archspec.pipeline import render

MOST_NODES = 3_000
"""The most nodes of a network that is redrawn while the user types."""


def picture(document: Document) -> dict[str, str] | None:
    """The picture of the last network without errors, as SVG; None if there was none, or it is too large."""
    study = document.current or document.good
    if study is None or study.spec is None or study.spec.misfits or len(study.spec.graph.nodes) > MOST_NODES:
        return None
    if study.svg is None:
        study.svg = render(study.spec).pipe(format="svg").decode()
    return {"name": study.spec.name, "svg": study.svg}
