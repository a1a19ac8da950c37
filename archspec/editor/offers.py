"""Offers for completion, each with one line of text: ops, blocks, arguments, functions, initialisers, rewrites."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

from lsprotocol.types import CompletionItemKind
from pydantic import BaseModel

from archspec import ops, rewrites
from archspec.elaborate.shipped import library_names, spec_names
from archspec.expressions import FUNCTIONS
from archspec.language import catalogue
from archspec.language.topics import forms
from archspec.language.words import field_row
from archspec.ops.common.initialisers import INITIALISERS
from archspec.records import record

SCOPES = ("sequence", "steps", "reuse")
"""The words that a step can apply besides ops and blocks."""


@record
class Offer:
    """One thing that can be written."""

    word: str
    kind: CompletionItemKind
    detail: str = ""
    doc: str = ""
    needed: tuple[str, ...] = ()
    """The required arguments."""
    ending: str = ""
    """The text inserted after the word: ``: `` for a key."""


@cache
def known() -> Mapping[str, tuple[Offer, ...]]:
    """All ops, library blocks, shipped specs and rewrites."""
    found = catalogue.catalogue()
    return {
        "ops": tuple(
            _applied(each["name"], "op", each["doc"], _needed(ops.find(each["name"]))) for each in found["ops"]
        ),
        "blocks": tuple(
            _applied(
                each["name"], "library block", each["doc"], tuple(k for k, v in each["params"].items() if v is None)
            )
            for each in found["blocks"]
        ),
        "specs": tuple(_applied(each["name"], "shipped spec", each["doc"], ()) for each in found["specs"]),
        "rewrites": tuple(
            Offer(each["name"], CompletionItemKind.Function, "rewrite", each["doc"]) for each in found["rewrites"]
        ),
    }


def _applied(name: str, detail: str, doc: str, needed: tuple[str, ...]) -> Offer:
    kind = CompletionItemKind.Function if detail == "op" else CompletionItemKind.Module
    return Offer(name, kind, detail, doc, needed)


def own_block(name: str, needed: tuple[str, ...]) -> Offer:
    """A block of the file."""
    return Offer(name, CompletionItemKind.Module, "block of this file", "", needed)


def _needed(kind: type[BaseModel]) -> tuple[str, ...]:
    return tuple(name for name, field in kind.model_fields.items() if field.is_required())


def scopes() -> Iterator[Offer]:
    """``sequence``, ``steps`` and ``reuse``."""
    for name in SCOPES:
        yield Offer(name, CompletionItemKind.Keyword, "", forms()[name][0], ending=": ")


def keys(names: Iterator[str] | list[str]) -> Iterator[Offer]:
    """Keys of the language."""
    for name in names:
        doc = forms()[name][0] if name in forms() else ""
        yield Offer(name, CompletionItemKind.Property, "", doc, ending=": ")


def arguments(kind: type[BaseModel], without: tuple[str, ...] = ()) -> Iterator[Offer]:
    """The arguments of an op, an initialiser or a rewrite."""
    for name, field in sorted(kind.model_fields.items(), key=lambda entry: entry[0] == "init"):
        known_as, default, doc = field_row(name, field)
        if known_as not in without:
            detail = default if default == "required" or not default else f"default {default}"
            yield Offer(known_as, CompletionItemKind.Property, detail, doc, ending=": ")


def values(kind: type[BaseModel], name: str) -> Iterator[Offer]:
    """The words that an argument accepts: one of a few names, or true and false."""
    field = kind.model_fields.get(name)
    for value in () if field is None else dict.fromkeys(_literals(field.annotation)):
        yield Offer(value, CompletionItemKind.Value)


def _literals(annotation: Any) -> Iterator[str]:
    if annotation is bool:
        yield from ("true", "false")
    elif get_origin(annotation) is Literal:
        yield from (str(value) for value in get_args(annotation) if isinstance(value, str))
    elif get_origin(annotation) in (Union, types.UnionType) or hasattr(annotation, "__metadata__"):
        for part in get_args(annotation):
            yield from _literals(part)


def functions() -> Iterator[Offer]:
    """The functions of expressions."""
    for name in FUNCTIONS:
        yield Offer(name, CompletionItemKind.Function, "function", forms()["functions"][0], ending="(")


def initialisers() -> Iterator[Offer]:
    """The values of ``init``."""
    for name, kind in INITIALISERS.items():
        doc = (kind.__doc__ or "").partition("\n")[0]
        yield Offer(name, CompletionItemKind.Function, "initialiser", doc)
    for name in ("weight", "bias"):
        yield Offer(name, CompletionItemKind.Property, "", "the initialiser of one tensor", ending=": ")


def spec_words() -> Iterator[str]:
    """The names of shipped specs and library blocks."""
    yield from sorted(spec_names() | library_names())


def rewrite_kind(name: str) -> type[BaseModel] | None:
    """The class of a rewrite."""
    return rewrites.find(name) if name in rewrites.names() else None
