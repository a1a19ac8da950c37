"""Trees to canonical Python text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from archspec.expressions import tree as t
from archspec.expressions.parser import AND, COMPARE, LEVELS, NOT, OR, POWER, SIGN

_CONDITIONAL, _POSTFIX = OR - 1, POWER + 1


def to_python(
    what: t.Expression | t.Clause, names: Mapping[str, str] | None = None, functions: Mapping[str, str] | None = None
) -> str:
    """An expression or a clause as Python text with as few parentheses as possible.

    ``names`` replaces free names, by names or attributes; ``functions`` replaces functions.  A loop variable that would
    capture a replacement is renamed.  Without either argument the text parses to an equal tree.
    """
    printer = _Printer(dict(names or {}), dict(functions or {}))
    if isinstance(what, t.Clause):
        return printer.loops(what.loops, rename=False).removeprefix("for ")
    return printer.text(what.tree, _CONDITIONAL)


class _Printer:
    def __init__(self, names: dict[str, str], functions: dict[str, str]) -> None:
        self.names, self.functions = names, functions
        self.taken = {name.split(".")[0] for name in names.values()}

    def text(self, tree: t.Tree, level: int) -> str:
        """The text of a part, in parentheses where it binds less tightly than ``level``."""
        own, text = self.bare(tree)
        return text if own >= level else f"({text})"

    def bare(self, tree: t.Tree) -> tuple[int, str]:
        """The precedence of a part, and its text."""
        match tree:
            case t.Literal(value=value):
                return _POSTFIX, _literal(value)
            case t.Name(name=name):
                return _POSTFIX, self.names.get(name, name)
            case t.Listing(items=items, bracket=bracket):
                inside = ", ".join(self.text(item, _CONDITIONAL) for item in items)
                if bracket == "[":
                    return _POSTFIX, f"[{inside}]"
                return _POSTFIX, f"({inside},)" if len(items) == 1 else f"({inside})"
            case t.Table(entries=entries):
                pairs = (f"{self.text(k, _CONDITIONAL)}: {self.text(value, _CONDITIONAL)}" for k, value in entries)
                return _POSTFIX, "{" + ", ".join(pairs) + "}"
            case t.Unary(operator="not", operand=operand):
                return NOT, f"not {self.text(operand, NOT)}"
            case t.Unary(operator=operator, operand=operand):
                return SIGN, f"{operator}{self.text(operand, SIGN)}"
            case t.Arithmetic(first=first, rest=rest) | t.Comparison(first=first, rest=rest):
                own = LEVELS.get(rest[0][0], COMPARE)
                # A first operand of the same level in parentheses is a value of its own, not a part of the run.
                head = self.text(first, own + 1)
                tail = (f" {_symbol(symbol, operand)} {self.text(operand, own + 1)}" for symbol, operand in rest)
                return own, head + "".join(tail)
            case t.Power(base=base, exponent=exponent):
                return POWER, f"{self.text(base, _POSTFIX)}**{self.text(exponent, SIGN)}"
            case t.Logic(operator=operator, operands=operands):
                own = OR if operator == "or" else AND
                return own, f" {operator} ".join(self.text(operand, own + 1) for operand in operands)
            case t.Conditional(test=test, then=then, otherwise=otherwise):
                parts = self.text(then, OR), self.text(test, OR), self.text(otherwise, _CONDITIONAL)
                return _CONDITIONAL, "{} if {} else {}".format(*parts)
            case t.Index(value=value, index=index):
                return _POSTFIX, f"{self.holder(value)}[{self.text(index, _CONDITIONAL)}]"
            case t.Slice(value=value, start=start, stop=stop, step=step):
                bounds = [self.text(bound, _CONDITIONAL) if bound else "" for bound in (start, stop, step)]
                return _POSTFIX, f"{self.holder(value)}[{':'.join(bounds if step else bounds[:2])}]"
            case t.Attribute(value=value, name=name):
                return _POSTFIX, f"{self.holder(value)}.{name}"
            case t.Call(function=function, arguments=arguments, keywords=keywords):
                inside = [self.text(argument, _CONDITIONAL) for argument in arguments]
                inside += [f"{name}={self.text(value, _CONDITIONAL)}" for name, value in keywords]
                return _POSTFIX, f"{self.functions.get(function, function)}({', '.join(inside)})"
            case t.Comprehension():
                return _POSTFIX, self.comprehension(tree)
            case _:
                raise TypeError(f"no way to print a {type(tree).__name__}")

    def holder(self, tree: t.Tree) -> str:
        text = self.text(tree, _POSTFIX)
        # `5.x` is not valid Python, and `5[0]` misleads a reader.
        return f"({text})" if isinstance(tree, t.Literal) and isinstance(tree.value, int | float) else text

    def comprehension(self, tree: t.Comprehension) -> str:
        around = self.names
        self.names = dict(around)
        loops = self.loops(tree.loops, rename=True)
        text = f"{self.text(tree.element, _CONDITIONAL)} {loops}"
        self.names = around
        return f"[{text}]" if tree.bracket == "[" else text

    def loops(self, loops: tuple[t.Loop, ...], rename: bool) -> str:
        out: list[str] = []
        for loop in loops:
            iterable = self.text(loop.iterable, OR)
            for name in t.bound(loop.target):
                new = name
                while rename and new in self.taken:
                    new += "_"
                self.names[name] = new
            out.append(f"for {self.target(loop.target)} in {iterable}")
            out += [f"if {self.text(condition, OR)}" for condition in loop.conditions]
        return " ".join(out)

    def target(self, target: t.Target, nested: bool = False) -> str:
        if isinstance(target, str):
            return self.names[target]
        inside = ", ".join(self.target(part, nested=True) for part in target) + "," * (len(target) == 1)
        return f"({inside})" if nested else inside


def _symbol(symbol: str, operand: t.Tree) -> str:
    """An operator as Python readers expect it: `is` before `None`."""
    if isinstance(operand, t.Literal) and operand.value is None:
        return {"==": "is", "!=": "is not"}.get(symbol, symbol)
    return symbol


def number_text(value: float) -> str:
    """A number as engineers write it: ``1e-6``, where ``repr`` gives ``1e-06``."""
    return re.sub(r"e([+-])0(\d)$", r"e\1\2", repr(value))


def _literal(value: None | bool | int | float | str) -> str:
    if isinstance(value, float):
        return number_text(value)
    shown = repr(value)
    # Double quotes, as formatters prefer, unless that needs an escape.
    if isinstance(value, str) and shown[0] == "'" and '"' not in value and "\\" not in shown:
        return f'"{value}"'
    return shown
