"""From located YAML to values: evaluate expressions, bind parameters, check types."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from archspec import expressions, vocabulary
from archspec.diagnostics import Fault, Span, printable
from archspec.expressions import Expression, Record, Work
from archspec.ops import Shape
from archspec.schema import STEP_KEYS, SpecFile, Step
from archspec.syntax import Items, Node, Scalar
from archspec.syntax import Mapping as YamlMapping

RESERVED = frozenset({"input", "previous"})
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Text(str):
    """Text from a spec that remembers its file, so that a block name is looked up in the file where it was written."""

    file: SpecFile | None

    def __new__(cls, value: str, file: SpecFile | None) -> Text:
        text = super().__new__(cls, value)
        text.file = file
        return text


class TensorRecord(Record):
    """The attributes of a tensor in an expression: ``input.channels`` and ``input.size``."""

    def __init__(self, shape: Shape | None, size: Callable[[Shape], list[int]]) -> None:
        self._shape = shape
        self._size = size

    def attribute(self, name: str) -> object:
        if self._shape is None:
            raise UnknownValue
        if name == "channels":
            return self._shape.channels
        if name == "size":
            return self._size(self._shape)
        raise KeyError(name)

    def attribute_names(self) -> tuple[str, ...]:
        return ("channels", "size")


class UnknownValue(Exception):
    """A value depends on a step that failed; everything that depends on it is skipped without a message."""


def evaluate(node: Node, names: Mapping[str, Any], file: SpecFile | None) -> Any:
    """The value of a located node: numbers, text, lists and dicts, with expressions evaluated.  Raises Fault."""
    if isinstance(node, Scalar):
        if not isinstance(node.value, str):
            return node.value
        if "$" not in node.value:
            return Text(node.value, file)
        found = _template(node, file)
        if found is None:
            return Text(node.value, file)
        if isinstance(found, Expression):
            return _written(expressions.evaluate(found, names, file and file.work), file)
        return Text(expressions.interpolate(found, names, file and file.work), file)
    if isinstance(node, Items):
        return [evaluate(item, names, file) for item in node.items]
    return {Text(key.text, file): evaluate(value, names, file) for key, value in node.entries}


def _written(value: Any, file: SpecFile | None) -> Any:
    """The value of an expression of a file, with its texts marked as written there."""
    if type(value) is str:
        return Text(value, file)
    if isinstance(value, list | tuple):
        return [_written(item, file) for item in value]
    if isinstance(value, dict):
        return {_written(key, file): _written(item, file) for key, item in value.items()}
    return value


def _template(node: Scalar, file: SpecFile | None) -> expressions.Expression | expressions.Interpolation | None:
    """The expression in a scalar, parsed once for each place in a file."""
    if file is None:
        return expressions.template(node)
    if id(node) not in file.templates:
        file.templates[id(node)] = (expressions.template(node), node)
    return file.templates[id(node)][0]


def text(value: Any, names: Mapping[str, Any], span: Span | None, what: str, work: Work) -> str:
    """A name that may be a template (``layer$(i + 1)``), as text."""
    if isinstance(value, str):
        return value
    if isinstance(value, Expression):
        result = expressions.evaluate(value, names, work)
        if isinstance(result, float) and result.is_integer():
            result = int(result)
        if isinstance(result, bool) or not isinstance(result, (str, int)):
            raise Fault("wrong-type", f"{what} must be text, not `{printable(repr(result))}`", span)
        return str(result)
    return expressions.interpolate(value, names, work)


def decided(when: Expression, names: Mapping[str, Any], work: Work) -> bool:
    """Whether a ``when`` holds; raises Fault where it is neither true nor false."""
    found = expressions.evaluate(when, names, work)
    if not isinstance(found, bool):
        what = f"`when` must be true or false, not `{printable(str(found), 40)}`"
        raise Fault("not-a-condition", what, when.span, "compare it with a value: `n > 0`")
    return found


def kind(value: Any) -> str:
    """The type of a value, in words."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int):
        return "a whole number"
    if isinstance(value, float):
        return "a number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, dict):
        return "a block with arguments"
    return "nothing" if value is None else "a value"


def other_argument(name: str, known: Collection[str]) -> str | None:
    """The hint for an argument that is not in ``known``: where it belongs, or its name here."""
    if name in STEP_KEYS:
        return f"`{name}` is a key of the step: write it in the column of the op, not among the arguments"
    return vocabulary.argument(name, known)


def arguments(
    node: Node | None, names: Mapping[str, Any], file: SpecFile, what: str, known: Sequence[str]
) -> dict[str, tuple[Any, Span]]:
    """The evaluated arguments of a step, with their places.  ``known`` are the possible ones.  Raises Fault."""
    if node is None:
        return {}
    if not isinstance(node, YamlMapping):
        raise Fault("positional-argument", f"arguments of `{what}` must be named", node.span, _named(node, what, known))
    return {str(key.text): (evaluate(value, names, file), value.span) for key, value in node.entries}


def _named(node: Scalar | Items, what: str, known: Sequence[str]) -> str:
    """The hint for arguments without names: their names, in order."""
    if not known:
        return f"`{what}` takes no arguments: write only `{what}`"
    written = [item.text for item in (node.items if isinstance(node, Items) else (node,)) if isinstance(item, Scalar)]
    if not written or len(written) > len(known) or sum(map(len, written)) > 60:
        return f"write `{what}: {{{known[0]}: …}}`"
    pairs = (f"{name}: {printable(value)}" for name, value in zip(known, written, strict=False))
    return f"write `{what}: {{{', '.join(pairs)}}}`"


def listed_arguments(fields: Iterable[str]) -> str:
    """The hint that lists the possible arguments."""
    names = [name for name in fields if name != "init"]
    return f"it has {', '.join(names)}" if names else "it has no arguments"


def spoken(nodes: Iterable[Node | None]) -> set[str]:
    """Every word in some nodes: in keys, in texts, in expressions."""
    found: set[str] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, Scalar):
            found.update(_WORD.findall(node.value if isinstance(node.value, str) else node.text))
        elif isinstance(node, Items):
            waiting += node.items
        elif node is not None:
            waiting += (part for entry in node.entries for part in entry)
    return found


def mention(step: Step, word: str) -> Span | None:
    """The place where a step uses a name: in ``from``, in ``when``, or in an expression among its arguments."""
    for source in step.reads or ():
        if str(source.name.value).split(".")[0] == word:
            return source.name.span
    pattern = re.compile(rf"\b{word}\b")
    if isinstance(step.when, Expression) and pattern.search(step.when.text):
        return step.when.span
    arguments = [value for _, value in step.body.entries] if isinstance(step.body, YamlMapping) else [step.body]
    for node in arguments:
        if (
            isinstance(node, Scalar)
            and isinstance(node.value, str)
            and "$" in node.value
            and pattern.search(node.value)
        ):
            return node.span
    return None
