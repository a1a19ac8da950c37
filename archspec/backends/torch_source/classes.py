"""One class as text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePath

from archspec.backends.torch_source import recomputing
from archspec.backends.torch_source.calls import Statement
from archspec.backends.torch_source.constructor import Constructor
from archspec.backends.torch_source.forward import Body
from archspec.backends.torch_source.layout import WIDTH, lay_out
from archspec.backends.torch_source.names import Namespace, docstring
from archspec.backends.torch_source.origins import origins
from archspec.backends.torch_source.signature import signature
from archspec.backends.torch_source.steps import Steps, taken
from archspec.diagnostics import Span
from archspec.families.templates import Entry, Ref, Series
from archspec.graph import Output, Scope
from archspec.sizes import factor

SHORTEST_RUN = 3
"""The fewest members of a list, each called on the result of the one before, that are called in a loop."""


@dataclass(slots=True)
class ClassText:
    """The parts of a class, and the helpers it needs from its file."""

    head: list[str] = field(default_factory=list)
    constructor: list[str] = field(default_factory=list)
    forward: list[str] = field(default_factory=list)
    places: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """For lines of the forward, their places in the spec."""
    made: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """For lines of the constructor, their places in the spec, where these were requested."""
    helpers: list[str] = field(default_factory=list)
    careful: bool = False
    """Whether lines of the forward are written to lower peak memory."""

    @property
    def parts(self) -> list[list[str]]:
        """The methods that have content."""
        silent = len(self.constructor) == 2 and self.forward and self.constructor[1].strip() == "super().__init__()"
        return [part for part in ([] if silent else self.constructor, self.forward) if part]

    @property
    def lines(self) -> list[str]:
        """The lines of the class."""
        found = list(self.head)
        for number, part in enumerate(self.parts):
            found += ["", *part] if number else part
        return found

    @property
    def spans(self) -> dict[int, tuple[str, ...]]:
        """``places`` and ``made``, by line of the whole class."""
        before = len(self.lines) - len(self.forward)
        found = {before + line: spans for line, spans in self.places.items()}
        return found | {len(self.head) + line: spans for line, spans in self.made.items()}


class ClassWriter(Steps):
    """Writes one class."""

    def text(self, documentation: Sequence[str], record: str = "", *, located: bool = False) -> ClassText:
        """The class; ``record`` is the named tuple of the network's outputs, when there are several.

        With ``located``, the places of the constructor's lines in the spec are found too.
        """
        template = self.template
        found = ClassText()
        scope = template.uses[0]
        place = _place(scope)
        if place is not None:
            found.head.append(f"# {shown_path(place.source.name)}:{place.line}")
        network = template.chain and bool(self.outputs)
        listed = self.listed or network  # a network's input has the spec's name
        base = "nn.ModuleList" if listed else "nn.Sequential" if template.chain else "nn.Module"
        found.head.append(f"class {template.name}({base}):")
        if documentation:
            found.head += [*docstring(documentation, WIDTH, 4), ""]
        found.constructor += signature(template)
        constructor = Constructor(template, self.reserved)
        found.constructor += constructor.chain(network) if template.chain else constructor.members()
        if located:
            found.made = origins(constructor, found.constructor)
        found.helpers += self._helpers(template.entries)
        if network:
            self._one_by_one(found)
        if not template.chain and (template.outputs or self.outputs):  # without outputs it only holds weights
            self._forward(found, record)
        return found

    @cached_property
    def _shapes(self) -> dict[Ref, str]:
        """The shapes of values in the network's forward, without the batch axis."""
        found: dict[Ref, str] = {}
        for entry in self.template.entries if self.outputs else ():
            if not isinstance(entry, Entry) or entry.kind == "loop":
                continue
            for index, output in entry.first.gives.items():
                shape = self.graph.nodes[index].shape
                found[Ref(entry.number, output)] = " × ".join(factor(dim) for dim in shape.dims)
        return found

    def _one_by_one(self, found: ClassText) -> None:
        """The forward of a network that is a chain."""
        (name,) = self._inputs()
        layer = "layer" if name != "layer" else "module"
        found.forward.append(f"    def forward(self, {name}: Tensor) -> Tensor:")
        found.forward += [f"        x = {name}"] if name != "x" else []
        found.forward += [f"        for {layer} in self:", f"            x = {layer}(x)", "        return x"]

    def _helpers(self, entries: Sequence[Entry | Series]) -> list[str]:
        out: list[str] = []
        for entry in entries:
            if isinstance(entry, Series):
                out += self._helpers(entry.body)
                continue
            out += self._helpers(entry.children)
            item = entry.first
            if item.recomputes:
                out.append(recomputing.HELPER)
            if entry.kind == "module" and item.module is not None and item.module.helper:
                out.append(item.module.helper)
            if entry.kind == "function" and item.function is not None and item.function.helper:
                out.append(item.function.helper)
        return out

    def _forward(self, found: ClassText, record: str) -> None:
        template = self.template
        inputs = self._inputs()
        names = Namespace(taken(self.reserved))
        names.reserve(inputs)
        if any(entry.kind == "loop" for entry in self._entries()):
            self.turn = names.claim(self.turn)
        calls = self._calls()
        body = Body(names, {Ref(-1, position): name for position, name in enumerate(inputs)})
        returned = list(template.outputs)
        refs, returns = self._plan(returned)
        results = body.run(calls, refs)
        found.careful = body.careful
        if returns == "record":
            results = [self._in_training(*pair) for pair in zip(results, self.outputs, strict=True)]
        last = body.spans_left()
        arguments = ", ".join(f"{name}: Tensor" for name in inputs)
        kind = self._returns(record, returns)
        found.forward += lay_out(f"def forward(self{', ' if arguments else ''}{arguments}) -> {kind}:", 4)
        end = len(body.statements)
        while returns == "training" and end and body.statements[end - 1].training:
            end -= 1
        self._statements(found, body.statements[:end])
        self._return(found, results, returns, record, last, body.statements[end:])

    def _returns(self, record: str, manner: str) -> str:
        if manner == "plain":
            return "Tensor"
        if manner == "tuple":
            return f"tuple[{', '.join(['Tensor'] * len(self.template.outputs))}]"
        return record if manner == "record" else f"Tensor | {record}"

    def _in_training(self, result: str, output: Output) -> str:
        """An output returned only in training, where its value is computed always."""
        needed = self.graph.nodes[self.reader.flow.alias[output.node]].training_only
        return f"{result} if self.training else None" if output.training and not needed else result

    def _statements(self, found: ClassText, statements: Sequence[Statement]) -> None:
        position = 0
        while position < len(statements):
            if statements[position].body:
                self._put(found, statements[position].line, 8, statements[position])
                for statement in statements[position].body:
                    self._put(found, statement.line, 12, statement)
                position += 1
                continue
            end = position
            while end < len(statements) and statements[end].training:
                end += 1
            group = statements[position:end]
            run = _run(statements[position:])
            if len(run) >= SHORTEST_RUN:
                self._loop(found, run)
                position += len(run)
                continue
            if not group:
                self._put(found, statements[position].line, 8, statements[position])
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
                found.forward.append(f"        {target} = None")
            found.forward.append("        if self.training:")
            for statement in group:
                self._put(found, statement.line, 12, statement)

    def _loop(self, found: ClassText, run: Sequence[Statement]) -> None:
        """Write calls of successive members of a list as a loop."""
        assert run[0].turn is not None
        first, name = run[0].turn
        index = "index" if name != "index" else "position"
        spans = tuple(dict.fromkeys(span for statement in run for span in statement.spans))
        turn = Statement((name,), f"self[{index}]({name})", False, (), spans)
        self._put(found, f"for {index} in range({first}, {first + len(run)}):", 8, turn)
        self._put(found, turn.line, 12, turn)

    def _put(self, found: ClassText, text: str, indent: int, statement: Statement | None = None) -> None:
        begin = len(found.forward)
        lines = lay_out(text, indent)
        shape = self._shapes.get(statement.refs[0]) if statement is not None and len(statement.refs) == 1 else None
        if shape is not None and len(lines) == 1 and len(lines[0]) + len(f"  # {shape}") <= WIDTH:
            lines = [f"{lines[0]}  # {shape}"]
        found.forward += lines
        if statement is not None:
            for line in range(begin, len(found.forward)):
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
        refs = tuple(self._output(output) for output in self.outputs) if manner == "plain" else ()
        last = Statement((), "", False, refs, spans)
        if manner in ("plain", "tuple"):
            self._put(found, f"return {', '.join(results)}", 8, last)
        elif manner == "record":
            self._put(found, f"return {record}({', '.join(results)})", 8, last)
        else:
            found.forward.append("        if self.training:")
            for statement in training:
                self._put(found, statement.line, 12, statement)
            self._put(found, f"return {record}({', '.join(results[:-1])})", 12, last)
            self._put(found, f"return {results[-1]}", 8, last)


def _run(statements: Sequence[Statement]) -> list[Statement]:
    """The first statements, as far as they apply successive members of a list to one name."""
    found: list[Statement] = []
    begin = statements[0].turn
    for offset, statement in enumerate(statements):
        if begin is None or statement.turn != (begin[0] + offset, begin[1]):
            break
        found.append(statement)
    return found


def _place(scope: Scope) -> Span | None:
    """The source of a class in the spec: the block's definition, or the step that opens the scope."""
    if scope.block is not None:
        return scope.block.span
    found = scope
    while found.step is None and found.parent is not None:
        found = found.parent
    return found.step.span if found.step is not None else None


def shown_path(text: str) -> str:
    """The name of a file for a comment: an absolute path is shown without its folders."""
    if PurePath(text).is_absolute():
        text = PurePath(text).name
    return "".join(character if character.isprintable() else "_" for character in text)[:200]
