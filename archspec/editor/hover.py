"""Hover texts: the documentation of a word, its value in each use, the code that a step becomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lsprotocol import types

from archspec.diagnostics import SpecError
from archspec.editor import formulas, markdown, measures, names
from archspec.editor.documents import Document
from archspec.editor.inlay import shown_use
from archspec.editor.lines import Point, holds
from archspec.editor.place import Place
from archspec.editor.standing import standing
from archspec.editor.study import Study
from archspec.editor.torch_lines import torch_lines
from archspec.graph import Node, Scope
from archspec.language import topics
from archspec.language.topics import Topic
from archspec.language.words import flow
from archspec.ops.common.initialisers import INITIALISERS
from archspec.schema import BlockDefinition, SpecFile
from archspec.syntax import plain

MOST_VALUES = 12
"""The most uses whose values are listed."""


def hover(document: Document, position: types.Position) -> types.Hover | None:
    """The hover text at a position; None if there is none, or the line has changed since the text was last a spec."""
    here = standing(document)
    point = None if here is None else here.point(position)
    if here is None or point is None:
        return None
    place = here.study.place(point)
    if place is None:
        return None
    said = [part for part in _SAID[place.kind](document, here.study, place, point) if part]
    return types.Hover(markdown.content(said), here.range(place.span)) if said else None


# -- words of the language --------------------------------------------------------------------------------------------


def _topic(word: str, only: str = "") -> str:
    """The text of `archspec help` on a word, among the kinds whose name has this prefix."""
    try:
        found = topics.topics(word)
    except SpecError:
        return ""
    return next((markdown.topic(each) for each in found if each.kind.startswith(only)), "")


def _key(document: Document, study: Study, place: Place, point: Point) -> Iterator[str]:
    yield _topic(place.text, "a form")


def _call(document: Document, study: Study, place: Place, point: Point) -> Iterator[str]:
    if "$" in place.text:
        yield from _value(document, study, place, point)
    else:
        yield _documented(study, place.text)
    yield from _step(document, study, place)


def _documented(study: Study, what: str) -> str:
    """The documentation of an op or a block."""
    found = names.called(study, what)
    if found is None:
        return _topic(what, "a form")
    if found.op is not None:
        return _topic(what, "an op")
    assert found.block is not None
    return markdown.topic(_block_topic(found.block, what, found.own))


def _block_topic(block: BlockDefinition, name: str, own: bool) -> Topic:
    model = block.model
    kind = "a block of this file" if own else f"a block of {block.file.shown}"
    rows = [(each, "required" if plain(node) is None else flow(plain(node)), "") for each, node in model.params.items()]
    notes = (f"paper: {model.source}",) if model.source else ()
    return Topic(name, kind, model.doc or "", tuple(rows), "parameters", notes=notes)


def _argument(document: Document, study: Study, place: Place, point: Point) -> Iterator[str]:
    what = place.inside.what
    found = names.called(study, what)
    if found is not None and found.op is not None:
        rows = [row for topic in _topics(what) for row in topic.rows if row[0] == place.text]
        for name, default, said in rows:
            yield f"{markdown.code(name)} of {markdown.code(what)}" + (
                f", default {markdown.code(default)}" if default not in ("", "required") else ""
            )
            yield markdown.words(said)
    elif found is not None and found.block is not None and place.text in found.block.model.params:
        given = plain(found.block.model.params[place.text])
        default = "required" if given is None else f"default {markdown.code(flow(given))}"
        yield f"{markdown.code(place.text)}, a parameter of {markdown.code(what)}, {default}"


def _topics(what: str) -> tuple[Topic, ...]:
    try:
        return topics.topics(what)
    except SpecError:
        return ()


def _rewrite(document: Document, study: Study, place: Place, point: Point) -> Iterator[str]:
    yield _topic(place.text, "a rewrite")


def _option(document: Document, study: Study, place: Place, point: Point) -> Iterator[str]:
    what = place.inside.what
    if what.startswith("init "):
        return
    for topic in _topics(what):
        for name, default, said in topic.rows:
            if name == place.text and topic.kind == "a rewrite":
                yield f"{markdown.code(name)} of {markdown.code(what)}, default {markdown.code(default or 'nothing')}"
                yield markdown.words(said)


def _initialiser(document: Document, study: Study, place: Place, point: Point) -> Iterator[str]:
    kind = INITIALISERS.get(place.text)
    if kind is not None:
        yield markdown.code(place.text)
        yield markdown.words((kind.__doc__ or "").partition("\n")[0])


# -- values -----------------------------------------------------------------------------------------------------------


def _value(document: Document, study: Study, place: Place, point: Point) -> Iterator[str]:
    """The name at the point and its value, or the expression and its value."""
    for formula in formulas.formulas(place):
        if formula.span is not None and not holds(formula.span, point) and len(formulas.formulas(place)) > 1:
            continue
        name = formulas.mention(place, point)
        if name is not None:
            yield from _named(study, place, name)
            if name == str(formula):
                continue
        if not isinstance(formula, formulas.Clause):
            yield _listed(str(formula), formulas.values(study, place, formula))
    if place.kind == "value" and isinstance(place.scalar.value, str) and "$" not in place.text:
        found = names.called(study, place.text)
        if found is not None:
            yield _documented(study, place.text)


def _named(study: Study, place: Place, name: str) -> Iterator[str]:
    """The meaning of a name in an expression, and its value in each use."""
    found: list[tuple[str, Any]] = []
    for path, known in formulas.names_in_uses(study, place):
        if name in known:
            found.append((path, known[name]))
    if name in ("input", "previous"):
        yield _topic(name, "a form")
    yield _listed(name, found)


def _listed(what: str, found: list[tuple[str, Any]]) -> str:
    """Values by use: one line if all are equal."""
    shown = [(path, _shown(value)) for path, value in found]
    if not shown:
        return ""
    if len({value for _, value in shown}) == 1:
        return f"{markdown.code(what)} = {markdown.code(shown[0][1])}"
    rows = [(markdown.code(path or "the network"), markdown.code(value)) for path, value in shown[:MOST_VALUES]]
    more = f"\n\n… and {len(shown) - MOST_VALUES} more" if len(shown) > MOST_VALUES else ""
    return markdown.table(("in", markdown.code(what)), rows) + more


def _shown(value: Any) -> str:
    if isinstance(value, formulas.TensorRecord):
        try:
            return f"{value.attribute('channels')} channels"
        except formulas.UnknownValue:
            return "a tensor"
    return flow(value)


def _declaration(document: Document, study: Study, place: Place, point: Point) -> Iterator[str]:
    """A parameter, a ``let`` or an input, with its value in each use."""
    what = {"parameter": "a parameter", "let": "a value", "input": "an input"}[place.kind]
    owner = f" of {markdown.code(place.inside.block)}" if place.inside.block else ""
    yield f"{markdown.code(place.text)}, {what}{owner}"
    found: list[tuple[str, Any]] = []
    for path, known in formulas.names_in_uses(study, place):
        if place.text in known and not isinstance(known[place.text], formulas.TensorRecord):
            found.append((path, known[place.text]))
    yield _listed(place.text, found)
    if place.kind == "input" and study.graph is not None and place.text in study.graph.inputs:
        node = study.graph.nodes[study.graph.inputs[place.text]]
        yield markdown.words(measures.shape(study.report, node, False))


def _size(document: Document, study: Study, place: Place, point: Point) -> Iterator[str]:
    if study.spec is None or study.report is None:
        return
    solution = study.report.valid_sizes.get(place.text)
    if solution is not None:
        at = study.report.sizes.get(place.text)
        yield (
            f"{markdown.code(place.text)}"
            + (f" = {at}" if at is not None else "")
            + ", valid: "
            + markdown.words(solution.describe())
        )


def _block(document: Document, study: Study, place: Place, point: Point) -> Iterator[str]:
    yield _documented(study, place.text)
    uses = study.uses(place.text)
    if uses:
        listed = ", ".join(markdown.code(scope.path) for scope in uses[:MOST_VALUES])
        yield f"used {len(uses)} times: {listed}" + (", …" if len(uses) > MOST_VALUES else "")


def _spec(document: Document, study: Study, place: Place, point: Point) -> Iterator[str]:
    found = names.named_file(study, place.text)
    if found is not None:
        yield from _file(found)


def _import(document: Document, study: Study, place: Place, point: Point) -> Iterator[str]:
    found = names.used_file(study, place.text)
    if found is not None:
        yield from _file(found)


def _file(found: SpecFile) -> Iterator[str]:
    yield markdown.code(found.shown)
    yield markdown.words(found.model.doc or "")


# -- steps ------------------------------------------------------------------------------------------------------------


def _named_step(document: Document, study: Study, place: Place, point: Point) -> Iterator[str]:
    yield from _step(document, study, place)


def _read(document: Document, study: Study, place: Place, point: Point) -> Iterator[str]:
    if "$" in place.text:
        yield from _value(document, study, place, point)
        return
    parts = names.read(study, place)
    part = next((each for each in parts if holds(each.span, point)), None)
    if part is not None and part.target is not None:
        yield from _step(document, study, part.target)
    elif place.text in ("previous", "input"):
        yield _topic(place.text, "a form")


def _step(document: Document, study: Study, place: Place) -> Iterator[str]:
    """A step's output and cost, in the use that hints are about, and its PyTorch code."""
    items = study.of_step(place.step)
    if not items:
        return
    item = shown_use(document, study, items)
    node = study.output(item)
    if node is None:
        return
    rows = list(_measures(study, item, node))
    title = markdown.code(item.path) if item.path else ""
    more = f" and {len(items) - 1} more like it" if len(items) > 1 else ""
    yield f"{title}{more}"
    yield markdown.table(("", ""), [(name, markdown.words(value)) for name, value in rows if value])
    lines = torch_lines(study, item)
    if lines:
        yield markdown.block("python", lines)


def _measures(study: Study, item: Node | Scope, node: Node) -> Iterator[tuple[str, str]]:
    report = study.report
    yield "shape", measures.shape(report, node, False)
    at = measures.shape(report, node, True)
    if at != measures.shape(report, node, False):
        yield "here", at
    if report is None:
        return
    cost = measures.cost(report, item)
    if cost is not None and cost.parameters:
        yield "parameters", f"{cost.parameters:,}"
    if cost is not None and cost.multiply_adds:
        yield "multiply-adds", f"{cost.multiply_adds:,}"
        yield "", str(cost.formula)
    seen = measures.field(report, node)
    yield "sees", "the whole input" if seen == "all" else f"{seen} pixels" if seen else ""
    yield "memory", measures.memory(report, item)


_Say = Callable[[Document, Study, Place, Point], Iterator[str]]


def _nothing(document: Document, study: Study, place: Place, point: Point) -> Iterator[str]:
    yield from ()


_SAID: dict[str, _Say] = {
    "key": _key,
    "step key": _key,
    "call": _call,
    "name": _named_step,
    "label": _named_step,
    "argument": _argument,
    "value": _value,
    "from": _read,
    "condition": _value,
    "clause": _value,
    "parameter": _declaration,
    "let": _declaration,
    "input": _declaration,
    "symbol": _size,
    "size": _size,
    "block": _block,
    "import": _import,
    "spec": _spec,
    "rewrite": _rewrite,
    "option": _option,
    "initialiser": _initialiser,
    "output": _nothing,
    "claim": _key,
    "branch": _nothing,
    "text": _nothing,
}
