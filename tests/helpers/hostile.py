"""Texts that no program should pass on as they are, every place of a spec that takes one, and a terminal to look at."""

from __future__ import annotations

import os
import pty
import re
import sys
import threading
import tty
import unicodedata
from collections import deque
from collections.abc import Iterator
from typing import Any, TypeAlias

from archspec.cli import app
from archspec.language.json_schema import json_schema
from archspec.schema import BlockModel, SpecModel

ESCAPES = "\x1b]0;owned\x07\x1b[35;5mred\x9b2J\u202egnp.exe\u2028\x00\r"
"""What moves a cursor, names a window, colours, writes backwards, ends a line, ends a text."""

STRANGE = (
    "a\u200b\u00ad\u2060b [red]c[/red] \"\"\" ''' </title><script> --> \\N{x} %s {0} \\\nerror[forged]: all is well"
)
"""What may stand in a spec, and means something in Unicode, rich, Python, HTML, YAML or our own words."""

Path: TypeAlias = tuple[str | int | None, ...]
"""Where a text stands in a spec: 0 is in a list, None stands for a key that the text itself is."""

LONG = "A" * 60_000

_PAINT = re.compile(r"\x1b\[[0-9;]*m")


def raw(shown: str) -> str:
    """What of an answer a terminal would obey, or nobody could see; colours, of which we have no magenta, are ours."""
    found = {c for c in _PAINT.sub("", shown) if unicodedata.category(c)[0] == "C" or c in "\u2028\u2029"}
    forged = "forged" if re.search(r"^error\[forged]", shown, re.MULTILINE) else ""
    painted = "magenta" if "\x1b[35" in shown else ""
    return "".join(sorted(found - set("\n\t"))) + forged + painted


def specs_with(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """A spec for each place of the schema that takes a text or a key, which holds this one; the place comes first."""
    base: dict[str, Any] = {
        "archspec": 1,
        "name": "Small",
        "inputs": {"image": [1, "H", "W"]},
        "sizes": {"H": 8, "W": 8},
    }
    base["steps"] = [{"conv as c": {"channels": 2, "kernel": 3}}, "relu"]
    for path in places():
        filled: Any = text
        for part in reversed(path):
            filled = [filled] if part == 0 else {text if part is None else part: filled}
        if path[:2] == ("steps", 0):
            filled["steps"] = base["steps"] + filled["steps"]
        yield ".".join("*" if part is None else str(part) for part in path), base | filled


def places() -> list[Path]:
    """Where a text may stand in a spec: by the JSON Schema and the models it is made from, each definition once."""
    found = dict.fromkeys(_places(json_schema()))
    found.update(dict.fromkeys((info.alias or name,) for name, info in SpecModel.model_fields.items()))
    found.update(dict.fromkeys(("blocks", "b", info.alias or name) for name, info in BlockModel.model_fields.items()))
    return list(found)


def _places(schema: dict[str, Any]) -> Iterator[Path]:
    """Breadth first, so that each definition is entered where it lies least deep; as steps before as defaults."""
    known, seen = schema["definitions"], set[str]()
    yield (None,)
    for key in sorted(schema["properties"], key="steps".__ne__):
        yield from _below((key,), schema["properties"][key], known, seen)


def _below(start: Path, schema: dict[str, Any], known: dict[str, Any], seen: set[str]) -> Iterator[Path]:
    queue: deque[tuple[Path, dict[str, Any]]] = deque([(start, schema)])
    while queue:
        path, here = queue.popleft()
        name = here.get("$ref", "").rsplit("/", 1)[-1]
        if name in seen:
            continue
        if name:
            seen.add(name)
            queue.append((path, known[name]))
            continue
        kinds = here.get("type", ())
        kinds = {kinds} if isinstance(kinds, str) else set(kinds)
        if not kinds or "string" in kinds:
            yield path
        queue.extend((path, other) for other in (*here.get("anyOf", ()), *here.get("oneOf", ())))
        inner = {**here.get("properties", {}), **here.get("patternProperties", {})}
        queue.extend(((*path, _key(key)), value) for key, value in inner.items())
        if "object" in kinds or inner:
            yield (*path, None)
            if isinstance(here.get("additionalProperties"), dict):
                queue.append(((*path, "some"), here["additionalProperties"]))
        if isinstance(here.get("items"), dict):
            queue.append(((*path, 0), here["items"]))


def _key(pattern: str) -> str:
    """A key that fits: the one of the schema, or the words that its pattern begins with."""
    found = re.match(r"\^?\(?([A-Za-z_ ]+)", pattern)
    return pattern if pattern.replace("_", "").isalnum() or found is None else found.group(1).strip()


def on_terminal(*words: str) -> str:
    """What a command writes to a terminal, its standard output and error together."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    shown = bytearray()

    def listen() -> None:
        while True:
            try:
                some = os.read(ours, 65536)
            except OSError:  # nobody writes any more
                return
            if not some:
                return
            shown.extend(some)

    listener = threading.Thread(target=listen)
    listener.start()
    before = sys.stdout, sys.stderr
    try:
        with os.fdopen(theirs, "w", encoding="utf-8", errors="replace") as terminal:
            sys.stdout = sys.stderr = terminal
            try:
                app(list(words), prog_name="archspec")
            except SystemExit:
                pass
            finally:
                sys.stdout, sys.stderr = before
    finally:
        listener.join()
        os.close(ours)
    return shown.decode("utf-8")
