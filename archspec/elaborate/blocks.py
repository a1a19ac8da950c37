"""What a step's key means: an op, a block of the file, an import, a library block, a shipped spec, a path into one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace
from typing import Any

from pydantic import ValidationError

from archspec import expressions, ops, vocabulary
from archspec.diagnostics import Fault, Span, did_you_mean, printable
from archspec.elaborate.loader import Loader, Variant, library_names, spec_names
from archspec.elaborate.places import Use
from archspec.elaborate.rewriting import listed
from archspec.elaborate.values import RESERVED, Text, UnknownValue, evaluate, other_argument, text
from archspec.ops import Op
from archspec.records import record
from archspec.schema import BlockDefinition, BlockModel, SpecFile, Step
from archspec.source import Items, Scalar
from archspec.source import Mapping as YamlMapping
from archspec.source import Node as YamlNode


@record
class Bound:
    """A block, with arguments already bound and, for a path into a spec, the values its steps see."""

    definition: BlockDefinition
    arguments: Mapping[str, Any] = field(default_factory=dict)
    overlay: Mapping[str, tuple[Any, Span]] = field(default_factory=dict)
    """Defaults that a variant (``extends``) lays over the block's own; a use may override them."""
    values: Mapping[str, Any] = field(default_factory=dict)
    variant: Variant | None = None
    """The spec it is the whole of, when it is one."""
    rewrites: tuple[tuple[SpecFile | None, YamlNode], ...] = ()
    """What is done to the spec before it is used."""
    inside: str = ""
    """The path of the scope in it that is meant, when it is rewritten."""


@record
class BoundOp:
    """An op with arguments bound, given as a value: ``norm: {batch_norm: {eps: 0.001}}``."""

    kind: type[Op]
    arguments: Mapping[str, Any]


class Blocks:
    """Resolves and remembers what keys mean, file by file."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader
        self._found: dict[tuple[str, str], type[Op] | Bound | None] = {}
        self._ops: dict[tuple[type[Op], str], Op] = {}
        self._constant: dict[int, bool] = {}
        self._defaults: dict[tuple[str, str], Mapping[str, tuple[Any, Span]]] = {}
        self._checked: set[str] = set()
        self._paths: dict[tuple[int, str], Bound] = {}

    # -- keys --------------------------------------------------------------------------------------------------------

    def find(self, what: Any, use: Use, span: Span) -> type[Op] | Bound | BoundOp:
        """The op or block that ``what`` (text, or a block with arguments bound) names.  Raises Fault."""
        if type(what) is str:  # as nearly always: no value of an expression, which remembers where it was written
            known = self._found.get((use.file.key, what))
            if known is not None:
                return known
        if isinstance(what, dict):
            if len(what) != 1:
                raise Fault("not-a-block", "a block given as a value is `name` or `{name: {argument: value}}`", span)
            ((name, arguments),) = what.items()
            found = self.find(name, use, span)
            if arguments is not None and not isinstance(arguments, dict):
                raise Fault("positional-argument", f"arguments of `{printable(name)}` are named, always", span)
            if isinstance(found, BoundOp):
                return BoundOp(found.kind, {**found.arguments, **(arguments or {})})
            if not isinstance(found, Bound):
                return BoundOp(found, arguments or {})
            return replace(found, arguments={**found.arguments, **(arguments or {})})
        if not isinstance(what, str):
            raise Fault("not-a-block", f"a step is an op or a block, not `{printable(str(what), 40)}`", span)
        caller: Use | None = use
        files = [what.file] if isinstance(what, Text) and what.file is not None else []
        while caller is not None:
            files.append(caller.file)
            caller = caller.caller if isinstance(what, Text) else None
        for file in files:
            found = self._in_file(str(what), file, span)
            if found is not None:
                return found
        raise self._unknown(str(what), use, span)

    def _in_file(self, what: str, file: SpecFile, span: Span) -> type[Op] | Bound | None:
        key = (file.key, what)
        if key not in self._found:
            self._found[key] = self._look(what, file, span)
        return self._found[key]

    def _look(self, what: str, file: SpecFile, span: Span) -> type[Op] | Bound | None:
        if what in ops.names():
            return ops.find(what)
        if what in file.blocks:
            file.used_blocks.add(what)
            return Bound(file.blocks[what])
        head, _, rest = what.partition(".")
        try:
            imported = self.loader.imported(file, head)
        except KeyError:
            raise UnknownValue from None  # said where the import stands
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
        """A block of an imported file, the whole of it, or a path into it."""
        if rest and rest.partition(".")[0] in target.blocks:
            head, _, deeper = rest.partition(".")
            bound = Bound(target.blocks[head])
            if deeper:
                raise Fault("unknown-block", f"`{head}` is a block; a path leads into a spec's steps only", span)
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
                    raise Fault("unknown-key", f"`{printable(key.text)}` is no key of an import", key.span, hint)
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
        """The part of a spec at a path of step names, as a block with the spec's parameter values in it."""
        definition = bound.definition
        values: dict[str, Any] = {}
        for name, node in definition.model.params.items():
            given = bound.overlay.get(name)
            value = bound.arguments.get(name, given[0] if given else evaluate(node, values, definition.file))
            if value is None:
                raise Fault(
                    "missing-argument", f"`{definition.name}` needs `{name}`, so a path into it cannot be used", span
                )
            values[name] = value
        for name, node in definition.model.let.items():
            values[name] = evaluate(node, values, definition.file)
        steps = definition.steps
        found: Step | None = None
        for part in path.split("."):
            match = _named(steps, part, values)
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
            hint = f"it is read and not applied: `from: {what}` stands beside a step"
        else:
            hint = vocabulary.op(what, known) or "`archspec list` shows every op and block"
        return Fault("unknown-op", f"`{printable(what)}` is neither an op nor a block", span, hint)

    # -- ops ---------------------------------------------------------------------------------------------------------

    def make(
        self,
        kind: type[Op],
        given: Mapping[str, tuple[Any, Span]],
        defaults: Mapping[str, tuple[Any, Span]],
        step: Step,
        report: Callable[[Fault], None],
    ) -> Op:
        """An op from its arguments.

        All that are wrong are told: the last by the Fault raised, those before it to ``report``.
        """
        values = {name: value for name, (value, _) in defaults.items()}
        values.update((name, value) for name, (value, _) in given.items())
        key = (kind, repr(values))
        found = self._ops.get(key)
        if found is not None:
            return found
        try:
            made = kind.model_validate(_plain(values))
        except ValidationError as failure:
            *others, last = _argument_faults(kind, failure, given, defaults, step)
            for other in others:
                report(other)
            raise last from None
        self._ops[key] = made
        return made

    def is_constant(self, step: Step, use: Use) -> bool:
        """Whether a step's arguments are the same wherever its block is used."""
        found = self._constant.get(id(step))
        if found is None:
            defaults = use.file.model.defaults
            found = not (
                _varies(step.body) or _varies(step.init) or "$" in step.what or any(map(_varies, defaults.values()))
            )
            self._constant[id(step)] = found
        return found

    def defaults(self, kind: type[Op], use: Use) -> Mapping[str, tuple[Any, Span]]:
        """The ``defaults`` of an op in the file a step is written in."""
        file = use.file
        if file.key not in self._checked:
            self._checked.add(file.key)
            self._check_defaults(file)
        node = file.model.defaults.get(kind.keyword)
        if not isinstance(node, YamlMapping):
            return {}
        key = (file.key, kind.keyword)
        if key in self._defaults:
            return self._defaults[key]
        known = kind.model_fields
        entries = [(str(name.text), value) for name, value in node.entries if str(name.text) in known]
        found = {name: (evaluate(value, use.spec_values, file), value.span) for name, value in entries}
        if not _varies(node):
            self._defaults[key] = found
        return found

    def block_defaults(self, name: str, use: Use) -> Mapping[str, tuple[Any, Span]]:
        """The ``defaults`` of a block in the file a step that uses it is written in."""
        node = use.file.model.defaults.get(name)
        if not isinstance(node, YamlMapping):
            return {}
        return {str(key.text): (evaluate(value, use.spec_values, use.file), value.span) for key, value in node.entries}

    def _check_defaults(self, file: SpecFile) -> None:
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
                    "wrong-type", f"`defaults` of `{name}` are `{{argument: value}}`", node.span
                )
                continue
            fields = ops.find(name).model_fields
            for key, _ in node.entries:
                if key.text not in fields:
                    what = f"`{name}` has no argument `{printable(key.text)}`"
                    hint = other_argument(str(key.text), fields) or _has(fields)
                    self.loader.diagnostics.error("unknown-argument", what, key.span, hint)


def variant_overlay(variant: Variant) -> dict[str, tuple[Any, Span]]:
    """The parameters that a chain of ``extends`` gives, the outermost winning."""
    overlay: dict[str, tuple[Any, Span]] = {}
    for file, params in reversed(variant.params):
        for name, node in params.items():
            overlay[name] = (evaluate(node, {key: value for key, (value, _) in overlay.items()}, file), node.span)
    return overlay


def overlay_keys(variant: Variant) -> dict[str, Span]:
    """Where the parameters of :func:`variant_overlay` are named."""
    found: dict[str, Span] = {}
    for file, _ in reversed(variant.params):
        params = file.node.get("params")
        if isinstance(params, YamlMapping):
            found.update((str(key.text), key.span) for key, _ in params.entries)
    return found


def _named(steps: tuple[Step, ...], part: str, values: dict[str, Any]) -> tuple[Step, dict[str, Any]] | None:
    """The step of a name among steps, looking through groups and loops."""
    for step in steps:
        copies: list[dict[str, Any]] = [values]
        for clause in step.clauses:
            copies = [{**outer, **bound} for outer in copies for bound in expressions.iterate(clause, outer)]
        for copy in copies:
            if step.what == "steps" and step.steps:
                found = _named(step.steps, part, copy)
                if found is not None:
                    return found
            if step.name is not None and text(step.name, copy, step.what_span, "a name") == part:
                return step, copy
    return None


def _unnamed(step: Step) -> Step:
    """A step without its name and loops: what a path to it stands for."""
    return Step(step.what, step.what_span, None, None, step.body, step.span, init=step.init, steps=step.steps)


def _plain(value: Any) -> Any:
    if isinstance(value, Text):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _varies(node: YamlNode | None) -> bool:
    if node is None:
        return False
    if isinstance(node, Scalar):
        return isinstance(node.value, str) and "$" in node.value
    if isinstance(node, Items):
        return any(map(_varies, node.items))
    return any(_varies(value) for _, value in node.entries)


def _has(fields: Any) -> str:
    names = [name for name in fields if name != "init"]
    return f"it has {', '.join(names)}" if names else "it has no arguments"


def _argument_faults(
    kind: type[Op],
    failure: ValidationError,
    given: Mapping[str, tuple[Any, Span]],
    defaults: Mapping[str, tuple[Any, Span]],
    step: Step,
) -> Iterator[Fault]:
    """pydantic's errors as faults at the arguments they speak of.

    What is missing is told where every argument is known: an unknown one may be meant for it.
    """
    op = kind.keyword
    errors = failure.errors(include_url=False)
    missing = [str(error["loc"][0]) for error in errors if error["type"] == "missing"]
    errors.sort(key=lambda error: error["type"] != "extra_forbidden")
    for error in errors:
        name = str(error["loc"][0]) if error["loc"] else ""
        place = given.get(name) or defaults.get(name)
        span = place[1] if place else step.what_span
        message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ")
        hint = str(error.get("ctx", {}).get("hint", "")) or None
        if error["type"] == "extra_forbidden":
            span = _key_span(step, name) or span
            hint = other_argument(name, kind.model_fields) or _has(kind.model_fields)
            yield Fault("unknown-argument", f"`{op}` has no argument `{printable(name)}`", span, hint)
        elif not name:
            yield Fault("wrong-value", f"`{op}`: {message}", step.what_span, hint)
        elif error["type"] != "missing":
            yield Fault("wrong-value", f"`{name}` of `{op}`: {printable(message)}", span, hint)
    if missing and errors[0]["type"] != "extra_forbidden":
        wanted = " and ".join(f"`{name}`" for name in missing)
        example = ", ".join(f"{name}: …" for name in missing)
        yield Fault("missing-argument", f"`{op}` needs {wanted}", step.what_span, f"write `{op}: {{{example}}}`")


def _key_span(step: Step, name: str) -> Span | None:
    if not isinstance(step.body, YamlMapping):
        return None
    key = step.body.key(name)
    return key.span if key is not None else None
