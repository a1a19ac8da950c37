"""Pictures in a real browser that lacks the font they were measured with: no text leaves its box or meets a line."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

import archspec

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

MEASURE = """
const found = [];
const box = element => element.getBoundingClientRect();
for (const picture of document.querySelectorAll("svg")) {
  const corners = [];
  for (const path of picture.querySelectorAll("g.edge path")) {
    const place = path.getScreenCTM(), length = path.getTotalLength();
    for (let at = 0; at <= length; at += 1) corners.push(path.getPointAtLength(at).matrixTransform(place));
  }
  for (const text of picture.querySelectorAll("text")) {
    const {left, right, top, bottom} = box(text);
    const inside = p => left < p.x && p.x < right - 8 && top + 3 < p.y && p.y < bottom - 3;
    const node = text.closest("g.node"), shape = node && node.querySelector("path, ellipse, polygon");
    if (!node && text.closest("g.edge") && corners.some(inside)) found.push(["on a line", text.textContent]);
    if (shape && (left < box(shape).left - 1 || right > box(shape).right + 1)) found.push(["wide", text.textContent]);
  }
}
const count = document.querySelectorAll("text").length;
document.body.innerHTML = "<pre></pre>";
document.querySelector("pre").textContent = JSON.stringify([count, found]);
"""


@pytest.mark.skipif(BROWSER is None, reason="no Chromium")
def test_no_text_meets_a_line_in_another_font(tmp_path: Path) -> None:
    pictures = [
        archspec.render(archspec.load(name)).pipe(format="svg").decode()
        for name in ("mobilenet_v3_large", "unet_same", "googlenet")
    ]
    drawn = "".join(picture[picture.index("<svg") :] for picture in pictures)
    other = re.sub('font-family="[^"]*"', 'font-family="DejaVu Sans,Verdana,serif"', drawn)
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><meta charset=utf-8><body>{drawn}{other}<script>{MEASURE}</script>")
    assert BROWSER is not None
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    ran = subprocess.run([*command, "--dump-dom", page.as_uri()], capture_output=True, text=True, timeout=120)
    shown = re.search("<pre>(.*)</pre>", ran.stdout)
    assert shown is not None, ran.stderr[-500:]
    count, found = json.loads(unescape(shown[1]))
    assert count > 100
    assert not found
