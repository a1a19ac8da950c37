"""The reference of the language, ``docs/reference.md``: every key, op, block, rewrite, spec and diagnostic code.

It is made from the code, so it lists everything that exists and nothing else.  The README introduces the language; this
is for looking things up.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from archspec import ops, rewrites
from archspec.analyses.expectations import CLAIMS
from archspec.diagnostics import Diagnostics
from archspec.elaborate.loader import Loader
from archspec.expressions import FUNCTIONS
from archspec.language import catalogue, messages
from archspec.language.json_schema import json_schema
from archspec.language.words import field_row, flow, shape, signature
from archspec.ops import Op
from archspec.ops.common.initialisers import INITIALISERS
from archspec.schema import STEP_KEYS, BlockModel, SpecModel
from archspec.syntax import plain

_INTRODUCTION = """\
# Reference

Written by archspec from its own code (`archspec/language/reference.py`; `make golden` renews it).  The language is
told in [language.md](language.md); here each of its words can be looked up.
"""


def text() -> str:
    """The reference as Markdown."""
    sections = {
        "Keys of a spec": _keys(SpecModel),
        "Keys of a block": _keys(BlockModel),
        "Keys of a step": _step_keys(),
        "Claims": _claims(),
        "Functions": _functions(),
        "Ops": _ops(),
        "Initialisers": _initialisers(),
        "Library blocks": _blocks(),
        "Rewrites": _rewrites(),
        "Specs that ship": _specs(),
        "Diagnostics": _diagnostics(),
    }
    contents = "".join(f"- [{title}](#{title.lower().replace(' ', '-')})\n" for title in sections)
    bodies = (f"## {title}\n\n" + "\n".join(lines) for title, lines in sections.items())
    return "\n".join([_INTRODUCTION, contents, *(f"{body.rstrip()}\n" for body in bodies)])


# -- the language -----------------------------------------------------------------------------------------------------


def _keys(model: type[BaseModel]) -> Iterator[str]:
    rows = []
    for name, field in model.model_fields.items():
        key = f"`{field.alias or name}`" + (" (required)" if field.is_required() else "")
        rows.append((key, field.description or ""))
    yield from _table(("key", "what it holds"), rows)


def _step_keys() -> Iterator[str]:
    yield "Beside the one key that says what a step applies, an op, a block, `$param`, `sequence`, `steps` or `reuse`:"
    yield ""
    definitions = json_schema()["definitions"]
    known = definitions["full-step"]["properties"]
    described = {key: known[key] for key in sorted(STEP_KEYS)} | {"init": definitions["initialiser"]}
    yield from _table(("key", "what it says"), [(f"`{key}`", found["description"]) for key, found in described.items()])


def _claims() -> Iterator[str]:
    yield "What may stand under `expect`, for `archspec check` to hold the network to: "
    yield ", ".join(f"`{claim}`" for claim in CLAIMS) + ".  A number may be `{is: 569e6, within: 0.01}`, within 1%."


def _functions() -> Iterator[str]:
    yield "Functions that expressions may call: " + ", ".join(f"`{name}`" for name in FUNCTIONS) + "."
    yield "`divisible(v, by)` is the rounding of mobile networks: to a multiple, at least one, never below 90% of v."


# -- ops --------------------------------------------------------------------------------------------------------------


def _ops() -> Iterator[str]:
    kinds: dict[str, list[type[Op]]] = {kind: [] for kind in get_args(ops.Kind)}
    for name in sorted(ops.names()):
        found = ops.find(name)
        kinds[found.kind].append(found)
    yield "Axes are channels first, then one to three spatial ones; the batch is never counted.  `init` may stand"
    yield "beside every op that has weights."
    for kind, members in kinds.items():
        yield from ("", f"### {kind.capitalize()}", "")
        for member in members:
            yield from _op(member)


def _op(kind: type[Op]) -> Iterator[str]:
    yield f"#### `{kind.keyword}`"
    yield ""
    yield from _documentation(kind)
    fields = [(name, field) for name, field in kind.model_fields.items() if name != "init"]
    if kind.merges:
        yield "Takes branches, each a list of steps or one step, or several inputs by `from`."
        yield ""
    if fields:
        yield from _table(("argument", "default", "what it is"), [_field(name, field) for name, field in fields])
        yield ""
    example = kind.examples[0]
    inputs = ", ".join(shape(each.dims) for each in example.inputs)
    output = kind.model_validate(example.arguments).infer(example.inputs)
    arguments = f": {flow(example.arguments)}" if example.arguments else ""
    yield f"`{kind.keyword}{arguments}` {f'takes {inputs} and ' if inputs else ''}gives {shape(output.dims)}."
    yield ""


def _initialisers() -> Iterator[str]:
    yield "What `init` may say, for the main weight or, as `{weight: …, bias: …}`, for each tensor; without it weights"
    yield "start as torch starts them."
    yield ""
    rows = []
    for name, kind in INITIALISERS.items():
        fields = ", ".join(signature(field, info) for field, info in kind.model_fields.items())
        rows.append((f"`{name}`", f"`{fields}`" if fields else "", _first_line(kind)))
    yield from _table(("initialiser", "arguments", "what it does"), rows)


# -- what is made of them ---------------------------------------------------------------------------------------------


def _blocks() -> Iterator[str]:
    loader = Loader(Diagnostics())
    rows = []
    for entry in catalogue.catalogue()["blocks"]:
        params = ", ".join(f"`{_param(name, default)}`" for name, default in entry["params"].items())
        file = loader.library(entry["name"])
        example = plain(file.model.example) if file is not None and file.model.example is not None else {}
        shapes = " and ".join(shape(each) for each in example.get("inputs", {}).values())
        there = f"{shapes} → {shape(example['output'])}" if "output" in example else ""
        rows.append((f"[`{entry['name']}`](../archspec/library/{entry['name']}.yaml)", params, entry["doc"], there))
    yield from _table(("block", "parameters", "what it is", "its example"), rows)


def _rewrites() -> Iterator[str]:
    yield "Each makes one network of another, where a spec is imported or extended (`rewrite:`) and from Python"
    yield "(`archspec.rewrite`)."
    for name in sorted(rewrites.names()):
        kind = rewrites.find(name)
        yield from ("", f"### `{name}`", "")
        yield from _documentation(kind)
        if kind.model_fields:
            rows = [_field(field, info) for field, info in kind.model_fields.items()]
            yield from _table(("option", "default", "what it is"), rows)
        if kind.main is not None:
            yield from ("", f"`{kind.main}` may be given without its name: `{{{name}: …}}`.")


def _specs() -> Iterator[str]:
    rows = []
    for entry in catalogue.catalogue()["specs"]:
        parent = f"`{entry['extends']}`" if isinstance(entry.get("extends"), str) else ""
        rows.append((f"[`{entry['name']}`](../specs/{entry['name']}.yaml)", entry["doc"], parent))
    yield from _table(("spec", "what it is", "a variant of"), rows)


def _diagnostics() -> Iterator[str]:
    yield "`file.yaml:12:9: error[code]: message`: the code is stable, and is what programs should look at; `…` stands"
    yield "for what a message names."
    yield ""
    rows = []
    for code, found in messages.by_code().items():
        said = "<br>".join(_escaped(message) for message in sorted({each.text for each in found if each.text}))
        rows.append((f"`{code}`", ", ".join(sorted({each.severity for each in found})), said))
    yield from _table(("code", "severity", "what is said"), rows, escape=False)


# -- words ------------------------------------------------------------------------------------------------------------


def _field(name: str, field: FieldInfo) -> tuple[str, str, str]:
    known, default, what = field_row(name, field)
    return f"`{known}`", default if default in ("", "required") else f"`{default}`", what


def _param(name: str, default: Any) -> str:
    return name if default is None else f"{name}: {flow(default)}"


def _documentation(kind: type[Any]) -> Iterator[str]:
    """A class's docstring as paragraphs."""
    yield inspect.cleandoc(kind.__doc__ or "").replace("``", "`")
    yield ""


def _first_line(kind: type[Any]) -> str:
    return (kind.__doc__ or "").strip().partition("\n")[0].replace("``", "`")


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], escape: bool = True) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{' --- |' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(_escaped(cell) if escape else cell for cell in row)} |"


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ").replace("``", "`")
