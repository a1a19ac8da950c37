"""What stands where in a spec: each key and value of the located YAML, with what it is in the language.

One walk over the file's nodes says it for every feature.  It follows what is written, right or wrong, and neither loads
nor evaluates anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from archspec import ops
from archspec.diagnostics import Span
from archspec.records import record
from archspec.schema import STEP_KEYS
from archspec.source import Items, Mapping, Node, Scalar

Kind = Literal[
    "key",  # of the spec, a block, an import, an output …: what is around it says which
    "step key",
    "call",  # the op or block of a step, without `as name`
    "name",  # of a step, after `as`
    "label",
    "argument",
    "value",
    "from",  # the name of a step or label that is read
    "condition",  # an expression without `$`
    "clause",  # after `for`
    "parameter",
    "let",
    "input",
    "symbol",
    "size",
    "block",
    "import",
    "spec",  # the name or path of a spec
    "rewrite",
    "option",
    "initialiser",
    "output",
    "claim",
    "branch",
    "text",
]


@record
class Inside:
    """What is around a place."""

    block: str = ""
    """The block of the file; empty for the network, or the block that the file itself is."""
    what: str = ""
    """The op or block whose step, arguments or defaults these are; the rewrite whose options; the kind of mapping."""
    step: Scalar | None = None
    """The key of the step around it, or the step itself where it is a word."""
    mapping: Mapping | None = None
    """The mapping whose key or value it is."""
    key: str = ""
    """The key whose value it is."""
    clauses: tuple[Scalar, ...] = ()
    """The ``for`` clauses around it, outermost first."""


@record
class Place:
    """One thing that is written."""

    kind: Kind
    scalar: Scalar
    span: Span
    """Its characters: the scalar's, or those of a part of it."""
    text: str
    inside: Inside

    @property
    def step(self) -> Span | None:
        """Where the step around it begins, which tells the step from all others."""
        return None if self.inside.step is None else self.inside.step.span


_AS = re.compile(r"(?P<what>.*?)(?P<as>\s+as\s+(?P<name>.*))?\Z", re.DOTALL)


def places(root: Node) -> Iterator[Place]:
    """Everything in a file, in the order written but for what aliases repeat."""
    if not isinstance(root, Mapping):
        yield from _values(root, Inside(what="spec"))
        return
    yield from _definition(root, Inside(what="spec", mapping=root))


def _place(kind: Kind, scalar: Scalar, inside: Inside) -> Place:
    return Place(kind, scalar, scalar.span, str(scalar.text), inside)


def _definition(node: Mapping, inside: Inside) -> Iterator[Place]:
    """A spec, or a block of one."""
    for key, value in node.entries:
        yield _place("key", key, inside)
        yield from _section(str(key.text), value, replace(inside, key=str(key.text)))


def _section(key: str, value: Node, inside: Inside) -> Iterator[Place]:
    """The value of a key of a spec or a block."""
    if key == "steps":
        yield from _steps(value, inside)
    elif key in ("params", "let", "sizes", "inputs"):
        kind: Kind = {"params": "parameter", "let": "let", "sizes": "size", "inputs": "input"}[key]  # type: ignore[assignment]
        yield from _declared(kind, value, inside)
    elif key == "blocks" and isinstance(value, Mapping):
        for name, body in value.entries:
            yield _place("block", name, replace(inside, mapping=value))
            inner = Inside(block=str(name.text), what="block")
            if isinstance(body, Mapping):
                yield from _definition(body, replace(inner, mapping=body))
            elif isinstance(body, Items):
                yield from _steps(body, inner)
            else:
                yield _place("value", body, inner)
    elif key == "defaults" and isinstance(value, Mapping):
        for name, body in value.entries:
            yield _place("call", name, replace(inside, mapping=value))
            yield from _arguments(body, replace(inside, what=str(name.text)))
    elif key == "extends" and isinstance(value, Scalar):
        yield _place("spec", value, inside)
    elif key == "import" and isinstance(value, Mapping):
        yield from _imports(value, inside)
    elif key == "rewrite":
        yield from _rewrites(value, inside)
    elif key == "outputs" and isinstance(value, Mapping):
        yield from _outputs(value, inside)
    elif key == "expect" and isinstance(value, Mapping):
        yield from _claims(value, inside)
    elif key in ("name", "doc", "source", "task", "archspec") and isinstance(value, Scalar):
        yield _place("text", value, inside)
    else:
        yield from _values(value, inside)


def _declared(kind: Kind, value: Node, inside: Inside) -> Iterator[Place]:
    if not isinstance(value, Mapping):
        yield from _values(value, inside)
        return
    for name, given in value.entries:
        yield _place(kind, name, replace(inside, mapping=value))
        inner = replace(inside, mapping=value, key=str(name.text))
        if kind == "input" and isinstance(given, Items):
            for at, item in enumerate(given.items):
                symbol = at > 0 and isinstance(item, Scalar) and isinstance(item.value, str) and "$" not in item.value
                yield from (
                    [_place("symbol", item, inner)] if symbol and isinstance(item, Scalar) else _values(item, inner)
                )
        elif kind == "input" and isinstance(given, Scalar) and isinstance(given.value, str):
            yield _place("condition", given, inner)
        else:
            yield from _values(given, inner)


def _imports(value: Mapping, inside: Inside) -> Iterator[Place]:
    for alias, target in value.entries:
        yield _place("import", alias, replace(inside, mapping=value))
        if isinstance(target, Scalar):
            yield _place("spec", target, replace(inside, mapping=value, key=str(alias.text)))
        elif isinstance(target, Mapping):
            inner = replace(inside, what="import", mapping=target)
            for key, item in target.entries:
                yield _place("key", key, inner)
                if key.text == "spec" and isinstance(item, Scalar):
                    yield _place("spec", item, inner)
                elif key.text == "rewrite":
                    yield from _rewrites(item, inner)
                elif key.text == "params" and isinstance(item, Mapping):
                    yield from _arguments(item, replace(inner, what=str(alias.text)))
                else:
                    yield from _values(item, replace(inner, key=str(key.text)))
        else:
            yield from _values(target, inside)


def _rewrites(value: Node, inside: Inside) -> Iterator[Place]:
    for item in value.items if isinstance(value, Items) else (value,):
        if isinstance(item, Mapping):
            for name, options in item.entries:
                inner = replace(inside, what=str(name.text), mapping=item)
                yield _place("rewrite", name, inner)
                if isinstance(options, Mapping):
                    for option, given in options.entries:
                        yield _place("option", option, replace(inner, mapping=options))
                        yield from _values(given, replace(inner, mapping=options, key=str(option.text)))
                else:
                    yield from _values(options, inner)
        elif isinstance(item, Scalar):
            yield _place("rewrite", item, inside)
        else:
            yield from _values(item, inside)


def _outputs(value: Mapping, inside: Inside) -> Iterator[Place]:
    for name, given in value.entries:
        yield _place("output", name, replace(inside, mapping=value))
        if isinstance(given, Mapping):
            inner = replace(inside, what="output", mapping=given)
            for key, item in given.entries:
                yield _place("key", key, inner)
                yield from (
                    _read(item, inner) if key.text == "from" else _values(item, replace(inner, key=str(key.text)))
                )
        else:
            yield from _read(given, inside)


def _claims(value: Mapping, inside: Inside) -> Iterator[Place]:
    for name, given in value.entries:
        yield _place("claim", name, replace(inside, mapping=value))
        inner = replace(inside, what="claim", mapping=value, key=str(name.text))
        if isinstance(given, Mapping) and name.text == "shapes":
            for path, item in given.entries:
                yield _place("from", path, inner)
                yield from _values(item, inner)
        else:
            yield from _values(given, inner)


# -- steps ------------------------------------------------------------------------------------------------------------


def _steps(value: Node, inside: Inside) -> Iterator[Place]:
    if not isinstance(value, Items):
        yield from _values(value, inside)
        return
    for item in value.items:
        yield from _step(item, inside)


def _branch(value: Node, inside: Inside) -> Iterator[Place]:
    yield from _steps(value, inside) if isinstance(value, Items) else _step(value, inside)


def _step(node: Node, inside: Inside) -> Iterator[Place]:
    if isinstance(node, Scalar):
        yield from _call(node, replace(inside, step=node, what="", mapping=None, key=""))
        return
    if isinstance(node, Items):
        yield from _steps(node, inside)  # which is wrong, and said elsewhere
        return
    call = next((key for key, _ in node.entries if key.text not in STEP_KEYS), None)
    clause = node.get("for")
    clauses = (*inside.clauses, clause) if isinstance(clause, Scalar) else inside.clauses
    inner = replace(inside, step=call, mapping=node, key="", clauses=clauses, what=_what(call) if call else "")
    for key, value in node.entries:
        if key.text in STEP_KEYS:
            yield _place("step key", key, inner)
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
        yield _place("call", scalar, inside)
        return
    yield Place("call", scalar, scalar.span.part(0, found.end("what")), found["what"], inside)
    yield Place("name", scalar, scalar.span.part(*found.span("name")), found["name"], inside)


def _beside(key: str, value: Node, inside: Inside) -> Iterator[Place]:
    if key == "from":
        yield from _read(value, inside)
    elif key == "init":
        yield from _initialiser(value, inside)
    elif isinstance(value, Scalar) and key in ("label", "when", "for"):
        kinds: dict[str, Kind] = {"label": "label", "when": "condition", "for": "clause"}
        yield _place(kinds[key] if isinstance(value.value, str) else "value", value, inside)
    else:
        yield from _values(value, inside)


def _read(value: Node, inside: Inside) -> Iterator[Place]:
    for item in value.items if isinstance(value, Items) else (value,):
        if isinstance(item, Scalar):
            yield _place("from", item, inside)
        elif isinstance(item, Mapping):
            clause = item.get("for")
            clauses = (*inside.clauses, clause) if isinstance(clause, Scalar) else inside.clauses
            inner = replace(inside, what="source", mapping=item, clauses=clauses)
            kinds: dict[str, Kind] = {"step": "from", "for": "clause", "when": "condition"}
            for key, given in item.entries:
                yield _place("key", key, inner)
                if isinstance(given, Scalar):
                    yield _place(kinds.get(str(key.text), "value"), given, inner)
                else:
                    yield from _values(given, inner)
        else:
            yield from _values(item, inside)


def _body(what: str, value: Node, inside: Inside) -> Iterator[Place]:
    """What is under the op or block of a step."""
    outer = replace(inside, step=None, mapping=None, what="")
    if what in ("sequence", "steps"):
        yield from _steps(value, outer)
    elif what == "reuse" and isinstance(value, Scalar):
        yield _place("from", value, inside)
    elif isinstance(value, Items):
        for item in value.items:
            yield from _branch(item, outer)
    elif isinstance(value, Mapping) and what in ops.names() and ops.find(what).merges:
        fields = ops.find(what).model_fields
        for key, given in value.entries:
            if key.text in fields:
                yield _place("argument", key, replace(inside, mapping=value))
                yield from _values(given, replace(inside, mapping=value, key=str(key.text)))
            else:
                yield _place("branch", key, replace(inside, mapping=value))
                yield from _branch(given, outer)
    else:
        yield from _arguments(value, inside)


def _arguments(value: Node, inside: Inside) -> Iterator[Place]:
    if not isinstance(value, Mapping):
        yield from _values(value, inside)
        return
    what = inside.what
    references = ops.find(what).references if what in ops.names() else ()
    for key, given in value.entries:
        yield _place("argument", key, replace(inside, mapping=value))
        inner = replace(inside, mapping=value, key=str(key.text))
        if key.text == "init":
            yield from _initialiser(given, inner)
        elif key.text in references and isinstance(given, Scalar):
            yield _place("from", given, inner)
        else:
            yield from _values(given, inner)


def _initialiser(value: Node, inside: Inside) -> Iterator[Place]:
    if isinstance(value, Scalar):
        yield _place("initialiser", value, inside)
    elif isinstance(value, Mapping):
        for key, given in value.entries:
            yield _place("initialiser", key, replace(inside, mapping=value))
            if key.text in ("weight", "bias"):
                yield from _initialiser(given, replace(inside, mapping=value))
            elif isinstance(given, Mapping):
                inner = replace(inside, what=f"init {key.text}", mapping=given)
                for name, item in given.entries:
                    yield _place("option", name, inner)
                    yield from _values(item, replace(inner, key=str(name.text)))
            else:
                yield from _values(given, inside)
    else:
        yield from _values(value, inside)


def _values(value: Node, inside: Inside) -> Iterator[Place]:
    """Values of no further meaning, which may hold expressions."""
    stack: list[Node] = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, Scalar):
            yield _place("value", item, inside)
        elif isinstance(item, Items):
            stack += reversed(item.items)
        else:
            for key, given in reversed(item.entries):
                stack += [given, key]
