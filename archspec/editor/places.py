"""Classifies each key and value of a spec's YAML by its meaning in the language.

One walk over the file's nodes serves every feature.  It follows the text, valid or not, and neither loads nor evaluates
anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archspec.editor.place import Inside, Kind, Place, placed, values
from archspec.editor.step_places import arguments, read, steps
from archspec.syntax import Items, Mapping, Node, Scalar


def places(root: Node) -> Iterator[Place]:
    """All places of a file in the order written, except for those repeated by aliases."""
    if not isinstance(root, Mapping):
        yield from values(root, Inside(what="spec"))
        return
    yield from _definition(root, Inside(what="spec", mapping=root))


def _definition(node: Mapping, inside: Inside) -> Iterator[Place]:
    """A spec, or a block of one."""
    for key, value in node.entries:
        yield placed("key", key, inside)
        yield from _section(str(key.text), value, replace(inside, key=str(key.text)))


_DECLARING: dict[str, Kind] = {"params": "parameter", "let": "let", "sizes": "size", "inputs": "input"}
"""The sections that declare names, and what each name is."""


def _section(key: str, value: Node, inside: Inside) -> Iterator[Place]:
    """The value of a key of a spec or a block."""
    if key == "steps":
        yield from steps(value, inside)
    elif key in _DECLARING:
        yield from _declared(_DECLARING[key], value, inside)
    elif key == "blocks" and isinstance(value, Mapping):
        for name, body in value.entries:
            yield placed("block", name, replace(inside, mapping=value))
            inner = Inside(block=str(name.text), what="block")
            if isinstance(body, Mapping):
                yield from _definition(body, replace(inner, mapping=body))
            elif isinstance(body, Items):
                yield from steps(body, inner)
            else:
                yield placed("value", body, inner)
    elif key == "defaults" and isinstance(value, Mapping):
        for name, body in value.entries:
            yield placed("call", name, replace(inside, mapping=value))
            yield from arguments(body, replace(inside, what=str(name.text)))
    elif key == "extends" and isinstance(value, Scalar):
        yield placed("spec", value, inside)
    elif key == "import" and isinstance(value, Mapping):
        yield from _imports(value, inside)
    elif key == "rewrite":
        yield from _rewrites(value, inside)
    elif key == "outputs" and isinstance(value, Mapping):
        yield from _outputs(value, inside)
    elif key == "expect" and isinstance(value, Mapping):
        yield from _claims(value, inside)
    elif key in ("name", "doc", "source", "task", "archspec") and isinstance(value, Scalar):
        yield placed("text", value, inside)
    else:
        yield from values(value, inside)


def _declared(kind: Kind, value: Node, inside: Inside) -> Iterator[Place]:
    if not isinstance(value, Mapping):
        yield from values(value, inside)
        return
    for name, given in value.entries:
        yield placed(kind, name, replace(inside, mapping=value))
        inner = replace(inside, mapping=value, key=str(name.text))
        if kind == "input" and isinstance(given, Items):
            for at, item in enumerate(given.items):
                symbol = at > 0 and isinstance(item, Scalar) and isinstance(item.value, str) and "$" not in item.value
                yield from (
                    [placed("symbol", item, inner)] if symbol and isinstance(item, Scalar) else values(item, inner)
                )
        elif kind == "input" and isinstance(given, Scalar) and isinstance(given.value, str):
            yield placed("condition", given, inner)
        else:
            yield from values(given, inner)


def _imports(value: Mapping, inside: Inside) -> Iterator[Place]:
    for alias, target in value.entries:
        yield placed("import", alias, replace(inside, mapping=value))
        if isinstance(target, Scalar):
            yield placed("spec", target, replace(inside, mapping=value, key=str(alias.text)))
        elif isinstance(target, Mapping):
            inner = replace(inside, what="import", mapping=target)
            for key, item in target.entries:
                yield placed("key", key, inner)
                if key.text == "spec" and isinstance(item, Scalar):
                    yield placed("spec", item, inner)
                elif key.text == "rewrite":
                    yield from _rewrites(item, inner)
                elif key.text == "params" and isinstance(item, Mapping):
                    yield from arguments(item, replace(inner, what=str(alias.text)))
                else:
                    yield from values(item, replace(inner, key=str(key.text)))
        else:
            yield from values(target, inside)


def _rewrites(value: Node, inside: Inside) -> Iterator[Place]:
    for item in value.items if isinstance(value, Items) else (value,):
        if isinstance(item, Mapping):
            for name, options in item.entries:
                inner = replace(inside, what=str(name.text), mapping=item)
                yield placed("rewrite", name, inner)
                if isinstance(options, Mapping):
                    for option, given in options.entries:
                        yield placed("option", option, replace(inner, mapping=options))
                        yield from values(given, replace(inner, mapping=options, key=str(option.text)))
                else:
                    yield from values(options, inner)
        elif isinstance(item, Scalar):
            yield placed("rewrite", item, inside)
        else:
            yield from values(item, inside)


def _outputs(value: Mapping, inside: Inside) -> Iterator[Place]:
    for name, given in value.entries:
        yield placed("output", name, replace(inside, mapping=value))
        if isinstance(given, Mapping):
            inner = replace(inside, what="output", mapping=given)
            for key, item in given.entries:
                yield placed("key", key, inner)
                yield from (
                    read(item, inner) if key.text == "from" else values(item, replace(inner, key=str(key.text)))
                )
        else:
            yield from read(given, inside)


def _claims(value: Mapping, inside: Inside) -> Iterator[Place]:
    for name, given in value.entries:
        yield placed("claim", name, replace(inside, mapping=value))
        inner = replace(inside, what="claim", mapping=value, key=str(name.text))
        if isinstance(given, Mapping) and name.text == "shapes":
            for path, item in given.entries:
                yield placed("from", path, inner)
                yield from values(item, inner)
        else:
            yield from values(given, inner)
