"""Specs a little or a lot wrong: what ships, the library and the examples of ops, changed as a careless writer would.

Changes are made to the data of a spec, so that most of it still means something; a few are made to its text.  The same
seed and the same corpus give the same text.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from archspec import ops
from archspec.ops import Example, Op
from archspec.sizes import text as size_text
from tests.helpers.block_specs import block_spec
from tests.helpers.loop_specs import loop_spec

ROOT = Path(__file__).parent.parent.parent

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

Place: TypeAlias = tuple[Any, Any]
"""A mapping or a list, and a key or a position in it."""

VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, 2, 3, 7, -1, 64, 10**6, 2**31, 10**18, 10**40, 0.5, 1e-320, 1e308, float("nan"),
    float("inf"), "", "same", "previous", "input", "nearest", "channels", "$channels", "$(1 // 0)", "$(2 ** 4000)",
    "$(input.channels)", "$(previous.size)", "$[1, 2]", "$x", "$", "$(",
    "é\u200b", "a" * 300, [], [1, 2], [[1, 2], [3, 4]],
    {}, {"a": 1}, [[]], "conv", "relu", "residual_basic", "conv as a", "conv as a.b", "conv as $i",
)  # fmt: skip
CLAUSES: dict[str, tuple[Any, ...]] = {
    "for": ("i in range(3)", "i, j in [[1, 2], [3, 4]]", "i in range(10 ** 9)", "i in depths", "i in range(0)"),
    "repeat": (0, 1, 3, 10**7, "$channels", -1),
    "when": (True, False, "i > 0", "input.channels == 3", "not wide", "previous.channels", 1),
    "from": ("previous", "input", "image", ["previous", "previous"], [], "nothing", ["previous", "input"]),
    "label": ("x", "input", "skip$i", "1"),
    "as": ("y",),
}
TEXTS = (
    "\t",
    "\x00",
    "\x1b",
    "\u202e",
    "\ufeff",
    "&a ",
    "*a",
    "!!int ",
    "---\n",
    "<<: ",
    "{",
    "]",
    "'",
    '"',
    ": ",
    "\n",
    "#",
    "%",
    "🙂",
)


def corpus() -> list[str]:
    """The texts that changes begin with."""
    paths = sorted((*ROOT.glob("specs/*.yaml"), *ROOT.glob("archspec/library/*.yaml")))
    written = [path.read_text(encoding="utf-8") for path in paths]
    random_ones = [make(seed) for make in (block_spec, loop_spec) for seed in range(40)]
    return [*written, *random_ones, *(text for name in sorted(ops.names()) for text in _examples(ops.find(name)))]


def _examples(op: type[Op]) -> Iterator[str]:
    """A spec for each example of an op whose inputs have their channels first."""
    for example in op.examples:
        if example.inputs and all(shape.channels_first for shape in example.inputs):
            yield _example(op, example)


def _example(op: type[Op], example: Example) -> str:
    names = ("image", "skip", "other", "fourth", "fifth")
    dims = [[dim if isinstance(dim, int) else size_text(dim) for dim in shape.dims] for shape in example.inputs]
    sizes = {dim: 16 for shape in dims for dim in shape if isinstance(dim, str) and dim.isidentifier()}
    step = {f"{op.keyword} as it": dict(example.arguments)}
    inputs = dict(zip(names, dims, strict=False))
    if op.merges:
        step["from"] = list(inputs)  # type: ignore[assignment]
    data = {"archspec": 1, "name": "It", "inputs": inputs, "sizes": sizes, "steps": [step, {"relu": None}]}
    return json.dumps(data)


def places(data: Any) -> list[Place]:
    """Everything that stands somewhere in data."""
    found: list[Place] = []
    waiting = [data]
    while waiting:
        here = waiting.pop()
        if isinstance(here, (dict, list)):
            keys = list(here) if isinstance(here, dict) else range(len(here))
            found += [(here, key) for key in keys]
            waiting += [here[key] for key in keys]
    return found


class Mutator:
    """Makes texts from a corpus."""

    def __init__(self, texts: list[str]) -> None:
        self.texts = list(texts)
        self._data: dict[str, Any] = {}

    def keep(self, text: str) -> None:
        """One more text to begin with."""
        self.texts.append(text)

    def make(self, seed: int) -> str:
        """The text of a seed."""
        chance = random.Random(seed)
        text = chance.choice(self.texts)
        data = copy.deepcopy(self._parsed(text))
        if isinstance(data, dict) and chance.random() < 0.9:
            for _ in range(chance.choice((1, 1, 1, 1, 2, 2, 3, 8))):
                self._change(data, chance)
            text = yaml.dump(data, Dumper=_DUMPER, sort_keys=False, width=200, allow_unicode=True)
        if chance.random() < 0.1:
            text = _scrambled(text, chance)
        return text

    def _parsed(self, text: str) -> Any:
        if text not in self._data:
            try:
                self._data[text] = yaml.load(text, _LOADER)
            except (yaml.YAMLError, ValueError, RecursionError):
                self._data[text] = None
        return self._data[text]

    def _change(self, data: dict[Any, Any], chance: random.Random) -> None:
        known = places(data)
        if not known:
            return
        holder, key = chance.choice(known)
        kinds = (self._value, self._value, self._number, self._drop, self._twice, self._graft, self._rename, self._wrap,
                 self._clause, self._clause, self._expression)  # fmt: skip
        chance.choice(kinds)(holder, key, chance)

    def _value(self, holder: Any, key: Any, chance: random.Random) -> None:
        holder[key] = copy.deepcopy(chance.choice(VALUES))

    def _number(self, holder: Any, key: Any, chance: random.Random) -> None:
        value = holder[key]
        if type(value) in (int, float):
            holder[key] = chance.choice(
                (value + 1, value - 1, -value, value * 2, value // 2, value * 10**6, str(value))
            )

    def _drop(self, holder: Any, key: Any, chance: random.Random) -> None:
        del holder[key]

    def _twice(self, holder: Any, key: Any, chance: random.Random) -> None:
        if isinstance(holder, list):
            holder.insert(chance.randrange(len(holder) + 1), copy.deepcopy(holder[key]))
        else:
            holder[f"{key}_"] = copy.deepcopy(holder[key])

    def _graft(self, holder: Any, key: Any, chance: random.Random) -> None:
        """What stands under the same key, or anywhere, in another text."""
        others = places(self._parsed(chance.choice(self.texts)))
        same = [place for place in others if place[1] == key] or others
        if same:
            other, there = chance.choice(same)
            holder[key] = copy.deepcopy(other[there])

    def _rename(self, holder: Any, key: Any, chance: random.Random) -> None:
        if isinstance(holder, dict):
            value = holder.pop(key)
            word = str(key)
            at = chance.randrange(len(word) + 1)
            names = (
                word[:at] + word[at + 1 :],
                word + "s",
                word.partition(" as ")[0],
                f"{word} as z",
                chance.choice(sorted(ops.names())),
            )
            holder[chance.choice(names)] = value

    def _wrap(self, holder: Any, key: Any, chance: random.Random) -> None:
        value = holder[key]
        holder[key] = chance.choice(([value], {"steps": [value]}, {"add": [[value], []]}, {"sequence as w": [value]}))

    def _clause(self, holder: Any, key: Any, chance: random.Random) -> None:
        step = holder[key]
        if isinstance(holder, list) and isinstance(step, str):
            step = holder[key] = {step: None}
        if isinstance(step, dict):
            name = chance.choice(list(CLAUSES))
            step[name] = copy.deepcopy(chance.choice(CLAUSES[name]))

    def _expression(self, holder: Any, key: Any, chance: random.Random) -> None:
        value = holder[key]
        if isinstance(value, (int, str)) and not isinstance(value, bool):
            forms = (
                "$({} + 1)",
                "$([{} for i in range(3)][0])",
                "$({} if wide else 1)",
                "$({}, 2)",
                "$(max({}, 1))",
                "$(-{})",
            )
            holder[key] = chance.choice(forms).format(str(value).removeprefix("$"))


def _scrambled(text: str, chance: random.Random) -> str:
    """Lines and characters moved, lost or brought in."""
    at, end = sorted(chance.randrange(len(text) + 1) for _ in range(2))
    lines = text.split("\n")
    row = chance.randrange(len(lines))
    ways = (
        text[:at] + chance.choice(TEXTS) + text[at:],
        text[:at] + text[min(end, at + 20) :],
        text[:at],
        "\n".join((*lines[:row], lines[row], *lines[row:])),
        "\n".join((*lines[:row], "  " + lines[row], *lines[row + 1 :])),
        text[:at] + text[at:end][:2000] * 3 + text[end:],
    )
    return chance.choice(ways)
