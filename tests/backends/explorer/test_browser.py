"""The page in a real browser: mouse, keyboard, sizes, address; it loads nothing and says nothing wrong."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import archspec

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as play:
        launched = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture
def opened(browser: Any, folder: Path) -> Iterator[Open]:
    """Opens the page of a spec; at the end nothing was asked of any network, and no error was said."""
    context = browser.new_context(viewport={"width": 1280, "height": 860}, reduced_motion="reduce")
    said: list[str] = []
    asked: list[str] = []

    def page_of(name: str, fragment: str = "") -> Any:
        path = folder / f"{name}.html"
        if not path.exists():
            path.write_text(archspec.page(archspec.load(name)), encoding="utf-8")
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{path.as_uri()}{fragment}")
        page.wait_for_selector("body.ready", timeout=60_000)
        return page

    yield page_of
    assert said == []
    assert asked
    assert all(url.startswith("file:") and ".html" in url for url in asked), asked
    context.close()


def box(page: Any, path: str) -> Any:
    return page.locator(f'[role=treeitem][aria-label*=", {path},"], [role=treeitem][aria-label$=", {path}"]').first


def facts(page: Any) -> dict[str, str]:
    """The table of what is known, which follows the figure a moment later."""
    page.wait_for_timeout(150)
    rows = page.locator("#facts > dl.facts").first.locator("> div").all()
    return {row.locator("dt").inner_text(): row.locator("dd").inner_text() for row in rows}


def test_a_box_opens_under_the_pointer_and_closes_there(opened: Open) -> None:
    page = opened("resnet18")
    page.mouse.wheel(0, 40)
    toggle = box(page, "layer2.1").locator(".toggle")
    place = toggle.bounding_box()
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    page.mouse.click(x, y)
    page.wait_for_timeout(150)
    assert box(page, "layer2.1").get_attribute("aria-expanded") == "true"
    assert box(page, "layer2.1.conv1").is_visible()
    page.mouse.click(x, y)
    page.wait_for_timeout(150)
    assert box(page, "layer2.1").get_attribute("aria-expanded") == "false"
    assert box(page, "layer2.1.conv1").count() == 0


def test_what_is_known_of_a_step(opened: Open) -> None:
    page = opened("resnet18")
    box(page, "conv1").click()
    known = facts(page)
    assert known["output"].startswith("64 × 112 × 112")
    assert "⌊(H+1)/2⌋" in known["output"]
    assert known["multiply-adds"].startswith("118,013,952")
    assert known["field"] == "7 × 7 pixels, stride 2, padding 3"
    strong = page.locator(".row.strong").all_inner_texts()
    assert any("conv as conv1" in line for line in strong)
    assert any("self.conv1 = nn.Conv2d(3, 64, 7" in line for line in strong)
    assert page.locator("canvas.field").first.is_visible()


def test_a_line_leads_to_its_step(opened: Open) -> None:
    page = opened("resnet18")
    page.locator("#torch .text").evaluate("place => place.scrollTop = place.scrollHeight")
    line = page.locator("#torch .row.linked", has_text="self.fc(x)").first
    line.click()
    page.wait_for_timeout(150)
    assert page.locator("#facts h2").inner_text() == "fc, 1000"


def test_a_line_leads_to_its_step_by_the_keyboard_too(opened: Open) -> None:
    page = opened("resnet18")
    page.locator("#yaml .text").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_timeout(150)
    first = page.locator("#facts h2").inner_text()
    assert first in ("image", "7×7 conv, 64, /2")
    page.locator("#yaml .text").focus()
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_timeout(150)
    assert page.locator("#facts h2").inner_text() != first


def test_the_keyboard_alone(opened: Open) -> None:
    page = opened("unet")
    page.keyboard.press("/")
    page.keyboard.type("up2 conv 3")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_timeout(150)
    assert "up2" in page.locator("#facts .path").inner_text()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.wait_for_selector(".box.chosen", state="detached")
    page.keyboard.press("Home")
    seen = []
    for _ in range(4):
        page.keyboard.press("ArrowDown")
        page.wait_for_timeout(150)
        seen.append(page.locator("#facts .path code").inner_text())
    assert seen == ["image", "down1", "1", "down2"]
    page.keyboard.press("Enter")
    page.wait_for_selector('.box.chosen[aria-expanded="true"]')
    assert page.locator("#canvas").get_attribute("aria-activedescendant") == page.locator(".box.chosen").get_attribute(
        "id"
    )
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#keys").is_visible()


def test_sizes_are_followed_and_refused_with_the_reason(opened: Open) -> None:
    page = opened("unet")
    height = page.get_by_label("Size H").first
    height.fill("380")
    assert facts(page)["output"].startswith("2 × 196 × 388")
    report = archspec.check(archspec.load("unet"), {"H": 380})
    assert facts(page)["multiply-adds"] == f"{report.total.multiply_adds:,}"
    height.fill("100")
    refused = page.get_by_role("alert")
    assert "H = 100 does not fit" in refused.inner_text()
    assert facts(page)["output"].startswith("2 × 196 × 388"), "what was valid last stays"
    refused.get_by_role("button", name="H = 188").click()
    assert not refused.is_visible()
    assert height.input_value() == "188"


def test_the_address_keeps_what_is_seen(opened: Open) -> None:
    page = opened("resnet18")
    box(page, "layer1.0").dblclick()
    page.get_by_label("Size W").first.fill("96")
    page.keyboard.press("Escape")
    page.get_by_label("Colour by").select_option("cost")
    page.wait_for_timeout(500)
    fragment = page.evaluate("location.hash")
    other = opened("resnet18", fragment)
    assert other.get_by_label("Size W").first.input_value() == "96"
    assert other.get_by_label("Colour by").input_value() == "cost"
    assert box(other, "layer1.0").get_attribute("aria-expanded") == "true"
    assert other.locator(".box.chosen").get_attribute("aria-label").split(", ")[-2].endswith("layer1.0")
    same = "() => document.querySelector('#world').getAttribute('transform')"
    assert other.evaluate(same) == page.evaluate(same)


@pytest.mark.parametrize(
    "fragment", ["#open=nothing~%E0%A4%A&at=x&view=a~b~c", "#size=H.0~W.999999999&colour=__proto__", "#&&=&size=H.7"]
)
def test_an_address_that_makes_no_sense_does_no_harm(opened: Open, fragment: str) -> None:
    assert box(opened("unet", fragment), "image").is_visible()


def test_light_dark_and_narrow(browser: Any, opened: Open, folder: Path) -> None:
    opened("unet")
    ground = "() => getComputedStyle(document.body).backgroundColor"
    for scheme, colour in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(20, 23, 28)")):
        page = browser.new_page(color_scheme=scheme, viewport={"width": 390, "height": 780})
        page.goto((folder / "unet.html").as_uri())
        page.wait_for_selector("body.ready", timeout=60_000)
        assert page.evaluate(ground) == colour
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        assert page.locator("#panel").bounding_box()["y"] > page.locator("#figure").bounding_box()["y"]
        page.close()


def test_everything_that_acts_has_a_name(opened: Open) -> None:
    page = opened("unet")
    acting = "button, input, select, canvas, [role=treeitem], [role=tab]"
    named = "one.ariaLabel || one.textContent.trim() || one.title || one.closest('label') || one.ariaHidden"
    unnamed = page.evaluate(
        f"() => [...document.querySelectorAll('{acting}')].filter((one) => !({named})).map((one) => one.outerHTML)"
    )
    assert unnamed == []


def test_hostile_text_stays_text(browser: Any, tmp_path: Path) -> None:
    from tests.backends.explorer.test_page import HOSTILE, accepted

    path = tmp_path / "net.html"
    path.write_text(archspec.page(archspec.loads(accepted(HOSTILE))), encoding="utf-8")
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.goto(path.as_uri())
    page.wait_for_selector("body.ready", timeout=60_000)
    for item in page.get_by_role("treeitem").all():
        item.click()
    page.wait_for_timeout(150)
    assert page.locator("script").count() == 3
    assert said == []
    page.close()


def test_a_watched_page_keeps_what_is_open(browser: Any, tmp_path: Path) -> None:
    pytest.importorskip("starlette", reason="starlette is not installed")
    from tests.watching.test_server import running

    path = tmp_path / "net.yaml"
    text = "archspec: 1\nname: Net\ninputs: {x: [4, H, W]}\nsizes: {H: 8, W: 8}\nsteps:\n"
    path.write_text(text + "  - residual_basic as first: {channels: 4}\n" + "  - relu\n" * 3)
    page = browser.new_page(reduced_motion="reduce")
    with running(path) as address:
        page.goto(address)
        page.wait_for_selector("body.ready", timeout=60_000)
        was = box(page, "first").get_attribute("aria-expanded")
        box(page, "first").locator(".toggle").click()
        assert box(page, "first").get_attribute("aria-expanded") != was
        page.wait_for_timeout(400)
        path.write_text(path.read_text().replace("relu", "sigmoid"))
        page.wait_for_selector("html[data-live='2'] body.ready", timeout=30_000)
        assert box(page, "first").get_attribute("aria-expanded") != was
        path.write_text(path.read_text().replace("sigmoid", "sigmid"))
        page.wait_for_selector("#wrong:not([hidden])", timeout=30_000)
        assert "did you mean `sigmoid`?" in page.locator("#wrong").inner_text()
    page.close()
