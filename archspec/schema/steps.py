"""One step as written: what it applies, its name, its arguments and its other keys."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from archspec import expressions, vocabulary
from archspec.diagnostics import Diagnostics, Fault, Span, printable
from archspec.expressions import Clause, Expression, Interpolation
from archspec.syntax import Items, Mapping, Node, Scalar

STEP_KEYS = frozenset({"from", "when", "repeat", "for", "label", "aside", "init", "inline", "checkpoint"})
"""The keys allowed beside the key that says what a step applies."""
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_AS = re.compile(r"(?P<what>.*?)(?:\s+as\s+(?P<name>.*))?\Z", re.DOTALL)


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One entry of ``from``: a name, or a template that ``for`` and ``when`` expand to several names or none."""

    name: Scalar
    clauses: tuple[Clause, ...] = ()
    when: Expression | bool | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One step as written: what it applies, its name, its arguments and its other keys."""

    what: str
    """The name of an op or a block, ``$param``, ``sequence`` or ``steps``."""
    what_span: Span
    name: str | Interpolation | Expression | None
    name_span: Span | None
    body: Node | None
    """Arguments (a mapping), branches or steps (a list); None for a bare step."""
    span: Span
    reads: tuple[Source, ...] | None = None
    """``from``: what the step reads instead of the previous step's output."""
    when: Expression | bool | None = None
    clauses: tuple[Clause, ...] = ()
    repeat: Node | None = None
    label: str | Interpolation | Expression | None = None
    label_span: Span | None = None
    aside: bool = False
    init: Node | None = None
    inline: bool = False
    """Whether a block's steps belong to the enclosing scope and not to a scope of their own."""
    checkpoint: bool = False
    """Whether training computes the values inside again for the gradients, instead of keeping them."""
    steps: tuple[Step, ...] | None = None
    """The parsed body of ``sequence`` or ``steps``."""

    def argument(self, name: str) -> Node | None:
        """An argument as written, or None."""
        return self.body.get(name) if isinstance(self.body, Mapping) else None


def parse_steps(nodes: Any, diagnostics: Diagnostics) -> tuple[Step, ...]:
    """The steps of a list of located nodes; an invalid step is reported and left out."""
    steps = []
    for node in nodes:
        try:
            steps.append(parse_step(node, diagnostics))
        except Fault as fault:
            diagnostics.add(fault.diagnostic)
    return tuple(steps)


def parse_step(node: Node, diagnostics: Diagnostics) -> Step:
    """One step.  Raises :class:`Fault` where it is invalid; faults of nested steps are collected instead."""
    if isinstance(node, Scalar):
        if not isinstance(node.value, str):
            raise Fault("not-a-step", f"a step is an op or a block, not `{printable(node.text)}`", node.span)
        what, name, name_span = _as(node)
        return Step(what, _what_span(node, what), name, name_span, None, node.span)
    if isinstance(node, Items):
        raise Fault(
            "not-a-step",
            "there is a list where a single step is needed",
            node.span,
            "group steps with `steps:` or `sequence:`",
        )
    calls = [(key, value) for key, value in node.entries if str(key.text) not in STEP_KEYS]
    if not calls:
        raise Fault("not-a-step", "the step names no op or block", node.span, "write the name of an op or a block")
    if len(calls) > 1:
        second = calls[1][0]
        raise Fault(
            "several-calls",
            f"the step applies both `{printable(calls[0][0].text)}` and `{printable(second.text)}`",
            second.span,
            vocabulary.key(str(second.text), STEP_KEYS)
            or vocabulary.argument(str(second.text), ())
            or "indent arguments below the op; the other keys of a step are " + ", ".join(sorted(STEP_KEYS)),
        )
    key, value = calls[0]
    if not isinstance(key.value, str):
        raise Fault("not-a-step", f"a step is an op or a block, not `{printable(key.text)}`", key.span)
    what, name, name_span = _as(key)
    body = None if isinstance(value, Scalar) and value.value is None else value
    if what in ("sequence", "steps") and not isinstance(body, Items):
        if body is None:
            raise Fault("empty-steps", f"`{what}` has no steps", key.span, "write `[]` for an empty list")
        raise Fault("wrong-type", f"`{what}` must be a list of steps", value.span)
    inner = parse_steps(body.items, diagnostics) if what in ("sequence", "steps") and isinstance(body, Items) else None
    return Step(
        what,
        _what_span(key, what),
        name,
        name_span,
        body,
        key.span,
        reads=_reads(node),
        when=_when(node),
        clauses=_clauses(node),
        repeat=node.get("repeat"),
        label=_label(node),
        label_span=_value_span(node, "label"),
        aside=_flag(node, "aside"),
        init=node.get("init"),
        inline=_flag(node, "inline"),
        checkpoint=_flag(node, "checkpoint"),
        steps=inner,
    )


def _what_span(key: Scalar, what: str) -> Span:
    return key.span.part(0, len(what)) if key.plain else key.span


def _as(key: Scalar) -> tuple[str, str | Interpolation | Expression | None, Span]:
    """The op and the name in ``conv as conv1``, and the span of the name."""
    text = str(key.value)
    match = _AS.match(text)
    if match is None:
        raise Fault("not-a-step", "a step is `op` or `op as name`", key.span)
    what, name = match["what"], match["name"]
    if name is None:
        return what, None, key.span
    if not name.strip():
        raise Fault("bad-name", "there is no name after `as`", key.span)
    span = key.span.part(match.start("name"), match.end("name")) if key.plain else key.span
    return what, _template(name, span, key.plain), span


def _template(text: str, span: Span, plain: bool) -> str | Interpolation | Expression:
    """Text that may contain expressions."""
    return expressions.template(Scalar(text, text, span, plain)) or text.replace("$$", "$")


def _reads(node: Mapping) -> tuple[Source, ...] | None:
    reads = node.get("from")
    if reads is None:
        return None
    items = reads.items if isinstance(reads, Items) else (reads,)
    if not items:
        raise Fault("bad-from", "`from` is empty", reads.span)
    return tuple(map(_source, items))


def _source(item: Node) -> Source:
    if isinstance(item, Scalar) and isinstance(item.value, str):
        return Source(item)
    if not isinstance(item, Mapping):
        hint = "steps cannot be read by number" if isinstance(item, Scalar) else None
        raise Fault("bad-from", "`from` must be the name of a step, or a list of names", item.span, hint)
    for key, _ in item.entries:
        if key.text not in ("step", "for", "when"):
            hint = "write several entries as `{step: f$i, for: i in range(n)}`"
            raise Fault("bad-from", f"an entry of `from` has no key `{printable(key.text)}`", key.span, hint)
    name = item.get("step")
    if not isinstance(name, Scalar) or not isinstance(name.value, str):
        where = item.span if name is None else name.span
        raise Fault("bad-from", "an entry of `from` must name a step: `{step: f$i, for: i in range(n)}`", where)
    return Source(name, _clauses(item), _when(item))


def _when(node: Mapping) -> Expression | bool | None:
    when = node.get("when")
    if when is None:
        return None
    if isinstance(when, Scalar) and isinstance(when.value, bool):
        return when.value
    if not isinstance(when, Scalar) or not isinstance(when.value, str):
        hint = "compare it with a value: `n > 0`"
        raise Fault("not-a-condition", "`when` must be an expression that is true or false", when.span, hint)
    return bare(when)


def bare(scalar: Scalar) -> Expression:
    """An expression written without ``$``; a ``$`` is accepted."""
    found = expressions.template(scalar)
    if isinstance(found, Expression):
        return found
    return expressions.parse(str(scalar.value), scalar.span)


def _clauses(node: Mapping) -> tuple[Clause, ...]:
    loop = node.get("for")
    if loop is None:
        return ()
    if not isinstance(loop, Scalar) or not isinstance(loop.value, str):
        raise Fault("wrong-type", "`for` must be a clause such as `i in range(4)`", loop.span)
    return (expressions.parse_clause(loop.value, loop.span),)


def _label(node: Mapping) -> str | Interpolation | Expression | None:
    label = node.get("label")
    if label is None:
        return None
    if not isinstance(label, Scalar) or not isinstance(label.value, str):
        raise Fault("wrong-type", "`label` must be a name", label.span)
    return _template(label.value, label.span, label.plain)


def _value_span(node: Mapping, name: str) -> Span | None:
    value = node.get(name)
    return value.span if value is not None else None


def _flag(node: Mapping, key: str) -> bool:
    """The value of a key that is true or false; false where the key is missing."""
    found = node.get(key)
    if found is None:
        return False
    if not isinstance(found, Scalar) or not isinstance(found.value, bool):
        raise Fault("wrong-type", f"`{key}` must be true or false", found.span)
    return found.value
