"""One class as text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from archspec.backends.torch_source.constructor import Constructor, attribute, is_list, signature
from archspec.backends.torch_source.forward import Body, Call, Statement
from archspec.backends.torch_source.items import Item
from archspec.backends.torch_source.layout import WIDTH, lay_out
from archspec.backends.torch_source.names import MODULE_ATTRIBUTES, Namespace, docstring, identifier, is_name
from archspec.backends.torch_source.templates import Entry, Ref, Series, Template
from archspec.diagnostics import Span
from archspec.graph import Graph, Node, Output, Scope

_FLAGS = {"add": "residual", "multiply": "gated", "concat": "joined"}
"""What an attribute is called that says whether a merge is there."""


@dataclass(slots=True)
class ClassText:
    """The lines of a class; ``places`` gives, for lines of its forward, the places in the spec they come from."""

    lines: list[str]
    places: dict[int, tuple[str, ...]] = field(default_factory=dict)
    helpers: list[str] = field(default_factory=list)


class ClassWriter:
    """Writes one class."""

    def __init__(self, graph: Graph, template: Template, reserved: Namespace, outputs: Sequence[Output] = ()) -> None:
        self.graph = graph
        self.template = template
        self.reserved = reserved
        self.outputs = outputs
        """Of the network; empty for any other class."""
        self.members: dict[Node | Scope, str] = {}
        self._name_members()

    def text(self, documentation: Sequence[str], record: str = "") -> ClassText:
        """The class; ``record`` is the tuple the network's outputs come in, when there are several."""
        template = self.template
        found = ClassText([])
        scope = template.uses[0]
        place = _place(scope)
        if place is not None:
            found.lines.append(f"# {shown_path(place.source.name)}:{place.line}")
        base = "nn.Sequential" if template.chain else "nn.ModuleList" if self.listed else "nn.Module"
        found.lines.append(f"class {template.name}({base}):")
        found.lines += docstring(documentation, WIDTH, 4)
        found.lines.append("")
        found.lines += signature(template)
        constructor = Constructor(template)
        found.lines += constructor.chain() if template.chain else constructor.members()
        found.helpers += self._helpers(template.entries)
        if not template.chain:
            found.lines.append("")
            self._forward(found, record)
        return found

    # -- members -------------------------------------------------------------------------------------------------------

    def _entries(self) -> list[Entry]:
        return [entry for entry in self.template.entries if isinstance(entry, Entry)]

    def _name_members(self) -> None:
        names = Namespace(MODULE_ATTRIBUTES)
        for entry in self._entries():
            if entry.kind != "function" and entry.name:
                entry.member = entry.name
                names.reserve([entry.name.split(".")[0]])
        for entry in self._entries():
            renamed = {name: names.claim(name) for name in entry.attributes}
            entry.attributes = {renamed[name]: tree for name, tree in entry.attributes.items()}
            for name, new in renamed.items():
                entry.text = entry.text.replace(f"{{{name}}}", f"self.{new}")
            if not entry.member and (entry.kind != "function" or entry.condition is not None):
                entry.member = names.claim(self._word(entry))
        self.listed = is_list(self.template)
        for entry in self._entries():
            for item in entry.items:
                if item is not None:
                    self._note(item, self._access(entry))

    @staticmethod
    def _word(entry: Entry) -> str:
        what = entry.first.what
        assert isinstance(what, Node)
        assert what.op is not None
        if entry.kind == "function":
            return _FLAGS.get(what.op.keyword, f"use_{what.op.keyword}")
        return what.op.keyword

    def _note(self, item: Item, access: str) -> None:
        if item.what.reuse is None:
            self.members[item.what] = access
        for position, child in enumerate(item.children):
            self._note(child, f"{access}[{position}]")

    def _access(self, entry: Entry) -> str:
        original = entry.first.what.reuse
        if original is not None:
            found = self.members.get(original)
            if found is None:
                raise NotImplementedError(f"`{entry.first.what.path}` applies weights of another class again")
            return found
        return f"self[{entry.member}]" if self.listed else attribute(entry.member)

    def _helpers(self, entries: Sequence[Entry | Series]) -> list[str]:
        out: list[str] = []
        for entry in entries:
            if isinstance(entry, Series):
                out += self._helpers(entry.body)
                continue
            out += self._helpers(entry.children)
            item = entry.first
            if entry.kind == "module" and item.module is not None and item.module.helper:
                out.append(item.module.helper)
            if entry.kind == "function" and item.function is not None and item.function.helper:
                out.append(item.function.helper)
        return out

    # -- forward -------------------------------------------------------------------------------------------------------

    def _inputs(self) -> list[str]:
        names = Namespace()
        names.reserve(name for name in _taken(self.reserved))
        if self.outputs:
            return [names.claim(name) for name in self.graph.inputs]
        count = len(self.template.inputs[0])
        wanted = self.template.input_names or (["x"] if count == 1 else ["x", "y", "z"][:count] if count < 4 else [])
        wanted = wanted or [f"x{position + 1}" for position in range(count)]
        return [names.claim(name) for name in wanted]

    def _forward(self, found: ClassText, record: str) -> None:
        template = self.template
        inputs = self._inputs()
        names = Namespace(_taken(self.reserved))
        names.reserve(inputs)
        body = Body(names, {Ref(-1, position): name for position, name in enumerate(inputs)})
        calls = [call for number, entry in enumerate(self._entries()) for call in self._calls(entry, number)]
        returned = list(template.outputs)
        refs, returns = self._plan(returned)
        results = body.run(calls, refs)
        if returns == "record":
            results = [self._in_training(*pair) for pair in zip(results, self.outputs, strict=True)]
        last = body.spans_left()
        arguments = ", ".join(f"{name}: Tensor" for name in inputs)
        kind = self._returns(record, returns)
        found.lines += lay_out(f"def forward(self{', ' if arguments else ''}{arguments}) -> {kind}:", 4)
        end = len(body.statements)
        while returns == "training" and end and body.statements[end - 1].training:
            end -= 1
        self._statements(found, body.statements[:end])
        self._return(found, results, returns, record, last, body.statements[end:])

    def _plan(self, outputs: list[Ref]) -> tuple[list[Ref], str]:
        """What the forward returns at its end, and in which manner."""
        if not self.outputs:
            return outputs, "plain" if len(outputs) == 1 else "tuple"
        refs = [self._output(output) for output in self.outputs]
        always = [ref for ref, output in zip(refs, self.outputs, strict=True) if not output.training]
        if len(refs) == 1:
            return refs, "plain"
        if len(always) == 1:
            return [*refs, always[0]], "training"
        return refs, "record"

    def _in_training(self, result: str, output: Output) -> str:
        """An output that only training has, where its value is there always."""
        needed = self.graph.nodes[self.alias(output.node)].training_only
        return f"{result} if self.training else None" if output.training and not needed else result

    def _output(self, output: Output) -> Ref:
        """The value of an output of the network, which may be an input as it is."""
        index, given = self.alias(output.node), self.template.given[0]
        if index in given:
            return self.template.outputs[given[index]]
        return Ref(-1, self.template.inputs[0].index(index))

    def alias(self, index: int) -> int:
        """The node a value stands for."""
        node = self.graph.nodes[index]
        while node.op is not None and node.op.keyword == "identity" and not node.is_module:
            node = self.graph.nodes[node.inputs[0]]
        return node.index

    def _returns(self, record: str, manner: str) -> str:
        if manner == "plain":
            return "Tensor"
        if manner == "tuple":
            return f"tuple[{', '.join(['Tensor'] * len(self.template.outputs))}]" if self.template.outputs else "None"
        return record if manner == "record" else f"Tensor | {record}"

    def _calls(self, entry: Entry, number: int) -> list[Call]:
        item = entry.first
        if not item.live:
            return []
        gives = tuple(Ref(number, output) for output in range(item.outputs or max(len(item.gives), 1)))
        common: dict[str, Any] = {"training": item.training, "named": self._labels(entry), "spans": _spans(item)}
        reads = tuple(entry.reads)
        if entry.kind == "function":
            what = item.what
            assert isinstance(what, Node)
            assert what.op is not None
            text, atomic = entry.text, entry.atomic
            if entry.condition is not None:
                assert entry.alias is not None
                text, atomic = f"{text} if self.{entry.member} else {{{len(reads)}}}", False
                reads = (*reads, entry.alias)
            return [Call(text, reads, gives, atomic, merges=what.op.merges, **common)]
        access = self._access(entry)
        if entry.kind == "module":
            what = item.what
            heavy = isinstance(what, Node) and what.op is not None and what.op.kind in ("convolution", "dense")
            member = entry.member if is_name(entry.member) else ""
            return [Call(entry.text.replace("{module}", access), reads, gives, heavy=heavy, member=member, **common)]
        member = entry.member if is_name(entry.member) else f"branch{entry.member}" if self.listed else ""
        taps = _taps(item) if entry.kind == "chain" else []
        if len(taps) > 1:
            return self._slices(entry, access, taps, number, common)
        places = ", ".join(f"{{{position}}}" for position in range(len(reads)))
        return [Call(f"{access}({places})", reads, gives, member=member, **common)]

    def _slices(
        self, entry: Entry, access: str, taps: list[tuple[int, int, int]], number: int, common: dict[str, Any]
    ) -> list[Call]:
        """A chain that is tapped: run piece by piece."""
        out: list[Call] = []
        reads, begin = tuple(entry.reads), 0
        for position, output, _ in taps:
            last = position + 1 == len(entry.first.children)
            piece = f"[{begin or ''}:{'' if last else position + 1}]"
            gives = (Ref(number, output),)
            labels = common["named"]
            named = (labels[output],) if output < len(labels) and labels[output] else ()
            out.append(Call(f"{access}{piece}({{0}})", reads, gives, **{**common, "named": named}))
            reads, begin = gives, position + 1
        return out

    def _labels(self, entry: Entry) -> tuple[str, ...]:
        """What the spec calls the values an entry gives, where all uses call them so."""
        wanted: list[str] = []
        for output in range(max(item.outputs or len(item.gives) for item in entry.items if item is not None)):
            labels = set()
            for item in entry.items:
                if item is not None:
                    index = next((index for index, place in item.gives.items() if place == output), None)
                    labels.add(self._label(index) if index is not None else "")
            label = labels.pop() if len(labels) == 1 else ""
            wanted.append(identifier(label) if label else "")
        return tuple(wanted) if any(wanted) else ()

    def _label(self, index: int) -> str:
        for output in self.outputs:
            if self.alias(output.node) == index and output.name != "output":
                return output.name
        return self.graph.nodes[index].label or ""

    # -- statements ----------------------------------------------------------------------------------------------------

    def _statements(self, found: ClassText, statements: Sequence[Statement]) -> None:
        position = 0
        while position < len(statements):
            end = position
            while end < len(statements) and statements[end].training:
                end += 1
            group = statements[position:end]
            if not group:
                self._put(
                    found,
                    f"{', '.join(statements[position].targets)} = {statements[position].text}",
                    8,
                    statements[position],
                )
                position += 1
                continue
            position = end
            single = f"{group[0].targets[0]} = {group[0].text} if self.training else None"
            if len(group) == 1 and len(group[0].targets) == 1 and len(single) <= WIDTH - 8:
                self._put(found, single, 8, group[0])
                continue
            later = dict.fromkeys(target for statement in group for target in statement.targets)
            used = " ".join(statement.text for statement in statements[end:])
            own = [
                target for target in later if target not in ("x", "y", "z", "_") or re.search(rf"\b{target}\b", used)
            ]
            for target in own:
                found.lines.append(f"        {target} = None")
            found.lines.append("        if self.training:")
            for statement in group:
                self._put(found, statement.line, 12, statement)

    def _put(self, found: ClassText, text: str, indent: int, statement: Statement | None = None) -> None:
        begin = len(found.lines)
        found.lines += lay_out(text, indent)
        if statement is not None:
            for line in range(begin, len(found.lines)):
                found.places[line] = statement.spans

    def _return(
        self,
        found: ClassText,
        results: list[str],
        manner: str,
        record: str,
        spans: tuple[str, ...],
        training: Sequence[Statement],
    ) -> None:
        last = Statement((), "", False, (), spans)
        if not results:
            self._put(found, "return None", 8, last)
        elif manner in ("plain", "tuple"):
            self._put(found, f"return {', '.join(results)}", 8, last)
        elif manner == "record":
            self._put(found, f"return {record}({', '.join(results)})", 8, last)
        else:
            found.lines.append("        if self.training:")
            for statement in training:
                self._put(found, statement.line, 12, statement)
            self._put(found, f"return {record}({', '.join(results[:-1])})", 12, last)
            self._put(found, f"return {results[-1]}", 8, last)


def _place(scope: Scope) -> Span | None:
    """Where a class comes from: the block's definition, or the step that opens the scope."""
    if scope.block is not None:
        return scope.block.span
    found = scope
    while found.step is None and found.parent is not None:
        found = found.parent
    return found.step.span if found.step is not None else None


def shown_path(text: str) -> str:
    """The name of a file as it may stand in a comment: without the folders of this machine."""
    if PurePath(text).is_absolute():
        text = PurePath(text).name
    return "".join(character if character.isprintable() else "_" for character in text)[:200]


def _taken(namespace: Namespace) -> set[str]:
    return set(namespace.given)


def _taps(item: Item) -> list[tuple[int, int, int]]:
    """Position of the child, place among the outputs and node of each value of a chain that is read outside."""
    return [
        (position, item.gives[index], index)
        for position, child in enumerate(item.children)
        for index in child.gives
        if index in item.gives
    ]


def _spans(item: Item) -> tuple[str, ...]:
    what = item.what
    span = what.span if isinstance(what, Node) else (what.step.span if what.step is not None else None)
    return () if span is None else (f"{span.source.name}:{span.line}",)
