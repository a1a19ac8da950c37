"""Code actions: edits that do what a diagnostic's hint says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from lsprotocol import types

from archspec import sizes as exact
from archspec.editor.documents import Document
from archspec.editor.lines import Point
from archspec.editor.rename import replaced
from archspec.editor.study import Study
from archspec.elaborate.shelf import Shelf
from archspec.graph import Node
from archspec.syntax import Items, Mapping, Scalar

_MEANT = re.compile(r"did you mean ([^?]*)\?")
_QUOTED = re.compile(r"`([^`]+)`")
_WRITE_WORD = re.compile(r"write `([a-z]+|!=|==|\*\*)`(?: for a power| to compare)?\Z")
_NEAREST = re.compile(r"\b(\w+) = (\d+)(?: (?:or|and)(?: \1 =)? (\d+))?")

_MULTIPLE = re.compile(r"\b(\w+) a multiple of (\d+)")

MOST_TRIED = 4
"""The most steps of the branches that are tried with a stride: each trial loads the spec once or twice."""

Edit = tuple[types.Range, str]


def fixes(document: Document, diagnostics: Sequence[types.Diagnostic]) -> list[types.CodeAction]:
    """The fixes that the hints of some diagnostics suggest."""
    found: list[types.CodeAction] = []
    for said in diagnostics:
        hint = said.data.get("hint") if isinstance(said.data, dict) else None
        if said.source != "archspec" or not isinstance(hint, str):
            continue
        for make in _FIXES:
            for title, edits in make(document, said, hint):
                found.append(_action(document, said, title, edits))
    return found


def _action(document: Document, said: types.Diagnostic, title: str, edits: list[Edit]) -> types.CodeAction:
    parts = [types.TextEdit(place, text) for place, text in edits]
    return types.CodeAction(
        title,
        types.CodeActionKind.QuickFix,
        diagnostics=[said],
        is_preferred=title.startswith("Write ") or None,
        edit=types.WorkspaceEdit(changes={document.uri: parts}),
    )


_Fix = Callable[[Document, types.Diagnostic, str], Iterator[tuple[str, list[Edit]]]]


def _other_word(document: Document, said: types.Diagnostic, hint: str) -> Iterator[tuple[str, list[Edit]]]:
    """``did you mean `stride`?``"""
    meant = _MEANT.match(hint)
    words = _QUOTED.findall(meant.group(1)) if meant else []
    write = _WRITE_WORD.match(hint)
    if write is not None and said.range.start.line == said.range.end.line:
        words = [write.group(1)]
    for word in words:
        yield f"Write `{word}`", [(said.range, word)]


def _colon(document: Document, said: types.Diagnostic, hint: str) -> Iterator[tuple[str, list[Edit]]]:
    """``write `- relu:` with a colon``"""
    if said.code == "yaml-syntax" and "with a colon if keys follow" in hint:
        end = said.range.end
        yield "Add the colon", [(types.Range(end, end), ":")]


def _quotes(document: Document, said: types.Diagnostic, hint: str) -> Iterator[tuple[str, list[Edit]]]:
    """``quote an expression that contains `,` ``"""
    if "quote it" not in hint and "quote an expression" not in hint:
        return
    lines = document.lines
    line = said.range.start.line
    text = lines.lines[line]
    for start, end in _expressions(text):
        before, after = text[:start], text[end:]
        if set(text[start:end]) & set(",[{#:") and not before.endswith(('"', "'")) and '"' not in text[start:end]:
            first, last = (
                lines.position(line + 1, len(before) + 1),
                lines.position(line + 1, len(text) - len(after) + 1),
            )
            yield (
                "Put the expression in quotes",
                [
                    (types.Range(first, first), '"'),
                    (types.Range(last, last), '"'),
                ],
            )


def _expressions(text: str) -> Iterator[Point]:
    """The start and end of each ``$(…)`` in a line."""
    at = text.find("$(")
    while at >= 0:
        depth, end = 0, at + 1
        for end in range(at + 1, len(text)):
            depth += (text[end] == "(") - (text[end] == ")")
            if depth == 0:
                break
        if depth:
            return
        yield at, end + 1
        at = text.find("$(", end)


def _sizes(document: Document, said: types.Diagnostic, hint: str) -> Iterator[tuple[str, list[Edit]]]:
    """``nearest: H = 28 or 32``: the spec's own sizes changed to these."""
    study = document.current
    if "nearest" not in hint or study is None or study.keys is None:
        return
    sizes = study.keys.get("sizes")
    if not isinstance(sizes, Mapping):
        return
    near = [
        (name, [int(each) for each in found if each]) for name, *found in _NEAREST.findall(hint.partition("nearest")[2])
    ]
    for choose, word in ((max, "larger"), (min, "smaller")):
        edits: list[Edit] = []
        new: list[str] = []
        for name, found in near:
            value = sizes.get(name)
            if isinstance(value, Scalar) and isinstance(value.value, int):
                fitting = [each for each in found if (each > value.value) == (choose is max)]
                if fitting:
                    edits.append((document.lines.range(value.span), str(fitting[0])))
                    new.append(f"{name} = {fitting[0]}")
        if edits:
            yield f"Use the nearest {word} size: {', '.join(new)}", edits


def _padded(document: Document, said: types.Diagnostic, hint: str) -> Iterator[tuple[str, list[Edit]]]:
    """``it fits for H a multiple of 4``: the input padded to that as the first step, if the spec is right then."""
    study = document.current
    multiples = {name: int(number) for name, number in _MULTIPLE.findall(hint)}
    steps = None if study is None or study.keys is None else study.keys.get("steps")
    if study is None or study.graph is None or not multiples or not isinstance(steps, Items) or not steps.items:
        return
    first = steps.items[0].span
    before = document.lines.lines[first.line - 1][: first.column - 1]
    inputs = [study.graph.nodes[index] for index in study.graph.inputs.values()]
    if len(inputs) != 1 or before.strip() != "-":
        return
    wanted = [multiples.get(exact.text(size), 1) for size in inputs[0].shape.spatial]
    told = wanted[0] if len(set(wanted)) == 1 else wanted
    new = f"pad: {{multiple: {told}}}\n{before}"
    if _is_fine(
        document, replaced(document.text, [(replace(first, end_line=first.line, end_column=first.column), new)])
    ):
        at = document.lines.position(first.line, first.column)
        yield f"Pad the input to a multiple of {told}", [(types.Range(at, at), new)]


def _left_out(document: Document, said: types.Diagnostic, hint: str) -> Iterator[tuple[str, list[Edit]]]:
    """``leave it out: …``: an argument removed."""
    study = document.current
    if not hint.startswith("leave it out") or study is None:
        return
    edit = _removal(document, study, document.lines.point(said.range.start))
    if edit is not None:
        yield "Leave it out", [edit]


def _removal(document: Document, study: Study, point: Point) -> Edit | None:
    """The edit that removes an argument in braces, with one comma."""
    place = next((each for each in study.places if (each.span.line, each.span.column) == point), None)
    mapping = None if place is None else place.inside.mapping
    if place is None or place.kind != "argument" or mapping is None or mapping.span.line != mapping.span.end_line:
        return None
    index = next(at for at, (key, _) in enumerate(mapping.entries) if key is place.scalar)
    key, value = mapping.entries[index]
    start, end = (key.span.line, key.span.column), (value.span.end_line, value.span.end_column)
    if index + 1 < len(mapping.entries):
        following = mapping.entries[index + 1][0].span
        end = following.line, following.column
    elif index:
        before = mapping.entries[index - 1][1].span
        start = before.end_line, before.end_column
    return types.Range(document.lines.position(*start), document.lines.position(*end)), ""


def _stride(document: Document, said: types.Diagnostic, hint: str) -> Iterator[tuple[str, list[Edit]]]:
    """``give the other branch the same stride``: added to the step of a branch that makes the sizes equal."""
    study = document.current
    if "give the other branch the same stride" not in hint or study is None or study.graph is None:
        return
    lines = document.lines
    ends = [lines.point(each.location.range.start) for each in said.related_information or ()]
    nodes = [node for end in ends for node in study.made.get(end, []) if isinstance(node, Node)]
    steps = islice((step for node in nodes for step in _strideless(study, node)), MOST_TRIED)
    for name, mapping in steps:
        last = mapping.entries[-1][1].span
        end = replace(last, line=last.end_line, column=last.end_column)
        for stride in (2, 4):
            new = f", stride: {stride}"
            if _is_fine(document, replaced(document.text, [(end, new)])):
                yield f"Add `stride: {stride}` to `{name}`", [(lines.range(end), new)]


def _strideless(study: Study, node: Node) -> Iterator[tuple[str, Mapping]]:
    """The steps of a branch, last first, whose op accepts a stride and has none."""
    assert study.graph is not None
    while node.op is not None and len(node.inputs) == 1:
        body = node.step.body if node.step is not None else None
        takes = "stride" in type(node.op).model_fields
        if takes and isinstance(body, Mapping) and body.entries and "stride" not in body:
            yield node.path, body
        node = study.graph.nodes[node.inputs[0]]


def _is_fine(document: Document, text: str) -> bool:
    """Whether a text has no errors."""
    study = Study(document.path, text, document.shown, Shelf(), lambda: None)
    return all(each.severity != "error" for each in study.diagnostics)


_FIXES: tuple[_Fix, ...] = (_other_word, _colon, _quotes, _sizes, _padded, _stride, _left_out)
