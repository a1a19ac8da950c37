"""``rewrite:``: parse rewrites, check their options, and turn their refusals into diagnostics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from archspec.diagnostics import Diagnostics, Fault, Span, did_you_mean, printable
from archspec.elaborate.values import evaluate
from archspec.graph import Graph
from archspec.schema import SpecFile
from archspec.syntax import Items, Mapping, Node, Scalar

if TYPE_CHECKING:
    from archspec.rewrites import Rewrite


def rewritten(graph: Graph, written: Sequence[tuple[SpecFile | None, Node]], diagnostics: Diagnostics) -> Graph:
    """A graph with rewrites applied in the order written; their notes go to ``diagnostics``.

    Raises Fault at the first one that is wrong or refuses.
    """
    from archspec import rewrites  # here, because few specs have any

    for file, node in written:
        each = parse(node, file)
        try:
            graph = rewrites.rewrite(graph, [each])
        except rewrites.RewriteError as error:
            details = ()
            if error.node is not None and error.node.old is not None:
                details = (f"at `{error.node.path}` ({error.node.old.span})",)
            raise Fault("rewrite-refused", f"`{each.keyword}`: {error}", node.span, error.hint, details) from None
        for note in graph.stages[-1].notes:
            diagnostics.note("rewritten", f"`{each.keyword}`: {note}", node.span)
    return graph


def listed(node: Node, file: SpecFile | None) -> list[tuple[SpecFile | None, Node]]:
    """The rewrites of a ``rewrite:`` value: a list, or a single one."""
    return [(file, item) for item in (node.items if isinstance(node, Items) else (node,))]


def parse(node: Node, file: SpecFile | None) -> Rewrite:
    """One rewrite: ``dense_to_conv``, or ``{cut: {after: fc7}}``.  Raises Fault."""
    from archspec import rewrites

    hint = f"rewrites are {', '.join(sorted(rewrites.names()))}"
    options: Node | None = None
    if isinstance(node, Scalar) and isinstance(node.value, str):
        name, span = node.value, node.span
    elif isinstance(node, Mapping) and len(node.entries) == 1:
        key, options = node.entries[0]
        name, span = str(key.text), key.span
    else:
        raise Fault("not-a-rewrite", "a rewrite must be a name, or a name with options", node.span, hint)
    try:
        kind = rewrites.find(name)
    except KeyError:
        near = did_you_mean(name, rewrites.names()) or hint
        raise Fault("unknown-rewrite", f"there is no rewrite `{printable(name)}`", span, near) from None
    values: Any = {} if options is None else evaluate(options, {}, file)
    if values is None:
        values = {}
    if not isinstance(values, dict):
        if kind.main is None:
            raise Fault("positional-argument", f"options of `{name}` must be named", node.span)
        values = {kind.main: values}
    try:
        return kind.model_validate(_plain(values))
    except ValidationError as failure:
        raise _fault(kind, failure, options, span) from None


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, str) else value


def _fault(kind: type[Rewrite], failure: ValidationError, options: Node | None, span: Span) -> Fault:
    errors = failure.errors(include_url=False)
    error = next((each for each in errors if each["type"] == "extra_forbidden"), errors[0])
    name = str(error["loc"][0]) if error["loc"] else ""
    place = span
    if isinstance(options, Mapping):
        key = options.key(name)
        place = key.span if key is not None else span
    fields = [field.alias or known for known, field in kind.model_fields.items()]
    if error["type"] == "extra_forbidden":
        hint = did_you_mean(name, fields) or (f"it has {', '.join(fields)}" if fields else "it has no options")
        return Fault("unknown-argument", f"`{kind.keyword}` has no option `{printable(name)}`", place, hint)
    if error["type"] == "missing":
        return Fault(
            "missing-argument", f"`{kind.keyword}` needs `{name}`", place, f"write `{kind.keyword}: {{{name}: …}}`"
        )
    message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    return Fault("wrong-value", f"`{name}` of `{kind.keyword}`: {printable(message)}", place)
