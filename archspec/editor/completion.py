"""Completion at the cursor, from the language, the library, this file and the files it uses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from lsprotocol import types
from lsprotocol.types import CompletionItemKind

from archspec import ops
from archspec.analyses.expectations import CLAIMS
from archspec.editor import formulas, markdown, names, offers
from archspec.editor.documents import Document
from archspec.editor.offers import Offer
from archspec.editor.place import Inside
from archspec.editor.unfinished import MARK, Cursor, cursor
from archspec.elaborate.learning import TASKS
from archspec.ops.common.initialisers import INITIALISERS
from archspec.schema import STEP_KEYS, BlockModel, SpecModel
from archspec.syntax import Mapping, Scalar, plain, spec_files

_WORD = re.compile(r"\w*\Z")
_NAME = re.compile(r"\$\w*\Z")
MOST = 300
"""The most offers that are sent."""


def completion(document: Document, position: types.Position, snippets: bool) -> list[types.CompletionItem]:
    """The completions at a position."""
    lines = document.lines
    point = lines.point(position)
    at = cursor(lines.lines, point)
    if at is None:
        return []
    found = _Found(document, at)
    typed = _typed(at)
    start = lines.position(point[0], point[1] - len(typed))
    edit = types.Range(start, position)
    unique: dict[str, Offer] = {}
    for offer in found.offers():
        unique.setdefault(offer.word, offer)
    return [_item(offer, index, edit, at, snippets) for index, offer in enumerate(unique.values()) if index < MOST]


def _typed(at: Cursor) -> str:
    """The text before the cursor that an offer replaces."""
    if at.place.kind == "spec":
        return at.before
    found = _WORD.search(at.before)
    return found.group() if found else ""


def _item(offer: Offer, index: int, edit: types.Range, at: Cursor, snippets: bool) -> types.CompletionItem:
    text, plain = offer.word, True
    keyed = at.after.lstrip().startswith(":")
    if at.place.kind == "call" and not keyed and offer.needed:
        if snippets:
            holes = ", ".join(f"{name}: ${number}" for number, name in enumerate(offer.needed, 1))
            text, plain = f"{offer.word}: {{{holes}}}", False
        else:
            text = f"{offer.word}: "
    elif _opens(at) and offer.kind is CompletionItemKind.Property:
        text, plain = (f"{{{offer.word}: $1}}", False) if snippets else (f"{{{offer.word}: ", True)
    elif not keyed:
        text += offer.ending
    return types.CompletionItem(
        offer.word,
        kind=offer.kind,
        detail=offer.detail or None,
        documentation=markdown.content([markdown.words(offer.doc)]) if offer.doc else None,
        sort_text=f"{index:04}",
        filter_text=offer.word,
        text_edit=types.TextEdit(edit, text),
        insert_text_format=types.InsertTextFormat.PlainText if plain else types.InsertTextFormat.Snippet,
    )


def _opens(at: Cursor) -> bool:
    """Whether a step's arguments begin here, in braces on its line."""
    place = at.place
    step = place.inside.step
    return place.kind == "value" and not place.inside.key and step is not None and step.span.line == place.span.line


class _Found:
    """The offers for one cursor."""

    def __init__(self, document: Document, at: Cursor) -> None:
        self.document, self.at, self.place = document, at, at.place
        self.inside: Inside = at.place.inside

    def offers(self) -> Iterable[Offer]:
        """What may stand there, the most likely first."""
        if _in_expression(self.at):
            return self.names()
        by_kind: dict[str, Callable[[], Iterable[Offer]]] = {
            "key": self.keys,
            "call": self.calls,
            "argument": self.arguments,
            "branch": self.arguments,
            "value": self.values,
            "from": self.steps,
            "condition": self.names,
            "clause": self.names,
            "symbol": self.symbols,
            "size": self.symbols,
            "spec": self.specs,
            "rewrite": lambda: offers.known()["rewrites"],
            "option": self.options,
            "initialiser": offers.initialisers,
            "claim": lambda: offers.keys(_without(CLAIMS, self.inside.mapping)),
            "text": self.texts,
        }
        return by_kind.get(self.place.kind, lambda: ())()

    # -- keys and calls ------------------------------------------------------------------------------------------------

    def keys(self) -> Iterable[Offer]:
        known: dict[str, Iterable[str]] = {
            "spec": (field.alias or name for name, field in SpecModel.model_fields.items()),
            "block": BlockModel.model_fields,
            "import": ("spec", "params", "rewrite"),
            "output": ("from", "training", "loss_weight"),
            "source": ("step", "for", "when"),
        }
        return offers.keys(_without(known.get(self.inside.what, ()), self.inside.mapping))

    def calls(self) -> Iterator[Offer]:
        head, dot, _ = self.at.before.rpartition(".")
        if dot:
            yield from self.imported(head)
            return
        mapping = self.inside.mapping
        others = [] if mapping is None else [key for key in mapping.keys if MARK not in key]
        if self.inside.key != "defaults" and any(key not in STEP_KEYS for key in others):
            yield from offers.keys(_without(sorted(STEP_KEYS), mapping))
            return
        for place in self.at.everything:
            if place.kind == "block":
                yield offers.own_block(place.text, tuple(self.needed(place.text)))
            elif place.kind == "import":
                yield Offer(place.text, CompletionItemKind.Module, "import")
                yield from self.imported(place.text, f"{place.text}.")
        yield from offers.known()["ops"]
        yield from offers.scopes()
        yield from offers.known()["blocks"]
        for name in self.declared("parameter"):
            yield Offer(f"${name}", CompletionItemKind.Variable, "parameter")
        yield from offers.known()["specs"]

    def imported(self, name: str, head: str = "") -> Iterator[Offer]:
        """The blocks of an imported file, as they are written after its name, or after ``head``."""
        study = self.document.good
        file = None if study is None else names.used_file(study, name)
        for block, found in () if file is None else file.blocks.items():
            needed = tuple(each for each, given in found.model.params.items() if plain(given) is None)
            yield Offer(f"{head}{block}", CompletionItemKind.Module, f"block of {name}", found.model.doc or "", needed)

    def declared(self, kind: str, block: str | None = None) -> Iterator[str]:
        """The names of one kind that the block around the cursor declares."""
        block = self.inside.block if block is None else block
        for place in self.at.everything:
            if place.kind == kind and place.inside.block == block and MARK not in place.text:
                yield place.text

    def needed(self, block: str) -> Iterator[str]:
        """The parameters of a block of the file that have no default."""
        for place in self.at.everything:
            if place.kind == "parameter" and place.inside.block == block and place.inside.mapping is not None:
                given = place.inside.mapping.get(place.text)
                if isinstance(given, Scalar) and given.nothing:
                    yield place.text

    def arguments(self) -> Iterator[Offer]:
        what, mapping = self.inside.what, self.inside.mapping
        there = _there(mapping)
        if what in ops.names():
            kind = ops.find(what)
            yield from offers.arguments(kind, (*there, *(() if kind.tensors else ("init",))))
            return
        own = list(self.declared("parameter", what))
        block = None if own or self.document.good is None else names.called(self.document.good, what)
        if block is not None and block.block is not None:
            own = list(block.block.model.params)
        needed = set(self.needed(what))
        for name in own:
            if name not in there:
                detail = "required" if name in needed else "parameter"
                yield Offer(name, CompletionItemKind.Property, detail, f"of `{what}`", ending=": ")

    def options(self) -> Iterator[Offer]:
        what, there = self.inside.what, _there(self.inside.mapping)
        kind = INITIALISERS.get(what[5:]) if what.startswith("init ") else offers.rewrite_kind(what)
        if kind is not None:
            yield from offers.arguments(kind, there)

    # -- values --------------------------------------------------------------------------------------------------------

    def values(self) -> Iterator[Offer]:
        what, key = self.inside.what, self.inside.key
        if what == "spec" and not key:
            yield from self.keys()
        elif key == "loss":
            yield Offer("cross_entropy", CompletionItemKind.Value)
        elif not key and what and (what in ops.names() or self.inside.step is not None):
            yield from self.arguments()
        elif key in ("aside", "checkpoint", "inline", "training"):
            yield from (Offer(word, CompletionItemKind.Value) for word in ("true", "false"))
        elif offers.rewrite_kind(what) is not None:
            yield from self.paths()
        else:
            if what in ops.names():
                yield from offers.values(ops.find(what), key)
            for kind in ("parameter", "let"):
                for name in self.declared(kind):
                    if name != key:
                        yield Offer(
                            f"${name}", CompletionItemKind.Variable, "parameter" if kind == "parameter" else "let"
                        )
            if self.inside.step is None:
                yield from (offers.own_block(name, ()) for name in self.declared("block", ""))
                yield from offers.known()["blocks"]

    def names(self) -> Iterator[Offer]:
        """The names and functions of expressions."""
        attribute = re.search(r"\b(input|previous|\w+)\.\w*\Z", self.at.before)
        if attribute is not None:
            yield Offer("channels", CompletionItemKind.Field, "", "the number of channels")
            yield Offer("size", CompletionItemKind.Field, "", "a list of the sizes, as numbers")
            return
        for name in formulas.loop_names(self.place):
            if MARK not in name:
                yield Offer(name, CompletionItemKind.Variable, "loop")
        for kind in ("parameter", "let", "input"):
            for name in self.declared(kind):
                yield Offer(name, CompletionItemKind.Variable, kind)
        for name in ("input", "previous"):
            yield Offer(name, CompletionItemKind.Keyword)
        yield from offers.functions()
        for word in ("if", "else", "for", "in", "and", "or", "not", "True", "False", "None"):
            yield Offer(word, CompletionItemKind.Keyword)

    def steps(self) -> Iterator[Offer]:
        """The steps and labels that can be read at the cursor."""
        head, dot, _ = self.at.before.rpartition(".")
        if self.inside.what == "claim" or (dot and self.document.good is not None):
            yield from self.paths(head + dot)
            return
        here = (self.place.span.line, self.place.span.column)
        late = self.inside.step is None
        for place in reversed(self.at.everything):
            earlier = late or (place.span.line, place.span.column) < here
            named = place.kind in ("name", "label") and place.inside.block == self.inside.block
            if named and earlier and place.inside.step is not self.inside.step and "$" not in place.text:
                yield Offer(place.text, CompletionItemKind.Reference, place.kind)
        for name in self.declared("input"):
            yield Offer(name, CompletionItemKind.Reference, "input")
        for name in ("previous", "input"):
            yield Offer(name, CompletionItemKind.Keyword)

    def paths(self, head: str = "") -> Iterator[Offer]:
        """The paths of the last good graph with this prefix, each up to its next dot, and the labels."""
        study = self.document.good
        if study is None or study.graph is None:
            return
        for node in study.graph.nodes:
            if node.path.startswith(head) and node.named:
                yield Offer(node.path[len(head) :].partition(".")[0], CompletionItemKind.Reference, "step")
            if node.label is not None and not head:
                yield Offer(node.label, CompletionItemKind.Reference, "label")

    def symbols(self) -> Iterator[Offer]:
        for place in self.at.everything:
            if place.kind == "symbol" and MARK not in place.text:
                ending = ": " if self.place.kind == "size" else ""
                yield Offer(place.text, CompletionItemKind.Variable, "symbol", ending=ending)

    def specs(self) -> Iterator[Offer]:
        if self.document.path is not None:
            for name in spec_files(self.document.path.parent).values():
                if name != self.document.path.name:
                    yield Offer(name, CompletionItemKind.File, "file")
        yield from offers.known()["specs"]
        if self.inside.key != "extends":
            yield from offers.known()["blocks"]

    def texts(self) -> Iterator[Offer]:
        if self.inside.key == "task":
            yield from (Offer(word, CompletionItemKind.Value) for word in TASKS)


def _in_expression(at: Cursor) -> bool:
    """Whether the cursor is inside ``$(…)``, or in a name after ``$``."""
    if at.place.kind in ("condition", "clause"):
        return True
    if _NAME.search(at.before):
        return True
    opened = at.before.rfind("$(")
    return opened >= 0 and at.before.count("(", opened) > at.before.count(")", opened)


def _there(mapping: Mapping | None) -> tuple[str, ...]:
    return () if mapping is None else tuple(key for key in mapping.keys if MARK not in key)


def _without(words: Iterable[str], mapping: Mapping | None) -> list[str]:
    there = _there(mapping)
    return [word for word in words if word not in there]
