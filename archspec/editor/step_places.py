"""Classifies the words in the steps of a spec: calls with their arguments, branches, sources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from archspec import ops
from archspec.editor.place import Inside, Kind, Place, placed, values
from archspec.schema import STEP_KEYS
from archspec.syntax import Items, Mapping, Node, Scalar

_AS = re.compile(r"(?P<what>.*?)(?P<as>\s+as\s+(?P<name>.*))?\Z", re.DOTALL)


def steps(value: Node, inside: Inside) -> Iterator[Place]:
    if not isinstance(value, Items):
        yield from values(value, inside)
        return
    for item in value.items:
        yield from _step(item, inside)


def _branch(value: Node, inside: Inside) -> Iterator[Place]:
    yield from steps(value, inside) if isinstance(value, Items) else _step(value, inside)


def _step(node: Node, inside: Inside) -> Iterator[Place]:
    if isinstance(node, Scalar):
        yield from _call(node, replace(inside, step=node, what="", mapping=None, key=""))
        return
    if isinstance(node, Items):
        yield from steps(node, inside)  # an error, which is reported elsewhere
        return
    call = next((key for key, _ in node.entries if key.text not in STEP_KEYS), None)
    clause = node.get("for")
    clauses = (*inside.clauses, clause) if isinstance(clause, Scalar) else inside.clauses
    inner = replace(inside, step=call, mapping=node, key="", clauses=clauses, what=_what(call) if call else "")
    for key, value in node.entries:
        if key.text in STEP_KEYS:
            yield placed("step key", key, inner)
            yield from _beside(str(key.text), value, replace(inner, key=str(key.text)))
        else:
            yield from _call(key, inner)
            yield from _body(_what(key), value, inner)


def _what(call: Scalar) -> str:
    found = _AS.match(str(call.text))
    return found["what"] if found else str(call.text)


def _call(scalar: Scalar, inside: Inside) -> Iterator[Place]:
    """``conv as stem``: the op, and the name."""
    text = str(scalar.text)
    found = _AS.match(text)
    if found is None or found["as"] is None or not scalar.plain or scalar.span.line != scalar.span.end_line:
        yield placed("call", scalar, inside)
        return
    yield Place("call", scalar, scalar.span.part(0, found.end("what")), found["what"], inside)
    yield Place("name", scalar, scalar.span.part(*found.span("name")), found["name"], inside)


def _beside(key: str, value: Node, inside: Inside) -> Iterator[Place]:
    if key == "from":
        yield from read(value, inside)
    elif key == "init":
        yield from _initialiser(value, inside)
    elif isinstance(value, Scalar) and key in ("label", "when", "for"):
        kinds: dict[str, Kind] = {"label": "label", "when": "condition", "for": "clause"}
        yield placed(kinds[key] if isinstance(value.value, str) else "value", value, inside)
    else:
        yield from values(value, inside)


def read(value: Node, inside: Inside) -> Iterator[Place]:
    for item in value.items if isinstance(value, Items) else (value,):
        if isinstance(item, Scalar):
            yield placed("from", item, inside)
        elif isinstance(item, Mapping):
            clause = item.get("for")
            clauses = (*inside.clauses, clause) if isinstance(clause, Scalar) else inside.clauses
            inner = replace(inside, what="source", mapping=item, clauses=clauses)
            kinds: dict[str, Kind] = {"step": "from", "for": "clause", "when": "condition"}
            for key, given in item.entries:
                yield placed("key", key, inner)
                if isinstance(given, Scalar):
                    yield placed(kinds.get(str(key.text), "value"), given, inner)
                else:
                    yield from values(given, inner)
        else:
            yield from values(item, inside)


def _body(what: str, value: Node, inside: Inside) -> Iterator[Place]:
    """The places under the op or block of a step."""
    outer = replace(inside, step=None, mapping=None, what="")
    if what in ("sequence", "steps"):
        yield from steps(value, outer)
    elif what == "reuse" and isinstance(value, Scalar):
        yield placed("from", value, inside)
    elif what == "reuse" and isinstance(value, Mapping):
        for key, given in value.entries:
            yield placed("argument", key, replace(inside, mapping=value))
            if str(key.text) == "step" and isinstance(given, Scalar):
                yield placed("from", given, inside)
            else:
                yield from values(given, replace(inside, mapping=value, key=str(key.text)))
    elif isinstance(value, Items):
        for item in value.items:
            yield from _branch(item, outer)
    elif isinstance(value, Mapping) and what in ops.names() and ops.find(what).merges:
        fields = ops.find(what).model_fields
        for key, given in value.entries:
            if key.text in fields:
                yield placed("argument", key, replace(inside, mapping=value))
                yield from values(given, replace(inside, mapping=value, key=str(key.text)))
            else:
                yield placed("branch", key, replace(inside, mapping=value))
                yield from _branch(given, outer)
    else:
        yield from arguments(value, inside)


def arguments(value: Node, inside: Inside) -> Iterator[Place]:
    if not isinstance(value, Mapping):
        yield from values(value, inside)
        return
    what = inside.what
    references = ops.find(what).references if what in ops.names() else ()
    for key, given in value.entries:
        yield placed("argument", key, replace(inside, mapping=value))
        inner = replace(inside, mapping=value, key=str(key.text))
        if key.text == "init":
            yield from _initialiser(given, inner)
        elif key.text in references and isinstance(given, Scalar):
            yield placed("from", given, inner)
        else:
            yield from values(given, inner)


def _initialiser(value: Node, inside: Inside) -> Iterator[Place]:
    if isinstance(value, Scalar):
        yield placed("initialiser", value, inside)
    elif isinstance(value, Mapping):
        for key, given in value.entries:
            yield placed("initialiser", key, replace(inside, mapping=value))
            if key.text in ("weight", "bias"):
                yield from _initialiser(given, replace(inside, mapping=value))
            elif isinstance(given, Mapping):
                inner = replace(inside, what=f"init {key.text}", mapping=given)
                for name, item in given.entries:
                    yield placed("option", name, inner)
                    yield from values(item, replace(inner, key=str(name.text)))
            else:
                yield from values(given, inside)
    else:
        yield from values(value, inside)
