"""The whole file: imports, helpers, classes."""

from __future__ import annotations

import ast
from collections.abc import Sequence, Set
from dataclasses import field

from archspec.analyses.flow import analyse
from archspec.analyses.opaque import refuse
from archspec.backends.torch_source import recomputing
from archspec.backends.torch_source.classes import ClassText, ClassWriter, shown_path
from archspec.backends.torch_source.documentation import described
from archspec.backends.torch_source.initial import initial_statements
from archspec.backends.torch_source.layout import WIDTH
from archspec.backends.torch_source.names import Namespace, class_name, docstring, identifier
from archspec.backends.torch_source.signature import name_parameters
from archspec.families.algebra import DIVISIBLE
from archspec.families.items import Reader
from archspec.families.templates import Template
from archspec.families.unify import unify
from archspec.graph import Graph, Scope
from archspec.records import record

CAREFUL = "Lines of one call, and `del`, let a tensor go before the next is made: the peak of memory stays low."
"""The note in a file that has lines written to lower peak memory."""


@record
class Emitted:
    """The text, the name of the network's class, and the places in the spec of its lines and modules."""

    text: str
    entry: str
    lines: dict[int, tuple[str, ...]] = field(repr=False)
    """1-based line of the text -> ``file.yaml:line`` of the steps it runs."""
    paths: dict[str, str] = field(repr=False)
    """Module path -> ``file.yaml:line``."""


@record
class Surroundings:
    """What a file has around the classes of its network, and says of itself; a plain file has nothing."""

    note: tuple[str, ...] = ()
    """Paragraphs of the file's description."""
    before: tuple[str, ...] = ()
    """Texts before the first class: constants, and the classes of modules that torch has not."""
    after: tuple[str, ...] = ()
    """Texts after the last class, with ``{entry}`` for the name of the network's class."""
    names: frozenset[str] = frozenset()
    """The names that these texts define."""


PLAIN = Surroundings()


def emit(graph: Graph, around: Surroundings = PLAIN) -> str:
    """The source of a network."""
    return emitted(graph, around).text


def emitted(graph: Graph, around: Surroundings = PLAIN, *, located: bool = False) -> Emitted:
    """The source of a network, with the places of its lines and modules in the spec.

    With ``located``, ``lines`` also has the lines of constructors, with the steps whose modules they create.
    """
    refuse(graph, "it cannot be compiled")
    reader = Reader(analyse(graph))
    templates: dict[Scope, Template] = {}
    ordered: list[Template] = []
    for group in reader.ordered():
        for template in unify(reader, reader.groups[group], templates):
            if template.chain and template.uses[0].block is None:
                continue
            ordered.append(template)
            templates.update(dict.fromkeys(template.uses, template))
    root = templates[graph.root]
    again = {recomputing.CALL} if any(scope.checkpoint for scope in graph.root.scopes()) else set()
    names = _name_classes(graph, ordered, root, around.names | again)
    for template in ordered:
        name_parameters(template, names)
    record = names.claim(f"{root.name}Output") if len(graph.outputs) > 1 else ""
    initial = initial_statements(graph, reader, ordered)
    texts: list[ClassText] = []
    for template in ordered:
        writer = ClassWriter(reader, template, templates, names, graph.outputs if template is root else ())
        text = writer.text(_documentation(graph, template), record, located=located)
        text.constructor += initial.inside.get(template, []) + (initial.loop if template is root else [])
        texts.append(text)
    blocks = [_lines(text) for text in around.before]
    for helper in dict.fromkeys([*(helper for text in texts for helper in text.helpers), *initial.helpers]):
        blocks.append(_lines(helper))
    if record:
        blocks.append(_record(graph, record))
    head = len(blocks)
    blocks += [text.lines for text in texts]
    blocks += [_lines(text.replace("{entry}", root.name)) for text in around.after]
    return _assemble(graph, root.name, blocks, dict(enumerate(texts, head)), around.note)


def _lines(text: str) -> list[str]:
    return text.strip("\n").split("\n")


def _assemble(
    graph: Graph, entry: str, blocks: list[list[str]], texts: dict[int, ClassText], note: Sequence[str]
) -> Emitted:
    body = "\n".join(line for block in blocks for line in block)
    names = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    lines = [*_title(graph, note, any(text.careful for text in texts.values())), *_imports(names)]
    if "divisible" in names:
        lines += ["", "", *DIVISIBLE.strip().split("\n")]
    places: dict[int, tuple[str, ...]] = {}
    for number, block in enumerate(blocks):
        lines += ["", ""]
        if number in texts:
            for line, spans in texts[number].spans.items():
                places[len(lines) + line + 1] = spans
        lines += block
    paths = {node.path: f"{node.span.source.name}:{node.span.line}" for node in graph.nodes if node.is_module}
    return Emitted("\n".join(lines) + "\n", entry, places, paths)


def _title(graph: Graph, note: Sequence[str], careful: bool) -> list[str]:
    doc = graph.doc or f"{graph.name}, a network"
    paragraphs = [doc, f"Emitted by archspec from {_spec(graph)}.", *note]
    return docstring([*paragraphs, CAREFUL] if careful else paragraphs, WIDTH, 0)


def _spec(graph: Graph) -> str:
    block = graph.root.block
    return shown_path(graph.spec or (block.file.shown if block is not None else "a spec"))


def _imports(names: Set[str]) -> list[str]:
    """The imports of the names that the text reads."""
    standard = {
        "math": "import math",
        "OrderedDict": "from collections import OrderedDict",
        "Iterator": "from collections.abc import Iterator",
        "contextmanager": "from contextlib import contextmanager, nullcontext",
        "NamedTuple": "from typing import NamedTuple",
    }
    lines = [text for name, text in standard.items() if name in names]
    lines += [""] if lines else []
    if "torch" in names:
        lines.append("import torch")
    if "contextmanager" in names:
        lines.append("import torch.utils.checkpoint")
    lines.append("from torch import Tensor, nn" if "Tensor" in names else "from torch import nn")
    if "F" in names:
        lines.append("from torch.nn import functional as F")
    return ["", *lines]


def _name_classes(graph: Graph, templates: list[Template], root: Template, taken: frozenset[str]) -> Namespace:
    names = Namespace(taken)
    root.name = names.claim(class_name(graph.name))
    for template in templates:
        if template is not root:
            wanted = class_name(_wanted(template))
            template.name = names.claim(wanted)
    return names


def _wanted(template: Template) -> str:
    """The name a class is derived from: that of its block, or of its scope."""
    scope = template.uses[0]
    if scope.block is not None:
        return scope.block.name
    plain = scope.name.rstrip("0123456789_")
    owner = scope.parent
    if plain:
        return plain
    return f"{owner.name if owner is not None and not owner.name.isdigit() else ''}_{scope.kind}"


def _documentation(graph: Graph, template: Template) -> list[str]:
    scope = template.uses[0]
    if scope is graph.root:
        paper = f" ({graph.source})" if graph.source else ""
        return [f"{graph.name}{paper}, from {_spec(graph)}."]
    if scope.block is not None:
        model = scope.block.model
        if not model.doc:
            return []
        doc = described(model.doc, template)
        paper = f" ({model.source})" if model.source and model.source != graph.source else ""
        return [doc.rstrip(".") + paper + "." if paper else doc]
    return [f"`{scope.path}`." if len(template.uses) == 1 else f"`{scope.path}` and its like."]


def _record(graph: Graph, record: str) -> list[str]:
    always = sum(1 for output in graph.outputs if not output.training)
    lines = [f"class {record}(NamedTuple):", f'    """The outputs of {class_name(graph.name)}."""', ""]
    for output in graph.outputs:
        # Elaboration refuses names that cannot be fields of a named tuple.
        lines.append(f"    {identifier(output.name)}: Tensor{' | None' if output.training else ''}")
    if always == 1:
        lines[1] = '    """The outputs in training."""'
    return lines
