"""The names of a class's members, and the expressions that access them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archspec.analyses.structure import positional
from archspec.backends.torch_source.names import is_name, quoted
from archspec.families import algebra
from archspec.families.algebra import TURN
from archspec.families.templates import Entry, Series, Template
from archspec.ops.common.module_attributes import MODULE_ATTRIBUTES

BUFFER = "nn.Buffer("
"""What the call begins with that makes a buffer."""


def is_list(template: Template) -> bool:
    """Whether the members of a class are named 0, 1, 2 …, so that it is an ``nn.ModuleList`` with a forward."""
    entries = [entry for entry in template.entries if isinstance(entry, Entry)]
    if template.chain or not all(map(_listable, entries)):
        return False
    own = [entry for entry in entries if entry.member]
    plain = all(entry.first.what.reuse is None and not entry.initial for entry in own)
    parameters = any(entry.first.module is not None and entry.first.module.wrap != "{0}" for entry in own)
    return bool(own) and positional([entry.member for entry in own]) and plain and not parameters


def _listable(entry: Entry) -> bool:
    """Whether an entry can be a member of a list or a call on its members."""
    if entry.attributes or entry.kind == "loop" or (entry.condition is not None and not entry.first.live):
        return False
    lacking = any(isinstance(child, Entry) and child.condition is not None for child in entry.children)
    return numbered(entry.children) if lacking else entry.kind != "function" or entry.condition is None


def container(template: Template, path: str) -> str:
    """The container of an open scope's members: ``nn.ParameterDict`` if all are parameters, else ``nn.ModuleDict``."""
    return "nn.ParameterDict()" if only_parameters(template, path) else "nn.ModuleDict()"


def only_parameters(template: Template, path: str) -> bool:
    """Whether the members of an open scope are all parameters."""
    prefix = f"{path}."
    inside = [entry for entry in template.entries if isinstance(entry, Entry) and entry.member.startswith(prefix)]
    return bool(inside) and all(
        "." not in entry.member.removeprefix(prefix)
        and entry.first.module is not None
        and entry.first.module.wrap == "nn.Parameter({0})"
        for entry in inside
    )


def registration(member: str, text: str) -> str:
    """The statement that registers a parameter or buffer in an open scope that also holds modules."""
    holder, _, name = member.rpartition(".")
    if text.startswith(BUFFER):
        return f"{attribute(holder)}.register_buffer({quoted(name)}, {text.removeprefix(BUFFER)[:-1]})"
    return f"{attribute(holder)}.register_parameter({quoted(name)}, {text})"


def assignment(member: str, text: str) -> str:
    """The statement that assigns a member."""
    place = attribute(member)
    return f"{place} = {text}" if not place.endswith(")") else f"self.add_module({quoted(member)}, {text})"


def attribute(member: str, of: str = "self") -> str:
    """The expression that accesses a member; a member of an open scope is in an ``nn.ModuleDict``."""
    first, *rest = member.split(".")
    place = f"{of}.{first}" if is_name(first) and first not in MODULE_ATTRIBUTES else f"getattr({of}, {quoted(first)})"
    return place + "".join(f"[{quoted(name)}]" for name in rest)


def reading(template: Template, entry: Entry, of: str = "self") -> str:
    """The expression that reads a member: a bare tensor beside modules in an open scope is the scope's attribute."""
    holder, _, name = entry.member.rpartition(".")
    bare = entry.first.module is not None and entry.first.module.wrap != "{0}"
    if holder and bare and not only_parameters(template, holder):
        place = attribute(holder, of)
        return f"{place}.{name}" if is_name(name) else f"getattr({place}, {quoted(name)})"
    return attribute(entry.member, of)


def turning(entry: Entry) -> bool:
    """Whether an argument of an entry, or of a member of a chain, depends on the iteration of the loop around it."""
    loops = [child for child in entry.children if isinstance(child, Series)]
    inside = [
        *(child for child in entry.children if isinstance(child, Entry)),
        *(one for it in loops for one in it.body),
    ]
    own = [*(slot.tree for slot in entry.slots), *(loop.count for loop in loops)]
    return any(TURN in algebra.names_in(tree) for tree in own) or any(map(turning, inside))


def first_number(body: Iterable[Entry | Series]) -> int:
    """The first index of a loop: 0, or the number in its members' names where nothing else depends on the iteration."""
    made = [entry for entry in body if isinstance(entry, Entry) and entry.kind != "function"]
    numbers = {entry.series_name[1] for entry in made if entry.series_name is not None}
    return numbers.pop() if len(numbers) == 1 and not any(map(turning, made)) else 0


def numbered_name(entry: Entry, turn: str = "i", first: int = 0) -> str:
    """The name of a member created in a loop, as an f-string with the loop's variable, which counts from ``first``."""
    assert entry.series_name is not None
    before, number, after = entry.series_name
    number -= first
    return f'f"{before}{{{turn}}}{after}"' if number == 0 else f'f"{before}{{{turn} + {number}}}{after}"'


def numbers(entry: Entry | Series) -> bool:
    """Whether an entry is a member created in a loop, so that its name depends on the iteration."""
    return isinstance(entry, Entry) and entry.series_name is not None and entry.kind != "function"


def numbered(entries: Sequence[Entry | Series]) -> bool:
    """Whether the members of a chain are named by their positions."""
    loops = [entry for entry in entries if isinstance(entry, Series)]
    flat = [entry.name for entry in entries if isinstance(entry, Entry)]
    if any(one.series_name is not None for loop in loops for one in loop.body):
        return False
    if loops or any(isinstance(entry, Entry) and entry.condition is not None for entry in entries):
        return all(name.isdigit() for name in flat)
    return positional(flat)
