"""Tokens to trees: the part of Python's expression grammar that the language has.

It is written by hand rather than built on Python's parser: the language must not change with the Python version, every
error message must be its own, and no nesting may exhaust the stack.
"""

from __future__ import annotations

from archspec.diagnostics import Span
from archspec.expressions import tree as t
from archspec.expressions.atoms import Atoms
from archspec.expressions.cursor import check_height, too_deep

OR, AND, NOT, COMPARE, SUM, PRODUCT, SIGN, POWER = range(1, 9)
LEVELS: dict[str, int] = {
    "or": OR,
    "and": AND,
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!=", "in", "not", "is"), COMPARE),
    **dict.fromkeys("+-", SUM),
    **dict.fromkeys(("*", "/", "//", "%"), PRODUCT),
    "**": POWER,
}
"""The precedence of each operator; ``not`` between two values begins ``not in``."""


def parse(text: str, span: Span | None) -> t.Expression:
    """Parse an expression, as in ``when:`` or inside ``$(…)``.

    Raises :class:`Fault` at the characters that are wrong: ``expression-syntax``, ``unknown-function`` or
    ``expression-limit``.
    """
    return parse_located(_located(text, span))


def parse_located(home: t.Located) -> t.Expression:
    """Parse an expression whose place in the source is already known."""
    try:
        parser = _Parser(home)
        tree = parser.expression()
        parser.finish()
    except RecursionError:
        raise too_deep(home) from None
    check_height(home, (tree,))
    return t.Expression(home.text, home.span, home.exact, tree)


def parse_clause(text: str, span: Span | None) -> t.Clause:
    """Parse the text after ``for``: ``i, depth in enumerate(depths) if depth > 1``; raises as :func:`parse` does."""
    home = _located(text, span)
    try:
        parser = _Parser(home)
        loops = parser.loops()
        parser.finish()
    except RecursionError:
        raise too_deep(home) from None
    check_height(home, tuple(part for loop in loops for part in (loop.iterable, *loop.conditions)))
    return t.Clause(home.text, home.span, home.exact, loops)


def _located(text: str, span: Span | None) -> t.Located:
    if span is None:
        return t.Located(text, None, False)
    return t.Located(text, *t.locate(text, span))


class _Parser(Atoms):
    def expression(self) -> t.Tree:
        """Read ``a if b else c``, or anything that binds more tightly."""
        self.deeper()
        start = self.token.at[0]
        then = self.binary(OR)
        if self.take("if"):
            test = self.binary(OR)
            self.expect("else", "after `… if …`")
            otherwise = self.expression()
            then = t.Conditional(self.since(start), test, then, otherwise)
        self.depth -= 1
        return then

    def disjunction(self) -> t.Tree:
        return self.binary(OR)

    def binary(self, level: int) -> t.Tree:
        """Read operators that bind at least as tightly as ``level``, and their operands."""
        start = self.token.at[0]
        left = self.prefix(level)
        while (found := self.operator_level()) >= level:
            if found == POWER:
                self.advance()
                self.deeper()
                exponent = self.binary(SIGN)
                left = t.Power(self.since(start), left, exponent)
                self.depth -= 1
            elif found in (OR, AND):
                word = self.token.text
                operands = [left]
                while self.take(word):
                    operands.append(self.binary(found + 1))
                left = t.Logic(self.since(start), word, tuple(operands))
            else:
                rest: list[tuple[str, t.Tree]] = []
                while self.operator_level() == found:
                    symbol = self.comparison_symbol() if found == COMPARE else self.advance().text
                    rest.append((symbol, self.binary(found + 1)))
                kind = t.Comparison if found == COMPARE else t.Arithmetic
                left = kind(self.since(start), left, tuple(rest))
        return left

    def operator_level(self) -> int:
        return LEVELS.get(self.token.text, 0) if self.token.kind in ("operator", "keyword") else 0

    def comparison_symbol(self) -> str:
        token = self.advance()
        if token.text == "is":
            symbol = "!=" if self.take("not") else "=="
            if not self.at("None"):
                raise self.fault("`is` compares with `None` alone", token.at, f"write `{symbol}`")
            return symbol  # the same as `==`, and printed as `is`
        if token.text == "not":
            self.expect("in", "after `not` between two values")
            return "not in"
        return token.text

    def prefix(self, level: int) -> t.Tree:
        token = self.token
        if self.at("not"):
            if level > NOT:
                raise self.fault("`not` cannot stand here", token.at, "put parentheses around `not …`")
            tight = NOT
        elif self.at("-", "+"):
            tight = SIGN
        else:
            return self.postfix()
        self.advance()
        self.deeper()
        operand = self.binary(tight)
        self.depth -= 1
        return t.Unary(self.since(token.at[0]), token.text, operand)
