"""The statements of a class's constructor, which create its members."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from archspec.backends.torch_source.layout import WIDTH, inside, lay_out, lay_out_all
from archspec.backends.torch_source.members import (
    BUFFER,
    assignment,
    attribute,
    container,
    first_number,
    is_list,
    numbered,
    numbered_name,
    only_parameters,
    registration,
    turning,
)
from archspec.backends.torch_source.names import Namespace, is_name, quoted
from archspec.expressions import tree as t
from archspec.expressions.tree import Tree
from archspec.families import algebra, sums
from archspec.families.algebra import TURN, Code
from archspec.families.templates import Entry, Series, Slot, Template

MANY_ARGUMENTS = 4
"""Where more arguments than this are required, calls pass the first ones by position, at most this many."""
_IDENTITY = "nn.Identity()"


class Constructor:
    """Writes the statements of one ``__init__``."""

    def __init__(self, template: Template, reserved: Namespace) -> None:
        self.template = template
        self.words = Namespace(reserved.given)
        self.words.reserve((*(one.name for one in template.parameters), *template.local_names.values(), "i", "layer"))
        self.names: dict[str, str] = {parameter.key: parameter.name for parameter in template.parameters}
        self.names.update(template.local_names)
        self.names[TURN] = "i"

    def formula(self, tree: Tree) -> str:
        """A formula over the constructor's arguments, as text."""
        return algebra.show(tree, self.names)

    # -- calls ---------------------------------------------------------------------------------------------------------

    def make(self, entry: Entry) -> str:
        """The call that creates a member."""
        if entry.kind == "chain":
            return self.sequential(entry)
        if isinstance(entry.head, Template):
            return f"{entry.head.name}({', '.join(self._arguments(entry.head, entry.slots))})"
        head = self.formula(entry.head) if isinstance(entry.head, Tree) else entry.head
        given: list[str] = []
        keywords = False
        for slot in entry.slots:
            if slot.default is not ... and slot.tree == algebra.constant(algebra.plain(slot.default)):
                keywords = True
                continue
            keyword = slot.keyword
            assert keyword is not None or not keywords
            given.append(self.formula(slot.tree) if keyword is None else f"{keyword}={self.formula(slot.tree)}")
        made = f"{head}({', '.join(given)})"
        module = entry.first.module
        return module.wrap.replace("{0}", made) if module is not None else made

    def _arguments(self, child: Template, slots: Sequence[Slot]) -> list[str]:
        trees = {slot.keyword: slot.tree for slot in slots}
        required = [parameter for parameter in child.parameters if parameter.default is ...]
        first = 2 if len(required) > 1 and required[1].wanted == "channels" else 1
        words = [isinstance(parameter.values[0], bool | Code) for parameter in required]
        first = MANY_ARGUMENTS if len(required) > MANY_ARGUMENTS else first
        plain = next((position for position, word in enumerate(words) if word), len(required))
        out: list[str] = []
        for position, parameter in enumerate(child.parameters):
            tree = trees[parameter.key]
            if parameter.default is not ... and tree == algebra.constant(parameter.default):
                continue
            text = self.formula(tree)
            out.append(text if position < min(first, plain) else f"{parameter.name}={text}")
        return out

    def listed(self, entries: Sequence[Entry | Series]) -> list[str]:
        """The members of a chain inside an expression, as arguments of ``nn.Sequential``."""
        out: list[str] = []
        for entry in entries:
            condition = entry.condition if isinstance(entry, Entry) else None
            for text in self._texts(entry):
                out.append(text if condition is None else f"*([{text}] if {self.formula(condition)} else [])")
        return out

    def _texts(self, entry: Entry | Series) -> list[str]:
        """The items of a list that create members, without regard to conditions."""
        if isinstance(entry, Entry):
            return self.listed(entry.children) if entry.kind == "loop" else [self.make(entry)]
        variable = "i" if any(turning(one) for one in entry.body) else "_"
        loops = f"for {variable} in range({self.formula(entry.count)})"
        body = entry.body
        while len(body) == 1 and body[0].kind == "loop":  # its members do not depend on its own iteration
            (inner,) = body[0].children
            assert isinstance(inner, Series)
            loops, body = f"{loops} for _ in range({self.formula(inner.count)})", inner.body
        texts = [text for one in body for text in self._texts(one)]
        return [f"*({texts[0]} {loops})" if len(texts) == 1 else f"*(layer {loops} for layer in ({', '.join(texts)}))"]

    def sequential(self, entry: Entry) -> str:
        """An inline ``nn.Sequential``."""
        members = self.listed(entry.children)
        if numbered(entry.children):
            return f"nn.Sequential({', '.join(members)})"
        made: list[str] = []
        simple = all(isinstance(child, Entry) and is_name(child.name) for child in entry.children)
        for child in entry.children:
            if isinstance(child, Series):
                made.append(self._named(child))
                continue
            name, text = child.name, self.make(child)
            one = f"{name}={text}" if simple else f"{quoted(name)}: {text}"
            if child.condition is not None:
                one = f"**({{{quoted(name)}: {text}}} if {self.formula(child.condition)} else {{}})"
            made.append(one)
        if len(made) == 1 and isinstance(entry.children[0], Series):
            return f"nn.Sequential(OrderedDict({made[0].removeprefix('**')}))"
        inside = ", ".join(made)
        return f"nn.Sequential(OrderedDict({inside}))" if simple else f"nn.Sequential(OrderedDict({{{inside}}}))"

    def _named(self, series: Series) -> str:
        """The named members of a loop, as an item of a dict display."""
        first = first_number(series.body)
        loop = f"for i in {self.turns(series.count, first)}"
        pairs = [(numbered_name(one, first=first), self.make(one)) for one in series.body]
        if len(pairs) == 1:
            return f"**{{{pairs[0][0]}: {pairs[0][1]} {loop}}}"
        members = ", ".join(f"({name}, {text})" for name, text in pairs)
        return f"**{{name: layer {loop} for name, layer in ({members})}}"

    def turns(self, count: Tree, first: int, text: str = "") -> str:
        """The ``range`` of a loop that counts from ``first``; ``text`` is the name of its count, if it has one."""
        if not first:
            return f"range({text or self.formula(count)})"
        last = sums.total([algebra.constant(first), count])
        return f"range({first}, {f'{text} + {first}' if text else self.formula(last)})"

    def variables(self) -> list[str]:
        """The statements that assign local variables."""
        found: list[str] = []
        for key, tree in self.template.locals.items():
            found += lay_out(f"{self.names[key]} = {self.formula(tree)}", 8)
        return found

    # -- statements ----------------------------------------------------------------------------------------------------

    def chain(self, network: bool = False) -> list[str]:
        """The body of the constructor of an ``nn.Sequential``, or of a ``network``, which is an ``nn.ModuleList``."""
        entries = self.template.entries
        if numbered(entries) and any(map(_lacking, entries)):
            name = self.words.claim("layers")
            made = [*self._appended(name, entries), f"super().__init__({name if network else f'*{name}'})"]
            return self.variables() + lay_out_all(made, 8)
        if numbered(entries):
            members = ", ".join(self.listed(entries))
            return self.variables() + lay_out(f"super().__init__({f'[{members}]' if network else members})", 8)
        lines = ["        super().__init__()", *self.variables()]
        for entry in entries:
            lines += lay_out_all(self._added("self", entry), 8) if isinstance(entry, Series) else self.member(entry)
        return lines

    def _appended(self, name: str, entries: Sequence[Entry | Series]) -> list[str]:
        """The statements that build a list of members; those that some uses lack are appended under their condition."""
        lines: list[str] = []
        for condition, group in groupby(entries, lambda entry: None if isinstance(entry, Series) else entry.condition):
            texts = [text for entry in group for text in self._texts(entry)]
            if condition is not None:
                lines += [f"{name}: list[nn.Module] = []"] if not lines else []
                lines += [f"if {self.formula(condition)}:", *inside([_more(name, texts)])]
            else:
                lines.append(_more(name, texts) if lines else f"{name}: list[nn.Module] = [{', '.join(texts)}]")
        return lines

    def _added(self, name: str, entry: Entry | Series) -> list[str]:
        """The statements that add members by name to the module ``name``."""
        if isinstance(entry, Series):
            first = first_number(entry.body)
            added = [f"{name}.add_module({numbered_name(one, first=first)}, {self.make(one)})" for one in entry.body]
            return [f"for i in {self.turns(entry.count, first)}:", *inside(added)]
        added = [f"{name}.add_module({quoted(entry.name)}, {self.make(entry)})"]
        return added if entry.condition is None else [f"if {self.formula(entry.condition)}:", *inside(added)]

    def _assigned(self, entry: Entry) -> list[str]:
        """The statements that create one member, without its own condition."""
        optional = entry.kind == "chain" and any(map(_lacking, entry.children))
        if not optional:
            made, holder = self.make(entry), entry.member.rpartition(".")[0]
            bare = made.startswith(("nn.Parameter(", BUFFER))
            among = holder and bare and not only_parameters(self.template, holder)
            statement = registration(entry.member, made) if among else assignment(entry.member, made)
            return [statement, *entry.initial]
        if numbered(entry.children):
            name = self.words.claim(entry.member if is_name(entry.member) else "layers")
            made = [*self._appended(name, entry.children), assignment(entry.member, f"nn.Sequential(*{name})")]
            return [*made, *entry.initial]
        made = [assignment(entry.member, "nn.Sequential()")]
        for child in entry.children:
            made += self._added(attribute(entry.member), child)
        return [*made, *entry.initial]

    def members(self) -> list[str]:
        """The statements that create the members of a class with a forward."""
        if is_list(self.template):
            return self.variables() + lay_out_all(self._list(), 8)
        lines = ["        super().__init__()", *self.variables()]
        containers: set[str] = set()
        for entry in self.template.entries:
            assert isinstance(entry, Entry)
            if entry.kind == "loop":
                lines += self._turns(entry)
                continue
            parts = entry.member.split(".")
            for depth in range(1, len(parts)):
                scope = ".".join(parts[:depth])
                if scope not in containers:
                    containers.add(scope)
                    lines.append(f"        {assignment(scope, container(self.template, scope))}")
            for name, tree in entry.attributes.items():
                lines += lay_out(f"self.{name} = {self.formula(tree)}", 8)
            if entry.kind == "function":
                if entry.condition is not None:
                    lines += lay_out(f"self.{entry.member} = {self.formula(entry.condition)}", 8)
            elif entry.first.what.reuse is None:
                called = entry.condition is not None and entry.first.live
                lines += self.member(entry, _IDENTITY if called else "")
        return lines

    def _list(self) -> list[str]:
        """The statements that create the members of an ``nn.ModuleList``."""
        lines: list[str] = []
        texts: list[str] = []
        for entry in self.template.entries:
            if not isinstance(entry, Entry) or not entry.member:
                continue
            if any(map(_lacking, entry.children)):
                name = self.words.claim("layers")
                lines += self._appended(name, entry.children)
                text = f"nn.Sequential(*{name})"
            else:
                text = self.make(entry)
            if entry.condition is not None:
                test = self.formula(entry.condition)
                if len(f"{text} if {test} else {_IDENTITY}") > WIDTH - 17:
                    name = self.words.claim("branch")
                    lines += [f"{name}: nn.Module = {_IDENTITY}", f"if {test}:", *inside([f"{name} = {text}"])]
                    text = name
                else:
                    text = f"{text} if {test} else {_IDENTITY}"
            texts.append(text)
        return [*lines, f"super().__init__([{', '.join(texts)}])"]

    def _turns(self, loop: Entry) -> list[str]:
        """The statements that create the members of a loop."""
        if loop.count is None:
            return self._branch(loop)
        lines: list[str] = []
        named = loop.text if loop.text and not isinstance(loop.count, t.Name) else ""
        for name, tree in loop.attributes.items():
            lines += lay_out(f"self.{name} = {self.formula(tree)}", 8)
        made: list[str] = []
        first = first_number(loop.children)
        for entry in loop.children:
            assert isinstance(entry, Entry)
            for name, tree in entry.attributes.items():
                lines += lay_out(f"self.{name} = {self.formula(tree)}", 8)
            if entry.kind != "function":
                made += lay_out(f"self.add_module({numbered_name(entry, first=first)}, {self.make(entry)})", 12)
        return lines + (lay_out(f"for i in {self.turns(loop.count, first, named)}:", 8) + made if made else [])

    def _branch(self, branch: Entry) -> list[str]:
        """The statements that create the members under one condition."""
        assert branch.condition is not None
        lines: list[str] = []
        for name, tree in branch.attributes.items():
            lines += lay_out(f"self.{name} = {self.formula(tree)}", 8)
        made: list[str] = []
        for entry in branch.children:
            assert isinstance(entry, Entry)
            for name, tree in entry.attributes.items():
                made += lay_out(f"self.{name} = {self.formula(tree)}", 12)
            if entry.kind != "function":
                made += self.member(entry, indent=12)
        plain = all(isinstance(tree, t.Name) for tree in branch.attributes.values())
        test = self.formula(branch.condition) if plain else branch.text
        return lines + (lay_out(f"if {test}:", 8) + made if made else [])

    def member(self, entry: Entry, otherwise: str = "", indent: int = 8) -> list[str]:
        """The statements that create one member, under its condition if any; ``otherwise`` is its replacement."""
        made = self._assigned(entry)
        if entry.condition is None:
            return lay_out_all(made, indent)
        condition = self.formula(entry.condition)
        if otherwise and not attribute(entry.member).startswith("getattr") and len(made) == 1:
            single = f"{made[0]} if {condition} else {otherwise}"
            if len(single) + 8 <= WIDTH:
                return [f"        {single}"]
        lines = [f"if {condition}:", *inside(made)]
        if otherwise:
            lines += ["else:", *inside([assignment(entry.member, otherwise)])]
        return lay_out_all(lines, 8)


def _lacking(entry: Entry | Series) -> bool:
    """Whether some uses lack a member."""
    return isinstance(entry, Entry) and entry.condition is not None


def _more(name: str, texts: Sequence[str]) -> str:
    """The statement that appends members to a list."""
    if len(texts) > 1:
        return f"{name} += [{', '.join(texts)}]"
    (text,) = texts
    return f"{name}.extend({text[2:-1]})" if text.startswith("*(") else f"{name}.append({text})"
