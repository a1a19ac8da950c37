"""Warnings of unused parts of a spec: steps that nothing reads, and names that nothing uses."""

from __future__ import annotations

import re
from collections.abc import Sequence

from archspec.diagnostics import Diagnostics, printable
from archspec.elaborate import merging
from archspec.elaborate.builder import Builder
from archspec.graph import Graph
from archspec.schema import SpecFile
from archspec.syntax import Items, Scalar
from archspec.syntax import Mapping as YamlMapping
from archspec.syntax import Node as YamlNode


def warn(builder: Builder, file: SpecFile, extending: Sequence[SpecFile], graph: Graph) -> None:
    """Warn of everything unused in a finished graph, in the file with its steps and in those that extend it."""
    for one in dict.fromkeys((file, *extending)):
        _warn_unused(builder.diagnostics, one)
        _warn_of_defaults(builder.diagnostics, one)
    merging.warn_of_lone_branches(builder)
    _warn_unread(graph, builder.diagnostics)


def _warn_unread(graph: Graph, diagnostics: Diagnostics) -> None:
    """Warn of inputs and steps that nothing reads."""
    for node in graph.nodes:
        if node.dead and not graph.consumers(node.index):
            what = f"input `{node.name}`" if node.op is None else f"`{node.path}`"
            message = f"nothing reads {what}, and it is not an output"
            diagnostics.warning("unused-step", message, node.span, stack=node.scope.stack())


_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _warn_unused(diagnostics: Diagnostics, file: SpecFile) -> None:
    """Warn of parameters, ``let``, blocks and imports that are not used in their file."""
    definitions = [*file.blocks.values()]
    if file.whole is not None:
        definitions.append(file.whole)
    for definition in definitions:
        node: YamlNode | None = file.node if definition is file.whole else None
        if node is None:
            blocks = file.node.get("blocks")
            node = blocks.get(definition.name) if isinstance(blocks, YamlMapping) else None
        if not isinstance(node, YamlMapping):
            continue
        spoken = _spoken(node, definition is file.whole)
        for section in ("params", "let"):
            part = node.get(section)
            for key, _ in part.entries if isinstance(part, YamlMapping) else ():
                handed = section == "params" and definition.name in file.handed
                if key.text not in spoken and not handed:
                    kind = "parameter" if section == "params" else "value"
                    diagnostics.warning(
                        "unused", f"{kind} `{printable(key.text)}` of `{definition.name}` is never used", key.span
                    )
    if file.whole is None and file.model.extends is None:
        return
    blocks = file.node.get("blocks")
    bodies = [(key, value) for key, value in file.node.entries if key.text not in ("blocks", "import")]
    bodies += blocks.entries if isinstance(blocks, YamlMapping) else ()
    imports = file.model.imports
    unused = [
        (what, key)
        for what, section, used in (("block", blocks, file.used_blocks), ("import", imports, file.imports))
        for key, _ in (section.entries if isinstance(section, YamlMapping) else ())
        if key.text not in used
    ]
    spoken = _spoken(YamlMapping(tuple(bodies), file.node.span), False, everywhere=True) if unused else set[str]()
    for what, key in unused:
        if key.text not in spoken:
            diagnostics.warning("unused", f"{what} `{printable(key.text)}` is never used", key.span)


def _warn_of_defaults(diagnostics: Diagnostics, file: SpecFile) -> None:
    """Warn of defaults that no use takes, unless the file has a use that ``when`` leaves out."""
    section = file.node.get("defaults")
    if not isinstance(section, YamlMapping):
        return
    bodies = [(key, value) for key, value in file.node.entries if key.text in ("params", "let", "blocks", "steps")]
    unused = [key for key, _ in section.entries if key.text not in file.used_defaults]
    named = _spoken(YamlMapping(tuple(bodies), file.node.span), False, everywhere=True) if unused else set[str]()
    for key in unused:
        if key.text not in named:
            diagnostics.warning(
                "unused",
                f"the defaults of `{printable(key.text)}` are never used",
                key.span,
                "defaults apply to ops and blocks that this file names, not to what library blocks use inside",
            )


def _spoken(node: YamlMapping, whole: bool, everywhere: bool = False) -> set[str]:
    """Words in the expressions of a block (or all words of its values) that can be uses of a name."""
    words: set[str] = set()
    stack: list[tuple[YamlNode, bool]] = []
    for key, value in node.entries:
        if not (whole and key.text == "blocks"):
            stack.append((value, False))
    while stack:
        item, bare = stack.pop()
        if isinstance(item, Scalar):
            if isinstance(item.value, str) and (bare or everywhere or "$" in item.value):
                words.update(_WORD.findall(item.value))
        elif isinstance(item, Items):
            stack += [(inner, False) for inner in item.items]
        else:
            for key, value in item.entries:
                if "$" in str(key.text) or everywhere:
                    words.update(_WORD.findall(str(key.text)))
                stack.append((value, key.text in ("when", "for", "repeat")))
    return words
