"""Reads a recipe from ``train.yaml``: what is wrong is said with file, line and column, all in one run.

Imports no torch.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from collections.abc import Mapping as MappingType
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from archspec.diagnostics import Fault, Source, Span, SpecError, printable
from archspec.syntax import Items, Mapping, Node, Scalar, is_file, literal, parse, read
from archspec.training.recipe import Recipe, schema
from archspec.validation import Words, complaints

FILE = "train.yaml"
"""The name of a recipe beside a spec."""

_WORDS = Words("a recipe", "bad-setting")


def beside(spec: str) -> Path | None:
    """The recipe in the folder of a spec's file, if there is one."""
    path = Path(spec).with_name(FILE) if spec.endswith((".yaml", ".yml")) and is_file(Path(spec)) else None
    return path if path is not None and is_file(path) else None


def read_recipe(path: Path | None, settings: Iterable[str] = ()) -> Recipe:
    """The recipe of a file, or the default one, with ``settings`` such as ``optimizer.sgd.momentum=0.8`` put into it.

    Raises :class:`SpecError` with everything found wrong.
    """
    try:
        node = parse(read(path), str(path), path=str(path)) if path else _empty()
        node = _nothing(node) if isinstance(node, Scalar) and node.value is None else node
        if not isinstance(node, Mapping):
            raise Fault("structure", "a recipe must be a mapping", node.span, "for example `lr: 0.1`")
        for setting in settings:
            node = _with(node, setting)
    except Fault as fault:
        raise SpecError([fault.diagnostic]) from None
    try:
        return Recipe.model_validate(_data(node))
    except ValidationError as error:
        raise SpecError(list(complaints(Recipe, node, error, _WORDS))) from None


def recipe_of(given: MappingType[str, Any]) -> Recipe:
    """A recipe from plain Python data.  Raises :class:`SpecError` with everything found wrong."""
    try:
        return Recipe.model_validate(dict(given))
    except ValidationError as error:
        node = literal(json.loads(json.dumps(dict(given), default=str)), _empty().span)
        assert isinstance(node, Mapping)
        raise SpecError(list(complaints(Recipe, node, error, _WORDS))) from None


def schema_text() -> str:
    """The JSON Schema of a recipe's file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _empty() -> Mapping:
    return Mapping((), Span(Source("the recipe", ()), 1, 1, 1, 1))


def _nothing(node: Scalar) -> Mapping:
    return Mapping((), node.span)


def _data(node: Node) -> Any:
    """A node as plain data with texts for keys."""
    if isinstance(node, Mapping):
        return {key.text: _data(value) for key, value in node.entries}
    if isinstance(node, Items):
        return [_data(item) for item in node.items]
    return node.value


def _with(node: Mapping, setting: str) -> Mapping:
    """The recipe with one setting, ``path.to.key=value``; a choice's other words give way to the one that is named."""
    path, equals, text = setting.partition("=")
    if not equals or not path.strip():
        message = f"`{printable(setting, 60)}` is not a setting"
        raise Fault("bad-call", message, hint="write KEY=VALUE, such as `lr=0.1` or `optimizer.sgd.momentum=0.8`")
    keys = path.strip().split(".")
    if keys[0] in ("layer_lr",) and len(keys) > 1:  # the path of a step has dots itself
        keys = [keys[0], ".".join(keys[1:])]
    return _put(node, keys, parse(text, f"--with {path.strip()}"), choice=False)


def _put(node: Mapping, keys: list[str], value: Node, choice: bool) -> Mapping:
    """The mapping with a value at a path of keys; a ``choice`` keeps no other key."""
    name, rest = keys[0], keys[1:]
    if rest:
        there = node.get(name)
        inner = there if isinstance(there, Mapping) else _word(there, value.span)
        value = _put(inner, rest, value, choice=name in ("optimizer", "schedule"))
    key = Scalar(name, name, value.span, True)
    kept = () if choice else tuple(entry for entry in node.entries if entry[0].text != name)
    return Mapping((*kept, (key, value)), node.span)


def _word(node: Node | None, span: Span) -> Mapping:
    """A word, ``sgd``, as the mapping that it stands for."""
    if isinstance(node, Scalar) and isinstance(node.value, str):
        return Mapping(((node, Mapping((), node.span)),), node.span)
    return Mapping((), node.span if node is not None else span)
