"""`defaults` of a file: default arguments of the ops and blocks that the file names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archspec import ops, vocabulary
from archspec.diagnostics import Span, printable
from archspec.elaborate.loader import Loader, library_names, spec_names
from archspec.elaborate.places import Use
from archspec.elaborate.values import evaluate, listed_arguments, other_argument
from archspec.ops import Op
from archspec.schema import SpecFile
from archspec.source import Items, Scalar
from archspec.source import Mapping as YamlMapping
from archspec.source import Node as YamlNode

Defaulted = Mapping[str, tuple[Any, Span]]
"""Arguments by name, each with its place."""


class Defaults:
    """Looks up defaults in the file that names an op or a block.

    ``written`` is that file, if it is not the step's own: ``norm: batch_norm`` passed to a library block.
    """

    def __init__(self, loader: Loader) -> None:
        self.loader = loader
        self._found: dict[tuple[str, str], Defaulted] = {}
        self._checked: set[str] = set()

    def op(self, kind: type[Op], use: Use, written: SpecFile | None) -> Defaulted:
        """The defaults of an op."""
        return {
            name: value for name, value in self.block(kind.keyword, use, written).items() if name in kind.model_fields
        }

    def block(self, name: str, use: Use, written: SpecFile | None) -> Defaulted:
        """The defaults of a block or an op, without a check of their names."""
        file = self._file(written or use.file)
        if file.key not in self._checked:
            self._checked.add(file.key)
            self._check(file)
        node = file.model.defaults.get(name)
        if not isinstance(node, YamlMapping):
            return {}
        file.used_defaults.add(name)
        key = (file.key, name)
        if key in self._found:
            return self._found[key]
        values = _spec_values(file, use)
        found = {str(key.text): (evaluate(value, values, file), value.span) for key, value in node.entries}
        if not varies(node):
            self._found[key] = found
        return found

    def _file(self, file: SpecFile) -> SpecFile:
        """The file whose defaults apply in a file: for a variant, the spec that it extends."""
        if file.model.extends is None:
            return file
        variant = self.loader.variant(file)
        return variant.file if variant is not None else file

    def _check(self, file: SpecFile) -> None:
        for name, node in file.model.defaults.items():
            if name not in ops.names():
                if name not in file.blocks and name not in library_names() and name not in spec_names():
                    known = vocabulary.op(name, {*ops.names(), *file.blocks, *library_names()})
                    what = f"`{printable(name)}` in `defaults` is neither an op nor a block"
                    section = file.node.get("defaults")
                    key = section.key(name) if isinstance(section, YamlMapping) else None
                    self.loader.diagnostics.error("unknown-op", what, key.span if key else node.span, known)
                continue
            if not isinstance(node, YamlMapping):
                self.loader.diagnostics.error(
                    "wrong-type", f"`defaults` of `{name}` must be `{{argument: value}}`", node.span
                )
                continue
            fields = ops.find(name).model_fields
            for key, _ in node.entries:
                if key.text not in fields:
                    what = f"`{name}` has no argument `{printable(key.text)}`"
                    hint = other_argument(str(key.text), fields) or listed_arguments(fields)
                    self.loader.diagnostics.error("unknown-argument", what, key.span, hint)


def _spec_values(file: SpecFile, use: Use) -> Mapping[str, Any]:
    """The parameters of a file's spec, which its defaults can use: those of the surrounding use."""
    around: Use | None = use
    while around is not None and around.file is not file:
        around = around.caller
    return (around or use).spec_values


def varies(node: YamlNode | None) -> bool:
    """Whether a value contains an expression."""
    if node is None:
        return False
    if isinstance(node, Scalar):
        return isinstance(node.value, str) and "$" in node.value
    if isinstance(node, Items):
        return any(map(varies, node.items))
    return any(varies(value) for _, value in node.entries)
