"""The schema in the YAML language server that editors run: what it offers, what it writes, what it says is wrong.

`make editor` installs the server; without it these tests are skipped.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator

import pytest

from archspec import ops
from archspec.elaborate.shipped import library_names, specs_folder
from tests.helpers.language_server import SERVER, LanguageServer
from tests.helpers.places import ROOT

pytestmark = pytest.mark.slow

INSTALLED = ROOT / "out" / "editor"
HEAD = "archspec: 1\ninputs: {image: [3, H, W]}\n"


@pytest.fixture(scope="module")
def server() -> Iterator[LanguageServer]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node, which runs the YAML language server")
    if not (INSTALLED / SERVER).exists():
        pytest.skip("needs the YAML language server: make editor")
    with LanguageServer(node, INSTALLED, specs_folder() / "archspec.schema.json") as running:
        yield running


def written(server: LanguageServer, text: str) -> dict[str, str]:
    """What the server would write where a ``|`` stands, by what it offers."""
    items = server.completions(HEAD + text)
    assert max(Counter(item["label"] for item in items).values(), default=1) == 1, "offered twice"
    return {item["label"]: item["insertText"] for item in items}


@pytest.mark.parametrize("before", ["", "  - relu\n", "  - conv: {channels: 8, kernel: 3}\n"])
def test_every_op_and_block_is_offered_once(server: LanguageServer, before: str) -> None:
    offered = written(server, f"steps:\n{before}  - |\n")
    assert {*ops.names(), *library_names(), "sequence", "steps"} <= offered.keys()
    assert offered["relu"] == "relu"
    assert offered["conv"].strip() == "conv:"  # and no argument that need not be there


@pytest.mark.parametrize("name", ["conv", "conv as stem", "fire", "conv_bn_relu as stem"])
def test_arguments_are_offered_as_keys_and_begin_as_one_number(server: LanguageServer, name: str) -> None:
    offered = written(server, f"steps:\n  - {name}:\n      |\n")
    wanted = {"fire": {"s1x1", "e1x1", "e3x3"}, "conv": {"channels", "kernel", "padding", "stride"}}
    assert wanted.get(name.split()[0], {"channels", "kernel", "stride"}) <= offered.keys()
    for label, text in offered.items():
        assert text.startswith(f"{label}:"), "a key ends with a colon"
        assert "\n" not in text
        assert "-" not in text.removeprefix(label), "no list is begun"


def test_the_loss_is_offered(server: LanguageServer) -> None:
    assert written(server, "loss: |\n") == {"cross_entropy": "cross_entropy"}
    assert {"weights", "label_smoothing"} <= written(server, "loss:\n  cross_entropy:\n    |\n").keys()


OWN = "blocks:\n  mine:\n    params: {width: 8}\n    steps: [{conv: {channels: $width, kernel: 1}}]\n"


@pytest.mark.parametrize(
    "text",
    [
        OWN + "steps:\n  - mine\n  - mine as other\n  - mine: {width: 16}\n  - mine as last: {width: $(2 * 8)}\n",
        "steps:\n  - conv as c$i: {channels: $(8 * i), kernel: [3, 1], padding: same}\n    for: i in range(3)\n",
        "steps:\n  - add:\n      - - conv as a: {channels: 3, kernel: 1}\n      - []\n  - relu:\n    label: x\n",
    ],
)
def test_nothing_is_said_of_what_is_right(server: LanguageServer, text: str) -> None:
    """A block of the same file is a name like any other: a schema cannot know which there are."""
    assert server.complaints(HEAD + text) == []


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("steps:\n  - conv: {channels: eight, kernel: 3}\n", 4, "this must be a number, or an expression"),
        ("steps:\n  - relu\n  - conv: {chanels: 8}\n", 5, "Property chanels is not allowed"),
        ("loss: mse\nsteps: [relu]\n", 3, '"cross_entropy"'),
    ],
)
def test_what_is_wrong_is_said_in_its_line(server: LanguageServer, text: str, line: int, words: str) -> None:
    (found,) = server.complaints(HEAD + text)
    assert found.startswith(f"{line}: ")
    assert words in found
    assert "^" not in found, "no pattern is shown raw"
