"""The language server as an editor runs it: a process that speaks the protocol over pipes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.editing import SMALL
from tests.helpers.rpc import RpcClient


class Editor(RpcClient):
    """An editor with one server."""

    def __init__(self, folder: Path) -> None:
        super().__init__([sys.executable, "-m", "archspec", "lsp"])
        capabilities = {
            "textDocument": {"completion": {"completionItem": {"snippetSupport": True}}},
            "workspace": {"inlayHint": {"refreshSupport": True}},
        }
        folders = [{"uri": folder.as_uri(), "name": "specs"}]
        asked = {"processId": None, "rootUri": None, "workspaceFolders": folders, "capabilities": capabilities}
        self.capabilities = self.ask("initialize", asked)["capabilities"]
        self.tell("initialized", {})
        self.folder = folder
        self.files = 0

    def file(self, text: str) -> str:
        """The address of a new file that is open."""
        self.files += 1
        path = self.folder / f"spec{self.files}.yaml"
        path.write_text(text, encoding="utf-8")
        return self.open(text, path.as_uri())

    def of(self, uri: str, method: str, **more: Any) -> Any:
        """What the server answers about a text."""
        return self.ask(f"textDocument/{method}", {"textDocument": {"uri": uri}, **more})

    def type(self, uri: str, text: str, version: int) -> None:
        """Change the text."""
        self.published.pop(uri, None)
        changes = [{"text": text}]
        self.tell(
            "textDocument/didChange",
            {"textDocument": {"uri": uri, "version": version}, "contentChanges": changes},
        )


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    with Editor(tmp_path_factory.mktemp("specs")) as editor:
        yield editor


def at(text: str, words: str, within: int = 0) -> dict[str, int]:
    before = text[: text.index(words) + within].split("\n")
    return {"line": len(before) - 1, "character": len(before[-1].encode("utf-16-le")) // 2}


ALL = {"start": {"line": 0, "character": 0}, "end": {"line": 1000, "character": 0}}


def test_a_spec_without_errors_says_nothing(editor: Editor) -> None:
    assert editor.said(editor.file(SMALL)) == []


def test_a_text_that_is_no_spec_is_left_alone(editor: Editor) -> None:
    uri = editor.file("services:\n  web: {image: [}\n")
    assert editor.said(uri) == []
    assert editor.of(uri, "hover", position={"line": 0, "character": 1}) is None


def test_diagnostics_come_and_go_as_one_types(editor: Editor) -> None:
    uri = editor.file(SMALL)
    editor.said(uri)
    editor.type(uri, SMALL.replace("kernel: 1}", "kernl: 1}"), 2)
    (said,) = editor.said(uri)
    assert said["code"] == "unknown-argument"
    assert said["range"] == {"start": at(SMALL, "kernel: 1}"), "end": at(SMALL, "kernel: 1}", 5)}
    editor.type(uri, SMALL, 3)
    assert editor.said(uri) == []


def test_both_branches_of_a_mismatch_are_linked(editor: Editor) -> None:
    text = SMALL + "  - add:\n    from: [previous, last]\n"
    uri = editor.file(text)
    (said,) = editor.said(uri)
    assert said["code"] == "shape-mismatch"
    places = [each["location"]["range"]["start"] for each in said["relatedInformation"]]
    assert places == [at(text, "upsample"), at(text, "conv as last")]
    assert {each["location"]["uri"] for each in said["relatedInformation"]} == {uri}


def test_hints_are_the_shapes(editor: Editor) -> None:
    uri = editor.file(SMALL)
    editor.said(uri)
    hints = {each["position"]["line"]: each["label"] for each in editor.of(uri, "inlayHint", range=ALL)}
    assert hints[at(SMALL, "conv as stem")["line"]] == "8 × H−2 × W−2"
    assert hints[at(SMALL, "unit as second")["line"]] == "16 × ⌊(H−1)/2⌋ × ⌊(W−1)/2⌋"
    assert hints[at(SMALL, "conv as inner")["line"]] == "16 × H−2 × W−2", "in a block, those of its first use"


def test_hints_of_the_chosen_use(editor: Editor) -> None:
    uri = editor.file(SMALL)
    editor.said(uri)
    place = at(SMALL, "unit:")
    actions = editor.of(uri, "codeAction", range={"start": place, "end": place}, context={"diagnostics": []})
    command = next(each["command"] for each in actions if "second" in each["title"])
    editor.ask("workspace/executeCommand", {"command": command["command"], "arguments": command["arguments"]})
    hints = {each["position"]["line"]: each["label"] for each in editor.of(uri, "inlayHint", range=ALL)}
    assert hints[at(SMALL, "conv as inner")["line"]] == "16 × ⌊(H−1)/2⌋ × ⌊(W−1)/2⌋"


def test_settings_choose_what_hints_show(editor: Editor) -> None:
    uri = editor.file(SMALL)
    editor.said(uri)
    given = {"hints": {"shape": "numbers", "field": True, "cost": True}}
    editor.tell("workspace/didChangeConfiguration", {"settings": {"archspec": given}})
    hints = {each["position"]["line"]: each["label"] for each in editor.of(uri, "inlayHint", range=ALL)}
    editor.tell(
        "workspace/didChangeConfiguration",
        {"settings": {"archspec": {"hints": {"shape": "symbols", "field": False, "cost": False}}}},
    )
    # 3·8·9 + 8 parameters; 3·8·9 multiply-adds at each of 28 × 28 places
    assert hints[at(SMALL, "conv as stem")["line"]] == "8 × 28 × 28 · sees 3 × 3 · 224 parameters, 169 k multiply-adds"


def test_hover_completion_and_definition(editor: Editor) -> None:
    uri = editor.file(SMALL)
    editor.said(uri)
    hover = editor.of(uri, "hover", position=at(SMALL, "conv as stem"))["contents"]["value"]
    assert "number of output channels" in hover
    assert "self.stem = nn.Conv2d(3, 8, 3)" in hover
    items = editor.of(uri, "completion", position=at(SMALL, "kernel: 1}"))
    assert "stride" in [each["label"] for each in items]
    found = editor.of(uri, "definition", position=at(SMALL, "to: stem", 4))
    assert found["range"]["start"] == at(SMALL, "stem")


def test_references_and_rename_across_files(editor: Editor) -> None:
    uri = editor.file(SMALL)
    name = uri.rpartition("/")[2]
    user = (
        f"archspec: 1\nname: User\nimport: {{small: {name}}}\ninputs: {{image: [3, H, W]}}\nsizes: {{H: 30, W: 30}}\n"
    )
    user += "steps:\n  - small.unit as a: {channels: 4}\n  - small as b: {width: 2}\n"
    other = editor.file(user)
    editor.said(uri)
    editor.said(other)
    found = editor.of(uri, "references", position=at(SMALL, "width"), context={"includeDeclaration": True})
    assert {each["uri"] for each in found} == {uri, other}
    edit = editor.of(uri, "rename", position=at(SMALL, "unit:"), newName="piece")
    edits = {each["textDocument"]["uri"]: each["edits"] for each in edit["documentChanges"]}
    assert [each["range"]["start"] for each in edits[other]] == [at(user, "small.unit", 6)]
    assert len(edits[uri]) == 3


def test_a_rename_that_would_collide_is_refused(editor: Editor) -> None:
    uri = editor.file(SMALL)
    editor.said(uri)
    with pytest.raises(AssertionError, match="already names something"):
        editor.of(uri, "rename", position=at(SMALL, "stem"), newName="last")


def test_outline_folding_colours_and_formatting(editor: Editor) -> None:
    text = SMALL.replace("{width: 8}", "{ width:  8 }")
    uri = editor.file(text)
    editor.said(uri)
    symbols = {
        each["name"]: [inner["name"] for inner in each.get("children", [])] for each in editor.of(uri, "documentSymbol")
    }
    assert symbols["params"] == ["width"]
    assert symbols["steps"][:2] == ["conv as stem", "unit as first"]
    assert {"startLine": at(text, "blocks")["line"], "endLine": at(text, "      - relu")["line"]} in editor.of(
        uri, "foldingRange"
    )
    assert len(editor.of(uri, "semanticTokens/full")["data"]) % 5 == 0
    (edit,) = editor.of(uri, "formatting", options={"tabSize": 2, "insertSpaces": True})
    assert edit["newText"] == SMALL


def test_a_change_in_a_file_is_seen_where_it_is_used(editor: Editor) -> None:
    uri = editor.file(SMALL)
    name = uri.rpartition("/")[2]
    user = f"archspec: 1\nname: User\nextends: {name}\n"
    other = editor.file(user)
    editor.said(uri)
    assert editor.said(other) == []
    editor.published.clear()
    editor.type(uri, SMALL.replace("kernel: 1}", "kernl: 1}"), 2)
    (said,) = editor.said(other)
    assert said["code"] == "unknown-argument"
    assert said["range"]["start"] == at(user, name), "shown where the file is named"
    assert said["relatedInformation"][0]["location"]["uri"] == uri


def test_the_picture_is_that_of_the_last_good_text(editor: Editor) -> None:
    uri = editor.file(SMALL)
    editor.said(uri)
    before = editor.ask("archspec/picture", {"uri": uri})
    assert before["svg"].lstrip().startswith("<?xml")
    editor.type(uri, SMALL + "  - conv: {", 2)
    editor.said(uri)
    assert editor.ask("archspec/picture", {"uri": uri}) == before


def test_columns_are_counted_in_utf16(editor: Editor) -> None:
    text = SMALL.replace("kernel: 1}", 'kernel: 1, "🙂": 2}')
    uri = editor.file(text)
    (said,) = editor.said(uri)
    start = at(text, '"🙂"')
    assert said["range"] == {"start": start, "end": {"line": start["line"], "character": start["character"] + 4}}


def test_the_server_has_no_torch(editor: Editor) -> None:
    """Not even after everything above was asked of it."""
    maps = Path(f"/proc/{editor.process}/maps")
    if not maps.exists():
        pytest.skip("needs Linux's list of what a process has loaded")
    assert "libtorch" not in maps.read_text(encoding="utf-8")


def test_a_file_that_appears_on_the_disk_is_seen(editor: Editor) -> None:
    late = editor.folder / "late.yaml"
    uri = editor.file("archspec: 1\nname: User\nextends: late.yaml\n")
    (said,) = editor.said(uri)
    assert said["code"] == "file-not-found"
    editor.published.clear()
    late.write_text(SMALL, encoding="utf-8")
    editor.tell("workspace/didChangeWatchedFiles", {"changes": [{"uri": late.as_uri(), "type": 1}]})
    assert editor.said(uri) == []
