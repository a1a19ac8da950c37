"""The parameters and ``let`` of one use of a block: bound to values, their types checked."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from archspec import expressions
from archspec.diagnostics import Diagnostics, Fault, Span, printable
from archspec.elaborate.values import RESERVED, UnknownValue, evaluate, kind, other_argument
from archspec.graph import Scope
from archspec.schema import IDENTIFIER, BlockDefinition
from archspec.syntax import Items, Node, Scalar
from archspec.syntax import Mapping as Mapping_

Report = Callable[[Fault, bool], None]
"""Adds a fault: one of the block's own text, or (False) one of an argument."""


def bind(
    definition: BlockDefinition,
    given: Mapping[str, tuple[Any, Span]],
    at: Span | None,
    diagnostics: Diagnostics,
    scope: Scope,
    records: Mapping[str, Any],
    keys: Mapping[str, Span] | None = None,
) -> dict[str, Any]:
    """Bind parameters and ``let`` of one use of a block; reports errors, then raises UnknownValue.

    ``given`` are the arguments by name with their places; defaults are evaluated in order and can use the parameters
    before them.  ``keys`` are the places of the argument names.  ``scope`` is that of the use: an error in the block's
    own defaults or ``let`` is reported with the stack of uses; an error in an argument is reported at the use.
    """
    outside = scope.parent.stack() if scope.parent is not None else ()

    def report(fault: Fault, inside: bool) -> None:
        found = fault.diagnostic
        span = found.span or at
        stack = scope.stack() if inside else outside
        diagnostics.add(replace(found, span=span, stack=stack))

    unknown = _refuse_unknown(definition, given, keys or {}, report)
    values = _parameters(definition, given, at, unknown, report)
    return _derived(definition, values, records, report)


def _refuse_unknown(
    definition: BlockDefinition, given: Mapping[str, tuple[Any, Span]], keys: Mapping[str, Span], report: Report
) -> bool:
    """Report arguments that the block does not have; whether there are any."""
    params = definition.model.params
    unknown = [(name, span) for name, (_, span) in given.items() if name not in params]
    for name, span in unknown:
        known = f"its parameters are {', '.join(params)}" if params else "it has no parameters"
        what = f"`{definition.name}` has no parameter `{printable(name)}`"
        report(Fault("unknown-argument", what, keys.get(name, span), other_argument(name, params) or known), False)
    return bool(unknown)


def _parameters(
    definition: BlockDefinition, given: Mapping[str, tuple[Any, Span]], at: Span | None, unknown: bool, report: Report
) -> dict[str, Any]:
    """The values of the parameters, in order.

    With ``unknown`` arguments a missing one is not reported: an unknown one may be a misspelling of it.
    """
    failed = unknown
    values: dict[str, Any] = {}
    for name, node in definition.model.params.items():
        inside = True
        try:
            _check_name(name, node, definition)
            if failed and name not in given and any(word not in values for word in _before(name, node, definition)):
                continue  # what it is computed from was reported
            default = evaluate(node, values, definition.file)
            inside = False
            if name in given:
                value, span = given[name]
                values[name] = conform(value, default, name, span)
            elif not required(node):
                values[name] = default
            elif not unknown:
                hint = f"write `{definition.name}: {{{name}: …}}`"
                raise Fault("missing-argument", f"`{definition.name}` needs `{name}`", at, hint)
        except Fault as fault:
            failed = True
            report(fault, inside)
    if failed:
        raise UnknownValue
    return values


def _derived(
    definition: BlockDefinition, values: dict[str, Any], records: Mapping[str, Any], report: Report
) -> dict[str, Any]:
    """The parameters with the values of ``let``, in order."""
    failed = False
    for name, node in definition.model.let.items():
        try:
            _check_name(name, node, definition)
            if name in values:
                raise Fault("name-twice", f"`{name}` is both a parameter and a `let`", node.span)
            values[name] = evaluate(node, {**values, **records}, definition.file)
        except Fault as fault:
            failed = True
            report(fault, True)
    if failed:
        raise UnknownValue
    return values


def conform(value: Any, default: Any, name: str, span: Span | None) -> Any:
    """Check a value for a parameter with this default; raises :class:`Fault` for another type."""
    if default is None:
        return value
    wanted, got = kind(default), kind(value)
    if wanted == got:
        return value
    if wanted == "a whole number" and isinstance(value, float):
        if value.is_integer():
            return int(value)
        hint = "round it with floor(…) or round(…), or make the default a float: write `1.0` for `1`"
        raise Fault("wrong-type", f"parameter `{name}` must be a whole number, not {value:g}", span, hint)
    if wanted == "a number" and got == "a whole number":
        return float(value)
    if wanted == "a whole number" and got == "a list" and value and all(type(item) is int for item in value):
        return value  # one number for each axis; the op itself checks it
    if {wanted, got} == {"text", "a block with arguments"}:
        return value
    shown = f"`{printable(str(value), 60)}`" if isinstance(value, (str, int, float)) else got
    hint = "true and false are written without quotes" if wanted == "true or false" else None
    raise Fault("wrong-type", f"parameter `{name}` must be {wanted}, but {shown} is {got}", span, hint)


def _before(name: str, node: Node, definition: BlockDefinition) -> Iterator[str]:
    """The parameters before one that its default mentions."""
    earlier = list(itertools.takewhile(lambda other: other != name, definition.model.params))
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Items):
            waiting += part.items
        elif isinstance(part, Mapping_):
            waiting += [value for _, value in part.entries]
        elif isinstance(part.value, str) and "$" in part.value:
            yield from (word for word in earlier if re.search(rf"\b{re.escape(word)}\b", part.value))


def required(node: Node) -> bool:
    """Whether a parameter written so has to be given; one whose default is ``null`` need not be."""
    return isinstance(node, Scalar) and node.nothing


def _check_name(name: str, node: Node, definition: BlockDefinition) -> None:
    if name in RESERVED or name in expressions.FUNCTIONS:
        raise Fault(
            "bad-name", f"`{name}` is reserved: it has a meaning in expressions", node.span, "choose another name"
        )
    if not IDENTIFIER.match(name) or len(name) > 80:
        raise Fault(
            "bad-name", f"`{printable(name)}` is not a valid name for a value of `{definition.name}`", node.span
        )
