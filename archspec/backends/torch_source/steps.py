"""The steps of a class's forward: the names of its members, and their calls with the values they read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archspec.analyses.strides import regroups_freely
from archspec.backends.torch_source import recomputing
from archspec.backends.torch_source.calls import Call, Loop
from archspec.backends.torch_source.members import (
    attribute,
    first_number,
    is_list,
    numbered_name,
    numbers,
    reading,
)
from archspec.backends.torch_source.names import Namespace, identifier, is_name
from archspec.expressions import tree as t
from archspec.expressions.tree import Tree
from archspec.families import algebra, sums
from archspec.families.items import Item, Reader
from archspec.families.templates import Entry, Ref, Template, with_turns
from archspec.graph import Node, Output, Scope
from archspec.ops.common.module_attributes import MODULE_ATTRIBUTES

PREPARED = -1
"""The output number for the result of an entry's preparation of its first input."""


class Steps:
    """The members of a class and the calls of its forward."""

    def __init__(
        self,
        reader: Reader,
        template: Template,
        templates: Mapping[Scope, Template],
        reserved: Namespace,
        outputs: Sequence[Output] = (),
    ) -> None:
        self.graph = reader.flow.graph
        self.reader = reader
        self.template = template
        self.templates = templates
        self.reserved = reserved
        self.outputs = outputs
        """The network's outputs; empty for any other class."""
        self.turn = "i"
        """The variable of loops in the forward."""
        self.first: dict[int, int] = {}
        """The first index of that variable, by the number of each entry whose name uses it."""
        self.members: dict[Node | Scope, str] = {}
        self._name_members()
        template.output_names = [self._output_name(ref) for ref in template.outputs]

    def _entries(self) -> list[Entry]:
        """All entries, those in loops included."""
        return list(with_turns(self.template.entries))

    def _name_members(self) -> None:
        names = Namespace(MODULE_ATTRIBUTES)
        for entry in self._entries():
            if entry.kind != "function" and entry.name:
                entry.member = entry.name
                names.reserve(item.name.split(".")[0] for item in entry.items if item is not None)
        known: dict[Tree, str] = {}
        branch_of = {
            id(child): branch
            for branch in self._entries()
            if branch.kind == "loop" and branch.count is None
            for child in with_turns(branch.children)
        }
        for entry in self._entries():
            made = {
                tree: names.claim(f"has_{name}" if name in names else name)
                for name, tree in entry.attributes.items()
                if tree not in known
            }
            branch = branch_of.get(id(entry))
            # What is made under a condition is not there for others; an argument is kept whether or not it is needed.
            shared = {tree: name for tree, name in made.items() if branch is None or isinstance(tree, t.Name)}
            known.update(shared)
            renamed = {name: made.get(tree) or known[tree] for name, tree in entry.attributes.items()}
            entry.attributes = {name: tree for tree, name in made.items()}
            if branch is not None:
                branch.attributes |= {name: tree for tree, name in shared.items()}
                entry.attributes = {name: tree for tree, name in made.items() if tree not in shared}
            for name, new in renamed.items():
                entry.text = entry.text.replace(f"{{{name}}}", f"self.{new}")
                entry.prepare = entry.prepare.replace(f"{{{name}}}", f"self.{new}")
            if not entry.member and entry.kind != "loop" and (entry.kind != "function" or entry.condition is not None):
                entry.member = names.claim(self._word(entry))
        self.listed = is_list(self.template)
        for entry in self._entries():
            for item in entry.items:
                if item is not None:
                    self._note(item, self._access(entry) if entry.series_name is None else attribute(item.name))

    @staticmethod
    def _word(entry: Entry) -> str:
        what = entry.first.what
        assert isinstance(what, Node)
        assert what.op is not None
        if entry.kind == "function":
            return what.op.switch or f"use_{what.op.keyword}"
        return what.op.keyword

    def _note(self, item: Item, access: str) -> None:
        if item.what.reuse is None:
            self.members[item.what] = access
        for position, child in enumerate(item.children):
            self._note(child, f"{access}[{position}]")

    def _access(self, entry: Entry) -> str:
        original = entry.first.what.reuse
        if original is not None:
            return self._reach(original)
        if entry.series_name is not None:
            return f"getattr(self, {numbered_name(entry, self.turn, self.first.get(entry.number, 0))})"
        return f"self[{entry.member}]" if self.listed else reading(self.template, entry)

    def _reach(self, what: Node | Scope) -> str:
        """The expression that accesses a module used again: a member of this class, or of one of its members."""
        inner: list[Node | Scope] = []
        while what not in self.members:
            inner.append(what)
            around = what.scope if isinstance(what, Node) else what.parent
            assert around is not None, "what is used again lies in the network"
            what = around
        access = self.members[what]
        for one in reversed(inner):
            assert isinstance(what, Scope)
            found = self._inside(access, what, one)
            if found is not None:  # otherwise an open scope, which has no member of its own
                access, what = found, one
        return access

    def _inside(self, access: str, scope: Scope, inner: Node | Scope) -> str | None:
        """The expression that accesses a module from the module of its scope; None where that has no such member."""
        template = self.templates.get(scope.reuse or scope)
        if template is None or template.chain:
            if template is not None and is_name(inner.name):
                return attribute(inner.name, access)
            return f"{access}[{list(self.reader.inside(scope)).index(inner)}]"
        use = template.place[scope.reuse or scope]
        for entry in with_turns(template.entries):
            if entry.series_name is not None and any(item and item.what is inner for item in entry.items):
                return attribute(inner.name, access)
            item = entry.items[use] if entry.series_name is None else None
            if item is not None and item.what is inner:
                return f"{access}[{entry.member}]" if is_list(template) else reading(template, entry, access)
        return None

    def _inputs(self) -> list[str]:
        names = Namespace()
        names.reserve(name for name in taken(self.reserved))
        if self.outputs:
            return [names.claim(name) for name in self.graph.inputs]
        count = len(self.template.inputs[0])
        wanted = self.template.input_names or (["x"] if count == 1 else ["x", "y", "z"][:count] if count < 4 else [])
        wanted = wanted or [f"x{position + 1}" for position in range(count)]
        return [names.claim(name) for name in wanted]

    def _plan(self, outputs: list[Ref]) -> tuple[list[Ref], str]:
        """The values that the forward returns, and how: ``plain``, ``tuple``, ``record`` or ``training``."""
        if not self.outputs:
            return outputs, "plain" if len(outputs) == 1 else "tuple"
        refs = [self._output(output) for output in self.outputs]
        always = [ref for ref, output in zip(refs, self.outputs, strict=True) if not output.training]
        if len(refs) == 1:
            return refs, "plain"
        if len(always) == 1:
            return [*refs, always[0]], "training"
        return refs, "record"

    def _output(self, output: Output) -> Ref:
        """The value of an output of the network, which may be one of its inputs."""
        index, given = self.reader.flow.alias[output.node], self.template.given[0]
        if index in given:
            return self.template.outputs[given[index]]
        return Ref(-1, self.template.inputs[0].index(index))

    def _calls(self) -> list[Call | Loop]:
        """The calls and loops of the forward, in order."""
        found: list[Call | Loop] = []
        for entry in self.template.entries:
            assert isinstance(entry, Entry)
            if entry.kind != "loop":
                found += self._called(entry)
            elif any(child.first.live for child in entry.children if isinstance(child, Entry)):
                found.append(self._loop_call(entry))
        return found

    def _loop_call(self, entry: Entry) -> Loop:
        first = first_number(entry.children)
        self.first.update((child.number, first) for child in entry.children if isinstance(child, Entry))
        body = [call for child in entry.children if isinstance(child, Entry) for call in self._called(child)]
        gives = tuple(Ref(entry.number, position) for position in range(len(entry.carried)))
        spans = tuple(dict.fromkeys(span for call in body for span in call.spans))
        if entry.count is None:
            head = f"if {entry.text}:"
        else:
            variable = self.turn if any(numbers(child) for child in entry.children) else "_"
            last = entry.text or algebra.show(sums.total([algebra.constant(first), entry.count]))
            last = f"{last} + {first}" if entry.text and first else last
            head = f"for {variable} in range({f'{first}, ' if first else ''}{last}):"
        return Loop(head, body, tuple(entry.reads), tuple(entry.begin), tuple(entry.carried), gives, spans)

    def _called(self, entry: Entry) -> list[Call]:
        item, number = entry.first, entry.number
        if not item.live:
            return []
        gives = tuple(Ref(number, output) for output in range(item.outputs or max(len(item.gives), 1)))
        common: dict[str, Any] = {"training": item.training, "named": self._labels(entry), "spans": _spans(item)}
        reads = tuple(entry.reads)
        before: list[Call] = []
        if entry.condition is not None:
            entry.text = entry.text.replace("{0}", entry.prepare)
        elif entry.prepare != "{0}":
            before = [Call(entry.prepare, reads[:1], (Ref(number, PREPARED),), training=item.training)]
            reads = (Ref(number, PREPARED), *reads[1:])
        if entry.kind == "function":
            what = item.what
            assert isinstance(what, Node)
            assert what.op is not None
            text, atomic, views = entry.text, entry.atomic, self._views(entry)
            if entry.condition is not None:
                assert entry.alias is not None
                text, atomic, views = f"{text} if self.{entry.member} else {{{len(reads)}}}", False, None
                reads = (*reads, entry.alias)
            return [*before, Call(text, reads, gives, atomic, merges=what.op.merges, views=views, **common)]
        access = self._access(entry)
        if entry.kind == "module":
            what = item.what
            heavy = isinstance(what, Node) and what.op is not None and what.op.kind in ("convolution", "dense")
            common |= {"member": entry.member if is_name(entry.member) else "", "views": self._views(entry)}
            common["place"] = self._place(entry, entry.text == "{module}({0})")
            return [*before, Call(entry.text.replace("{module}", access), reads, gives, heavy=heavy, **common)]
        member = entry.member if is_name(entry.member) else f"branch{entry.member}" if self.listed else ""
        taps = _taps(item) if entry.kind == "chain" else []
        if len(taps) > 1:
            return self._slices(entry, access, taps, number, common)
        places = ", ".join(f"{{{position}}}" for position in range(len(reads)))
        if item.recomputes:
            return [Call(f"{recomputing.CALL}({access}, {places})", reads, gives, member=member, **common)]
        place = self._place(entry, len(reads) == 1)
        return [Call(f"{access}({places})", reads, gives, member=member, place=place, **common)]

    def _place(self, entry: Entry, alone: bool) -> int | None:
        """The index of a member of a list class that is called on one value ``alone``; otherwise None."""
        own = self.listed and alone and entry.series_name is None and entry.first.what.reuse is None
        return int(entry.member) if own else None

    def _views(self, entry: Entry) -> int | None:
        """The position of the read value of which an entry's own is a view outside training, in every use; or None."""
        found: set[int | None] = set()
        for item in entry.items:
            node = item.what if item is not None else None
            if isinstance(node, Node) and node.op is not None:
                copies = node.op.regroups and not regroups_freely(self.graph, node, self.reader.reordered)
                found.add(None if copies else node.op.aliases(self.graph.shapes_in(node), False))
            elif item is not None:
                found.add(None)
        return found.pop() if len(found) == 1 else None

    def _slices(
        self, entry: Entry, access: str, taps: list[tuple[int, int, int]], number: int, common: dict[str, Any]
    ) -> list[Call]:
        """The calls of a chain with intermediate outputs: one slice for each output."""
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
        """The spec's names for an entry's outputs, where all uses have the same."""
        wanted: list[str] = []
        for output in range(max(item.outputs or len(item.gives) for item in entry.items if item is not None)):
            labels = set()
            for item in entry.items:
                if item is not None:
                    index = next((index for index, place in item.gives.items() if place == output), None)
                    labels.add(self._label(index) if index is not None else "")
            label = labels.pop() if len(labels) == 1 else ""
            if not label and isinstance(entry.head, Template) and len(entry.head.outputs) > 1:
                label = entry.head.output_names[output]
            wanted.append(identifier(label) if label else "")
        return tuple(wanted) if any(wanted) else ()

    def _output_name(self, ref: Ref) -> str:
        """The spec's name for an output of this class: its label, or the name of the step that makes it."""
        entry = next(
            (entry for entry in self.template.entries if isinstance(entry, Entry) and entry.number == ref.entry), None
        )
        if entry is None:
            return ""
        labels = self._labels(entry)
        said = labels[ref.output] if ref.output < len(labels) else ""
        return said or (entry.name if is_name(entry.name) and len(entry.first.gives) == 1 else "")

    def _label(self, index: int) -> str:
        for output in self.outputs:
            if self.reader.flow.alias[output.node] == index and output.name != "output":
                return output.name
        node = self.graph.nodes[index]
        return node.label or ("indices" if node.op is not None and node.op.follows else "")


def taken(namespace: Namespace) -> set[str]:
    """All names that are taken in a namespace."""
    return set(namespace.given)


def _taps(item: Item) -> list[tuple[int, int, int]]:
    """For each value of a chain that is read outside it: the child's position, the output's position, the node."""
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
