"""A whole file: its model is validated, pydantic's errors become diagnostics, its blocks are parsed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from archspec.diagnostics import Diagnostics, Span, printable
from archspec.expressions import Work
from archspec.schema.models import BlockModel, SpecModel
from archspec.schema.steps import IDENTIFIER, Step, parse_steps
from archspec.syntax import Items, Mapping, Node, Scalar
from archspec.validation import Words, complaints

LANGUAGE_VERSION = 1


@dataclass(slots=True, eq=False)
class BlockDefinition:
    """A block, or a whole spec treated as one."""

    name: str
    model: BlockModel | SpecModel
    file: SpecFile
    span: Span
    steps: tuple[Step, ...]
    uses: set[str] = field(default_factory=set)
    """Parameters and ``let`` names that some use has read; the others are reported in a warning."""


@dataclass(slots=True, eq=False)
class SpecFile:
    """A parsed file: its model, its blocks, and the located mapping it came from."""

    key: str
    """The resolved path, which identifies the file."""
    shown: str
    """The name shown to users."""
    model: SpecModel
    node: Mapping
    folder: Any
    blocks: dict[str, BlockDefinition] = field(default_factory=dict)
    whole: BlockDefinition | None = None
    used_blocks: set[str] = field(default_factory=set)
    handed: set[str] = field(default_factory=set)
    """Blocks named by a value.  They are alternatives: each accepts the arguments that the others need."""
    used_defaults: set[str] = field(default_factory=set)
    """Ops and blocks whose entries in the file's ``defaults`` have been used."""
    imports: dict[str, Any] = field(default_factory=dict)
    work: Work = field(default_factory=Work)
    """The evaluation work of the expressions in all files of the load."""
    templates: dict[int, Any] = field(default_factory=dict)
    """Parsed expressions by the ``id`` of their scalar, which the file keeps alive."""
    named: dict[Any, Any] = field(default_factory=dict)
    """By step: the scalar of what it applies, if that is an expression."""
    words: dict[Any, frozenset[str]] = field(default_factory=dict)
    """By step: every word written inside it."""

    def begin(self, work: Work) -> None:
        """Ready the file for another load, which has used nothing of it so far."""
        self.work = work
        for used in (self.used_blocks, self.handed, self.used_defaults, self.imports):
            used.clear()


def parse_file(
    node: Node, key: str, shown: str, folder: Any, diagnostics: Diagnostics, work: Work | None = None
) -> SpecFile | None:
    """A located file as a :class:`SpecFile`; None, with diagnostics added, where its structure is invalid.

    ``work`` counts the evaluation of the whole load that the file belongs to.
    """
    if not isinstance(node, Mapping):
        diagnostics.error(
            "structure", "a spec must be a mapping that begins with `archspec: 1`", node.span, "see `archspec schema`"
        )
        return None
    version = node.get("archspec")
    if version is None:
        diagnostics.error(
            "missing-key",
            "the file does not state its language version",
            node.span.part(0, 1),
            "begin the file with `archspec: 1`",
        )
    elif not (isinstance(version, Scalar) and version.value == LANGUAGE_VERSION and version.value is not True):
        diagnostics.error("language-version", "this archspec reads language version 1 only", version.span)
        return None
    model = _validate(SpecModel, node, diagnostics, {"archspec": 1})
    if model is None:
        return None
    file = SpecFile(key, shown, model, node, folder, work=work or Work())
    for name, body in model.blocks.items():
        block = _parse_block(name, body, node, file, diagnostics)
        if block is not None:
            file.blocks[name] = block
    name = model.name or re.sub(r"\W", "_", str(shown).rsplit("/", 1)[-1].removesuffix(".yaml"))
    if model.name is not None and not re.match(r"[A-Za-z][A-Za-z0-9_ .+-]{0,79}\Z", model.name):
        diagnostics.error(
            "bad-name",
            f"`{printable(model.name)}` is not a valid network name",
            (node.get("name") or node).span,
            "use a letter, then letters, digits, `_`, `-`, `.` or spaces",
        )
        return None
    if model.steps is not None:
        steps = parse_steps(model.steps, diagnostics)
        file.whole = BlockDefinition(name, model, file, node.span, steps)
    elif model.extends is None and not model.blocks and model.imports is None:
        diagnostics.error(
            "missing-key", "the file has neither `steps` nor `extends` nor `blocks`", node.span.part(0, 1)
        )
        return None
    return file


def _parse_block(
    name: str, body: Node, node: Mapping, file: SpecFile, diagnostics: Diagnostics
) -> BlockDefinition | None:
    blocks = node.get("blocks")
    key = blocks.key(name) if isinstance(blocks, Mapping) else None
    span = key.span if key is not None else body.span
    if not IDENTIFIER.match(name):
        diagnostics.error("bad-name", f"`{printable(name)}` is not a valid block name", span, "letters, digits and `_`")
        return None
    if isinstance(body, Items):
        return BlockDefinition(
            name, BlockModel.model_construct(steps=list(body.items)), file, span, parse_steps(body.items, diagnostics)
        )
    if not isinstance(body, Mapping):
        diagnostics.error("structure", f"block `{name}` is neither a mapping nor a list of steps", body.span)
        return None
    model = _validate(BlockModel, body, diagnostics)
    if model is None:
        return None
    return BlockDefinition(name, model, file, span, parse_steps(model.steps, diagnostics))


def _validate(
    kind: type[Any], node: Mapping, diagnostics: Diagnostics, known: dict[str, Any] | None = None
) -> Any | None:
    """The model of a located mapping, or None with a diagnostic for each error."""
    data: dict[str, Any] = {str(key.text): value for key, value in node.entries}
    try:
        return kind.model_validate(data | (known or {}))
    except ValidationError as failure:
        for each in complaints(kind, node, failure, _WORDS[kind]):
            diagnostics.add(each)
    return None


_EXAMPLES = {
    "blocks": "blocks: {unit: [conv: {channels: 8, kernel: 3}, relu]}",
    "defaults": "defaults: {conv: {bias: false}}",
    "expect": "expect: {parameters: 25_557_032}",
    "inputs": "inputs: {image: [3, H, W]}",
    "let": "let: {width: $(2 * channels)}",
    "params": "params: {classes: 1000}",
    "rewrite": "rewrite: [dense_to_conv]",
    "sizes": "sizes: {H: 224, W: 224}",
    "steps": "steps: [conv: {channels: 8, kernel: 3}, relu]",
}
"""Keys as they may be written, for hints."""

_HINTS = {key: f"write it as in `{example}`" for key, example in _EXAMPLES.items()}
_WORDS: dict[type[BaseModel], Words] = {
    SpecModel: Words("a spec", hints=_HINTS),
    BlockModel: Words("a block", hints=_HINTS),
}
