"""The gallery: pages that hold together, and text from a spec that stays text."""

from __future__ import annotations

import json
import re
from pathlib import Path

from archspec import gallery
from archspec.backends.page import html_page
from archspec.elaborate.shipped import spec_names


def test_pages_link_to_one_another_and_to_what_lies_beside_them(tmp_path: Path) -> None:
    entries = gallery.write(tmp_path, ["squeezenet1_0", "resnet18"])
    assert [entry.name for entry in entries] == ["resnet18", "squeezenet1_0"]
    for page in tmp_path.glob("*.html"):
        for target in re.findall(r'(?:href|src|srcset)="([^"]+)"', page.read_text(encoding="utf-8")):
            assert target.startswith("https://") or (tmp_path / target).is_file(), f"{page.name}: {target}"
    assert "11.7 M parameters" in (tmp_path / "index.html").read_text(encoding="utf-8")
    links = json.loads(re.findall(r'id="data">(.*?)</script>', (tmp_path / "resnet18.html").read_text())[0])["links"]
    assert [target for _, target in links] == [
        "index.html", "squeezenet1_0.html", "resnet18.svg", "resnet18.txt", "resnet18.py",
    ]  # fmt: skip
    assert all((tmp_path / target).is_file() for _, target in links)
    compile((tmp_path / "resnet18.py").read_text(encoding="utf-8"), "resnet18.py", "exec")


def test_every_shipped_spec_has_a_family() -> None:
    assert {name for name in spec_names() if gallery.family(name) == "Others"} == set()


def test_what_a_spec_says_is_escaped() -> None:
    hostile = "<script>alert('&')</script>"
    text = html_page.index([html_page.Entry("net", hostile, hostile, hostile, hostile)])
    assert "<script" not in text
