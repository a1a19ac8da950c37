"""YAML text to located plain data: values, spans, limits, and what is said of anything else."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archspec.diagnostics import Fault, Source, Span, render
from archspec.syntax import Items, Limits, Mapping, Node, Scalar, complaints, decode, literal, parse, plain, read

SPEC = """\
archspec: 1                      # language version
name: "Größe 😀"
params: {block: basic, depths: [2, 2,  2], 'quoted key': 'it''s'}
steps:
  - conv as conv1: {channels: 64, bias: false}
    when: stride != 1   # a comment

  - sequence as layer$(i + 1):
      - $block
      - relu
  -
    - x
empty:
folded: >-
  one
  two

several: plain text
  on two lines
shared: &shared !!seq  # with a comment
  - 1
again: *shared
tagged: &t !!str 5
"""


def value_of(text: str) -> Any:
    return plain(parse(text, "t.yaml"))


def fault_of(text: str, limits: Limits | None = None) -> Fault:
    with pytest.raises(Fault) as raised:
        parse(text, "t.yaml", limits or Limits())
    assert raised.value.diagnostic.span is not None or raised.value.diagnostic.code == "too-large"
    assert render(raised.value.diagnostic)
    return raised.value


def nodes(node: Node) -> Iterator[Node]:
    yield node
    match node:
        case Items(items=items):
            for item in items:
                yield from nodes(item)
        case Mapping(entries=entries):
            for key, value in entries:
                yield key
                yield from nodes(value)


def text_at(span: Span) -> str:
    lines = list(span.source.lines[span.line - 1 : span.end_line])
    lines[-1] = lines[-1][: span.end_column - 1]
    lines[0] = lines[0][span.column - 1 :]
    return "\n".join(lines)


# Scalars ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((word, None) for word in ("", "~", "null", "Null", "NULL")),
        *((word, True) for word in ("true", "True", "TRUE")),
        *((word, False) for word in ("false", "False", "FALSE")),
        *((word, word) for word in ("yes", "no", "on", "off", "y", "n", "Yes", "NO", "tRUE", "nUll", "none", "None")),
        *(("0", 0), ("-0", 0), ("007", 7), ("010", 10), ("+12", 12), ("-12", -12), ("1_000_000", 1_000_000)),
        *(("0o17", 15), ("0x1F", 31), ("0xff_ff", 65535), ("0o7_7", 63)),
        *(
            (word, word)
            for word in ("1__0", "_1", "1_", "0x", "0b101", "0o8", "-0x1", "0x_1", "1,000", "1:30", "12:30:45")
        ),
        *(("1.5", 1.5), ("1e-3", 1e-3), ("1E5", 1e5), (".5", 0.5), ("-.5", -0.5), ("2.", 2.0), ("6.02e+23", 6.02e23)),
        *(
            (word, word)
            for word in (".", "+", "e5", "1e", "1.2.3", ".e1", "1_000.5", "1e1_0", "2020-01-01", "infinity")
        ),
        *((word, math.inf) for word in (".inf", ".Inf", ".INF", "+.inf")),
        *(("-.inf", -math.inf), ("inf", "inf"), ("nan", "nan"), (".iNf", ".iNf")),
        *(("'1'", "1"), ('"true"', "true"), ("''", ""), ('"a\\tb"', "a\tb"), ("'it''s'", "it's"), ('"\\u00e9"', "é")),
        *(
            ("!!str 5", "5"),
            ("!!str", ""),
            ("!!int '5'", 5),
            ("!!float 5", 5.0),
            ("!!bool 'true'", True),
            ("!!null ''", None),
        ),
        ("conv as x$(i + 1)", "conv as x$(i + 1)"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    found = value_of(f"key: {text}\n")["key"]
    assert found == value
    assert type(found) is type(value)


def test_not_a_number() -> None:
    assert all(math.isnan(value_of(f"[{word}]")[0]) for word in (".nan", ".NaN", ".NAN"))


@pytest.mark.parametrize(
    ("scalar", "text", "is_plain"),
    [("5", "5", True), ("'5'", "5", False), ('"5"', "5", False), ("1_0", "1_0", True), ("|\n  5\n", "5\n", False)],
)
def test_a_scalar_keeps_its_text_and_whether_it_was_quoted(scalar: str, text: str, is_plain: bool) -> None:
    node = parse(f"a: {scalar}", "t.yaml")
    assert isinstance(node, Mapping)
    found = node.get("a")
    assert isinstance(found, Scalar)
    assert (found.text, found.plain) == (text, is_plain)


@pytest.mark.parametrize("text", ["1" * 1001, "-" + "9" * 5000, "0x" + "f" * 2000, "1e999", "-1e999"])
def test_numbers_too_large_to_be_meant(text: str) -> None:
    assert fault_of(f"a: {text}").diagnostic.code == "number-range"


# Nodes and spans ----------------------------------------------------------------------------------------------------


def test_values() -> None:
    assert value_of(SPEC) == {
        "archspec": 1,
        "name": "Größe 😀",
        "params": {"block": "basic", "depths": [2, 2, 2], "quoted key": "it's"},
        "steps": [
            {"conv as conv1": {"channels": 64, "bias": False}, "when": "stride != 1"},
            {"sequence as layer$(i + 1)": ["$block", "relu"]},
            ["x"],
        ],
        "empty": None,
        "folded": "one two",
        "several": "plain text on two lines",
        "shared": [1],
        "again": [1],
        "tagged": "5",
    }


def test_the_span_of_a_scalar_is_its_text() -> None:
    quoted = {"Größe 😀": '"Größe 😀"', "quoted key": "'quoted key'", "it's": "'it''s'"}
    folded = {"one two": ">-\n  one\n  two", "plain text on two lines": "plain text\n  on two lines"}
    scalars = [node for node in nodes(parse(SPEC, "t.yaml")) if isinstance(node, Scalar)]
    assert len(scalars) > 35
    for scalar in scalars:
        assert text_at(scalar.span) == {**quoted, **folded}.get(scalar.text, scalar.text)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("params", "{block: basic, depths: [2, 2,  2], 'quoted key': 'it''s'}"),
        (
            "steps",
            SPEC[SPEC.index("- conv as") : SPEC.index("\nempty")],
        ),
        ("shared", "- 1"),
        ("again", "- 1"),
        ("empty", ""),
    ],
)
def test_the_span_of_a_collection_is_from_its_first_to_its_last_character(key: str, text: str) -> None:
    root = parse(SPEC, "t.yaml")
    assert isinstance(root, Mapping)
    found = root.get(key)
    assert found is not None
    assert text_at(found.span) == text


def test_the_span_of_a_block_mapping_starts_at_its_first_key() -> None:
    root = parse("a: &x\n\n  # why\n  b: 1\n  c:\n    d: [1,\n       2]\n\n\ne: 5\n", "t.yaml")
    assert isinstance(root, Mapping)
    inner = root.get("a")
    assert inner is not None
    assert (inner.span.line, inner.span.column, inner.span.end_line, inner.span.end_column) == (4, 3, 7, 10)
    assert (root.span.line, root.span.end_line, root.span.end_column) == (1, 10, 5)


def test_columns_count_characters() -> None:
    root = parse("\ufeffgrößer: 😀😀 # é\r\nnext: [é, 𝒳]\r\n", "t.yaml")
    assert isinstance(root, Mapping)
    value, following = root.get("größer"), root.get("next")
    assert value is not None
    assert isinstance(following, Items)
    assert str(value.span) == "t.yaml:1:9"
    assert (value.span.end_column, following.items[1].span.column) == (11, 11)


def test_mappings_are_known_by_the_text_of_their_keys() -> None:
    root = parse("a: 1\n2: b\n~: c\n", "t.yaml")
    assert isinstance(root, Mapping)
    assert root.keys == ("a", "2", "~")
    assert "2" in root
    assert 2 not in root
    assert root.get("missing") is root.key("missing") is None
    key = root.key("2")
    assert key is not None
    assert (key.value, str(key.span)) == (2, "t.yaml:2:1")
    assert plain(root) == {"a": 1, 2: "b", None: "c"}


def test_nodes_can_be_compared_and_hashed() -> None:
    first, second = parse(SPEC, "a.yaml"), parse(SPEC, "b.yaml")
    assert first == second
    assert hash(first) == hash(second)


@pytest.mark.parametrize("text", ["a: &x [1]\nb: *x", "- &x 1\n- *x", "&k a: 1\nb: *k", "- &x {a: 1}\n- {b: *x}"])
def test_aliases_stand_for_what_they_name(text: str) -> None:
    assert value_of(text) == yaml.safe_load(text)


def test_an_alias_points_where_the_anchor_is() -> None:
    root = parse("a: &x [1]\nb:\n  - *x\n", "t.yaml")
    assert isinstance(root, Mapping)
    around = root.get("b")
    assert isinstance(around, Items)
    assert str(around.items[0].span) == "t.yaml:1:7"
    assert (str(around.span), around.span.end_line, around.span.end_column) == ("t.yaml:3:3", 3, 7)


def test_python_data_as_nodes() -> None:
    span = Span(Source("--set", ("depths=[1, 2]",)), 1, 1, 1, 7)
    data = {"a": [1, 2.5, True, None, "x"], "b": {"c": (1, 2)}}
    node = literal(data, span)
    assert plain(node) == {"a": [1, 2.5, True, None, "x"], "b": {"c": [1, 2]}}
    assert {found.span for found in nodes(node)} == {span}


def test_python_data_that_is_no_data() -> None:
    span = Span(Source("call", ("",)), 1, 1, 1, 1)
    endless: list[Any] = []
    endless.append(endless)
    for value, code in ((object(), "not-data"), ({(1, 2): 3}, "not-data"), (endless, "too-deep")):
        with pytest.raises(Fault) as raised:
            literal(value, span)
        assert raised.value.diagnostic.code == code


# What is refused ----------------------------------------------------------------------------------------------------

REFUSED = [
    # text, code, line and column, a part of the message
    ("", "empty-file", "1:1", "empty"),
    ("# only a comment\n", "empty-file", "1:1", "empty"),
    ("--- \n", "empty-file", "1:1", "empty"),
    ("a:\n\tb: 1\n", "tab", "2:1", "tab"),
    ("\ta: 1\n", "tab", "1:1", "tab"),
    ("a:\n  - b\n\t- c\n", "tab", "3:1", "tab"),
    ("a: 1\na: 2\n", "duplicate-key", "2:1", "`a` is already on line 1"),
    ("{a: {b: 1, c: 2, b: 3}}", "duplicate-key", "1:18", "`b` is already"),
    ("1: a\n'1': b\n", "duplicate-key", "2:1", "already on line 1"),
    ("1: a\n0x1: b\n", "duplicate-key", "2:1", "as `1`"),
    ("~: a\nnull: b\n", "duplicate-key", "2:1", "as `~`"),
    ("? [a]\n: b\n", "key-kind", "1:3", "key"),
    ("{{a: 1}: 2}", "key-kind", "1:2", "key"),
    ("- &x [1]\n- *x : 2\n", "key-kind", "2:3", "key"),
    ("<<: {a: 1}\n", "merge-key", "1:1", "not part of the language"),
    ("a: &a {b: 1}\nc:\n  <<: *a\n", "merge-key", "3:3", "not part of the language"),
    ("a: !!python/object/apply:os.system ['true']\n", "tag", "1:4", "`!!python/object/apply:os.system`"),
    ("a: !custom 5\n", "tag", "1:4", "`!custom`"),
    ("a: ! 5\n", "tag", "1:4", "`!`"),
    ("a: !!binary aGk=\n", "tag", "1:4", "`!!binary`"),
    ("a: !!timestamp 2020-01-01\n", "tag", "1:4", "`!!timestamp`"),
    ("a: !!set {b}\n", "tag", "1:4", "`!!set`"),
    ("a: !!int five\n", "tag", "1:10", "`five`"),
    ("a: !!int true\n", "tag", "1:10", "`true`"),
    ("a: !!seq 5\n", "tag", "1:10", "`!!seq`"),
    ("a: !!str [5]\n", "tag", "1:4", "`!!str`"),
    ("a: !!map [5]\n", "tag", "1:4", "`!!map`"),
    ("a: 1\n---\nb: 1\n", "several-documents", "2:1", "second document"),
    ("a: *b\n", "unknown-alias", "1:4", "`*b`"),
    ("a: &a [*a]\n", "recursive-alias", "1:8", "`*a`"),
    ("a: &a {b: {c: *a}}\n", "recursive-alias", "1:15", "`*a`"),
    ("a: \x01\n", "control-character", "1:4", "U+0001"),
    ("a: b\x00c\n", "control-character", "1:5", "U+0000"),
    ("# ok\n# \x7f\n", "control-character", "2:3", "U+007F"),
    ("a: 1\u2028b: 2", "control-character", "1:5", "U+2028"),
    ("a: \u202eevil\n", "control-character", "1:4", "U+202E"),
    ("a: \ufeff\n", "control-character", "1:4", "U+FEFF"),
    ("é: \ud800", "encoding", "1:4", "U+D800"),
    ('a: "b\\e[31mc"', "control-character", "1:4", "U+001B"),
    ('"\\x9b": 1', "control-character", "1:1", "U+009B"),
    ('a: "b\\rc"', "control-character", "1:4", "U+000D"),
    ('a: "b\\N"', "control-character", "1:4", "U+0085"),
    ('a: ["\\u202e"]', "control-character", "1:5", "U+202E"),
    ("a: 'x\nb: 1\n", "yaml-syntax", "1:4", "quote is never closed"),
    ('a: "x', "yaml-syntax", "1:4", "quote is never closed"),
    ('a: "\\q"', "yaml-syntax", "1:5", "unknown escape"),
    ('a: "\\xZZ"', "yaml-syntax", "1:7", "escape"),
    ("a: [1, 2\nb: 3\n", "yaml-syntax", "1:4", "`[` is not closed"),
    ("a:\n  - b: {c: 1\n  - d\n", "yaml-syntax", "2:8", "`{` is not closed"),
    ("a: {b: 1}}\n", "yaml-syntax", "1:10", "nothing more can follow"),
    ("a: b\n  c: d\n", "yaml-syntax", "2:4", "`:` is not expected"),
    ("a: b: c\n", "yaml-syntax", "1:5", "`:` is not expected"),
    ("a:\n    b: 1\n  c: 2\n", "yaml-syntax", "3:3", "does not belong to the mapping"),
    ("a:\n  - b\n - c\n", "yaml-syntax", "3:2", "does not belong to the mapping"),
    ("a: 1\nb\nc: 3\n", "yaml-syntax", "2:1", "without a `:`"),
    ("- a\nb: 1\n", "yaml-syntax", "2:1", "`- ` is not expected"),
    ("when: 'a' == b\n", "yaml-syntax", "1:11", "nothing more can follow"),
    ("a: @x\n", "yaml-syntax", "1:4", "cannot begin"),
    ("a: `x`\n", "yaml-syntax", "1:4", "cannot begin"),
    ("a: ]\n", "yaml-syntax", "1:4", "not expected here"),
    ("a: *\n", "yaml-syntax", "1:5", "alias"),
    ("a: |x\n  y\n", "yaml-syntax", "1:5", "text block"),
    ("%foo\n", "yaml-syntax", "1:5", "directives"),
    ("a: !x!y z\n", "yaml-syntax", "1:4", "tags"),
]


@pytest.mark.parametrize(("text", "code", "place", "message"), REFUSED, ids=[repr(case[0])[:40] for case in REFUSED])
def test_what_is_refused_and_where(text: str, code: str, place: str, message: str) -> None:
    found = fault_of(text).diagnostic
    assert (found.code, str(found.span)) == (code, f"t.yaml:{place}")
    assert message in found.message


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a: [$(x[0]), 1]\n", '"$(…)"'),
        ("a: {b: $(x[1:2])}\n", '"$(…)"'),
        ("a: $(x if y else {1: 2})\n", '"$(…)"'),
        ("- a\n-b\n", "- item"),
        ("a: 'it's'\n", "put the whole text in the other"),
        ("a: {b: 1}}\n", "one `}` too many"),
        ("a:\n\tb: 1\n", "two spaces"),
    ],
)
def test_hints_for_common_mistakes(text: str, hint: str) -> None:
    assert hint in (fault_of(text).diagnostic.hint or "")


def test_a_duplicate_key_names_the_first() -> None:
    assert fault_of("x:\n  a: 1\n  b: 2\n  a: 3\n").diagnostic.details == ("first: t.yaml:2:3",)


# Limits -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nested", ["[" * 5000, "{a: " * 5000, "- " * 5000, "[" * 101 + "]" * 101])
def test_depth(nested: str) -> None:
    assert fault_of(nested).diagnostic.code == "too-deep"


def test_depth_allowed() -> None:
    assert value_of("[" * 100 + "]" * 100) is not None
    deep = "".join(f"{'  ' * level}a:\n" for level in range(99)) + "  " * 99 + "a: 1\n"
    assert "a" in value_of(deep)


def test_depth_through_aliases() -> None:
    text = "- &x0 [1]\n" + "".join(f"- &x{i + 1} [*x{i}]\n" for i in range(200))
    assert fault_of(text).diagnostic.code == "too-deep"


def test_an_alias_bomb() -> None:
    text = "- &x0 [1, 2]\n" + "".join(f"- &x{i + 1} [{', '.join([f'*x{i}'] * 10)}]\n" for i in range(9))
    found = fault_of(text).diagnostic
    assert found.code == "too-many-nodes"
    assert found.span is not None
    assert found.span.line <= 7


def test_nodes() -> None:
    limits = Limits(nodes=10)
    assert plain(parse("[1, 2, 3, 4, 5, 6, 7, 8, 9]", "t.yaml", limits))
    assert fault_of("[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]", limits).diagnostic.code == "too-many-nodes"


def test_text_bytes_and_scalar_length() -> None:
    assert fault_of("a: " + "é" * 20, Limits(text_bytes=30)).diagnostic.code == "too-large"
    assert fault_of("a: " + "b" * 20, Limits(scalar_length=19)).diagnostic.code == "too-long"
    assert fault_of("x" * 1_000_001).diagnostic.code == "too-large"
    assert value_of("a: " + "b" * 100_000)


@pytest.mark.parametrize(
    "text",
    [
        "a\n" * 300_000,
        "\n" * 900_000 + "a: 1",
        "a: [" + "1," * 90_000 + "]",
        "- a: {b: [c]}\n" * 10_000,
        "a: |\n" + "\n" * 900_000,
    ],
    ids=["one scalar", "blank lines", "one list", "many mappings", "blank block"],
)
def test_large_texts_end(text: str) -> None:
    try:
        parse(text, "t.yaml")
    except Fault as fault:
        assert fault.diagnostic.code in ("too-long", "too-many-nodes")  # noqa: PT017


# Files --------------------------------------------------------------------------------------------------------------


def test_reading(tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: \xc3\xa9\n")
    assert read(file) == "a: é\n"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    big, latin = tmp_path / "big.yaml", tmp_path / "latin.yaml"
    big.write_bytes(b"a" * 101)
    latin.write_bytes(b"\xef\xbb\xbfname: ok\nnote: na\xefve\n")
    cases = [
        (tmp_path / "none.yaml", "file-not-found"),
        (tmp_path, "not-a-file"),
        (Path("/dev/zero"), "not-a-file"),
        (Path("nul\0byte"), "not-a-file"),
        (tmp_path / ("x" * 5000), "not-a-file"),
        (big, "too-large"),
        (latin, "encoding"),
    ]
    for path, code in cases:
        with pytest.raises(Fault) as raised:
            read(path, Limits(text_bytes=100))
        found = raised.value.diagnostic
        assert found.code == code
        assert "\0" not in found.message
        assert str(found.span) == (f"{latin}:2:9" if path == latin else "None")


def test_utf_16_is_named() -> None:
    with pytest.raises(Fault, match="UTF-16"):
        decode("a: 1".encode("utf-16"), "t.yaml")


# Any input ----------------------------------------------------------------------------------------------------------

PIECES = (
    [
        "a",
        "b",
        "1",
        "0x1",
        ":",
        ",",
        "-",
        "?",
        "[",
        "]",
        "{",
        "}",
        "|",
        ">",
        "%",
        "@",
        "`",
        "'",
        '"',
        "\\",
        "~",
        "é",
        "😀",
    ],
    [": ", "- ", "? ", ", ", "&a ", "*a", "*a ", "!!str ", "!x ", " # c", "\n", "\n  ", "\n    ", " ", "\t", "\r\n"],
    [">\n  x", "|\n  x", "=", ".inf", "null", "true", "$x", "$(", "<<:", "---", "...", "\\x41"],
)
YAML_LIKE = st.lists(st.sampled_from([piece for kind in PIECES for piece in kind]), max_size=25).map("".join)


@settings(max_examples=400, deadline=None)
@given(st.one_of(YAML_LIKE, st.text(max_size=200)))
@example("\ud800")
@example("%YAML 9.9\n--- a")
@example("? \n? \n: ")
@example('"\\U00110000"')
def test_any_text_gives_a_node_or_a_fault(text: str) -> None:
    try:
        node = parse(text, "t.yaml")
    except Fault as fault:
        render(fault.diagnostic)
        return
    plain(node)
    for found in nodes(node):
        span = found.span
        assert 1 <= span.line <= span.end_line <= len(span.source.lines)
        assert (span.line, span.column) <= (span.end_line, span.end_column)
        if isinstance(found, Scalar) and found.plain and span.line == span.end_line:
            assert text_at(span) == found.text


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_give_a_node_or_a_fault(raw: bytes) -> None:
    try:
        parse(decode(raw, "t.yaml"), "t.yaml")
    except Fault as fault:
        render(fault.diagnostic)


def data(text: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    finite = st.floats(allow_nan=False, allow_infinity=False)
    return st.recursive(
        st.none() | st.booleans() | st.integers() | finite | text,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc_-", min_size=1), inner, max_size=4),
        max_leaves=20,
    )


@settings(max_examples=150, deadline=None)
@given(data(st.text(st.characters(codec="ascii", exclude_categories=["Cc"], include_characters="\t\n"))))
def test_json_is_read_as_json(value: Any) -> None:
    assert value_of("x: " + json.dumps(value).replace("\x7f", "\\u007f"))["x"] == value


@settings(max_examples=150, deadline=None)
@given(data(st.text("abcXYZ :#-[]{}'\"!&*|>%@`,?~\n\té")))
def test_blocks_are_read_as_pyyaml_writes_them(value: Any) -> None:
    # Texts without digits: PyYAML leaves bare what only YAML 1.2 takes for a number, such as `0E0`.
    assert value_of(yaml.safe_dump({"x": value}, sort_keys=False, allow_unicode=True))["x"] == value


@settings(max_examples=200, deadline=None)
@given(YAML_LIKE)
@example(SPEC)
def test_both_parsers_give_the_same_nodes(text: str) -> None:
    if "? " in text:  # they place the missing value of an explicit key differently
        return
    found = []
    for loader in (yaml.Loader, yaml.CLoader):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(complaints, "_loader", lambda chosen=loader: chosen)
            try:
                found.append(parse(text, "t.yaml"))
            except Fault:
                return  # the pure parser refuses more tabs, and each words its refusals in its own way
    assert repr(found[0]) == repr(found[1])


@pytest.mark.parametrize(("text", "code", "place", "message"), REFUSED, ids=[repr(case[0])[:40] for case in REFUSED])
def test_the_pure_parser_is_understood_too(
    monkeypatch: pytest.MonkeyPatch, text: str, code: str, place: str, message: str
) -> None:
    monkeypatch.setattr(complaints, "_loader", lambda: yaml.Loader)
    found = fault_of(text).diagnostic
    assert found.code == code
    assert found.span is not None
    if text != "%foo\n":  # which it takes for a directive, and then misses the document
        assert str(found.span.line) == place.split(":")[0]
        assert message in found.message
