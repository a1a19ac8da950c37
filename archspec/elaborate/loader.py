"""Finding and reading files: the root spec, the specs that it imports or extends, the library.

A spec can use files in its own folder and below, shipped specs and library blocks, and nothing else: no absolute path,
no ``..``, no symbolic link that leaves the folder.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from archspec.diagnostics import Diagnostics, Fault, Span, did_you_mean, printable
from archspec.elaborate.shelf import Shelf
from archspec.elaborate.shipped import library_folder, library_names, more_names, spec_names, specs_folder
from archspec.elaborate.stamps import Stamps
from archspec.expressions import Work
from archspec.schema import BlockDefinition, SpecFile, parse_file
from archspec.syntax import Limits, Node, Scalar, bounded, is_file, parse, read
from archspec.syntax import Mapping as YamlMapping

MAXIMUM_FILES = 200
"""Maximum number of files that one spec can import or extend, directly or not."""


@dataclass(slots=True, eq=False)
class Variant:
    """A spec with its ``extends`` chain: the file with the steps, and the parameters that override its own."""

    name: str
    file: SpecFile
    """The file at the end of the chain, which has the steps."""
    shown: str
    source: str | None
    params: list[tuple[SpecFile, dict[str, Node]]] = field(default_factory=list)
    """Overlays, outermost first: an earlier entry overrides later ones."""
    sizes: dict[str, tuple[int, Span]] = field(default_factory=dict)
    expect: dict[str, Any] = field(default_factory=dict)
    rewrites: list[tuple[SpecFile, Node]] = field(default_factory=list)
    chain: tuple[str, ...] = ()
    """Identities of this file and the files that it extends, outermost first."""
    outermost: SpecFile | None = None
    files: tuple[SpecFile, ...] = ()
    """The files of the chain, outermost first."""

    def speaks(self, key: str) -> SpecFile:
        """The outermost file of the chain that has a key; the file with the steps if none has."""
        return next((file for file in self.files if getattr(file.model, key) is not None), self.file)

    @property
    def definition(self) -> BlockDefinition:
        """The whole extended spec as a block."""
        assert self.file.whole is not None
        return self.file.whole


class Loader:
    """Reads each file once, and resolves the names that specs use for one another."""

    stamped: ClassVar[bool] = True
    """Whether equal uses of a block are walked once or twice only, which changes nothing but the time; for tests."""

    def __init__(
        self,
        diagnostics: Diagnostics,
        limits: Limits | None = None,
        work: Work | None = None,
        shelf: Shelf | None = None,
    ) -> None:
        self.diagnostics = diagnostics
        self.work = work or Work()
        self.limits = limits or Limits()
        self.shelf = shelf
        self.stamps = Stamps() if shelf is None else shelf.stamps
        self._files: dict[str, SpecFile | None] = {}
        self._open: list[tuple[str, str]] = []
        self._variants: dict[str, Variant | None] = {}
        self._imports: dict[str, dict[str, str]] = {}

    # -- files ------------------------------------------------------------------------------------------------------

    def text(self, text: str | bytes, shown: str, folder: Path | None = None) -> SpecFile | None:
        """A spec from text or bytes; ``folder`` is the folder for its imports."""
        try:
            known = text if isinstance(text, str) else bounded(text, shown, self.limits)
            node = parse(known, shown, self.limits)
        except Fault as fault:
            self.diagnostics.add(fault.diagnostic)
            return None
        return parse_file(node, f"text:{shown}", shown, folder, self.diagnostics, self.work)

    def file(self, path: Path, shown: str, span: Span | None = None) -> SpecFile | None:
        """The file at a path; None, with a diagnostic, if it cannot be read or is not a spec."""
        try:
            resolved = path.resolve()
            key = str(resolved)
            if key in self._files:
                return self._files[key]
            if len(self._files) >= MAXIMUM_FILES:
                raise Fault("too-many-files", f"the spec imports or extends more than {MAXIMUM_FILES} files", span)
            self._files[key] = None
            node = self._nodes(resolved, key, shown)
        except Fault as fault:
            diagnostic = fault.diagnostic
            if diagnostic.span is None and span is not None:
                diagnostic = replace(diagnostic, span=span)
            self.diagnostics.add(diagnostic)
            return None
        except (OSError, ValueError, RuntimeError):
            self.diagnostics.error("file-not-found", f"cannot read `{printable(shown)}`", span)
            return None
        found = None if self.shelf is None else self.shelf.file(node, key, self.work)
        if found is None:
            told = self.diagnostics.told
            found = parse_file(node, key, shown, resolved.parent, self.diagnostics, self.work)
            if found is not None and self.shelf is not None and self.diagnostics.told == told:
                self.shelf.put(node, found)
        self._files[key] = found
        return found

    def _nodes(self, resolved: Path, key: str, shown: str) -> Node:
        """A file as nodes.  Raises Fault."""
        if self.shelf is None:
            return parse(read(resolved, self.limits), shown, self.limits, key)
        unsaved = self.shelf.unsaved.get(key)
        text = read(resolved, self.limits) if unsaved is None else unsaved
        return self.shelf.parsed(text, shown, self.limits, key)

    @property
    def asked(self) -> Collection[str]:
        """The paths of all files that were asked for, those that are not there too."""
        return self._files.keys()

    @property
    def files(self) -> dict[str, SpecFile]:
        """Every file that was read and is a spec, by its path."""
        return {key: file for key, file in self._files.items() if file is not None}

    def named(self, text: str, by: SpecFile | None, span: Span | None) -> SpecFile | None:
        """The file for a path in a spec's folder, or for the name of a shipped spec or library block."""
        name = printable(text)
        if text in more_names():
            return self.file(specs_folder() / f"{text}.yaml", f"specs/{text}.yaml", span)
        if text.endswith((".yaml", ".yml")) or "/" in text or "\\" in text:
            if by is None or by.folder is None:
                self.diagnostics.error(
                    "bad-path", f"`{name}` cannot be found: the spec is not a file, so it has no folder", span
                )
                return None
            return self._inside(text, by, span)
        if by is not None and by.folder is not None:
            sibling = Path(by.folder) / f"{text}.yaml"
            if text.isidentifier() and is_file(sibling) and str(sibling.resolve()) != by.key:
                return self._inside(f"{text}.yaml", by, span)
        if text in spec_names():
            return self.file(specs_folder() / f"{text}.yaml", f"specs/{text}.yaml", span)
        if text in library_names():
            return self.library(text)
        known = spec_names() | library_names()
        hint = (
            did_you_mean(text, known)
            or "use the path of a file in the spec's folder, or a name that `archspec list` shows"
        )
        self.diagnostics.error("unknown-spec", f"there is no spec `{name}`", span, hint)
        return None

    def library(self, name: str) -> SpecFile | None:
        """The file of a library block."""
        return self.file(library_folder() / f"{name}.yaml", f"library/{name}.yaml")

    def _inside(self, text: str, by: SpecFile, span: Span | None) -> SpecFile | None:
        folder = Path(by.folder).resolve()
        hint = "use a file in the spec's folder or below, or the name of a shipped spec"
        if "\\" in text or "\0" in text or text.startswith(("/", "~")) or ".." in text.split("/"):
            self.diagnostics.error("bad-path", f"`{printable(text)}` leaves the spec's folder", span, hint)
            return None
        try:
            target = (folder / text).resolve()
        except (OSError, ValueError, RuntimeError):
            self.diagnostics.error("bad-path", f"`{printable(text)}` is not a path", span, hint)
            return None
        if not target.is_relative_to(folder):
            self.diagnostics.error(
                "bad-path", f"`{printable(text)}` leaves the spec's folder through a link", span, hint
            )
            return None
        prefix = by.shown.rpartition("/")[0]
        return self.file(target, f"{prefix}/{text}" if prefix else text, span)

    # -- imports and variants ----------------------------------------------------------------------------------------

    def variant(self, file: SpecFile) -> Variant | None:
        """A file with its ``extends`` chain resolved; None if that fails or there are no steps."""
        if file.key in self._variants:
            return self._variants[file.key]
        if any(key == file.key for key, _ in self._open):
            chain = " → ".join(shown for _, shown in [*self._open, (file.key, file.shown)])
            self.diagnostics.error("import-cycle", f"specs extend or import one another in a cycle: {chain}", None)
            return None
        self._open.append((file.key, file.shown))
        try:
            found = self._variant(file)
        finally:
            self._open.pop()
        self._variants[file.key] = found
        return found

    def _variant(self, file: SpecFile) -> Variant | None:
        model = file.model
        sizes = self._sizes(file)
        if model.extends is None:
            if file.whole is None:
                self.diagnostics.error("no-steps", f"`{file.shown}` has blocks but no `steps`, so it is not a network")
                return None
            return Variant(
                file.whole.name,
                file,
                file.shown,
                model.source,
                sizes=sizes,
                expect=dict(model.expect),
                outermost=file,
                rewrites=[(file, node) for node in model.rewrite],
                chain=(file.key,),
                files=(file,),
            )
        extends = model.extends
        if not isinstance(extends, Scalar) or not isinstance(extends.value, str):
            self.diagnostics.error("wrong-type", "`extends` must be the name or path of a spec", extends.span)
            return None
        for key in ("steps", "inputs", "let", "outputs"):
            node = file.node.key(key)
            if node is not None:
                self.diagnostics.error(
                    "extends-only-params",
                    f"`{key}` cannot be used together with `extends`",
                    node.span,
                    "a variant can change `params`, `sizes`, `rewrite` and `expect`; to add steps, import the spec",
                )
                return None
        base_file = self.named(extends.value, file, extends.span)
        if base_file is None:
            return None
        if any(key == base_file.key for key, _ in self._open):
            chain = " → ".join(shown for _, shown in [*self._open, (base_file.key, base_file.shown)])
            self.diagnostics.error("import-cycle", f"specs extend one another in a cycle: {chain}", extends.span)
            return None
        base = self.variant(base_file)
        if base is None:
            return None
        name = model.name or str(file.shown).rsplit("/", 1)[-1].removesuffix(".yaml")
        return Variant(
            name,
            base.file,
            file.shown,
            model.source or base.source,
            params=[(file, dict(model.params)), *base.params],
            sizes=base.sizes | sizes,
            expect=dict(model.expect),
            outermost=file,
            rewrites=[*base.rewrites, *((file, node) for node in model.rewrite)],
            chain=(file.key, *base.chain),
            files=(file, *base.files),
        )

    def _sizes(self, file: SpecFile) -> dict[str, tuple[int, Span]]:
        sizes: dict[str, tuple[int, Span]] = {}
        for name, node in file.model.sizes.items():
            if not (isinstance(node, Scalar) and type(node.value) is int and 1 <= node.value <= 1_000_000):
                self.diagnostics.error(
                    "wrong-type", f"size `{printable(name)}` must be a whole number, 1 or more", node.span
                )
                continue
            sizes[name] = (node.value, node.span)
        return sizes

    def imported(self, file: SpecFile, alias: str) -> tuple[SpecFile, Node] | None:
        """The file of an ``import:`` alias, with its node; None if there is no such alias.

        Raises KeyError if the file cannot be read; that is already reported.
        """
        node = file.model.imports
        if not isinstance(node, YamlMapping):
            return None
        target = node.get(alias)
        if target is None:
            return None
        name = target.get("spec") if isinstance(target, YamlMapping) else target
        if not isinstance(name, Scalar) or not isinstance(name.value, str):
            raise Fault(
                "bad-import",
                f"import `{alias}` does not name a spec",
                target.span,
                "write `alias: name` or `alias: {spec: name}`",
            )
        found = self.named(name.value, file, name.span)
        if found is None:
            raise KeyError(alias)
        chain = self._import_chain(found, file)
        if chain is not None:
            shown = " → ".join([file.shown, *chain])
            raise Fault("import-cycle", f"specs import one another in a cycle: {shown}", name.span)
        self._imports.setdefault(file.key, {})[found.key] = found.shown
        return found, target

    def _import_chain(self, start: SpecFile, goal: SpecFile) -> list[str] | None:
        """The chain of imports from one file to another so far, or None."""
        stack = [(start.key, [start.shown])]
        seen = set()
        while stack:
            key, chain = stack.pop()
            if key == goal.key:
                return chain
            if key not in seen:
                seen.add(key)
                stack += [(other, [*chain, shown]) for other, shown in self._imports.get(key, {}).items()]
        return None
