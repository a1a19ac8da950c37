"""The catalogue's entries, which read only the head of a file, against the files read whole."""

from __future__ import annotations

import pytest

from archspec.diagnostics import Diagnostics
from archspec.elaborate.loader import Loader
from archspec.elaborate.shipped import library_names, more_names, spec_names
from archspec.language import catalogue
from archspec.syntax import plain


def test_heads_say_what_the_whole_files_say() -> None:
    loader = Loader(Diagnostics())
    found = catalogue.catalogue(("blocks", "specs"))
    assert {entry["name"] for entry in found["blocks"]} == library_names()
    assert {entry["name"] for entry in found["specs"]} == spec_names() | more_names()
    for kind, entries in found.items():
        for entry in entries:
            file = loader.library(entry["name"]) if kind == "blocks" else loader.named(entry["name"], None, None)
            assert file is not None
            base = None if file.model.extends is None else plain(file.model.extends)
            own = " ".join((file.model.doc or "").split())
            if own or not base:
                assert (entry["doc"], entry["source"] or "") == (own, entry["source"] or ""), entry["name"]
            if file.model.source is not None:
                assert entry["source"] == file.model.source
            if kind == "specs":
                assert entry["extends"] == base
            else:
                assert entry["params"] == {name: plain(value) for name, value in file.model.params.items()}


@pytest.mark.parametrize("kind", catalogue.KINDS)
def test_a_kind_alone_is_its_part_of_the_whole(kind: str) -> None:
    assert catalogue.catalogue((kind,)) == {kind: catalogue.catalogue()[kind]}
