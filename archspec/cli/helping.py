"""`archspec help` and `archspec explain`: what a word of the language means, and what a diagnostic means."""

from __future__ import annotations

import textwrap
from typing import Annotated

import typer

from archspec.cli.app import Command, app, command_names, examples
from archspec.cli.options import AnswerFormat, Format, Output
from archspec.cli.terminal import CallError, Terminal


def complete_topic(incomplete: str) -> list[str]:
    """Words with help that begin with the typed text."""
    from archspec.language import topics

    return [name for listed in topics.names().values() for name in listed if name.startswith(incomplete)]


def complete_code(incomplete: str) -> list[str]:
    """Diagnostic codes that begin with the typed text."""
    from archspec.language.explanations import explanations

    return [code for code in explanations() if code.startswith(incomplete)]


@app.command(
    "help",
    cls=Command,
    epilog=examples(
        "archspec help conv",
        "archspec help residual_basic",
        "archspec help from",
        "archspec help course",
        "archspec help",
    ),
)
def help_(
    context: typer.Context,
    word: Annotated[
        str | None,
        typer.Argument(
            metavar="WORD",
            help="An op, block, rewrite, spec, page, or language feature, such as `for`. Default: list them all.",
            autocompletion=complete_topic,
            show_default=False,
        ),
    ] = None,
    format: AnswerFormat = Format.text,
    output: Output = None,
) -> None:
    """Explain a word of the language: its arguments with their defaults, and an example.  Or show a page to read."""
    from archspec.language import pages, topics

    terminal: Terminal = context.obj
    if word is None:
        names = topics.names()
        listed = "\n\n".join(
            f"{kind}\n{textwrap.fill(', '.join(words), 98, initial_indent='  ', subsequent_indent='  ')}"
            for kind, words in names.items()
        )
        terminal.answer_json(names) if terminal.as_json else terminal.answer(listed)
        return
    if word in pages.page_names():
        shown = pages.page(word)
        terminal.answer_json({"name": word, "kind": "a page", "text": shown}) if terminal.as_json else terminal.answer(
            shown
        )
        return
    if word in command_names():
        raise CallError(f"`{word}` is a command", f"`archspec {word} --help` shows its usage")
    found = topics.topics(word)
    terminal.answer_json(topics.to_json(found)) if terminal.as_json else terminal.answer(topics.text(found))


@app.command(cls=Command, epilog=examples("archspec explain shape-mismatch", "archspec explain"))
def explain(
    context: typer.Context,
    code: Annotated[
        str | None,
        typer.Argument(
            metavar="CODE",
            help="The code of a diagnostic, as in error[CODE]. Default: list them all.",
            autocompletion=complete_code,
            show_default=False,
        ),
    ] = None,
    format: AnswerFormat = Format.text,
    output: Output = None,
) -> None:
    """Explain a diagnostic and how to fix it, with a wrong spec and a corrected one."""
    from archspec.language import explanations

    terminal: Terminal = context.obj
    if code is None:
        codes = list(explanations.explanations())
        terminal.answer_json(codes) if terminal.as_json else terminal.answer("\n".join(codes))
        return
    known, found = explanations.explain(code)
    if terminal.as_json:
        terminal.answer_json({"code": known, "why": found.why, "wrong": found.wrong, "right": found.right})
    else:
        terminal.answer(explanations.text(known, found))
