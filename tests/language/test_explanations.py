"""Every diagnostic code has an explanation, and what it shows as wrong is wrong in that way, as right is right."""

from __future__ import annotations

import pytest

import archspec
from archspec.language import messages
from archspec.language.explanations import explanations
from tests.helpers.snippets import completed

SHOWN = [code for code, found in explanations().items() if found.wrong is not None]


def codes(text: str) -> set[str]:
    try:
        return {each.code for each in archspec.check(archspec.loads(completed(text))).diagnostics}
    except archspec.SpecError as error:
        return {each.code for each in error.diagnostics}


def test_every_code_has_one() -> None:
    """A new code wants a few words in `archspec/language/explanations.yaml`."""
    assert list(explanations()) == sorted(messages.by_code())


def test_most_can_be_shown() -> None:
    assert len(SHOWN) > 50


@pytest.mark.parametrize("code", SHOWN)
def test_what_is_shown_is_so(code: str) -> None:
    found = explanations()[code]
    assert found.wrong is not None
    assert found.right is not None
    assert code in codes(found.wrong)
    assert codes(found.right) == set()
