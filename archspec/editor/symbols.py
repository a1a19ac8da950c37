"""The symbol that a name in a spec refers to, and all its mentions in a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from archspec.diagnostics import Fault, Span, SpecError
from archspec.editor import formulas, names
from archspec.editor.lines import Point, holds
from archspec.editor.place import Place
from archspec.editor.study import Study
from archspec.elaborate.values import RESERVED
from archspec.records import record
from archspec.schema import BlockDefinition, SpecFile

Kind = Literal["block", "value", "step", "import", "loop", "symbol"]
"""``value``: a parameter, a ``let`` or an input of a block; ``step``: a step or a label."""

_VALUES = ("parameter", "let", "input")


@record
class Symbol:
    """A named entity: a block, a parameter, a step, a label and so on."""

    kind: Kind
    name: str
    block: str
    """The block that it belongs to; empty for the network and for symbols of the whole file."""
    file: str
    """The key of its file."""
    at: Point | None = None
    """For a step or a loop's variable, the place of its declaration: another one may have the same name."""


def symbol_at(study: Study, point: Point) -> tuple[Symbol, Span] | None:
    """The symbol at a point of a text, and the span of its name."""
    place = study.place(point)
    if place is None or study.file is None:
        return None
    for symbol, span in _named(study, place):
        if holds(span, point):
            return symbol, span
    return None


def mentions(study: Study, symbol: Symbol) -> Iterator[Span]:
    """Every mention of a symbol in a text, including its declaration."""
    for place in study.places:
        for found, span in _named(study, place):
            if found == symbol:
                yield span


def declaration(study: Study, symbol: Symbol) -> Span | None:
    """Where a text declares a symbol."""
    if symbol.at is not None:
        spans = [span for span in mentions(study, symbol) if (span.line, span.column) == symbol.at]
        return spans[0] if spans else None
    kinds: dict[Kind, tuple[str, ...]] = {
        "block": ("block",),
        "value": _VALUES,
        "import": ("import",),
        "symbol": ("symbol",),
    }
    for place in study.places:
        own = place.inside.block == symbol.block or symbol.kind in ("block", "import", "symbol")
        if place.kind in kinds.get(symbol.kind, ()) and place.text == symbol.name and own:
            return place.span
    return None


def _named(study: Study, place: Place) -> Iterator[tuple[Symbol, Span]]:
    """Each symbol that a place mentions."""
    assert study.file is not None
    key, block, kind = study.file.key, place.inside.block, place.kind
    if kind in _VALUES:
        yield from _declared_value(study, place)
    elif kind == "block":
        yield Symbol("block", place.text, "", key), _bare(place)
    elif kind == "import":
        yield Symbol("import", place.text, "", key), _bare(place)
    elif kind in ("symbol", "size"):
        yield Symbol("symbol", place.text, "", key), _bare(place)
    elif kind in ("name", "label") and "$" not in place.text:
        yield Symbol("step", place.text, block, key, _start(place.span)), _bare(place)
    elif kind == "from":
        yield from _read(study, place)
    elif kind == "argument":
        yield from _argument(study, place)
    if kind in ("call", "value") and "$" not in place.text:
        yield from _applied(study, place)
    if kind == "clause":
        yield from _bound(study, place)
    for name, span in formulas.mentions(place):
        found = _mentioned(study, place, name)
        if found is not None:
            yield found, span


def _declared_value(study: Study, place: Place) -> Iterator[tuple[Symbol, Span]]:
    assert study.file is not None
    key = study.file.key
    if place.inside.block == "" and study.file.model.extends is not None:
        base = _base(study)
        key = key if base is None else base.key
    yield Symbol("value", place.text, place.inside.block, key), _bare(place)


def _base(study: Study) -> SpecFile | None:
    """The file at the end of a chain of ``extends``, whose parameters a variant sets."""
    assert study.file is not None
    try:
        variant = study.loader.variant(study.file)
    except (Fault, SpecError):
        return None
    return None if variant is None else variant.file


def _read(study: Study, place: Place) -> Iterator[tuple[Symbol, Span]]:
    assert study.file is not None
    key, block = study.file.key, place.inside.block
    for index, part in enumerate(names.read(study, place)):
        if part.target is not None and part.target.text == part.text:
            target = part.target
            yield Symbol("step", part.text, target.inside.block, key, _start(target.span)), part.span
        elif index == 0 and any(each.text == part.text for each in _inputs(study, block)):
            yield Symbol("value", part.text, block, key), part.span


def _inputs(study: Study, block: str) -> Iterator[Place]:
    return (each for each in study.places if each.kind == "input" and each.inside.block == block)


def _argument(study: Study, place: Place) -> Iterator[tuple[Symbol, Span]]:
    found = names.called(study, place.inside.what)
    if found is not None and found.block is not None and place.text in found.block.model.params:
        yield Symbol("value", place.text, _block_name(found.block), found.block.file.key), _bare(place)


def _block_name(definition: BlockDefinition) -> str:
    """A block's name in its file; empty for the file as a whole."""
    return "" if definition.file.whole is definition else definition.name


def _applied(study: Study, place: Place) -> Iterator[tuple[Symbol, Span]]:
    """The block or import that a step applies, or that a value names."""
    assert study.file is not None
    if place.kind == "value" and not place.scalar.plain:
        return
    head, dot, rest = place.text.partition(".")
    key, span = study.file.key, _bare(place)
    if place.text in study.file.blocks:
        yield Symbol("block", place.text, "", key), span
        return
    if any(each.kind == "import" and each.text == head for each in study.places):
        yield Symbol("import", head, "", key), span.part(0, len(head))
        file = names.used_file(study, head) if dot else None
        if file is not None and rest in file.blocks:
            yield Symbol("block", rest, "", file.key), span.part(len(head) + 1, len(place.text))


def _bound(study: Study, place: Place) -> Iterator[tuple[Symbol, Span]]:
    assert study.file is not None
    own = formulas.loop_names(replace(place, inside=replace(place.inside, clauses=(place.scalar,))))
    for name, span in own.items():
        yield Symbol("loop", name, place.inside.block, study.file.key, _start(span)), span


def _mentioned(study: Study, place: Place, name: str) -> Symbol | None:
    """The symbol of a name in an expression: a loop's variable, or a value of the block."""
    assert study.file is not None
    loops = formulas.loop_names(place)
    if name in loops and not (place.kind == "clause" and loops[name].line == place.span.line):
        return Symbol("loop", name, place.inside.block, study.file.key, _start(loops[name]))
    if name in RESERVED:
        return None
    return Symbol("value", name, place.inside.block, study.file.key)


def _bare(place: Place) -> Span:
    """The span of a place's text, without quotes."""
    span = place.span
    if place.scalar.plain or span != place.scalar.span or span.line != span.end_line:
        return span
    return replace(span, column=span.column + 1, end_column=span.end_column - 1)


def _start(span: Span) -> Point:
    return span.line, span.column
