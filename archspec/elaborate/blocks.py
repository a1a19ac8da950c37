"""Resolution of a step's key: an op, a block of the file or library, an import, a shipped spec, a path into one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import Any

from archspec import expressions, ops, vocabulary
from archspec.diagnostics import Fault, Span, did_you_mean, printable
from archspec.elaborate.binding import required
from archspec.elaborate.loader import Loader, Variant
from archspec.elaborate.places import Use
from archspec.elaborate.rewriting import listed
from archspec.elaborate.shipped import library_names, spec_names
from archspec.elaborate.stamps import Looked, Watch
from archspec.elaborate.values import RESERVED, Text, UnknownValue, evaluate, text
from archspec.ops import Op
from archspec.records import record
from archspec.schema import BlockDefinition, BlockModel, SpecFile, Step
from archspec.syntax import Mapping as YamlMapping
from archspec.syntax import Node as YamlNode


@record
class Bound:
    """A block with bound arguments and, for a path into a spec, the values that its steps see."""

    definition: BlockDefinition
    arguments: Mapping[str, Any] = field(default_factory=dict)
    overlay: Mapping[str, tuple[Any, Span]] = field(default_factory=dict)
    """Defaults of a variant (``extends``) that replace the block's own; a use can override them."""
    values: Mapping[str, Any] = field(default_factory=dict)
    variant: Variant | None = None
    """The spec, if the block is a whole spec."""
    rewrites: tuple[tuple[SpecFile | None, YamlNode], ...] = ()
    """The rewrites applied to the spec before it is used."""
    inside: str = ""
    """The path of the scope to use, if the spec is rewritten."""
    written: SpecFile | None = None
    """The file in which a value names the block, whose defaults apply; None for the step's own file."""


@record
class BoundOp:
    """An op; as a value it may have bound arguments: ``norm: {batch_norm: {eps: 0.001}}``."""

    kind: type[Op]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    written: SpecFile | None = None
    """The file in which the value names the op, whose defaults apply; None for the step's own file."""


class Blocks:
    """Resolves keys, with a cache for each file."""

    def __init__(self, loader: Loader, watch: Watch) -> None:
        self.loader, self.watch = loader, watch
        self._found: dict[tuple[str, str], Bound | BoundOp | None] = {}
        self._paths: dict[tuple[int, str], Bound] = {}

    # -- keys --------------------------------------------------------------------------------------------------------

    def find(self, what: Any, use: Use, span: Span) -> Bound | BoundOp:
        """The op or block that ``what`` (text, or a block with bound arguments) names.  Raises Fault."""
        if type(what) is str:  # the usual case; a ``Text`` from an expression remembers its file
            known = self._found.get((use.file.key, what))
            if known is not None:
                self._note(use.file, what, known, False)
                return known
        if isinstance(what, dict):
            if len(what) != 1:
                raise Fault("not-a-block", "write a block as a value as `name` or `{name: {argument: value}}`", span)
            ((name, arguments),) = what.items()
            found = self.find(name, use, span)
            if arguments is not None and not isinstance(arguments, dict):
                raise Fault("positional-argument", f"arguments of `{printable(name)}` must be named", span)
            return replace(found, arguments={**found.arguments, **(arguments or {})})
        if not isinstance(what, str):
            raise Fault("not-a-block", f"a step is an op or a block, not `{printable(str(what), 40)}`", span)
        for file, depth in _files(what, use):
            self.watch.reads(depth)
            found = self._in_file(str(what), file, span)
            if found is not None:
                self._note(file, str(what), found, isinstance(what, Text))
                if isinstance(what, Text) and isinstance(found, Bound):
                    found.definition.file.handed.add(found.definition.name)
                written = what.file if isinstance(what, Text) else None
                return found if written in (None, use.file) else replace(found, written=written)
        raise self._unknown(str(what), use, span)

    def _note(self, file: SpecFile, what: str, found: Bound | BoundOp, handed: bool) -> None:
        if self.watch.acts is not None:
            self.watch.act(Looked(file, what, _plain(found), handed))

    def named(self, what: str, file: SpecFile, handed: bool, span: Span) -> object:
        """The op's class or the block that a name in a file stands for; None where it is neither by itself.

        What is found is noted as used, as :meth:`find` does.
        """
        try:
            found = self._in_file(what, file, span)
        except (Fault, UnknownValue):
            return None
        if handed and isinstance(found, Bound):
            found.definition.file.handed.add(found.definition.name)
        return None if found is None else _plain(found)

    def _in_file(self, what: str, file: SpecFile, span: Span) -> Bound | BoundOp | None:
        key = (file.key, what)
        if key not in self._found:
            self._found[key] = self._look(what, file, span)
        return self._found[key]

    def _look(self, what: str, file: SpecFile, span: Span) -> Bound | BoundOp | None:
        if what in ops.names():
            return BoundOp(ops.find(what))
        if what in file.blocks:
            file.used_blocks.add(what)
            return Bound(file.blocks[what])
        head, _, rest = what.partition(".")
        try:
            imported = self.loader.imported(file, head)
        except KeyError:
            raise UnknownValue from None  # reported at the import
        if imported is not None:
            file.imports[head] = True
            target, node = imported
            return self._into(target, node, rest, file, span)
        if not what.isascii() or not what.replace(".", "_").isidentifier():
            return None
        if rest == "" and head in library_names():
            library = self.loader.library(head)
            return Bound(library.whole) if library is not None and library.whole is not None else None
        if head in spec_names():
            shipped = self.loader.named(head, file if file.folder is not None else None, span)
            if shipped is not None:
                return self._into(shipped, None, rest, file, span)
        return None

    def _into(self, target: SpecFile, node: YamlNode | None, rest: str, by: SpecFile, span: Span) -> Bound:
        """A block of an imported file, the whole file, or a path into it."""
        if rest and rest.partition(".")[0] in target.blocks:
            head, _, deeper = rest.partition(".")
            bound = Bound(target.blocks[head])
            if deeper:
                raise Fault("unknown-block", f"`{head}` is a block; a path can only go into the steps of a spec", span)
            return bound
        variant = self.loader.variant(target)
        if variant is None:
            raise UnknownValue
        arguments: dict[str, Any] = {}
        rewrites: list[tuple[SpecFile | None, YamlNode]] = list(variant.rewrites)
        if isinstance(node, YamlMapping):
            params = node.get("params")
            for key, _ in node.entries:
                if key.text not in ("spec", "params", "rewrite"):
                    hint = did_you_mean(str(key.text), ("spec", "params", "rewrite"))
                    raise Fault("unknown-key", f"an import has no key `{printable(key.text)}`", key.span, hint)
            if isinstance(params, YamlMapping):
                arguments = {str(key.text): evaluate(value, {}, by) for key, value in params.entries}
            written = node.get("rewrite")
            if written is not None:
                rewrites += listed(written, by)
        bound = Bound(
            variant.definition, arguments, variant_overlay(variant), variant=variant, rewrites=tuple(rewrites)
        )
        if rest and rewrites:
            return replace(bound, inside=rest)
        return self.path(bound, variant, rest, span) if rest else bound

    def path(self, bound: Bound, variant: Variant, path: str, span: Span) -> Bound:
        """The part of a spec at a path of step names, as a block with the spec's parameter values."""
        definition = bound.definition
        values: dict[str, Any] = {}
        for name, node in definition.model.params.items():
            given = bound.overlay.get(name)
            value = bound.arguments.get(name, given[0] if given else evaluate(node, values, definition.file))
            if value is None and required(node):
                raise Fault(
                    "missing-argument",
                    f"`{definition.name}` needs a value for `{name}`, so a path into it cannot be used",
                    span,
                )
            values[name] = value
        for name, node in definition.model.let.items():
            values[name] = evaluate(node, values, definition.file)
        steps = definition.steps
        found: Step | None = None
        for part in path.split("."):
            match = _named(steps, part, values, self.loader.work)
            if match is None:
                raise Fault("unknown-block", f"`{variant.name}` has no step `{printable(path)}`", span)
            found, values = match
            steps = found.steps or ()
        assert found is not None
        inner = found.steps if found.what == "sequence" else (_unnamed(found),)
        name = path.rpartition(".")[2]
        model = BlockModel.model_construct(steps=[])
        return Bound(BlockDefinition(name, model, definition.file, found.what_span, tuple(inner or ())), values=values)

    def _unknown(self, what: str, use: Use, span: Span) -> Fault:
        file = use.file
        known = {*ops.names(), *file.blocks, *library_names(), *spec_names(), "sequence", "steps", "reuse"}
        if isinstance(file.model.imports, YamlMapping):
            known |= {str(key.text) for key, _ in file.model.imports.entries}
        if what in {*RESERVED, *use.inputs, *use.labels}:
            hint = f"it is a value, not an op; read it with `from: {what}` on a step"
        else:
            hint = vocabulary.op(what, known) or "`archspec list` shows every op and block"
        return Fault("unknown-op", f"`{printable(what)}` is neither an op nor a block", span, hint)


def _files(what: str, use: Use) -> Iterator[tuple[SpecFile, int]]:
    """The files in which a name is looked up, in order, each with the depth of the use that leads to it."""
    if not isinstance(what, Text):
        yield use.file, use.depth
        return
    if what.file is not None:
        yield what.file, use.depth
    caller: Use | None = use
    while caller is not None:
        yield caller.file, caller.depth
        caller = caller.caller


def _plain(found: Bound | BoundOp) -> object:
    """What decides all of something found: an op's class, a block's definition; None where there is more to it."""
    if isinstance(found, BoundOp):
        return found.kind
    return None if found.variant is not None or found.values or found.overlay or found.rewrites else found.definition


def variant_overlay(variant: Variant) -> dict[str, tuple[Any, Span]]:
    """The parameters set by a chain of ``extends``; the outermost wins."""
    overlay: dict[str, tuple[Any, Span]] = {}
    for file, params in reversed(variant.params):
        for name, node in params.items():
            overlay[name] = (evaluate(node, {key: value for key, (value, _) in overlay.items()}, file), node.span)
    return overlay


def overlay_keys(variant: Variant) -> dict[str, Span]:
    """The places of the names of the parameters of :func:`variant_overlay`."""
    found: dict[str, Span] = {}
    for file, _ in reversed(variant.params):
        params = file.node.get("params")
        if isinstance(params, YamlMapping):
            found.update((str(key.text), key.span) for key, _ in params.entries)
    return found


def _named(
    steps: tuple[Step, ...], part: str, values: dict[str, Any], work: expressions.Work
) -> tuple[Step, dict[str, Any]] | None:
    """The step with a name among steps, also inside groups and loops."""
    for step in steps:
        copies: list[dict[str, Any]] = [values]
        for clause in step.clauses:
            copies = [{**outer, **bound} for outer in copies for bound in expressions.iterate(clause, outer, work)]
        for copy in copies:
            if step.what == "steps" and step.steps:
                found = _named(step.steps, part, copy, work)
                if found is not None:
                    return found
            if step.name is not None and text(step.name, copy, step.what_span, "a name", work) == part:
                return step, copy
    return None


def _unnamed(step: Step) -> Step:
    """A step without its name and loops, as used by a path to it."""
    return Step(step.what, step.what_span, None, None, step.body, step.span, init=step.init, steps=step.steps)
