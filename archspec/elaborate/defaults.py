"""`defaults` of a file: default arguments of the ops and blocks that the file names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from archspec import ops, vocabulary
from archspec.diagnostics import Span, printable
from archspec.elaborate.binding import required
from archspec.elaborate.loader import Loader
from archspec.elaborate.places import Use
from archspec.elaborate.shipped import library_names, spec_names
from archspec.elaborate.stamps import Consulted, Watch
from archspec.elaborate.values import evaluate, listed_arguments, other_argument
from archspec.ops import Op
from archspec.schema import BlockDefinition, SpecFile
from archspec.syntax import Items, Scalar, plain
from archspec.syntax import Mapping as YamlMapping
from archspec.syntax import Node as YamlNode

Defaulted = Mapping[str, tuple[Any, Span]]
"""Arguments by name, each with its place."""


class Defaults:
    """Looks up defaults in the file that names an op or a block.

    ``written`` is that file, if it is not the step's own: ``norm: batch_norm`` passed to a library block.
    """

    def __init__(self, loader: Loader, watch: Watch) -> None:
        self.loader, self.watch = loader, watch
        self._found: dict[tuple[str, str], Defaulted] = {}
        self._checked: set[str] = set()

    def op(self, kind: type[Op], use: Use, written: SpecFile | None, given: Defaulted) -> Defaulted:
        """The defaults of an op for the arguments that a step does not give."""
        found = self._for(kind.keyword, use, written, given, lambda: _own(kind))
        return {name: value for name, value in found.items() if name in kind.model_fields}

    def block(self, definition: BlockDefinition, use: Use, written: SpecFile | None, given: Defaulted) -> Defaulted:
        """The defaults of a block, for arguments that a step does not have."""
        return self._for(definition.name, use, written, given, lambda: _literal(definition))

    def _for(
        self,
        name: str,
        use: Use,
        written: SpecFile | None,
        given: Defaulted,
        own: Callable[[], dict[str, Any]],
    ) -> Defaulted:
        """The file's defaults for an op or a block; ``own`` are its own defaults.

        An expression can use all other arguments of the step, given or not: ``{conv: {padding: $(kernel // 2)}}``.
        """
        file = self.consulted(name, use, written)
        node = file.model.defaults.get(name)
        if not isinstance(node, YamlMapping):
            return {}
        key = (file.key, name)
        if key in self._found:
            return self._found[key]
        if not varies(node):
            self._found[key] = {str(each.text): (evaluate(value, {}, file), value.span) for each, value in node.entries}
            return self._found[key]
        around = self._spec_values(file, use)
        arguments = own() | {argument: value for argument, (value, _) in given.items()}
        found: dict[str, tuple[Any, Span]] = {}
        for each, value in node.entries:
            argument = str(each.text)
            if argument not in given:
                others = {other: known for other, known in arguments.items() if other != argument}
                found[argument] = (evaluate(value, {**around, **others}, file), value.span)
                arguments[argument] = found[argument][0]
        return found

    def consulted(self, name: str, use: Use, written: SpecFile | None) -> SpecFile:
        """The file whose defaults of an op or a block a step takes, noted as used."""
        asked = written or use.file
        found = self.source(asked, name)
        if self.watch.acts is not None:
            self.watch.act(Consulted(asked, name, found))
        return found

    def source(self, file: SpecFile, name: str) -> SpecFile:
        """The file whose defaults of an op or a block apply in a file; they are checked, and noted as used."""
        file = self._file(file)
        if file.key not in self._checked:
            self._checked.add(file.key)
            self._check(file)
        if isinstance(file.model.defaults.get(name), YamlMapping):
            file.used_defaults.add(name)
        return file

    def _spec_values(self, file: SpecFile, use: Use) -> Mapping[str, Any]:
        """The parameters of a file's spec, which its defaults can use: those of the surrounding use."""
        around: Use | None = use
        while around is not None and around.file is not file:
            around = around.caller
        found = around or use
        self.watch.reads(found.spec_depth)
        self.watch.asks(found.spec_depth)
        return found.spec_values

    def _file(self, file: SpecFile) -> SpecFile:
        """The file whose defaults apply in a file: for a variant without any, the spec that it extends."""
        if file.model.extends is None or file.model.defaults:
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


def _own(kind: type[Op]) -> dict[str, Any]:
    """The defaults that an op's arguments have themselves."""
    fields = kind.model_fields.items()
    return {name: field.default for name, field in fields if not field.is_required() and field.default_factory is None}


def _literal(definition: BlockDefinition) -> dict[str, Any]:
    """The defaults of a block's parameters that are no expressions."""
    params = definition.model.params.items()
    return {name: plain(node) for name, node in params if not required(node) and not varies(node)}


def varies(node: YamlNode | None) -> bool:
    """Whether a value contains an expression."""
    if node is None:
        return False
    if isinstance(node, Scalar):
        return isinstance(node.value, str) and "$" in node.value
    if isinstance(node, Items):
        return any(map(varies, node.items))
    return any(varies(value) for _, value in node.entries)
