"""The help texts of `archspec help WORD` for an op, a block, a rewrite, a spec, or a form of the language.

Everything is taken from its definition; only forms have texts of their own, in ``forms.yaml``.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel

from archspec import ops, rewrites, vocabulary
from archspec.diagnostics import Diagnostic, Diagnostics, SpecError, printable
from archspec.elaborate.loader import Loader
from archspec.elaborate.shipped import library_names, spec_names
from archspec.language import catalogue
from archspec.language.explanations import explanations
from archspec.language.pages import page_names
from archspec.language.words import field_row, flow, shape, signature
from archspec.ops.common.initialisers import INITIALISERS
from archspec.records import record
from archspec.schema import BlockModel, SpecModel
from archspec.syntax import parse, plain

WIDTH = 100
"""The column at which texts are wrapped."""


@record
class Topic:
    """The help on one word: a sentence or more, a table of arguments, keys or names, and an example."""

    name: str
    kind: str
    doc: str
    rows: tuple[tuple[str, str, str], ...] = ()
    """Rows of name, default (or ``required``, or nothing), and description."""
    columns: str = "arguments"
    example: str = ""
    notes: tuple[str, ...] = ()


def topics(word: str) -> tuple[Topic, ...]:
    """The topics with a name.  Raises :class:`SpecError` if there is none, suggesting similar names."""
    found = [topic for kind in _KINDS for topic in kind(word)]
    if not found:
        raise SpecError([Diagnostic("unknown-topic", f"there is no help on `{printable(word)}`", hint=_hint(word))])
    return tuple(found)


def names() -> dict[str, list[str]]:
    """Every word that has help, by kind."""
    return {
        "ops": sorted(ops.names()),
        "blocks": sorted(library_names()),
        "forms": [*forms(), *_LISTS],
        "rewrites": sorted(rewrites.names()),
        "specs": sorted(spec_names()),
        "pages": page_names(),
    }


@cache
def forms() -> dict[str, tuple[str, str]]:
    """Each form of the language: its description, and an example of steps or of a spec's keys."""
    text = (files("archspec.language") / "forms.yaml").read_text(encoding="utf-8")
    return {name: (form["what"], form["example"]) for name, form in plain(parse(text, "forms.yaml")).items()}


def _hint(word: str) -> str:
    if word in explanations():
        return f"it is the code of a diagnostic: `archspec explain {word}`"
    users = sorted(name for name in ops.names() if word in ops.find(name).model_fields)
    if users:
        return f"it is an argument of {', '.join(f'`{name}`' for name in users[:6])}{', …' if users[6:] else ''}"
    known = [name for listed in names().values() for name in listed]
    return vocabulary.op(word, known) or "`archspec help` lists all topics"


# -- what there is ----------------------------------------------------------------------------------------------------


def _op(word: str) -> Iterator[Topic]:
    if word not in ops.names():
        return
    kind = ops.find(word)
    rows = [field_row(name, field) for name, field in kind.model_fields.items() if name != "init"]
    if kind.tensors:
        rows.append(("init", "", "how the weights are initialised; `archspec help init`"))
    example = kind.examples[0]
    arguments = f": {flow(example.arguments)}" if example.arguments else ""
    output = kind.model_validate(example.arguments).infer(example.inputs)
    reads = " and ".join(shape(each.dims) for each in example.inputs)
    shown = f"{kind.prelude}- {kind.keyword}{arguments}\n"
    notes = (f"example: input {reads}, output {shape(output.dims)}",) if reads else ()
    if kind.merges:
        others = "    - []\n" * max(1, min(len(each.inputs) for each in kind.examples) - 1)
        shown = f"- {kind.keyword}:\n    - conv as side: {{channels: 64, kernel: 3, padding: 1}}\n{others}"
        notes = ("takes branches, or several inputs by `from`: `archspec help branches`",)
    yield Topic(word, f"an op ({kind.kind})", _documentation(kind), tuple(rows), example=shown, notes=notes)


def _block(word: str) -> Iterator[Topic]:
    file = Loader(Diagnostics()).library(word) if word in library_names() else None
    if file is None:
        return
    model = file.model
    values = {name: plain(value) for name, value in model.params.items()}
    rows = [(name, "required" if value is None else flow(value), "") for name, value in values.items()]
    use = plain(model.example) if model.example is not None else {}
    arguments = use.get("with", {})
    example = f"- {word}: {flow(arguments)}\n" if arguments else f"- {word}\n"
    reads = " and ".join(shape(each) for each in use.get("inputs", {}).values())
    notes = (f"example: input {reads}, output {shape(use['output'])}",) if "output" in use else ()
    notes += (f"paper: {model.source}",) if model.source else ()
    yield Topic(word, "a library block", model.doc or "", tuple(rows), "parameters", example, notes)


def _rewrite(word: str) -> Iterator[Topic]:
    if word not in rewrites.names():
        return
    kind = rewrites.find(word)
    rows = tuple(field_row(name, field) for name, field in kind.model_fields.items())
    notes = (f"`{kind.main}` can be given without its name: `{{{word}: …}}`",) if kind.main else ()
    notes += ("on the command line: `--rewrite`; in a spec: `archspec help rewrite`",)
    yield Topic(word, "a rewrite", _documentation(kind), rows, "options", notes=notes)


def _spec(word: str) -> Iterator[Topic]:
    if word not in spec_names():
        return
    entry = catalogue.spec(word)
    notes = [f"a variant of `{entry['extends']}`"] if entry["extends"] else []
    notes += [f"paper: {entry['source']}"] if entry["source"] else []
    notes.append(f"`archspec new {word} -o my.yaml` writes a copy that you can edit")
    yield Topic(word, "a shipped spec", entry["doc"], notes=tuple(notes))


def _form(word: str) -> Iterator[Topic]:
    if word in forms():
        what, example = forms()[word]
        yield Topic(word, "a form of the language", what, example=example)


def _list(word: str) -> Iterator[Topic]:
    if word in _LISTS:
        yield _LISTS[word]()


_KINDS = (_op, _block, _rewrite, _spec, _form, _list)


# -- lists ------------------------------------------------------------------------------------------------------------


def _keys(word: str, model: type[BaseModel], what: str) -> Topic:
    rows = tuple(
        (field.alias or name, "required" if field.is_required() else "", field.description or "")
        for name, field in model.model_fields.items()
    )
    return Topic(word, "a file, or a part of one", what, rows, "keys")


def _initialisers() -> Topic:
    rows = []
    for name, kind in INITIALISERS.items():
        arguments = ", ".join(signature(field, info) for field, info in kind.model_fields.items())
        rows.append((name, "", _first(kind) + (f" Arguments: {arguments}." if arguments else "")))
    what = "`init` is a name, a name with arguments, or one of these for each tensor."
    example = "- conv: {channels: 8, kernel: 3, init: {normal: {std: 0.01}}}\n"
    return Topic("initialisers", "values of `init`", what, tuple(rows), "names", example)


_LISTS = {
    "spec": lambda: _keys("spec", SpecModel, "A spec is a mapping with these keys; `archspec help KEY` explains one."),
    "block": lambda: _keys(
        "block", BlockModel, "A block under `blocks` is a list of steps, or a mapping with these keys."
    ),
    "initialisers": _initialisers,
}


# -- words ------------------------------------------------------------------------------------------------------------


def _documentation(kind: type[Any]) -> str:
    return inspect.cleandoc(kind.__doc__ or "").replace("``", "`")


def _first(kind: type[Any]) -> str:
    return _documentation(kind).partition("\n")[0]


def text(found: Sequence[Topic]) -> str:
    """Topics as text."""
    return "\n\n".join("\n".join(_lines(topic)) for topic in found) + "\n"


def _lines(topic: Topic) -> Iterator[str]:
    yield f"{topic.name}: {topic.kind}"
    for paragraph in topic.doc.split("\n\n"):
        yield ""
        yield from textwrap.wrap(" ".join(paragraph.split()), WIDTH, initial_indent="  ", subsequent_indent="  ")
    if topic.rows:
        yield from ("", topic.columns)
        yield from columns(topic.rows)
    if topic.example:
        yield from ("", "example", *(f"  {line}" for line in topic.example.splitlines()))
    if topic.notes:
        yield ""
        yield from topic.notes


def columns(rows: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    """A table of three columns, the last wrapped."""
    first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
    for name, default, what in rows:
        head = f"  {name:{first}}  " + (f"{default:{second}}  " if second else "")
        indent = " " * len(head)
        wrapped = textwrap.wrap(what, max(WIDTH, len(head) + 40), initial_indent=head, subsequent_indent=indent)
        yield from wrapped or [head.rstrip()]


def to_json(found: Sequence[Topic]) -> list[dict[str, Any]]:
    """Topics as plain data."""
    return [
        {
            "name": topic.name,
            "kind": topic.kind,
            "doc": topic.doc,
            topic.columns: [dict(zip(("name", "default", "description"), row, strict=True)) for row in topic.rows],
            "example": topic.example,
            "notes": list(topic.notes),
        }
        for topic in found
    ]
