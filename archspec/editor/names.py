"""Resolves the names in a spec: ops and blocks, steps and labels, parameters and values."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archspec import ops
from archspec.diagnostics import Fault, Span, SpecError
from archspec.editor.place import Place
from archspec.editor.study import Study
from archspec.elaborate.shipped import library_names, spec_names
from archspec.ops import Op
from archspec.records import record
from archspec.schema import BlockDefinition, SpecFile


@record
class Called:
    """What a step's key names: an op, or a block with its file."""

    op: type[Op] | None = None
    block: BlockDefinition | None = None
    own: bool = False
    """Whether the block is in the same file."""


def called(study: Study, what: str) -> Called | None:
    """The op or block that a word names in a text; None if there is none."""
    if what in ops.names():
        return Called(op=ops.find(what))
    if study.file is None:
        return None
    if what in study.file.blocks:
        return Called(block=study.file.blocks[what], own=True)
    head, _, rest = what.partition(".")
    file = used_file(study, head)
    if file is None:
        return None
    if rest:
        block = file.blocks.get(rest)
        return None if block is None else Called(block=block)
    base = _with_steps(study, file)
    return None if base is None else Called(block=base)


def used_file(study: Study, name: str) -> SpecFile | None:
    """The file of an import, a library block or a shipped spec, by its name; None if there is none."""
    if study.file is None:
        return None
    try:
        imported = study.loader.imported(study.file, name)
        if imported is not None:
            return imported[0]
        if name in library_names():
            return study.loader.library(name)
        return study.loader.named(name, study.file, None) if name in spec_names() else None
    except (Fault, KeyError, SpecError):
        return None


def named_file(study: Study, text: str) -> SpecFile | None:
    """The file that ``extends`` or ``import`` names."""
    if study.file is None:
        return None
    try:
        return study.loader.named(text, study.file, None)
    except SpecError:
        return None


def _with_steps(study: Study, file: SpecFile) -> BlockDefinition | None:
    """The network of a file, or of the file that it extends."""
    if file.whole is not None:
        return file.whole
    try:
        variant = study.loader.variant(file) if file.model.extends is not None else None
    except (Fault, SpecError):
        return None
    return None if variant is None else variant.definition


# -- steps and labels -------------------------------------------------------------------------------------------------

_HOLE = re.compile(r"\$\w+|\$\([^)]*\)")


@record
class Part:
    """One part of a path that is read, and the step or label that it refers to in this file."""

    text: str
    span: Span
    target: Place | None


def read(study: Study, place: Place) -> list[Part]:
    """The parts of a path, ``layer2.conv1``, each with the step that it refers to; none for a computed path."""
    scalar = place.scalar
    if "$" in place.text or scalar.span.line != scalar.span.end_line:
        return []
    found: list[Part] = []
    start = 0 if scalar.plain else 1
    target: Place | None = None
    for index, text in enumerate(place.text.split(".")):
        span = place.span.part(start, start + len(text))
        target = _head(study, place, text) if index == 0 else None if target is None else _inner(study, target, text)
        found.append(Part(text, span, target))
        start += len(text) + 1
    return found


def declared(study: Study, block: str) -> Iterator[Place]:
    """The names and labels of a block's steps."""
    for place in study.places:
        if place.inside.block == block and place.kind in ("name", "label", "branch"):
            yield place


def _head(study: Study, place: Place, text: str) -> Place | None:
    """The last step or label with a name before a place; if there is none before it, the first."""
    known = [each for each in declared(study, place.inside.block) if matches(each.text, text)]
    here = (place.span.line, place.span.column)
    before = [each for each in known if (each.span.line, each.span.column) < here]
    return before[-1] if before else known[0] if known else None


def _inner(study: Study, target: Place, text: str) -> Place | None:
    """A step inside another step of this file: in a sequence, or in a block of the file."""
    within = target.inside.what
    if study.file is not None and within in study.file.blocks:
        return next((each for each in declared(study, within) if matches(each.text, text)), None)
    if within != "sequence":
        return None
    after = [each for each in declared(study, target.inside.block) if (each.span.line) > target.span.line]
    return next((each for each in after if matches(each.text, text)), None)


def matches(written: str, text: str) -> bool:
    """Whether a written name, which may be computed (``layer$i``), can evaluate to a text."""
    if written == text:
        return True
    if "$" not in written:
        return written.startswith(f"{text}.")  # `conv as convs.0` makes the container `convs`
    first, *others = _HOLE.split(written)
    at = len(first)
    if not text.startswith(first):
        return False
    for part in others[:-1]:
        at = text.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return text.endswith(others[-1]) and len(text) - len(others[-1]) >= at
