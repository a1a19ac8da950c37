"""Initialisation of the weights of one class, where they are initialised alike in all its uses.

``self.classifier[1].weight`` is never written: for a type checker an ``nn.Sequential`` holds modules of any type.  A
loop over it tests the type, as torchvision's constructors do.  ``self.get_parameter("classifier.1.weight")`` is for
layers that such a loop cannot tell from others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from archspec.backends.torch_source.initial_lines import (
    Statements,
    Tensor,
    Way,
    is_whole,
    joined,
    loop,
    may_lack,
    named,
)
from archspec.backends.torch_source.members import attribute, is_list, numbered
from archspec.backends.torch_source.names import is_name
from archspec.families.templates import Entry, Series, Template
from archspec.graph import Node, Scope
from archspec.ops import Module

Entries = Sequence[Entry | Series]


def statements_of(template: Template, single: Statements, modules: Mapping[int, Module]) -> list[str]:
    """Lines for a class's constructor; entries that some uses lack get their own.  Their tensors leave ``single``."""
    entries = template.entries
    loops = _loop("self", entries, single, modules) if _is_indexed(template) else []
    if not loops and not template.chain and any(entry.kind == "chain" for entry in _plain(entries)):
        loops = _loop("self.modules()", entries, single, modules)
    for entry in _plain(entries):
        if entry.kind == "chain" and _is_attribute(entry.name):
            own = _loop(attribute(entry.name), entry.children, single, modules)
            if entry.condition is None:
                loops += own
            else:
                entry.initial += own
    ways: list[tuple[Tensor, str]] = []
    for prefix, entry, holder in _members("", entries):
        nodes = [item.what for item in entry.items if item is not None and isinstance(item.what, Node)]
        if not nodes or nodes[0].op is None or any(node.reuse is not None for node in nodes):
            continue
        for name in (*nodes[0].op.tensors, ""):
            way = _taken(single, nodes, name)
            if way is None:
                continue
            own = not prefix and _is_attribute(entry.name) and not _is_indexed(template)
            path = joined(joined(prefix, entry.name), name)
            if own and not name:
                entry.initial.append(way.format(tensor=attribute(entry.name)))
                continue
            optional = may_lack(modules[nodes[0].index].target, name)
            tensor = Tensor(path, attribute(entry.name) if own else "", optional)
            if holder is not None:
                holder.initial += tensor.lines(way)
            else:
                ways.append((tensor, way))
    return [*loops, *named(ways)]


def attributes(templates: Iterable[Template]) -> set[Node | Scope]:
    """Nodes and scopes that are attributes of their class in every use, so that a type checker knows their types."""
    return {
        item.what
        for template in templates
        if not _is_indexed(template)
        for entry in _plain(template.entries)
        if entry.condition is None and _is_attribute(entry.name)
        for item in entry.items
        if item is not None
    }


def _plain(entries: Entries) -> Iterator[Entry]:
    return (entry for entry in entries if isinstance(entry, Entry))


def _is_indexed(template: Template) -> bool:
    """Whether a class's members are named by their positions."""
    return numbered(template.entries) if template.chain else is_list(template)


def _is_attribute(name: str) -> bool:
    return is_name(name) and attribute(name) == f"self.{name}"


def _loop(over: str, entries: Entries, single: Statements, modules: Mapping[int, Module]) -> list[str]:
    """One loop over modules for the kinds whose layers are all initialised alike; empty where there are none."""
    everywhere = over == "self.modules()"
    inner = list(_layers(entries, everywhere))
    if everywhere and any(entry.kind == "call" for entry in inner):
        return []
    nodes: dict[str, list[Node]] = {}
    for entry in inner:
        for item in entry.items:
            if item is not None and item.module is not None and isinstance(item.what, Node):
                nodes.setdefault(item.module.target, []).append(item.what)
    found: dict[str, list[Way]] = {}
    for kind, alike in nodes.items():
        if alike[0].op is None or not is_whole(kind, modules.values()):
            continue
        tensors = alike[0].op.tensors
        if everywhere and any(len({single.get((node.index, tensor)) for node in alike}) > 1 for tensor in tensors):
            continue  # loops over the inner chains initialise the whole kind
        for tensor in tensors:
            way = _taken(single, alike, tensor)
            if way is not None:
                found.setdefault(kind, []).append(Way(tensor, way, may_lack(kind, tensor)))
    return loop(over, found, "module" if everywhere else "layer")


def _layers(entries: Entries, deep: bool) -> Iterator[Entry]:
    """The members of a chain, those in loops included; with ``deep``, also those of inner chains."""
    for entry in entries:
        if isinstance(entry, Series):
            yield from _layers(entry.body, deep)
        elif entry.kind == "loop" or (deep and entry.kind == "chain"):
            yield from _layers(entry.children, deep)
        else:
            yield entry


def _taken(single: Statements, nodes: Sequence[Node], tensor: str) -> str | None:
    """The statement that a tensor of several layers shares, removed from ``single``; None where they differ."""
    ways = {single.get((node.index, tensor)) for node in nodes}
    way = ways.pop()
    if ways or way is None:
        return None
    for node in nodes:
        del single[node.index, tensor]
    return way


def _members(prefix: str, entries: Entries, optional: Entry | None = None) -> Iterator[tuple[str, Entry, Entry | None]]:
    """The modules of a class with the same path in all uses, each with the optional entry that contains it, if any."""
    for entry in entries:
        if isinstance(entry, Series) or (entry.condition is not None and prefix):
            return
        holder = optional or (entry if entry.condition is not None else None)
        if entry.kind == "module":
            yield prefix, entry, holder
        elif entry.kind == "chain":
            yield from _members(joined(prefix, entry.name), entry.children, holder)
