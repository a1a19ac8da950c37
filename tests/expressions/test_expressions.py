"""Expressions: their grammar and values against Python's own, their bounds, their places, and what is refused."""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archspec import expressions as x
from archspec.diagnostics import Fault, Source, Span, render
from archspec.syntax import Items, Scalar
from archspec.syntax import Mapping as YamlMapping
from archspec.syntax import parse as parse_yaml


class Shape(x.Record):
    kind = "a shape"

    def __init__(self, **values: Any) -> None:
        self.values = values

    def attribute(self, name: str) -> Any:
        if name == "unknown":
            raise Fault("unknown-shape", "the shape is not known here")
        return self.values[name]

    def attribute_names(self) -> Iterable[str]:
        return self.values


class Block:
    """Something expressions may hold and compare, and nothing else."""

    secret = 1

    def __bool__(self) -> bool:
        raise AssertionError("the truth of an opaque value must not be asked")


NAMES: dict[str, object] = {
    "i": 2,
    "j": 0,
    "f": 1.5,
    "depths": [2, 3, 4],
    "pairs": [[1, 2], [3, 4]],
    "word": "layer",
    "flag": True,
    "nothing": None,
    "table": {"a": 1, 2: "two"},
    "input": Shape(channels=64, size=[7, 7], unknown=None),
    "block": Block(),
}


def value_of(text: str, names: Mapping[str, object] = NAMES, budget: x.Budget | None = None) -> Any:
    return x.evaluate(x.parse(text, None), names, budget=budget)


def place(text: str) -> Span:
    return Span(Source("t.yaml", (text,)), 1, 1, 1, len(text) + 1)


def fault_of(text: str, names: Mapping[str, object] = NAMES, budget: x.Budget | None = None) -> Fault:
    with pytest.raises(Fault) as raised:
        x.evaluate(x.parse(text, place(text)), names, budget=budget)
    assert raised.value.diagnostic.span is not None
    assert render(raised.value.diagnostic)
    return raised.value


def scalar_at(text: str, *path: str | int) -> Scalar:
    node = parse_yaml(text, "t.yaml")
    for step in path:
        if isinstance(node, YamlMapping):
            found = node.get(str(step))
            assert found is not None
            node = found
        else:
            assert isinstance(node, Items)
            node = node.items[int(step)]
    assert isinstance(node, Scalar)
    return node


def filled(scalar: Scalar) -> Any:
    """What a scalar that holds a `$` stands for."""
    found = x.template(scalar)
    assert found is not None
    return x.evaluate(found, NAMES) if isinstance(found, x.Expression) else x.interpolate(found, NAMES)


# Values -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("64 * 2**i", 256),
        ("2 if i > 0 and j == 0 else 1", 2),
        ("-2**2", -4),
        ("2**-1", 0.5),
        ("2**3**2", 512),
        ("7 // 2", 3),
        ("-7 // 2", -4),
        ("-7 % 3", 2),
        ("7 / 2", 3.5),
        ("4 / 2", 2.0),
        ("1 < 2 < 3 != 4", True),
        ("1 < 3 < 2", False),
        ("not i == j", True),
        ("i and j", 0),
        ("j or word", "layer"),
        ("nothing or 3", 3),
        ("block and 1", 1),
        ("not block", False),
        ("block == block", True),
        ("block in [1, block]", True),
        ("[block][0] == block", True),
        ("depths[0]", 2),
        ("depths[-1]", 4),
        ("depths[4 / 2]", 4),
        ("depths[1:]", [3, 4]),
        ("depths[::-1]", [4, 3, 2]),
        ("depths[:-1:2]", [2]),
        ("word[0:2] + '!' * 2", "la!!"),
        ("depths + [1]", [2, 3, 4, 1]),
        ("2 * [0]", [0, 0]),
        ("[0] * 2.0", [0, 0]),
        ("(1, 2) == [1, 2]", True),
        ("nothing is None", True),
        ("nothing is not None or i is None", False),
        ("'f' + str(3)", "f3"),
        ("[str(v) for v in [3.0, 0.5, True, 'x']]", ["3", "0.5", "true", "x"]),
        ("(1, 2) + [3]", [1, 2, 3]),
        ("[[1], (2,)] == [(1,), [2]]", True),
        ("[1, 2] < [1, 3]", True),
        ("[1] < [1, 0]", True),
        ("'a' < 'b'", True),
        ("3 in depths", True),
        ("'aye' in word", True),
        ("2 not in table", False),
        ("table['a'] + len(table[2])", 4),
        ("{'k': i, 1: 2}", {"k": 2, 1: 2}),
        ("[d * k for d in depths if d != 3 for k in range(d)]", [0, 2, 0, 4, 8, 12]),
        ("[a + b for a, b in pairs]", [3, 7]),
        ("[a for (a, (b, c)) in [[1, [2, 3]]]]", [1]),
        ("[[y for y in range(z)] for z in depths[:2]]", [[0, 1], [0, 1, 2]]),
        ("sum(d for d in depths if d > 2)", 7),
        ("sum(pairs, [])", [1, 2, 3, 4]),
        ("sum(depths, start=1)", 10),
        ("min(3, 1, 2)", 1),
        ("max(depths)", 4),
        ("max(k * k for k in range(3))", 4),
        ("min('b', 'a')", "a"),
        ("max([1, 2], [1, 3])", [1, 3]),
        ("len(word)", 5),
        ("range(2)", [0, 1]),
        ("range(1, 6, 2)", [1, 3, 5]),
        ("range(3, 0, -1)", [3, 2, 1]),
        ("range(4 / 2)", [0, 1]),
        ("enumerate('ab', start=1)", [[1, "a"], [2, "b"]]),
        ("zip(depths, 'ab')", [[2, "a"], [3, "b"]]),
        ("reversed(depths)", [4, 3, 2]),
        ("ceil(1.2)", 2),
        ("floor(-1.2)", -2),
        ("round(2.5)", 2),
        ("round(3.5)", 4),
        ("abs(-2)", 2),
        ("log2(8)", 3.0),
        ("divisible(24 * 1.4, 8)", 32),
        ("divisible(10, 8)", 16),
        ("divisible(3, 8)", 8),
        ("divisible(96, by=8)", 96),
        ("input.channels", 64),
        ("input.size[0] // 2", 3),
        ("[s for s in input.size]", [7, 7]),
        ("True == 1", True),
        ("None == nothing", True),
        ("0x10 + 0o10 + 0b10 + 1_000", 1026),
        ("1e-3", 0.001),
        (".5 + 5.", 5.5),
        (r"'a\n\t\\\'\"\x41\u00e9'", "a\n\t\\'\"Aé"),
        ("  (\n 1 +\n 2 )  ", 3),
        ("()", []),
        ("[1, 2,]", [1, 2]),
    ],
)
def test_values(text: str, value: object) -> None:
    found = value_of(text)
    assert found == value
    assert type(found) is type(value)


def test_divisible_is_the_rounding_of_mobile_networks() -> None:
    def make_divisible(value: float, by: int) -> int:  # as the MobileNet papers' code has it
        rounded = max(by, int(value + by / 2) // by * by)
        return rounded + by if rounded < 0.9 * value else rounded

    for width in (0.25, 0.35, 0.5, 0.75, 1.0, 1.4):
        for channels in (16, 24, 32, 40, 64, 96, 112, 160, 320, 1280):
            text = f"divisible({channels} * {width}, 8)"
            assert value_of(text) == make_divisible(channels * width, 8)


def test_a_name_and_a_function_are_different_things() -> None:
    assert value_of("range + len(range(3))", {"range": 1}) == 4


def test_loop_variables_end_with_their_loop() -> None:
    assert value_of("[i for i in range(5)] + [i]") == [0, 1, 2, 3, 4, 2]
    assert value_of("[x for x in x]", {"x": [1]}) == [1]


# Grammar, against Python's ------------------------------------------------------------------------------------------

NUMBERS, BOOLEANS, LISTS = ("number", "boolean", "list")


@st.composite
def typed(draw: st.DrawFn, kind: str, depth: int) -> str:
    """An expression of one kind, well typed as it is built, with or without parentheses around its parts."""

    def part(wanted: str) -> str:
        text = draw(typed(wanted, depth - 1))
        return text if draw(st.booleans()) else f"({text})"

    simple = {
        NUMBERS: ["0", "1", "2", "7", "10", "0.5", "2.0", "1e3", "i", "j", "f", "len(word)"],
        BOOLEANS: ["True", "False", "flag", "i == 2", "word == 'layer'"],
        LISTS: ["depths", "[]", "[1, 2.5]", "range(4)", "pairs[1]"],
    }
    if depth == 0:
        return draw(st.sampled_from(simple[kind]))
    form = draw(st.integers(0, 9))
    if form == 0:
        return draw(st.sampled_from(simple[kind]))
    if form == 1:
        return f"{part(kind)} if {part(BOOLEANS)} else {part(kind)}"
    if kind == NUMBERS:
        if form <= 5:
            operator = draw(st.sampled_from(["+", "-", "*", "/", "//", "%", " + ", " * "]))
            return part(NUMBERS) + operator + part(NUMBERS)
        if form == 6:
            return f"{part(NUMBERS)}**{draw(st.sampled_from(['2', '3', '-1', '0.5', 'i']))}"
        if form == 7:
            return draw(st.sampled_from("+-")) + part(NUMBERS)
        if form == 8:
            function = draw(st.sampled_from(["abs", "floor", "ceil", "round"]))
            return f"{function}({part(NUMBERS)})"
        shapes = (
            lambda: f"max({part(NUMBERS)}, {part(NUMBERS)})",
            lambda: f"min({part(NUMBERS)} for k in {part(LISTS)})",
            lambda: f"sum({part(LISTS)})",
            lambda: f"len({part(LISTS)})",
            lambda: f"({part(LISTS)})[{part(NUMBERS)}]",
        )
        return shapes[draw(st.integers(0, 4))]()
    if kind == BOOLEANS:
        if form <= 4:
            count = draw(st.integers(1, 2))
            operators = [draw(st.sampled_from(["<", "<=", ">", ">=", "==", "!="])) for _ in range(count)]
            return part(NUMBERS) + "".join(f" {operator} {part(NUMBERS)}" for operator in operators)
        if form <= 7:
            return f" {draw(st.sampled_from(['and', 'or']))} ".join(part(BOOLEANS) for _ in range(form - 4))
        if form == 8:
            return f"not {part(BOOLEANS)}"
        return f"{part(NUMBERS)} {draw(st.sampled_from(['in', 'not in']))} {part(LISTS)}"
    shapes = (
        lambda: f"[{part(NUMBERS)}, {part(NUMBERS)}]",
        lambda: f"{part(LISTS)} + {part(LISTS)}",
        lambda: f"{part(LISTS)} * i",
        lambda: f"({part(LISTS)})[{part(NUMBERS)}:{part(NUMBERS)}]",
        lambda: f"({part(LISTS)})[::-1]",
        lambda: f"[{part(NUMBERS)} for i in {part(LISTS)} if {part(BOOLEANS)}]",
        lambda: f"[k + m for k, m in zip({part(LISTS)}, {part(LISTS)})]",
        lambda: f"reversed({part(LISTS)})",
    )
    return shapes[form - 2]()


ANY_EXPRESSION = (
    st.sampled_from([NUMBERS, BOOLEANS, LISTS])
    .flatmap(lambda kind: typed(kind, 3))
    .filter(lambda text: len(text) < 500)
)

PYTHON_FUNCTIONS: dict[str, Any] = {
    "min": min,
    "max": max,
    "sum": sum,
    "len": len,
    "range": lambda *bounds: list(range(*bounds)),
    "enumerate": lambda values, start=0: [list(pair) for pair in enumerate(values, start)],
    "zip": lambda *values: [list(row) for row in zip(*values, strict=False)],
    "reversed": lambda values: values[::-1],
    "ceil": math.ceil,
    "floor": math.floor,
    "round": round,
    "abs": abs,
    "log2": math.log2,
}


def python_value(text: str) -> Any:
    """What Python's own evaluation gives, or the exception it raises; the text is our own strategy's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return eval(text, {"__builtins__": {}, **PYTHON_FUNCTIONS, **NAMES})
        except Exception as error:
            return error


def syntax(text: str) -> str:
    return ast.dump(ast.parse(f"({text}\n)", mode="eval"))


@settings(max_examples=300, deadline=None)
@given(ANY_EXPRESSION)
@example("i + j * f ** 2 - -f")
@example("not flag and flag or flag")
@example("[] if flag else [] + []")
def test_values_are_pythons(text: str) -> None:
    wanted = python_value(text)
    try:
        found = value_of(text)
    except Fault as fault:
        said = fault.diagnostic
        strict = "boolean" in said.message or said.code == "expression-limit"
        not_a_number = isinstance(wanted, complex) or (isinstance(wanted, float) and not math.isfinite(wanted))
        # Inside a list or a comparison, what is no number to us may have gone unnoticed in Python.
        unnoticed = "fractional power" in said.message
        assert strict or not_a_number or unnoticed or isinstance(wanted, Exception), (wanted, said)
        return
    if isinstance(wanted, TypeError):
        assert any(
            word in str(wanted) for word in ("float", "non-int", "slice indices")
        )  # a whole float serves as an integer here
        return
    assert repr(found) == repr(wanted)


@settings(max_examples=300, deadline=None)
@given(ANY_EXPRESSION)
@example("(-f)**2 + (2**i)**j - (i - (j - f))")
@example("(not flag) == flag and (flag or flag) and (i < j) < f")
@example("(i if flag else j) if (f if flag else i) else (j if flag else i)")
@example("[k for k in (depths if flag else []) if (i if flag else j)]")
def test_python_text_means_the_same_to_python_and_to_us(text: str) -> None:
    try:
        wanted = syntax(text)
    except SyntaxError:  # a conditional as the condition of another needs parentheses
        with pytest.raises(Fault):
            x.parse(text, None)
        return
    parsed = x.parse(text, None)
    printed = x.to_python(parsed)
    assert syntax(printed) == wanted
    again = x.parse(printed, None)
    assert repr(again.tree) == repr(parsed.tree)
    assert x.to_python(again) == printed


WORDS = (
    [
        "a",
        "b",
        "i",
        "1",
        "2.5",
        "'s'",
        "True",
        "None",
        "len",
        "range",
        "min",
        "not",
        "in",
        "not in",
        "and",
        "or",
        "if",
        "else",
    ],
    [
        "for",
        "is",
        "lambda",
        "+",
        "-",
        "*",
        "/",
        "//",
        "%",
        "**",
        "<",
        "<=",
        "==",
        "!=",
        "=",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
    ],
    [
        ",",
        ":",
        ".",
        " ",
        "\n",
        "$",
        "&",
        "|",
        "^",
        "~",
        "@",
        ":=",
        "`",
        "'",
        '"',
        "\\",
        "é",
        "#",
        ";",
        "_",
        "__class__",
    ],
)
SOUP = st.lists(st.sampled_from([word for words in WORDS for word in words]), max_size=20)


@settings(max_examples=400, deadline=None)
@given(st.one_of(SOUP.map(" ".join), SOUP.map("".join), st.text(max_size=60)))
@example("1if 1else 2")
@example("a[1:2:3:4]")
@example("a[1,2]")
@example("f(x)(y)")
@example("len(a=1)")
def test_any_text_gives_a_value_or_a_fault(text: str) -> None:
    try:
        parsed = x.parse(text, place(text))
    except Fault as fault:
        render(fault.diagnostic)
        return
    assert syntax(x.to_python(parsed)) == syntax(text)  # whatever we accept means to us what it means to Python
    try:
        x.evaluate(parsed, {"a": [1, [2]], "b": {"s": 2.5}, "i": 3})
    except Fault as fault:
        render(fault.diagnostic)


# What is refused ----------------------------------------------------------------------------------------------------

REFUSED = [
    # text, code, the characters at fault, a part of the message or the hint
    ("1 + dpths", "unknown-name", "dpths", "did you mean `depths`"),
    ("true", "unknown-name", "true", "`True`"),
    ("i if null else 1", "unknown-name", "null", "`None`"),
    ("len + 1", "unknown-name", "len", "is a function"),
    ("flor(2)", "unknown-function", "flor", "did you mean `floor`"),
    ("int(2)", "unknown-function", "int", "there is no function `int`"),
    ("eval('1')", "unknown-function", "eval", "there is no function"),
    ("__import__('os')", "unknown-function", "__import__", "there is no function"),
    ("i + input.chanels", "unknown-attribute", "input.chanels", "did you mean `channels`"),
    ("depths.append", "unknown-attribute", "depths.append", "a list has no `.append`"),
    ("table.a", "unknown-attribute", "table.a", '["a"]'),
    ("block.secret", "unknown-attribute", "block.secret", "has no `.secret`"),
    ("input.unknown + 1", "unknown-shape", "input.unknown", "not known here"),
    ("word.__class__", "expression-syntax", "__class__", "not part of the language"),
    ("input._values", "expression-syntax", "_values", "not part of the language"),
    ("1 + 2 / (j * 2)", "expression-value", "2 / (j * 2)", "division by zero"),
    ("7 % j", "expression-value", "7 % j", "division by zero"),
    ("0 ** -1", "expression-value", "0 ** -1", "negative exponent"),
    ("(-8) ** 0.5", "expression-value", "(-8) ** 0.5", "fractional power"),
    ("1 + 1e308 * 10", "expression-value", "1e308 * 10", "infinite"),
    ("2.0 ** 2000", "expression-value", "2.0 ** 2000", "too large"),
    ("2 ** 4000 / 3", "expression-value", "2 ** 4000 / 3", "too large"),
    ("1e300 + 2 ** 4000", "expression-value", "1e300 + 2 ** 4000", "too large"),
    ("log2(0)", "expression-value", "log2(0)", "above 0"),
    ("divisible(5, 0)", "expression-value", "divisible(5, 0)", "positive"),
    ("divisible(2**4000, 8)", "expression-value", "divisible(2**4000, 8)", "too large"),
    ("depths[i + 1]", "expression-value", "depths[i + 1]", "out of range: there are 3"),
    ("table['b']", "expression-value", "table['b']", "no key `b`"),
    ("depths[::0]", "expression-value", "depths[::0]", "step"),
    ("range(0, 5, 0)", "expression-value", "range(0, 5, 0)", "step"),
    ("min([])", "expression-value", "min([])", "empty"),
    ("[a for a, b in [[1]]]", "expression-value", "[[1]]", "1 elements for 2 names"),
    ("depths + 1", "expression-type", "depths + 1", "`+` between a list and an integer"),
    ("i * (word + 1)", "expression-type", "word + 1", "`+` between a text and an integer"),
    ("flag + 1", "expression-type", "flag + 1", "`+` between a boolean and an integer"),
    ("-flag", "expression-type", "-flag", "`-` before a boolean"),
    ("flag < 2", "expression-type", "flag < 2", "`<` between a boolean and an integer"),
    ("nothing * 2", "expression-type", "nothing * 2", "nothing (null)"),
    ("block + 1", "expression-type", "block + 1", "not plain data"),
    ("input + 1", "expression-type", "input + 1", "a shape"),
    ("word * word", "expression-type", "word * word", "`*` between a text and a text"),
    ("'a' % 1", "expression-type", "'a' % 1", "`%` between a text"),
    ("[1] < ['a']", "expression-type", "[1] < ['a']", "between an integer and a text"),
    ("1 in 5", "expression-type", "1 in 5", "looks into an integer"),
    ("1 in 'a'", "expression-type", "1 in 'a'", "an integer in a text"),
    ("i[0]", "expression-type", "i[0]", "cannot be indexed"),
    ("i[0:1]", "expression-type", "i[0:1]", "cannot be sliced"),
    ("depths[0.5]", "expression-type", "depths[0.5]", "`floor(…)`"),
    ("depths[flag]", "expression-type", "depths[flag]", "not a boolean"),
    ("range(2.5)", "expression-type", "range(2.5)", "`floor(…)`"),
    ("[0] * 0.5", "expression-type", "[0] * 0.5", "integer"),
    ("{[1]: 2}", "expression-type", "[1]", "cannot be a key"),
    ("table[[1]]", "expression-type", "table[[1]]", "cannot be a key"),
    ("[k for k in 5]", "expression-type", "5", "which is not a list"),
    ("[a for a, b in [1]]", "expression-type", "[1]", "unpacked"),
    ("sum(5)", "expression-type", "sum(5)", "not a list"),
    ("sum(['a', 'b'], '')", "expression-type", "sum(['a', 'b'], '')", "texts"),
    ("sum([flag])", "expression-type", "sum([flag])", "boolean"),
    ("min(flag, 1)", "expression-type", "min(flag, 1)", "boolean"),
    ("floor(word)", "expression-type", "floor(word)", "a text"),
    ("len(5)", "expression-type", "len(5)", "an integer"),
    ("min(1)", "expression-type", "min(1)", "not a list"),
    ("lambda: 1", "expression-syntax", "lambda", "not part of the language"),
    ("(a := 1)", "expression-syntax", ":=", "not part of the language"),
    ("f'{i}'", "expression-syntax", "f", "layer$(i)"),
    ("b'x'", "expression-syntax", "b", "not part of the language"),
    ("i is 3", "expression-syntax", "is", "`==`"),
    ("i is not True", "expression-syntax", "is", "`!=`"),
    ("str([i])", "expression-type", "str([i])", "`str` of a list"),
    ("i = 1", "expression-syntax", "=", "`==`"),
    ("i && j", "expression-syntax", "&&", "`and`"),
    ("i || j", "expression-syntax", "||", "`or`"),
    ("!i", "expression-syntax", "!", "`not`"),
    ("i ^ 2", "expression-syntax", "^", "`**`"),
    ("i << 2", "expression-syntax", "<<", "2**n"),
    ("i ? 1 : 2", "expression-syntax", "?", "if condition else"),
    ("~i", "expression-syntax", "~", "not part of the language"),
    ("i @ j", "expression-syntax", "@", "not part of the language"),
    ("1 + $i", "expression-syntax", "$", "without `$`"),
    ("i; j", "expression-syntax", ";", "not part of the language"),
    ("i += 1", "expression-syntax", "+=", "not part of the language"),
    ("await i", "expression-syntax", "await", "not part of the language"),
    ("1j", "expression-syntax", "1", "followed directly by `j`"),
    ("3x", "expression-syntax", "3", "followed directly by `x`"),
    ("1..2", "expression-syntax", "1.", "followed directly by `.`"),
    ("012", "expression-syntax", "012", "leading 0"),
    ("1__0", "expression-syntax", "1__0", "not a number"),
    ("größe", "expression-syntax", "ö", "cannot stand in a name"),
    ("'a", "expression-syntax", "'", "never closed"),
    (r"'\q'", "expression-syntax", r"'\q'", "escape"),
    (r"'\ud800'", "expression-syntax", r"'\ud800'", "escape"),
    ("i j", "expression-syntax", "i j", "follow each other"),
    ("'a' 'b'", "expression-syntax", "'a' 'b'", "follow each other"),
    ("i +", "expression-syntax", "+", "a value is missing"),
    ("* i", "expression-syntax", "*", "unpacking"),
    ("[*depths]", "expression-syntax", "*", "unpacking"),
    ("(i", "expression-syntax", "i", "`)` is missing"),
    ("i)", "expression-syntax", ")", "not expected"),
    ("i, j", "expression-syntax", ",", "`[…]` around a list"),
    ("1 if i", "expression-syntax", "i", "`else` is missing"),
    ("i == not j", "expression-syntax", "not", "parentheses"),
    ("i not j", "expression-syntax", "j", "`in` is missing"),
    ("i.5", "expression-syntax", "i.5", "follow each other"),
    ("depths[]", "expression-syntax", "depths[]", "index is missing"),
    ("depths[1, 2]", "expression-syntax", ",", "`]` is missing"),
    ("depths[1:2:3:4]", "expression-syntax", "depths[1:2:3:4]", "two `:`"),
    ("{1, 2}", "expression-syntax", "{", "sets"),
    ("{k: k for k in depths}", "expression-syntax", "for", "mapping comprehensions"),
    ("(k for k in depths)", "expression-syntax", "for", "`[… for …]`"),
    ("k for k in depths", "expression-syntax", "for", "`for` is only allowed inside"),
    ("max(k for k in depths, 1)", "expression-syntax", "for", "needs brackets"),
    ("[k for 5 in depths]", "expression-syntax", "5", "a loop needs a name"),
    ("[k for k, k in depths]", "expression-syntax", "k, k", "twice"),
    ("[b for a in depths for b in b]", "expression-syntax", "b", "before the `for`"),
    ("[b for a in depths if b for b in a]", "expression-syntax", "b", "before the `for`"),
    ("word.upper()", "expression-syntax", "word.upper(", "cannot be called"),
    ("depths[0](1)", "expression-syntax", "depths[0](", "cannot be called"),
    ("len()", "expression-syntax", "len()", "takes 1 argument, not 0"),
    ("range(1, 2, 3, 4)", "expression-syntax", "range(1, 2, 3, 4)", "takes 1 to 3 arguments, not 4"),
    ("len(depths, key=1)", "expression-syntax", "key", "takes no argument `key=`"),
    ("divisible(by=8)", "expression-syntax", "divisible(by=8)", "takes 2 arguments"),
    ("enumerate(start=1, depths)", "expression-syntax", "depths", "without a name cannot follow"),
    ("max(*depths)", "expression-syntax", "*", "unpacking"),
]


@pytest.mark.parametrize(("text", "code", "where", "said"), REFUSED, ids=[case[0] for case in REFUSED])
def test_what_is_refused_and_where(text: str, code: str, where: str, said: str) -> None:
    found = fault_of(text).diagnostic
    assert found.code == code
    assert said in f"{found.message} {found.hint}"
    assert found.span is not None
    assert text[found.span.column - 1 : found.span.end_column - 1] == where


def test_an_empty_expression() -> None:
    for text in ("", "  ", "\n"):
        with pytest.raises(Fault, match="a value is missing"):
            x.parse(text, place(text))


def test_a_fault_without_a_span() -> None:
    with pytest.raises(Fault) as raised:
        value_of("1 / 0")
    assert raised.value.diagnostic.span is None


# Bounds -------------------------------------------------------------------------------------------------------------

BOUNDED = [
    "2 ** 5000",
    "2 ** 10 ** 9",
    "(2 ** 4000) ** 4000",
    "9 ** 9 ** 9 ** 9",
    "(2 ** 3000) * (2 ** 3000)",
    "9" * 1999,
    "1e999",
    "'a' * 10 ** 9",
    "'abc' * 5000",
    "[0] * 10 ** 9",
    "[[0] * 1000] * 1000 + [[[0] * 1000] * 1000]",
    "range(10 ** 9)",
    "range(10 ** 30)",
    "range(2 ** 64)",
    "range(0, 10 ** 9, -1) + range(10 ** 9)",
    "sum(1 for a in range(1000) for b in range(1000) for c in range(1000))",
    "[1 for a in range(99999) if [0] * 100 == []]",
    "[1 for a in range(90000) for b in range(90000) if a < 0]",
    "[1 for a in range(9000) if word in long]",
    "[a for a in range(90000) if big == same]",
    "sum([big, big, big, big], [])",
    "zip(big, big, big, big)",
    "enumerate(big)",
    "deep == deep2",
    "[deep]",
    "deep < deep2",
    "doubled == doubled2",
    "[doubled]",
    "[" * 60 + "]" * 60,
    "(" * 990 + "1" + ")" * 990,
    "-" * 1999 + "1",
    "not " * 490 + "1",
    "2**" * 600 + "1",
    "1 if 1 else " * 160 + "1",
    "a" + "[0]" * 660,
    "((a" + "[0]" * 45 + ")" + "[0]" * 45 + ")" + "[0]" * 45,
    "a" + ".b" * 990,
    "a or b and c < d + e * (" * 80 + "1" + ")" * 80,
    "[i for i in [" * 120 + "]" * 240,
    "[1" + " for i in [1]" * 9 + "]",
    "{1:" * 400 + "1" + "}" * 400,
    "1" + " " * 2000,
]


def nested(times: int, double: bool = False) -> list[Any]:
    value: list[Any] = []
    for _ in range(times):
        value = [value, value] if double else [value]
    return value


@pytest.mark.parametrize("text", BOUNDED, ids=[text[:40] for text in BOUNDED])
def test_bounds(text: str) -> None:
    big = list(range(60_000))
    names = {"word": "ab", "long": "a" * 10_000, "big": big, "same": list(big), "a": [], "b": 0, "c": 0, "d": 1, "e": 2}
    names |= {"deep": nested(5000), "deep2": nested(5000), "doubled": nested(40, True), "doubled2": nested(40, True)}
    assert fault_of(text, names).diagnostic.code in ("expression-limit", "unknown-attribute")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("+".join(["1"] * 999), 999),
        (" and ".join(["1"] * 330), 1),
        ("<".join(map(str, range(400))), True),
        ("[" + ",".join(["1"] * 900) + "][899]", 1),
        ("(" * 40 + "1" + ")" * 40, 1),
        ("2 ** 4095 > 0", True),
        ("len(range(99999))", 99999),
        ("sum(1 for a in range(200) for b in range(200))", 40000),
    ],
    ids=lambda value: str(value)[:20],
)
def test_within_bounds(text: str, value: object) -> None:
    assert value_of(text) == value


def test_a_budget_can_be_shared_and_set() -> None:
    budget = x.Budget(steps=20)
    assert value_of("1 + 2", budget=budget) == 3
    assert fault_of("+".join(["1"] * 30), budget=budget).diagnostic.code == "expression-limit"
    shared = x.Budget(items=10)
    value_of("range(6)", budget=shared)
    assert fault_of("range(6)", budget=shared).diagnostic.code == "expression-limit"
    assert fault_of("'abcdef'*2", budget=x.Budget(text=10)).diagnostic.code == "expression-limit"
    assert fault_of("2**20", budget=x.Budget(bits=16)).diagnostic.code == "expression-limit"


# Clauses ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names", "turns"),
    [
        ("_ in range(2)", ("_",), [{"_": 0}, {"_": 1}]),
        ("i, depth in enumerate(depths)", ("i", "depth"), [{"i": k, "depth": k + 2} for k in range(3)]),
        ("j in range(3) if j > 0", ("j",), [{"j": 1}, {"j": 2}]),
        ("a in [1, 2] for b in range(a)", ("a", "b"), [{"a": 1, "b": 0}, {"a": 2, "b": 0}, {"a": 2, "b": 1}]),
        ("(a, b), c in [[[1, 2], 3]]", ("a", "b", "c"), [{"a": 1, "b": 2, "c": 3}]),
        ("a, in [[1]]", ("a",), [{"a": 1}]),
        ("_, a, _ in ['xyz']", ("_", "a"), [{"_": "z", "a": "y"}]),
        ("i in []", ("i",), []),
        ("key in table", ("key",), [{"key": "a"}, {"key": 2}]),
    ],
)
def test_clauses(text: str, names: tuple[str, ...], turns: list[dict[str, Any]]) -> None:
    clause = x.parse_clause(text, place(text))
    assert clause.names == names
    assert list(x.iterate(clause, NAMES)) == turns
    printed = x.to_python(clause)
    assert x.parse_clause(printed, None).loops == clause.loops
    assert syntax(f"[0 for {printed}]") == syntax(f"[0 for {text}]")


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        ("3", "expression-syntax", "3"),
        ("i", "expression-syntax", "i"),
        ("i in", "expression-syntax", "n"),
        ("i in depths else 1", "expression-syntax", "else"),
        ("i in depths, 2", "expression-syntax", ","),
        ("for i in depths", "expression-syntax", "for"),
        ("i in depts", "unknown-name", "depts"),
        ("i in 3", "expression-type", "3"),
        ("i in range(10**9)", "expression-limit", "range(10**9)"),
        ("i in depths if i / 0", "expression-value", "i / 0"),
        ("a, b in depths", "expression-type", "depths"),
        ("i" + " in x for i" * 9 + " in x", "expression-limit", None),
        ("i in " + "(" * 60 + "x" + ")" * 60, "expression-limit", None),
    ],
)
def test_clauses_that_are_refused(text: str, code: str, where: str | None) -> None:
    with pytest.raises(Fault) as raised:
        list(x.iterate(x.parse_clause(text, place(text)), NAMES))
    found = raised.value.diagnostic
    assert found.code == code
    assert found.span is not None
    assert where is None or text[found.span.column - 1 : found.span.end_column - 1] == where


def test_a_long_loop_ends() -> None:
    clause = x.parse_clause("a in range(9999) for b in range(9999)", None)
    with pytest.raises(Fault, match="too much"):
        for _ in x.iterate(clause, {}, budget=x.Budget(steps=100_000)):
            pass


# Names and Python text ----------------------------------------------------------------------------------------------


def test_free_names() -> None:
    def free(text: str) -> set[str]:
        return set(x.free_names(x.parse(text, None)))

    assert free("a + len(b) * c.d[e] - f[g:h:k]") == set("abcefghk")
    assert free("[a * k for k in b if k > c for m in k]") == {"a", "b", "c"}
    assert free("[k for k in k]") == {"k"}
    assert free("sum(k for k in a) + k") == {"a", "k"}
    assert free("{'a': b, c: 1} if not d else -e**f") == set("bcdef")
    assert free("divisible(a, by=b)") == {"a", "b"}
    assert x.free_names(x.parse_clause("i, j in zip(a, b) if i > c for k in range(i)", None)) == {"a", "b", "c"}
    interpolation = x.template(scalar_at("a: x$i and $(j + 1)", "a"))
    assert interpolation is not None
    assert x.free_names(interpolation) == {"i", "j"}


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("((a))+(b*c)", "a + b * c"),
        ("a-(b-c)", "a - (b - c)"),
        ("(a-b)-c", "(a - b) - c"),
        ("a*(b+c)", "a * (b + c)"),
        ("2**(-a)", "2**-a"),
        ("(-a)**2", "(-a)**2"),
        ("(a**b)**c", "(a**b)**c"),
        ("a**(b**c)", "a**b**c"),
        ("not(a==b)", "not a == b"),
        ("(not a)==b", "(not a) == b"),
        ("(a and b)or c", "a and b or c"),
        ("a and(b or c)", "a and (b or c)"),
        ("(a<b)==c", "(a < b) == c"),
        ("(a if b else c)+1", "(a if b else c) + 1"),
        ("a if b else(c if d else e)", "a if b else c if d else e"),
        ("(a if b else c)if d else e", "(a if b else c) if d else e"),
        ("(a+b)[0].c", "(a + b)[0].c"),
        ("a[ 1 : ]", "a[1:]"),
        ("a[::2]", "a[::2]"),
        ("sum( k for k in a )", "sum(k for k in a)"),
        ("'a' + \"b\" + 'it\"s' + '\\n'", """"a" + "b" + 'it"s' + '\\n'"""),
        ("{1:2}", "{1: 2}"),
        ("(1,)", "(1,)"),
    ],
)
def test_python_text(text: str, printed: str) -> None:
    assert x.to_python(x.parse(text, None)) == printed
    assert syntax(printed) == syntax(text)


def test_python_text_with_other_names() -> None:
    expression = x.parse("[channels * k for k in range(depth)] + [k]", None)
    assert (
        x.to_python(expression, {"channels": "self.width", "k": "k0"})
        == "[self.width * k for k in range(depth)] + [k0]"
    )
    # What a loop binds does not catch what a free name is replaced by.
    assert x.to_python(x.parse("[k * n for k in a]", None), {"n": "k"}) == "[k_ * k for k_ in a]"
    assert x.to_python(x.parse("floor(a)", None), functions={"floor": "math.floor"}) == "math.floor(a)"
    clause = x.parse_clause("i, depth in enumerate(depths)", None)
    assert x.to_python(clause, {"depths": "layers", "i": "never"}) == "i, depth in enumerate(layers)"


# Templates ----------------------------------------------------------------------------------------------------------


def test_templates() -> None:
    def template(text: str) -> x.Expression | x.Interpolation | None:
        return x.template(scalar_at(f"a: {text}\n", "a"))

    for text in ("plain", "5", "true", "'quoted'", "", "null"):
        assert template(text) is None
    whole = template("$depths")
    assert isinstance(whole, x.Expression)
    assert x.evaluate(whole, NAMES) == [2, 3, 4]
    for text in ("$(i + 1)", "'$(i + 1)'", '"$(i + 1)"', ">-\n  $(i\n  + 1)"):
        found = template(text)
        assert isinstance(found, x.Expression)
        assert x.evaluate(found, NAMES) == 3


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("layer$(i + 1)", "layer3"),
        ("layer$i", "layer2"),
        ("$i$j", "20"),
        ("$i.conv$(j)x", "2.conv0x"),
        ("$$i is $i", "$i is 2"),
        ("$$", "$"),
        ("a$$b", "a$b"),
        ("$(4 / 2)", 2.0),
        ("x$(4 / 2)", "x2"),
        ("x$(f)", "x1.5"),
        ("x$flag", "xtrue"),
        ("x$(not flag)", "xfalse"),
        ("$word-$(word[0])", "layer-l"),
        ("x$(')' + '(')y", "x)(y"),
        ("x$((1, 2)[0])", "x1"),
        ("x$({'a': ')'}['a'])", "x)"),
        ("'$(\"it\" + \"''\")s'", "it's"),
    ],
)
def test_interpolation(text: str, value: object) -> None:
    assert (
        filled(Scalar(text, text, place(text), False) if "'$(" not in text else scalar_at(f"a: {text}", "a")) == value
    )


@pytest.mark.parametrize(
    ("yaml", "path", "code", "place", "said"),
    [
        ("a: {kernel: $(min(a, b)), stride: 2}", ("a", "kernel"), "unclosed-expression", "1:13", "quote it"),
        ("a: [$(max(1, 2))]", ("a", 0), "unclosed-expression", "1:5", "`let:`"),
        ("a: x $(i # 1)", ("a",), "unclosed-expression", "1:6", "` #`"),
        ('a: "$(i + (2)"', ("a",), "unclosed-expression", "1:5", "count the brackets"),
        ("a: $(i ']')", ("a",), "expression-syntax", "1:6", "follow each other"),
        ("a: $()", ("a",), "expression-syntax", "1:6", "a value is missing"),
        ("a: US$ 5", ("a",), "dollar", "1:6", "`$$`"),
        ("a: $5", ("a",), "dollar", "1:4", "`$$`"),
        ("a: 'cost $'", ("a",), "dollar", "1:10", "`$$`"),
        ("a: layer$(i + foo)", ("a",), "unknown-name", "1:15", "`foo`"),
        ("a: 'layer$(i + foo)'", ("a",), "unknown-name", "1:16", "`foo`"),
        ('a: "é\\t$(i + foo)"', ("a",), "unknown-name", "1:14", "`foo`"),
        ("a: >-\n  layer\n  $(i +\n   foo)", ("a",), "unknown-name", "4:4", "`foo`"),
        ("a: |\n  $(i +\n   foo)\n", ("a",), "unknown-name", "3:4", "`foo`"),
        ("a: x$depths", ("a",), "interpolation", "1:6", "a list cannot be put into a text"),
        ("a: $input.channels", ("a",), "interpolation", "1:5", "$(input.channels)"),
        ("a: x$block", ("a",), "interpolation", "1:6", "cannot be put into a text"),
        ("a: x$('a' * 9999)$('a' * 9999)", ("a",), "expression-limit", "1:4", "text"),
    ],
)
def test_templates_that_are_refused(yaml: str, path: tuple[str | int, ...], code: str, place: str, said: str) -> None:
    scalar = scalar_at(yaml, *path)
    with pytest.raises(Fault) as raised:
        filled(scalar)
    diagnostic = raised.value.diagnostic
    assert (diagnostic.code, str(diagnostic.span)) == (code, f"t.yaml:{place}")
    assert said in f"{diagnostic.message} {diagnostic.hint}"


def test_the_place_of_a_bare_expression() -> None:
    for yaml, where in (("when: i > fo", "1:11"), ("when: 'i > fo'", "1:12"), ("when: >-\n  i\n  > fo\n", "3:5")):
        scalar = scalar_at(yaml, "when")
        with pytest.raises(Fault) as raised:
            x.evaluate(x.parse(scalar.text, scalar.span), {"i": 1})
        assert str(raised.value.diagnostic.span) == f"t.yaml:{where}"


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.sampled_from(["$", "$(", ")", "(", "i", " ", "'", '"', "\\", "[", "]", "$$", "+", "é", "\n", "1"])).map(
        "".join
    )
)
def test_any_scalar_is_a_template_or_a_fault(text: str) -> None:
    scalar = Scalar(text, text, place(text), False)
    try:
        found = x.template(scalar)
        if isinstance(found, x.Interpolation):
            x.interpolate(found, {"i": 1})
        elif found is not None:
            x.evaluate(found, {"i": 1})
        else:
            assert "$" not in text
    except Fault as fault:
        render(fault.diagnostic)
