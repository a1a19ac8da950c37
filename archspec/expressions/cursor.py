"""A position in an expression's tokens, and the faults for unexpected or missing tokens."""

from __future__ import annotations

from archspec.diagnostics import Fault, printable
from archspec.expressions import tree as t
from archspec.expressions.tokens import Token, tokenize

DEEPEST_NESTING = 50
HIGHEST_TREE = 100


def too_deep(home: t.Located) -> Fault:
    """The fault of brackets nested too deeply."""
    said = f"an expression nested more than {DEEPEST_NESTING} deep"
    return Fault("expression-limit", said, home.span, "define its parts under `let:`")


def check_height(home: t.Located, trees: tuple[t.Tree, ...]) -> None:
    """Refuse trees so deep that a later recursive walk could exhaust the stack."""
    if len(home.text) <= HIGHEST_TREE:
        return
    level = trees
    for _ in range(HIGHEST_TREE):
        level = tuple(part for tree in level for part in t.children(tree))
        if not level:
            return
    raise too_deep(home)


class Cursor:
    """Reads tokens one by one and counts the depth of nesting."""

    def __init__(self, home: t.Located) -> None:
        self.home = home
        self.tokens = tokenize(home)
        self.position = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    def advance(self) -> Token:
        token = self.token
        self.position = min(self.position + 1, len(self.tokens) - 1)
        return token

    def at(self, *words: str) -> bool:
        """Whether the next token is one of these operators or keywords."""
        return self.token.kind in ("operator", "keyword") and self.token.text in words

    def take(self, *words: str) -> bool:
        found = self.at(*words)
        if found:
            self.advance()
        return found

    def expect(self, word: str, where: str) -> Token:
        if not self.at(word):
            raise self.unexpected(f"`{word}` is missing {where}")
        return self.advance()

    def fault(self, message: str, at: t.Place, hint: str | None = None) -> Fault:
        return Fault("expression-syntax", message, self.home.place(at), hint)

    def unexpected(self, wanted: str) -> Fault:
        token = self.token
        found = "the expression ends" if token.kind == "end" else f"`{printable(token.text, 40)}` stands"
        return self.fault(f"{wanted}: {found} here", token.at)

    def since(self, start: int) -> t.Place:
        return start, self.tokens[max(self.position - 1, 0)].at[1]

    def finish(self) -> None:
        token = self.token
        if token.kind == "end":
            return
        if self.at("="):
            raise self.fault("`=` is not part of the language", token.at, "write `==` to compare")
        if self.at("for"):
            raise self.fault("`for` is only allowed inside `[…]` or a function's `(…)`", token.at)
        if self.at(","):
            raise self.fault("`,` is not expected here", token.at, "put `[…]` around a list")
        if self.at(":"):
            raise self.fault("`:` is not expected here", token.at, "slices and keys belong inside brackets")
        raise self.fault(f"`{printable(token.text, 40)}` is not expected here", token.at)

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST_NESTING:
            raise too_deep(self.home)
