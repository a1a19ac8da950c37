"""What a package index shows: README.md without what leads into the repository."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.helpers.places import ROOT


def _long_description() -> Callable[[str], str]:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.long_description


README = (ROOT / "README.md").read_text(encoding="utf-8")
DESCRIPTION = _long_description()(README)


def tokens(text: str) -> Iterator[Token]:
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        yield token
        yield from token.children or ()


def addresses(text: str) -> list[str]:
    found = [token.attrGet("href") or token.attrGet("src") for token in tokens(text)]
    return [str(each) for each in found if each is not None]


def test_no_address_leads_into_the_repository() -> None:
    assert any("://" not in each for each in addresses(README))
    assert all(each.startswith("https://") for each in addresses(DESCRIPTION))
    assert not [token for token in tokens(DESCRIPTION) if token.type in ("image", "html_block", "html_inline")]


def test_the_words_are_kept() -> None:
    """Headings, code and the words of links are those of README.md."""

    def kept(text: str, kind: str) -> list[str]:
        return [token.content for token in tokens(text) if token.type == kind]

    assert kept(DESCRIPTION, "fence") == kept(README, "fence")
    assert re.findall("^#+ .*$", DESCRIPTION, re.MULTILINE) == re.findall("^#+ .*$", README, re.MULTILINE)
    assert "docs/language.md" in DESCRIPTION


def test_a_description() -> None:
    describe = _long_description()
    text = "A [page](docs/x.md) and [a paper](https://x.org).\n\n![picture](p.svg)\n\n```md\n[kept](as/it/is)\n```\n"
    assert describe(text) == "A page and [a paper](https://x.org).\n\n```md\n[kept](as/it/is)\n```\n"
