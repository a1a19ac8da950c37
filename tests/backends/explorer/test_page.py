"""The page as a file: complete, closed to the network, and text from a spec stays text in it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import archspec
from archspec.backends.explorer import Link
from archspec.backends.explorer import page as page_of
from tests.helpers.page_numbers import WEB

EVIL = "</script><!--<script>'\"&>]]>"
HOSTILE = f"""
archspec: 1
name: {json.dumps(EVIL)}
doc: {json.dumps(EVIL)}
source: {json.dumps("javascript:alert(1)//" + EVIL)}
params: {{style: {json.dumps(EVIL)}}}
let: {{more: {json.dumps(EVIL)}}}
inputs: {{image: [3, H, W]}}
sizes: {{H: 32, W: 32}}  # {EVIL}
blocks:
  odd:
    doc: {json.dumps(EVIL)}
    source: {json.dumps(EVIL)}
    params: {{note: {json.dumps(EVIL)}}}
    steps:
      - conv as one: {{channels: 4, kernel: 3}}
        label: {json.dumps(EVIL)}
      - conv: {{channels: 4, kernel: 1}}
steps:
  - odd: {{note: $style}}
    label: {json.dumps(EVIL)}
  - odd: {{note: $more}}
  - conv as score: {{channels: 2, kernel: 1}}
outputs: {{scores: score}}
"""


def html(text: str, name: str = "net.yaml") -> str:
    return archspec.page(archspec.loads(text, name=name))


def parts(page: str) -> dict[str, str]:
    """The contents of the page's scripts and styles, as a browser finds them."""
    found = re.findall(r"<(script|style)([^>]*)>(.*?)</\1>", page, re.DOTALL)
    names = {"": "script", ' type="application/json" id="data"': "data", ' type="application/json" id="texts"': "texts"}
    return {"style" if tag == "style" else names[given]: content for tag, given, content in found}


def accepted(text: str) -> str:
    """A hostile spec without the fields that the language refuses such words in."""
    for _ in range(20):
        try:
            archspec.loads(text)
            return text
        except archspec.SpecError as error:
            lines = {each.span.line for each in error.diagnostics if each.span is not None}
            assert lines
            kept = text.split("\n")
            text = "\n".join(line for number, line in enumerate(kept, 1) if number not in lines)
    raise AssertionError("no part of the hostile spec is accepted")


def test_text_of_a_spec_ends_no_script_and_begins_no_tag() -> None:
    text = accepted(HOSTILE)
    assert text.count("<script>") >= 7, "most fields take any text"
    page = html(text, f"{EVIL}.yaml")
    assert page.count("<script") == page.count("</script>") == 3
    assert "<!--" not in page
    assert page.isascii() or not set(page) & {"\u2028", "\u2029", "\x00"}
    found = parts(page)
    data, texts = json.loads(found["data"]), json.loads(found["texts"])
    assert data["doc"] == EVIL
    assert data["paper"] == ""
    assert any(EVIL in line for line in texts["files"][0]["lines"])
    assert re.search(r"<title>([^<]*)</title>", page)


def test_nothing_is_loaded_and_only_its_own_script_runs() -> None:
    page = html("archspec: 1\ninputs: {x: [1, H, W]}\nsizes: {H: 4, W: 4}\nsteps: [relu]\n")
    found = parts(page)
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules.pop("default-src") == rules.pop("base-uri") == rules.pop("form-action") == "'none'"
    for name in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(found[name].encode()).digest()).decode()
        assert rules.pop(f"{name}-src") == f"'sha256-{digest}'"
    assert rules == {}
    assert not re.search(
        r"\s(?:src|srcset|style|on\w+)=", page.replace(found["script"], "").replace(found["style"], "")
    )
    assert "innerHTML" not in found["script"]
    assert "url(" not in found["style"]


def test_the_script_is_all_of_its_files() -> None:
    from archspec.backends.explorer.page import SCRIPTS, STYLES

    assert {path.stem for path in WEB.glob("*.js")} == set(SCRIPTS)
    assert {path.stem for path in WEB.glob("*.css")} == set(STYLES)


@pytest.mark.parametrize("path", sorted(WEB.glob("*.js")), ids=lambda path: path.name)
def test_scripts_stay_short(path: Path) -> None:
    assert path.read_text("utf-8").count("\n") <= 300


def test_a_page_is_the_same_every_time() -> None:
    program = (
        "import archspec, hashlib; print(hashlib.sha256(archspec.page(archspec.load('unet')).encode()).hexdigest())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        )
        for seed in ("1", "2")
    ]
    assert runs[0].stdout == runs[1].stdout


def test_options_of_a_page() -> None:
    spec = archspec.load("resnet18")
    data = json.loads(parts(archspec.page(spec, focus="layer3.0", theme="dark", sizes={"H": 64}))["data"])
    assert data["sizes"] == {"H": 64, "W": 224}
    assert data["boxes"][data["at"]]["k"] == "layer3.0"
    assert {data["boxes"][number]["k"] for number in data["open"]} >= {"layer3", "layer3.0"}
    assert '<html lang="en" data-theme="dark">' in archspec.page(spec, theme="dark")
    for wrong in ({"theme": "purple"}, {"focus": "nothing"}, {"depth": -1}):
        with pytest.raises(archspec.SpecError):
            archspec.page(spec, **wrong)  # pyright: ignore[reportArgumentType]
    report = archspec.Report(spec.graph, dict(spec.graph.sizes))
    assert json.loads(parts(page_of(report, links=[Link("all", "index.html")]))["data"])["links"] == [
        ["all", "index.html"]
    ]


def test_a_page_names_no_folder_of_this_machine(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("archspec: 1\ninputs: {x: [1, H, W]}\nsizes: {H: 4, W: 4}\nsteps: [relu]\n")
    assert str(tmp_path) not in archspec.page(archspec.load(path))


@pytest.mark.slow
def test_pages_of_all_shipped_specs_are_small() -> None:
    from archspec.elaborate.shipped import spec_names

    assert {name for name in spec_names() if len(archspec.page(archspec.load(name)).encode()) > 2_000_000} == set()
