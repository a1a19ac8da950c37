"""A shipped spec as the start of a user's own: the spec merged with what it extends, as one file."""

from __future__ import annotations

import json

from archspec.diagnostics import Diagnostic, Diagnostics, SpecError, did_you_mean, printable
from archspec.elaborate.loader import Loader, Variant
from archspec.elaborate.shipped import more_names, spec_names
from archspec.syntax import Mapping, Node, parse, plain

_LAID_OVER = ("params", "sizes")
"""Keys whose entries replace the base's one by one; any other key replaces the base's as a whole."""
_LEFT_OUT = ("archspec", "extends", *_LAID_OVER)
"""Keys of a variant that are not copied."""


def start(name: str) -> str:
    """The text of a shipped spec as one file: a variant's values are written into the spec that it extends.

    Comments are kept.  Raises :class:`SpecError` if no spec has the name.
    """
    if name not in spec_names() | more_names():
        hint = did_you_mean(name, spec_names() | more_names()) or "`archspec list specs` shows the shipped specs"
        raise SpecError([Diagnostic("unknown-spec", f"there is no shipped spec `{printable(name)}`", hint=hint)])
    diagnostics = Diagnostics()
    loader = Loader(diagnostics)
    file = loader.named(name, None, None)
    variant = loader.variant(file) if file is not None else None
    if variant is None:
        raise SpecError(diagnostics.all)
    return _text(variant)


def _text(variant: Variant) -> str:
    *overlays, base = (file.node for file in variant.files)
    values: dict[tuple[str, str], Node] = {}
    parts: dict[str, str] = {}
    for overlay in reversed(overlays):
        for section in _LAID_OVER:
            node = overlay.get(section)
            values |= {(section, key.text): value for key, value in node.entries} if isinstance(node, Mapping) else {}
        parts |= {key: text for key, text in _parts(overlay).items() if key not in _LEFT_OUT}
    edited = parse(_with(base, values), variant.shown)
    assert isinstance(edited, Mapping)
    return "".join((_parts(edited) | parts).values())


def _with(base: Mapping, values: dict[tuple[str, str], Node]) -> str:
    """The text of a file with its values replaced, by section and key."""
    lines = list(base.span.source.lines)
    places: list[tuple[Node, Node]] = []
    for (section, key), new in values.items():
        node = base.get(section)
        old = node.get(key) if isinstance(node, Mapping) else None
        assert old is not None, f"the base has no {section}.{key}"
        places.append((old, new))
    for old, new in sorted(places, key=lambda place: (place[0].span.line, place[0].span.column), reverse=True):
        first, last = old.span.line - 1, old.span.end_line - 1
        begin, end = lines[first][: old.span.column - 1], lines[last][old.span.end_column - 1 :]
        lines[first : last + 1] = [begin + _written(new) + end]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _written(node: Node) -> str:
    """A value as YAML on one line."""
    span = node.span
    if span.line == span.end_line:
        return span.source.lines[span.line - 1][span.column - 1 : span.end_column - 1]
    return json.dumps(plain(node), ensure_ascii=False)


def _parts(file: Mapping) -> dict[str, str]:
    """The lines of each key in a file, including the comments below it."""
    lines = file.span.source.lines
    first = [key.span.line - 1 for key, _ in file.entries]
    return {
        key.text: "\n".join(line.rstrip() for line in lines[begin:end]).rstrip() + "\n"
        for (key, _), begin, end in zip(file.entries, first, [*first[1:], len(lines)], strict=True)
    }
