"""Extracting steps into a block, and inlining a block at its use.  The network stays the same."""

from __future__ import annotations

from collections.abc import Iterator

from lsprotocol import types

from archspec import expressions
from archspec.diagnostics import Fault, Span
from archspec.editor import formulas, names
from archspec.editor.documents import Document, Documents
from archspec.editor.lines import Lines
from archspec.editor.place import Place
from archspec.editor.places import places
from archspec.editor.rename import Refused, replaced, verify
from archspec.editor.study import Study
from archspec.elaborate.values import RESERVED
from archspec.schema import BlockDefinition
from archspec.syntax import Items, Mapping, Node, Scalar

Edits = list[tuple[Span, str]]


def offers(document: Document, selected: types.Range) -> Iterator[types.CodeAction]:
    """The actions for selected steps, or for the block under the cursor; the edits are computed when one is chosen."""
    study = document.current
    if study is None or study.keys is None:
        return
    start, end = document.lines.point(selected.start), document.lines.point(selected.end)
    if start != end:
        found = _selected(study, start[0], end[0] - (end[1] == 1))
        if found:
            yield _offer(document, "Extract the steps into a block", types.CodeActionKind.RefactorExtract, selected)
        return
    place = study.place(start)
    if place is not None and place.kind == "call" and _inlined(study, place) is not None:
        yield _offer(document, f"Inline `{place.text}`", types.CodeActionKind.RefactorInline, selected)


def _offer(document: Document, title: str, kind: types.CodeActionKind, selected: types.Range) -> types.CodeAction:
    data = {
        "uri": document.uri,
        "kind": kind.value,
        "range": [selected.start.line, selected.start.character, selected.end.line, selected.end.character],
    }
    return types.CodeAction(title, kind, data=data)


def edit(documents: Documents, document: Document, kind: str, selected: types.Range) -> types.WorkspaceEdit:
    """The edit of a chosen action.  Raises :class:`Refused` if it would change the network."""
    study = document.current
    if study is None or study.file is None:
        raise Refused("the text has changed")
    start, end = document.lines.point(selected.start), document.lines.point(selected.end)
    edits: Edits | None = None
    if kind == types.CodeActionKind.RefactorExtract.value:
        found = _selected(study, start[0], end[0] - (end[1] == 1))
        edits = _extracted(study, document.lines, found) if found else None
    else:
        place = study.place(start)
        edits = None if place is None else _inlined(study, place)
    if not edits:
        raise Refused("these steps cannot be changed so")
    verify(documents, study, study.file.key, {study.file.key: replaced(document.text, edits)})
    parts = [types.TextEdit(document.lines.range(span), text) for span, text in edits]
    return types.WorkspaceEdit(changes={document.uri: parts})


# -- steps to a block -------------------------------------------------------------------------------------------------


def _selected(study: Study, first: int, last: int) -> list[Node]:
    """The steps of one list that fill the selected lines exactly."""
    assert study.keys is not None
    stack: list[Node] = [study.keys]
    while stack:
        node = stack.pop()
        if isinstance(node, Items):
            inside = [item for item in node.items if first <= item.span.line and item.span.end_line <= last]
            touched = [item for item in node.items if item.span.line <= last and item.span.end_line >= first]
            lines = node.span.source.lines
            own = inside and lines[inside[0].span.line - 1][: inside[0].span.column - 1].strip() == "-"
            if own and len(inside) == len(touched) and all(not isinstance(item, Items) for item in inside):
                return inside
            stack += node.items
        elif isinstance(node, Mapping):
            stack += [value for key, value in node.entries if key.text not in ("from", "params", "let", "expect")]
    return []


def _extracted(study: Study, lines: Lines, steps: list[Node]) -> Edits | None:
    """The edits that turn steps into a block of the file, whose parameters are the values that they use."""
    assert study.keys is not None
    first, last = steps[0].span, steps[-1].span
    inside = [place for place in study.places if first.line <= place.span.line <= last.end_line]
    wanted = dict.fromkeys(name for place in inside for name in _outer_names(place, first.line))
    name = _free_name(study, "extracted")
    dash = " " * (first.column - 1 - 2)
    body = [lines.lines[line - 1] for line in range(first.line, last.end_line + 1)]
    moved = [f"      {line[len(dash) :]}" if line.strip() else line for line in body]
    params = [f"    params: {{{', '.join(wanted)}}}"] if wanted else []
    block = [f"  {name}:", *params, "    steps:", *moved]
    arguments = f": {{{', '.join(f'{each}: ${each}' for each in wanted)}}}" if wanted else ""
    whole = Span(first.source, first.line, 1, last.end_line, len(lines.lines[last.end_line - 1]) + 1)
    edits: Edits = [(whole, f"{dash}- {name}{arguments}")]
    blocks, at = study.keys.get("blocks"), study.keys.key("steps")
    if isinstance(blocks, Mapping) and blocks.entries and blocks.span.line != blocks.span.end_line:
        line = blocks.entries[0][0].span.line
    elif at is not None and blocks is None:
        line = at.span.line
        block = ["blocks:", *block]
    else:
        return None
    place = Span(first.source, line, 1, line, 1)
    return [(place, "".join(f"{each}\n" for each in block)), *edits]


def _outer_names(place: Place, first: int) -> Iterator[str]:
    """The names of outer values that a place within the steps uses."""
    loops = formulas.loop_names(place)
    for name, _ in formulas.mentions(place):
        own = name in loops and loops[name].line >= first
        if name not in RESERVED and not own:
            yield name


def _free_name(study: Study, word: str) -> str:
    """A word that is not yet the name of a block."""
    taken = {place.text for place in study.places if place.kind in ("block", "import")}
    number = 1
    name = word
    while name in taken or names.called(study, name) is not None:
        number += 1
        name = f"{word}{number}"
    return name


# -- a block in place of its use --------------------------------------------------------------------------------------


def _inlined(study: Study, place: Place) -> Edits | None:
    """The edits that replace a one-line use of a block by its steps, as a sequence; None if that is not possible."""
    found = names.called(study, place.text)
    step = place.inside.step
    if found is None or found.block is None or step is None or found.block.model.inputs or found.block.model.outputs:
        return None
    block = found.block
    source = block.file.node.span.source
    body = _steps_of(block)
    line = place.span.source.lines[place.span.line - 1]
    if body is None or line[: step.span.column - 1].strip() != "-" or block.file.model.defaults:
        return None
    try:
        given = _given(block, place.inside.mapping, step)
    except Fault:
        return None
    if given is None:
        return None
    first, last = body.items[0].span, body.items[-1].span
    try:
        text = _substituted(block, given, first.line, last.end_line)
    except Fault:
        return None
    if text is None or source.lines[first.line - 1][: first.column - 1].strip() != "-":
        return None
    dash = " " * (step.span.column - 1 + 2)
    moved = [f"{dash}{each[first.column - 3 :]}" if each.strip() else each for each in text]
    end = _end_of(place.inside.mapping, step)
    named = step.text[len(place.text) :]
    span = Span(step.span.source, step.span.line, step.span.column, *end)
    return [(span, "\n".join([f"sequence{named}:", *moved]))]


def _steps_of(block: BlockDefinition) -> Items | None:
    node = block.file.node if block.file.whole is block else None
    blocks = block.file.node.get("blocks")
    if node is None and isinstance(blocks, Mapping):
        found = blocks.get(block.name)
        if isinstance(found, Items):
            return found if found.items else None
        node = found if isinstance(found, Mapping) else None
    steps = None if node is None else node.get("steps")
    return steps if isinstance(steps, Items) and steps.items else None


def _end_of(mapping: Mapping | None, step: Scalar) -> tuple[int, int]:
    """Where a step's arguments end; the keys beside it are kept."""
    value = None if mapping is None else mapping.get(step.text)
    if value is None or (isinstance(value, Scalar) and value.nothing):
        colon = mapping is not None
        return step.span.end_line, step.span.end_column + colon
    return value.span.end_line, value.span.end_column


def _given(block: BlockDefinition, mapping: Mapping | None, step: Scalar) -> dict[str, str] | None:
    """Each parameter and ``let`` of a use as an expression; None if one is not a scalar."""
    body = None if mapping is None else mapping.get(step.text)
    found: dict[str, str] = {}
    nodes = {**block.model.params, **block.model.let}
    for name, default in nodes.items():
        node = body.get(name) if isinstance(body, Mapping) and name in body and name in block.model.params else default
        own = node is default
        if not isinstance(node, Scalar):
            return None
        text = _expression(node)
        if text is None:
            return None
        found[name] = _with(text, found) if own else text
    return found


def _expression(node: Scalar) -> str | None:
    """A scalar as an expression."""
    if not isinstance(node.value, str):
        return repr(node.value)
    found = expressions.template(node)
    if found is None:
        return repr(node.value)
    return expressions.to_python(found) if isinstance(found, expressions.Expression) else None


def _with(text: str, values: dict[str, str]) -> str:
    """An expression with values substituted for names."""
    if text in values:
        return values[text]
    formula = expressions.parse(text, None)
    for name in reversed(expressions.free_mentions(formula)):
        if name.name in values:
            text = text[: name.at[0]] + _bracketed(values[name.name]) + text[name.at[1] :]
    return text


def _bracketed(text: str) -> str:
    return text if text.replace(".", "").isalnum() or text[:1] in "'\"" else f"({text})"


def _substituted(block: BlockDefinition, given: dict[str, str], first: int, last: int) -> list[str] | None:
    """The lines of a block's steps with values substituted for its names; None if that cannot be written."""
    source = block.file.node.span.source
    lines = {line: source.lines[line - 1] for line in range(first, last + 1)}
    own = "" if block.file.whole is block else block.name
    edits: Edits = []
    for place in places(block.file.node):
        if not first <= place.span.line <= last or place.inside.block != own:
            continue
        if place.span.line != place.span.end_line:
            return None
        if any(name == "input" for name, _ in formulas.mentions(place)) or place.text == "input":
            return None
        written = [name for name, _ in formulas.mentions(place) if name in given]
        if written:
            text = _scalar(place, given)
            if text is None:
                return None
            edits.append((place.span, text))
    for span, text in sorted(edits, key=lambda each: (each[0].line, -each[0].column)):
        line = lines[span.line]
        lines[span.line] = line[: span.column - 1] + text + line[span.end_column - 1 :]
    return list(lines.values())


def _scalar(place: Place, given: dict[str, str]) -> str | None:
    """A scalar with values substituted for names, as YAML."""
    found = formulas.formulas(place)
    if len(found) != 1 or isinstance(found[0], formulas.Clause):
        return None
    text = _with(str(found[0]), given)
    if place.kind == "condition":
        return text if not set(text) & set(",[]{}#:") else f'"{text}"' if '"' not in text else None
    if f"$({found[0]})" != place.text and f"${found[0]}" != place.text:
        return None
    formula = expressions.parse(text, None)
    if not expressions.free_mentions(formula):
        value = expressions.evaluate(formula, {})
        if isinstance(value, bool) or value is None:
            return {True: "true", False: "false", None: "null"}[value]
        if isinstance(value, int | float) or (isinstance(value, str) and value.isidentifier()):
            return str(value)
    inside = f"$({text})"
    if '"' in inside:
        return None
    return f'"{inside}"' if set(inside) & set(",[]{}#:") else inside
