"""``init:`` of a step: how its weights are initialised, as data and as torch statements.

Three ways to write one: a name (``kaiming_normal``), a name with its arguments (``{kaiming_normal: {mode: fan_out}}``),
or one of these for each tensor (``{weight: xavier_uniform, bias: zeros}``). The first two initialise ``weight``.
"""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from archspec.diagnostics import did_you_mean, printable
from archspec.ops.common.arguments import refuse, shown
from archspec.ops.common.initialisers import INITIALISERS, Initialiser
from archspec.records import record

TENSORS = ("weight", "bias")
"""The tensors that ``init`` can name; an initialiser without a tensor name is for the op's first tensor."""


@record
class Init:
    """The initialisers of an op's tensors, as written; the key None is the op's main tensor."""

    tensors: tuple[tuple[str | None, Initialiser], ...]

    @classmethod
    def parse(cls, value: object) -> Init:
        """Parse any of the three notations."""
        if isinstance(value, Init):
            return value
        if isinstance(value, str):
            return cls(((None, _initialiser(value, {})),))
        if not isinstance(value, dict) or not value:
            refuse(f"must be the name of an initialiser, not {shown(value)}", "for example `kaiming_normal`")
        keys = list(value)
        if all(key in TENSORS for key in keys):
            return cls(tuple((str(key), cls.parse(value[key])._only()) for key in keys))
        if len(keys) > 1:
            refuse(
                "must be one initialiser, or one for each of `weight` and `bias`, not "
                + ", ".join(shown(key) for key in keys[:4]),
                "write {weight: …, bias: …}",
            )
        return cls(((None, _initialiser(keys[0], value[keys[0]])),))

    def _only(self) -> Initialiser:
        if len(self.tensors) != 1 or self.tensors[0][0] is not None:
            refuse("names a tensor inside a tensor")
        return self.tensors[0][1]

    def statements(self, main: str = "weight") -> dict[str, str]:
        """Statements over ``{tensor}`` by tensor name; ``main`` is the tensor of an initialiser without one."""
        return {main if name is None else name: how.statement() for name, how in self.tensors}

    @property
    def helpers(self) -> tuple[str, ...]:
        """Sources of the functions that these statements need and torch lacks."""
        return tuple(dict.fromkeys(how.helper for _, how in self.tensors if how.helper is not None))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the initialisers."""
        return tuple(how.name for _, how in self.tensors)

    def plain(self) -> Any:
        """The value of ``init`` in a spec, as plain data."""

        def one(how: Initialiser) -> Any:
            given = how.model_dump(exclude_defaults=True)
            return {how.name: given} if given else how.name

        if len(self.tensors) == 1 and self.tensors[0][0] is None:
            return one(self.tensors[0][1])
        return {name: one(how) for name, how in self.tensors}

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Validation by :meth:`parse`."""
        return core_schema.no_info_plain_validator_function(
            cls.parse, serialization=core_schema.plain_serializer_function_ser_schema(lambda init: init.plain())
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """A schema that lists every initialiser with its arguments."""
        return deepcopy(_every())


@cache
def _every() -> dict[str, Any]:
    """The schema of :class:`Init`, the same for each op that has weights."""
    one = {"anyOf": [{"enum": list(INITIALISERS)}, *(_json_schema(kind) for kind in INITIALISERS.values())]}
    tensors = {"type": "object", "additionalProperties": False, "minProperties": 1}
    return {"anyOf": [*one["anyOf"], {**tensors, "properties": dict.fromkeys(TENSORS, one)}]}


def _json_schema(kind: type[Initialiser]) -> dict[str, Any]:
    arguments = kind.model_json_schema()
    given: dict[str, Any] = arguments
    if kind.sole is not None:
        given = {"anyOf": [arguments["properties"][kind.sole], arguments]}
    return {
        "type": "object",
        "description": (kind.__doc__ or "").strip(),
        "additionalProperties": False,
        "required": [kind.name],
        "properties": {kind.name: given},
    }


def _initialiser(name: object, arguments: object) -> Initialiser:
    kind = INITIALISERS.get(name) if isinstance(name, str) else None
    if kind is None:
        refuse(f"{shown(name)} is not an initialiser", did_you_mean(str(name)[:80], [*INITIALISERS, *TENSORS]))
    if kind.sole is not None and isinstance(arguments, int | float):
        arguments = {kind.sole: arguments}
    if not isinstance(arguments, dict):
        refuse(f"the arguments of `{kind.name}` must be named, not {shown(arguments)}")
    try:
        return kind.model_validate(arguments)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = printable(".".join(str(part) for part in first["loc"]), 60)
        message = {
            "missing": f"`{kind.name}` needs `{where}`",
            "extra_forbidden": f"`{kind.name}` has no argument `{where}`",
        }.get(first["type"], f"`{where}` of `{kind.name}`: {first['msg']}")
        hint = did_you_mean(where, kind.model_fields) if first["type"] == "extra_forbidden" else None
        refuse(message, hint or first.get("ctx", {}).get("hint"))
