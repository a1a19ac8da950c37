"""A class's constructor: its signature, and the statements that make its members."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from archspec.analyses.structure import positional
from archspec.backends.torch_source.layout import WIDTH, lay_out, lay_out_all
from archspec.backends.torch_source.names import Namespace, is_name, quoted
from archspec.expressions import tree as t
from archspec.expressions.tree import Tree
from archspec.families import algebra
from archspec.families.algebra import TURN, Code
from archspec.families.templates import Entry, Parameter, Series, Slot, Template
from archspec.ops.common.module_attributes import MODULE_ATTRIBUTES

MANY_ARGUMENTS = 4
"""Required arguments beyond which calls give them by position."""
_IDENTITY = "nn.Identity()"


def name_parameters(template: Template, reserved: Namespace) -> None:
    """Give the constructor's arguments their names, defaults and order: those with defaults come last."""
    names = Namespace(("i", "layer") if _loops(template.entries) else ())
    for local in template.locals:
        template.local_names[local] = names.claim(local if local not in reserved else f"{local}_")
    for parameter in template.parameters:
        wanted = parameter.wanted
        while wanted in reserved:
            wanted += "_"
        parameter.name = names.claim(wanted)
        parameter.default = _default(parameter)
    template.parameters.sort(key=lambda parameter: parameter.default is not ...)


def _loops(entries: Sequence[Entry | Series]) -> bool:
    """Whether members are made in a loop, which has variables of its own."""
    return any(isinstance(entry, Series) or entry.kind == "loop" or _loops(entry.children) for entry in entries)


def _default(parameter: Parameter) -> Any:
    """The value a use need not give: the spec's own default, or the usual one of a flag, where most uses have it."""
    values = Counter(repr(value) for value in parameter.values)
    usual, count = values.most_common(1)[0]
    if None in parameter.values:
        return None
    given = algebra.plain(parameter.default)
    if given is not ... and 2 * values[repr(given)] >= len(parameter.values):
        return given
    if given is ... and usual in ("True", "False") and 2 * count >= len(parameter.values):
        return usual == "True"
    return ...


def annotation(values: Sequence[Any]) -> str:
    """The type of some values."""
    lists = [value for value in values if isinstance(value, tuple)]
    if len({len(value) for value in lists}) > 1:
        anyhow = f"tuple[{annotation([item for value in lists for item in value])}, ...]"
        kinds = dict.fromkeys(anyhow if isinstance(value, tuple) else _type(value) for value in values)
    else:
        kinds = dict.fromkeys(_type(value) for value in values)
    if "float" in kinds:
        kinds.pop("int", None)
    ordered = sorted(kinds, key=lambda kind: kind == "None")
    return " | ".join(ordered)


def _type(value: Any) -> str:
    if isinstance(value, Code):
        return "type[nn.Module]"
    if isinstance(value, tuple):
        return f"tuple[{', '.join(_type(item) for item in value) or '()'}]"
    return "None" if value is None else type(value).__name__


def signature(template: Template) -> list[str]:
    """``def __init__``, broken where it is long."""
    arguments = ["self"]
    for parameter in template.parameters:
        default = "" if parameter.default is ... else f" = {algebra.show(algebra.constant(parameter.default))}"
        arguments.append(f"{parameter.name}: {annotation(parameter.values)}{default}")
    return lay_out(f"def __init__({', '.join(arguments)}) -> None:", 4)


class Constructor:
    """Writes the statements of one ``__init__``."""

    def __init__(self, template: Template) -> None:
        self.template = template
        self.names: dict[str, str] = {parameter.key: parameter.name for parameter in template.parameters}
        self.names.update(template.local_names)
        self.names[TURN] = "i"

    def formula(self, tree: Tree) -> str:
        """A formula over the constructor's arguments, as text."""
        return algebra.show(tree, self.names)

    # -- calls ---------------------------------------------------------------------------------------------------------

    def make(self, entry: Entry) -> str:
        """The call that makes a member."""
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
        out: list[str] = []
        for position, parameter in enumerate(child.parameters):
            tree = trees[parameter.key]
            if parameter.default is not ... and tree == algebra.constant(parameter.default):
                continue
            by_position = position < len(required) and (
                len(required) > MANY_ARGUMENTS or position == 0 or (position == 1 and parameter.wanted == "channels")
            )
            text = self.formula(tree)
            out.append(text if by_position else f"{parameter.name}={text}")
        return out

    def _optional(self, entry: Entry, text: str) -> str:
        assert entry.condition is not None
        return f"*([{text}] if {self.formula(entry.condition)} else [])"

    def listed(self, entries: Sequence[Entry | Series]) -> list[str]:
        """The members of a chain, as arguments of ``nn.Sequential``."""
        out: list[str] = []
        for entry in entries:
            if isinstance(entry, Entry):
                text = self.make(entry)
                out.append(text if entry.condition is None else self._optional(entry, text))
                continue
            texts = [self.make(one) for one in entry.body]
            variable = "i" if any(_turning(one) for one in entry.body) else "_"
            loop = f"for {variable} in range({self.formula(entry.count)})"
            if len(texts) == 1:
                out.append(f"*({texts[0]} {loop})")
            else:
                out.append(f"*(layer {loop} for layer in ({', '.join(texts)}))")
        return out

    def sequential(self, entry: Entry) -> str:
        """An inline ``nn.Sequential``."""
        members = self.listed(entry.children)
        if numbered(entry.children):
            return f"nn.Sequential({', '.join(members)})"
        made: list[str] = []
        simple = all(isinstance(child, Entry) and is_name(child.name) for child in entry.children)
        for child in entry.children:
            if isinstance(child, Series):
                variable = "i" if any(map(_turning, child.body)) or child.body[0].series_name else "_"
                for one in child.body:
                    shown = f"{numbered_name(one)}: {self.make(one)}"
                    made.append(f"**{{{shown} for {variable} in range({self.formula(child.count)})}}")
                continue
            name, text = child.name, self.make(child)
            one = f"{name}={text}" if simple else f"{quoted(name)}: {text}"
            if child.condition is not None:
                one = f"**({{{quoted(name)}: {text}}} if {self.formula(child.condition)} else {{}})"
            made.append(one)
        inside = ", ".join(made)
        return f"nn.Sequential(OrderedDict({inside}))" if simple else f"nn.Sequential(OrderedDict({{{inside}}}))"

    def variables(self) -> list[str]:
        """The statements that make local variables."""
        found: list[str] = []
        for key, tree in self.template.locals.items():
            found += lay_out(f"{self.names[key]} = {self.formula(tree)}", 8)
        return found

    # -- statements ----------------------------------------------------------------------------------------------------

    def chain(self, network: bool = False) -> list[str]:
        """The body of the constructor of an ``nn.Sequential``, or of the ``nn.ModuleList`` that a network is."""
        entries = self.template.entries
        if numbered(entries):
            members = ", ".join(self.listed(entries))
            return self.variables() + lay_out(f"super().__init__({f'[{members}]' if network else members})", 8)
        lines = ["        super().__init__()", *self.variables()]
        for entry in entries:
            if isinstance(entry, Series):
                variable = "i"
                lines += lay_out(f"for {variable} in range({self.formula(entry.count)}):", 8)
                for one in entry.body:
                    lines += lay_out(f"self.add_module({numbered_name(one)}, {self.make(one)})", 12)
            else:
                lines += self.member(entry)
        return lines

    def members(self) -> list[str]:
        """The statements that make the members of a class with a forward."""
        if is_list(self.template):
            made = [self.make(entry) for entry in self.template.entries if isinstance(entry, Entry) and entry.member]
            return self.variables() + lay_out(f"super().__init__([{', '.join(made)}])", 8)
        lines = ["        super().__init__()", *self.variables()]
        containers: set[str] = set()
        for entry in self.template.entries:
            assert isinstance(entry, Entry)
            if entry.kind == "loop":
                lines += self._turns(entry)
                continue
            parts = entry.member.split(".")
            for depth in range(1, len(parts)):
                container = ".".join(parts[:depth])
                if container not in containers:
                    containers.add(container)
                    lines.append(f"        {assignment(container, _container(self.template, container))}")
            for name, tree in entry.attributes.items():
                lines += lay_out(f"self.{name} = {self.formula(tree)}", 8)
            if entry.kind == "function":
                if entry.condition is not None:
                    lines += lay_out(f"self.{entry.member} = {self.formula(entry.condition)}", 8)
            elif entry.first.what.reuse is None:
                called = entry.condition is not None and entry.first.live
                lines += self.member(entry, _IDENTITY if called else "")
        return lines

    def _turns(self, loop: Entry) -> list[str]:
        """The statements that make the members of a loop."""
        if loop.count is None:
            return self._branch(loop)
        lines: list[str] = []
        count = loop.text if loop.text and not isinstance(loop.count, t.Name) else self.formula(loop.count)
        for name, tree in loop.attributes.items():
            lines += lay_out(f"self.{name} = {self.formula(tree)}", 8)
        made: list[str] = []
        for entry in loop.children:
            assert isinstance(entry, Entry)
            for name, tree in entry.attributes.items():
                lines += lay_out(f"self.{name} = {self.formula(tree)}", 8)
            if entry.kind != "function":
                made += lay_out(f"self.add_module({numbered_name(entry)}, {self.make(entry)})", 12)
        return lines + (lay_out(f"for i in range({count}):", 8) + made if made else [])

    def _branch(self, branch: Entry) -> list[str]:
        """The statements that make the members under one condition."""
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
        plain = isinstance(branch.condition, t.Name)
        test = self.formula(branch.condition) if plain else branch.text
        return lines + (lay_out(f"if {test}:", 8) + made if made else [])

    def member(self, entry: Entry, otherwise: str = "", indent: int = 8) -> list[str]:
        """The statement that makes one member, under its condition if it has one."""
        text = self.make(entry)
        alone = _only_parameters(self.template, entry.member.rpartition(".")[0])
        if entry.condition is None:
            return lay_out_all([assignment(entry.member, text, alone), *entry.initial], indent)
        condition = self.formula(entry.condition)
        if otherwise and not attribute(entry.member).startswith("getattr") and not entry.initial:
            single = f"{attribute(entry.member)} = {text} if {condition} else {otherwise}"
            if len(single) + 8 <= WIDTH:
                return [f"        {single}"]
        lines = [
            *lay_out(f"if {condition}:", 8),
            *lay_out_all([assignment(entry.member, text, alone), *entry.initial], 12),
        ]
        if otherwise:
            lines += ["        else:", *lay_out(assignment(entry.member, otherwise), 12)]
        return lines


def is_list(template: Template) -> bool:
    """Whether the members of a class are called 0, 1, 2 …, so that it is an ``nn.ModuleList`` with a forward."""
    entries = [entry for entry in template.entries if isinstance(entry, Entry)]
    if template.chain or any(
        entry.attributes or entry.condition is not None or entry.kind == "loop" for entry in entries
    ):
        return False
    own = [entry for entry in entries if entry.member]
    names = [entry.member for entry in own]
    plain = all(entry.first.what.reuse is None and not entry.initial for entry in own)
    parameters = any(entry.first.module is not None and entry.first.module.wrap != "{0}" for entry in own)
    return len(own) > 1 and positional(names) and plain and not parameters


def _container(template: Template, path: str) -> str:
    """What holds the members of an open scope: parameters alone, or modules too."""
    return "nn.ParameterDict()" if _only_parameters(template, path) else "nn.ModuleDict()"


def _only_parameters(template: Template, path: str) -> bool:
    prefix = f"{path}."
    inside = [entry for entry in template.entries if isinstance(entry, Entry) and entry.member.startswith(prefix)]
    return bool(inside) and all(
        "." not in entry.member.removeprefix(prefix)
        and entry.first.module is not None
        and entry.first.module.wrap != "{0}"
        for entry in inside
    )


def assignment(member: str, text: str, among_parameters: bool = True) -> str:
    """The statement that makes something a member, in a ``nn.ParameterDict`` or among modules."""
    place = attribute(member)
    holder, _, name = member.rpartition(".")
    if holder and text.startswith("nn.Parameter(") and not among_parameters:
        return f"{attribute(holder)}.register_parameter({quoted(name)}, {text})"
    return f"{place} = {text}" if not place.endswith(")") else f"self.add_module({quoted(member)}, {text})"


def attribute(member: str, of: str = "self") -> str:
    """How a member is reached; one of an open scope lies in a ``nn.ModuleDict``."""
    first, *rest = member.split(".")
    place = f"{of}.{first}" if is_name(first) and first not in MODULE_ATTRIBUTES else f"getattr({of}, {quoted(first)})"
    return place + "".join(f"[{quoted(name)}]" for name in rest)


def numbered_name(entry: Entry, turn: str = "i") -> str:
    """The name of a member made in a loop, as an f-string over the loop's variable."""
    assert entry.series_name is not None
    before, number, after = entry.series_name
    return f'f"{before}{{{turn}}}{after}"' if number == 0 else f'f"{before}{{{turn} + {number}}}{after}"'


def numbers(entry: Entry | Series) -> bool:
    """Whether an entry is a member made in a loop, so that its name depends on the turn."""
    return isinstance(entry, Entry) and entry.series_name is not None and entry.kind != "function"


def numbered(entries: Sequence[Entry | Series]) -> bool:
    """Whether the members of a chain are called by their positions."""
    loops = [entry for entry in entries if isinstance(entry, Series)]
    flat = [entry.name for entry in entries if isinstance(entry, Entry)]
    if any(one.series_name is not None for loop in loops for one in loop.body):
        return False
    if loops or any(isinstance(entry, Entry) and entry.condition is not None for entry in entries):
        return all(name.isdigit() for name in flat)
    return positional(flat)


def _turning(entry: Entry) -> bool:
    """Whether something in it depends on the turn of the loop it stands in."""
    return any(TURN in algebra.names_in(slot.tree) for slot in entry.slots)


def argument_names(parameters: Mapping[str, str]) -> list[str]:
    """The names of constructor arguments."""
    return list(parameters.values())
