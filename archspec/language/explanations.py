"""What each diagnostic code means and what to do about it, for `archspec explain`."""

from __future__ import annotations

import re
import textwrap
from functools import cache
from importlib.resources import files

from archspec.diagnostics import Diagnostic, SpecError, did_you_mean, printable
from archspec.records import record
from archspec.syntax import parse, plain


@record
class Explanation:
    """What a code means; where a spec can show it, a wrong example (steps or a spec) and the corrected one."""

    why: str
    wrong: str | None = None
    right: str | None = None


@cache
def explanations() -> dict[str, Explanation]:
    """Every explanation by its code."""
    text = (files("archspec.language") / "explanations.yaml").read_text(encoding="utf-8")
    return {code: Explanation(**found) for code, found in plain(parse(text, "explanations.yaml")).items()}


def explain(word: str) -> tuple[str, Explanation]:
    """A code and its explanation; the code may be given as printed, ``error[code]``.

    Raises :class:`SpecError` if there is no such code.
    """
    code = re.sub(r"\A(?:error|warning|note)?\[(.*)\]\Z", r"\1", word)
    found = explanations().get(code)
    if found is None:
        hint = did_you_mean(code, explanations()) or "`archspec explain` lists all codes"
        raise SpecError([Diagnostic("unknown-topic", f"there is no diagnostic code `{printable(code)}`", hint=hint)])
    return code, found


def text(code: str, found: Explanation) -> str:
    """An explanation as text."""
    lines = [code, "", *textwrap.wrap(found.why, 96, initial_indent="  ", subsequent_indent="  ")]
    for title, shown in (("wrong", found.wrong), ("right", found.right)):
        if shown is not None:
            lines += ["", title, *(f"  {line}" for line in shown.splitlines())]
    return "\n".join(lines) + "\n"
