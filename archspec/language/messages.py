"""Every diagnostic code in archspec's source, with its messages.

They are found by parsing the source rather than listed by hand: wherever a call takes a code and then a message, both
are constants, except for the values that the message names.
"""

from __future__ import annotations

import ast
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from archspec.records import record

_CODE = re.compile(r"[a-z]+(-[a-z]+)*\Z")
_SEVERITIES = {"error": "error", "warning": "warning", "note": "note", "Fault": "error", "Diagnostic": "error"}
"""The severity by the function that is called."""
_WRITTEN = re.compile(rf'\b({"|".join(_SEVERITIES)})\(\s*"[a-z-]+",|"[a-z]+(-[a-z]+)+",')
"""A code before another argument.  Only files that hold such text are parsed, since parsing takes the longest."""


@record
class Message:
    """One message of a code; ``…`` stands for a value it names, and its text is empty if it is made elsewhere."""

    code: str
    severity: str
    text: str


def by_code() -> dict[str, list[Message]]:
    """Every message of the package by its code, codes in alphabetical order."""
    found: dict[str, list[Message]] = {}
    for path in sorted(Path(__file__).parent.parent.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if _WRITTEN.search(text):
            for message in _messages(ast.parse(text)):
                found.setdefault(message.code, []).append(message)
    return dict(sorted(found.items()))


def _messages(tree: ast.Module) -> Iterator[Message]:
    for nodes in _scopes(tree):
        calls = [node for node in nodes if isinstance(node, ast.Call) and len(node.args) > 1]
        if calls:
            names = _assigned(nodes)
            for call in calls:
                yield from _said(call, names)


def _scopes(tree: ast.Module) -> list[list[ast.AST]]:
    """The nodes outside of functions, then those of each outermost function.  Each node is in one list."""
    outside: list[ast.AST] = []
    functions: list[list[ast.AST]] = []
    waiting: deque[ast.AST] = deque([tree])
    while waiting:
        node = waiting.popleft()
        if isinstance(node, ast.FunctionDef):
            functions.append(list(ast.walk(node)))
        else:
            outside.append(node)
            waiting.extend(ast.iter_child_nodes(node))
    return [outside, *functions]


def _assigned(nodes: list[ast.AST]) -> dict[str, list[ast.expr]]:
    """The expressions assigned to each plain name."""
    found: dict[str, list[ast.expr]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found.setdefault(node.targets[0].id, []).append(node.value)
    return found


def _said(call: ast.Call, names: dict[str, list[ast.expr]]) -> Iterator[Message]:
    """The messages of a call whose arguments include a code followed by a message."""
    called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    severity = next((_constant(word.value) for word in call.keywords if word.arg == "severity"), None)
    for code, message in zip(call.args, call.args[1:], strict=False):
        name = _constant(code)
        if name is None or not _CODE.match(name):
            continue
        sources = names.get(message.id, []) if isinstance(message, ast.Name) else [message]
        texts = [text for source in sources for text in _texts(source) if re.search(r"\w", text)]
        known = called in _SEVERITIES and code is call.args[0]
        if known or ("-" in name and any(" " in text for text in texts)):
            for text in texts or [""]:
                yield Message(name, severity or _SEVERITIES.get(called, "error"), text)


def _constant(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _texts(node: ast.expr) -> Iterator[str]:
    """The texts that an expression can evaluate to, with ``…`` in place of values."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        parts = (part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
        yield "".join(str(part) for part in parts)
    elif isinstance(node, ast.IfExp):
        yield from (*_texts(node.body), *_texts(node.orelse))
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        yield from (left + right for left in _texts(node.left) for right in _texts(node.right) or ("…",))
