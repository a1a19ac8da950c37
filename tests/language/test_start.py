"""A shipped spec as a file of one's own is the same network."""

from __future__ import annotations

from pathlib import Path

import pytest

import archspec
from archspec.backends import spec_text
from archspec.language.start import start
from tests.helpers.places import EACH_SHIPPED, SPECS

EXTENDING = [
    each for each in EACH_SHIPPED if "\nextends:" in (SPECS / f"{each.values[0]}.yaml").read_text(encoding="utf-8")
]


def same(name: str, folder: Path) -> None:
    text = start(name)
    assert "extends:" not in text
    own = archspec.loads(text, name=f"specs/{name}.yaml", folder=folder)
    shipped = archspec.load(name)
    assert own.diagnostics == shipped.diagnostics
    assert without_comments(spec_text.expand(own.graph)) == without_comments(spec_text.expand(shipped.graph))
    assert set(own.variant.expect) == set(shipped.variant.expect)


def without_comments(text: str) -> list[str]:
    return [line.partition("  #")[0] for line in text.splitlines()]


@pytest.mark.parametrize("name", EXTENDING)
def test_a_variant_comes_with_what_it_extends(name: str, tmp_path: Path) -> None:
    same(name, tmp_path)


@pytest.mark.parametrize("name", ["vgg", "fcn_vgg16", "squeezenet_digits", "alexnet_paper"])
def test_any_other_is_as_it_ships(name: str, tmp_path: Path) -> None:
    same(name, tmp_path)
