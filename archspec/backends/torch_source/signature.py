"""A constructor's arguments: their names, defaults, types and order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from archspec.backends.torch_source.layout import lay_out
from archspec.backends.torch_source.names import Namespace
from archspec.families import algebra
from archspec.families.algebra import Code
from archspec.families.templates import Entry, Parameter, Series, Template


def name_parameters(template: Template, reserved: Namespace) -> None:
    """Set the names, defaults and order of the constructor's arguments: those with defaults come last."""
    names = Namespace(("i", "layer") if _loops(template.entries) else ())
    for local in template.locals:
        template.local_names[local] = names.claim(local if local not in reserved else f"{local}_")
    for parameter in template.parameters:
        wanted = parameter.wanted
        while wanted in reserved:
            wanted += "_"
        parameter.name = names.claim(wanted)
        parameter.default = _default(template, parameter)
    template.parameters.sort(key=lambda parameter: parameter.default is not ...)


def _loops(entries: Sequence[Entry | Series]) -> bool:
    """Whether members are created in a loop, which has variables of its own."""
    return any(isinstance(entry, Series) or entry.kind == "loop" or _loops(entry.children) for entry in entries)


def _default(template: Template, parameter: Parameter) -> Any:
    """The default of an argument, where at least half of the uses have that value; ``...`` for none.

    It is the spec's default, the default of the argument of the same name it is passed on as, or a flag's usual value.
    """
    values = Counter(repr(value) for value in parameter.values)
    usual, count = values.most_common(1)[0]
    if None in parameter.values:
        return None
    given = algebra.plain(parameter.default)
    if given is ...:
        given = algebra.plain(_handed_on(template.entries, parameter))
    if given is not ... and 2 * values[repr(given)] >= len(parameter.values):
        return given
    if given is ... and usual in ("True", "False") and 2 * count >= len(parameter.values):
        return usual == "True"
    return ...


def _handed_on(entries: Sequence[Entry | Series], parameter: Parameter) -> Any:
    """The default of the argument of the same name in the calls of members; ``...`` where there is none."""
    for entry in entries:
        inner = entry.body if isinstance(entry, Series) else entry.children
        found = _handed_on(inner, parameter)
        if found is not ...:
            return found
        if isinstance(entry, Series):
            continue
        for slot in entry.slots:
            if slot.tree != algebra.name(parameter.key):
                continue
            if not isinstance(entry.head, Template):
                if slot.keyword == parameter.wanted:
                    return slot.default
                continue
            child = next(one for one in entry.head.parameters if one.key == slot.keyword)
            if child.wanted == parameter.wanted:
                return child.default
    return ...


def annotation(values: Sequence[Any]) -> str:
    """The type annotation for some values."""
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
    """The line or lines of ``def __init__``."""
    arguments = ["self"]
    for parameter in template.parameters:
        default = "" if parameter.default is ... else f" = {algebra.show(algebra.constant(parameter.default))}"
        arguments.append(f"{parameter.name}: {annotation(parameter.values)}{default}")
    return lay_out(f"def __init__({', '.join(arguments)}) -> None:", 4)
