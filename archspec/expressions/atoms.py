"""The operands of operators: values, brackets, calls, their suffixes, and the loops of comprehensions."""

from __future__ import annotations

from abc import ABC, abstractmethod

from archspec import vocabulary
from archspec.diagnostics import Fault, printable
from archspec.expressions import tree as t
from archspec.expressions.cursor import Cursor
from archspec.expressions.functions import FUNCTIONS
from archspec.expressions.names import free_in
from archspec.expressions.tokens import Token

MOST_LOOPS = 8


class Atoms(Cursor, ABC):
    """The half of the parser that reads operands; the other half reads operators."""

    @abstractmethod
    def expression(self) -> t.Tree:
        """Read any expression."""

    @abstractmethod
    def disjunction(self) -> t.Tree:
        """Read an expression other than a conditional without parentheses."""

    def postfix(self) -> t.Tree:
        """Read an atom and the ``.name``, ``[…]`` and ``(…)`` after it."""
        start = self.token.at[0]
        value = self.atom()
        # Each suffix adds one level to the tree, as a bracket around it would.
        before = self.depth
        while True:
            token = self.token
            if self.take("."):
                name = self.advance()
                if name.kind != "name":
                    raise self.fault("a name is missing after `.`", name.at)
                if name.text.startswith("_"):
                    raise self.fault(f"`.{printable(name.text, 40)}` is not part of the language", name.at)
                value = t.Attribute(self.since(start), value, name.text)
            elif self.take("["):
                value = self.subscript(start, value)
            elif self.at("("):
                hint = "only the functions of the language can be called: " + ", ".join(FUNCTIONS)
                raise self.fault("this cannot be called", (start, token.at[1]), hint)
            else:
                break
            self.deeper()
        self.depth = before
        return value

    def subscript(self, start: int, value: t.Tree) -> t.Tree:
        parts: list[t.Tree | None] = []
        colons = 0
        current: t.Tree | None = None
        while not self.at("]"):
            if self.take(":"):
                colons += 1
                parts.append(current)
                current = None
            elif current is not None:
                break
            else:
                current = self.expression()
        self.expect("]", "after the index")
        if colons == 0:
            if current is None:
                raise self.fault("an index is missing in `[]`", self.since(start))
            return t.Index(self.since(start), value, current)
        if colons > 2:
            raise self.fault("a slice has at most two `:`", self.since(start))
        parts += [current, *[None] * (2 - colons)]
        return t.Slice(self.since(start), value, parts[0], parts[1], parts[2])

    # Atoms

    def atom(self) -> t.Tree:
        token = self.token
        if token.kind in ("number", "text"):
            self.advance()
            if self.token.kind in ("number", "text", "name"):
                raise self.fault("two values follow each other", (token.at[0], self.token.at[1]))
            return t.Literal(token.at, token.value)
        if token.kind == "name":
            self.advance()
            if self.at("("):
                return self.call(token)
            if self.token.kind in ("number", "text", "name"):
                raise self.fault("two values follow each other", (token.at[0], self.token.at[1]))
            return t.Name(token.at, token.text)
        if self.take("True", "False", "None"):
            return t.Literal(token.at, {"True": True, "False": False, "None": None}[token.text])
        if self.take("("):
            return self.parenthesis(token)
        if self.take("["):
            return self.listing(token)
        if self.take("{"):
            return self.table(token)
        if self.at("*", "**"):
            raise self.fault("unpacking with `*` is not part of the language", token.at, "lists are joined with `+`")
        raise self.unexpected("a value is missing")

    def parenthesis(self, opening: Token) -> t.Tree:
        start = opening.at[0]
        if self.take(")"):
            return t.Listing(self.since(start), (), "(")
        first = self.expression()
        if self.at("for"):
            hint = "write `[… for …]`"
            raise self.fault("a generator can only be the argument of a function", self.token.at, hint)
        if self.at(","):
            items = self.more(first, ")")
            return t.Listing(self.since(start), items, "(")
        self.expect(")", "to close `(`")
        return first

    def listing(self, opening: Token) -> t.Tree:
        start = opening.at[0]
        if self.take("]"):
            return t.Listing(self.since(start), (), "[")
        first = self.expression()
        if self.take("for"):
            loops = self.loops()
            self.expect("]", "to close `[`")
            return t.Comprehension(self.since(start), first, loops, "[")
        items = self.more(first, "]")
        return t.Listing(self.since(start), items, "[")

    def more(self, first: t.Tree, closing: str) -> tuple[t.Tree, ...]:
        items = [first]
        while self.take(",") and not self.at(closing):
            items.append(self.expression())
        self.expect(closing, "to close the list")
        return tuple(items)

    def table(self, opening: Token) -> t.Tree:
        entries: list[tuple[t.Tree, t.Tree]] = []
        while not self.at("}"):
            key = self.expression()
            if self.at(",", "}", "for"):
                raise self.fault("sets are not part of the language", opening.at, "write a list: `[…]`")
            self.expect(":", "after a key")
            entries.append((key, self.expression()))
            if self.at("for"):
                raise self.fault("mapping comprehensions are not part of the language", self.token.at)
            if not self.take(","):
                break
        self.expect("}", "to close `{`")
        return t.Table(self.since(opening.at[0]), tuple(entries))

    def call(self, name: Token) -> t.Tree:
        function = FUNCTIONS.get(name.text)
        if function is None:
            hint = vocabulary.function(name.text, FUNCTIONS) or "there are " + ", ".join(FUNCTIONS)
            said = f"there is no function `{printable(name.text, 40)}`"
            raise Fault("unknown-function", said, self.home.place(name.at), hint)
        self.advance()
        arguments: list[t.Tree] = []
        keywords: list[tuple[str, t.Tree]] = []
        while not self.at(")"):
            token = self.token
            following = self.tokens[min(self.position + 1, len(self.tokens) - 1)]
            if token.kind == "name" and following.kind == "operator" and following.text == "=":
                if token.text not in function.keywords or token.text in dict(keywords):
                    raise self.fault(f"`{name.text}` takes no argument `{printable(token.text, 40)}=` here", token.at)
                self.position += 2
                keywords.append((token.text, self.expression()))
            elif keywords:
                raise self.fault("an argument without a name cannot follow one with a name", token.at)
            else:
                arguments.append(self.argument(alone=not arguments))
            if not self.take(","):
                break
        self.expect(")", f"to close `{name.text}(`")
        at = self.since(name.at[0])
        given = len(arguments) + len(keywords)
        if not function.least <= given <= function.most or len(arguments) < min(function.least, 1):
            least, most = function.least, function.most
            wanted = str(least) if least == most else f"{least} to {most}" if most < 100 else f"at least {least}"
            raise self.fault(f"`{name.text}` takes {wanted} argument{'s' * (wanted != '1')}, not {given}", at)
        return t.Call(at, name.text, tuple(arguments), tuple(keywords))

    def argument(self, alone: bool) -> t.Tree:
        start = self.token.at[0]
        value = self.expression()
        if not self.at("for"):
            return value
        at = self.advance().at
        loops = self.loops()
        if not alone or self.at(","):
            raise self.fault("a generator next to other arguments needs brackets", at, "write `[… for …]`")
        return t.Comprehension(self.since(start), value, loops, "(")

    # Loops

    def loops(self) -> tuple[t.Loop, ...]:
        """``target in iterable if condition for …``, after the first ``for`` has been read."""
        loops: list[t.Loop] = []
        while True:
            if len(loops) == MOST_LOOPS:
                raise Fault(
                    "expression-limit", f"more than {MOST_LOOPS} `for` in one clause", self.home.place(self.token.at)
                )
            start = self.token.at[0]
            target = self.targets()
            names = [name for name in t.bound(target) if name != "_"]
            if len(set(names)) < len(names):
                raise self.fault("one loop binds a name twice", self.since(start))
            self.expect("in", "after the names of a `for`")
            iterable = self.disjunction()
            conditions: list[t.Tree] = []
            while self.take("if"):
                conditions.append(self.disjunction())
            loops.append(t.Loop(target, iterable, tuple(conditions)))
            if not self.take("for"):
                self.check_order(loops)
                return tuple(loops)

    def check_order(self, loops: list[t.Loop]) -> None:
        """Refuse a part that reads a name before the loop that binds it: it would read an earlier iteration's value."""
        bound = frozenset(name for loop in loops for name in t.bound(loop.target))
        known: frozenset[str] = frozenset()
        for position, loop in enumerate(loops):
            # Only the first iterable is evaluated once, before anything is bound.
            self.check_read(loop.iterable, bound - known if position else frozenset())
            known |= frozenset(t.bound(loop.target))
            for condition in loop.conditions:
                self.check_read(condition, bound - known)

    def check_read(self, part: t.Tree, unbound: frozenset[str]) -> None:
        needed: list[t.Name] = []
        free_in(part, frozenset(), needed)
        for name in sorted({name.name for name in needed} & unbound):
            raise self.fault(f"`{name}` is read before the `for` that defines it", part.at)

    def targets(self) -> t.Target:
        first = self.target()
        if not self.at(","):
            return first
        parts = [first]
        while self.take(",") and not self.at("in", ")"):
            parts.append(self.target())
        return tuple(parts)

    def target(self) -> t.Target:
        token = self.token
        if self.take("("):
            self.deeper()
            inner = self.targets()
            self.expect(")", "to close `(`")
            self.depth -= 1
            return inner
        if token.kind != "name":
            hint = "write it as in Python: `i in range(3)`, `i, depth in enumerate(depths)`"
            raise self.fault("a loop needs a name", token.at, hint)
        self.advance()
        return token.text
