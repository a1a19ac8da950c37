"""YAML text to plain data in which every key and value carries its source span.

PyYAML scans the text and gives events (through libyaml where it is installed).  The nodes, the scalars of YAML 1.2's
core schema, the limits and the error messages are ours.  No object is ever constructed from a tag, and no input raises
anything but :class:`~archspec.diagnostics.Fault`.
"""

from __future__ import annotations

from archspec.diagnostics import Source, printable
from archspec.syntax import calls
from archspec.syntax.builder import Builder
from archspec.syntax.complaints import events
from archspec.syntax.flow import Bare, flow
from archspec.syntax.nodes import DEFAULT_LIMITS, Items, Limits, Mapping, Node, Scalar, literal, plain
from archspec.syntax.regular import is_file, is_folder, spec_files
from archspec.syntax.regular import opened as open_regular
from archspec.syntax.revisions import checked_out, is_revision
from archspec.syntax.scalars import resolve
from archspec.syntax.text import bounded, decode, lines, read, refuse_characters, too_large

__all__ = [
    "Bare",
    "DEFAULT_LIMITS",
    "Items",
    "Limits",
    "Mapping",
    "Node",
    "Scalar",
    "bounded",
    "checked_out",
    "decode",
    "flow",
    "is_file",
    "is_folder",
    "is_revision",
    "literal",
    "open_regular",
    "parse",
    "parse_call",
    "plain",
    "read",
    "resolve",
    "spec_files",
]


def parse(text: str, name: str, limits: Limits = DEFAULT_LIMITS, path: str | None = None) -> Node:
    """The single YAML document of a text as located nodes; ``name`` is the file's name in spans, ``path`` its path.

    Raises :class:`~archspec.diagnostics.Fault` where the text is not one document of plain data, or exceeds the limits.
    """
    if len(text) > limits.text_bytes or len(text.encode("utf-8", "surrogatepass")) > limits.text_bytes:
        raise too_large(printable(name), limits)
    text = text.removeprefix("\ufeff")
    source = Source(printable(name), lines(text), path)
    refuse_characters(text, source)
    return Builder(text, source, limits).build(events(text, source))


def parse_call(text: str, name: str) -> Node:
    """A call, ``cut(after=fc7)``, as the nodes of ``{cut: {after: fc7}}``, with spans in the text as it was typed.

    A text that is not a call is read as YAML.  Raises :class:`~archspec.diagnostics.Fault`.
    """
    return calls.parse_call(text, name, parse)
