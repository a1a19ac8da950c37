"""The server of a watched spec: whom it answers, what it says when the file changes, breaks, goes and comes back."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import archspec

pytest.importorskip("starlette", reason="starlette is not installed")
pytest.importorskip("watchfiles", reason="watchfiles is not installed")
pytest.importorskip("uvicorn", reason="uvicorn is not installed")

from archspec.watching import Watched, application

GOOD = (
    "archspec: 1\nname: Net\ninputs: {x: [1, H, W]}\nsizes: {H: 8, W: 8}\n"
    "steps:\n  - conv as one: {channels: 2, kernel: 3}\n"
)
BAD = GOOD.replace("channels", "chanels")
TOKEN = "secret"
HERE = {"host": "127.0.0.1:8765"}


def watched(path: Path) -> Watched:
    found = Watched(lambda: archspec.load(path), path)
    found.renew()
    return found


def ask(app: Any, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
    """One request to the application, as a server would hand it on."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"", "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "server": ("127.0.0.1", 8765), "client": ("127.0.0.1", 5), "root_path": "", "http_version": "1.1",
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    heads = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], heads, b"".join(part.get("body", b"") for part in sent[1:]).decode()


@pytest.fixture
def app(tmp_path: Path) -> Any:
    path = tmp_path / "net.yaml"
    path.write_text(GOOD)
    return application(watched(path), TOKEN, 8765, follow=False)


def test_the_page_is_shown_to_its_own_browser(app: Any) -> None:
    status, heads, body = ask(app, f"/{TOKEN}/", HERE | {"sec-fetch-site": "none"})
    assert status == 200
    assert "connect-src 'self'" in body
    assert 'data-live="1"' in body
    assert heads["cache-control"] == "no-store"
    assert heads["x-frame-options"] == "DENY"


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/", HERE, 404),
        ("/other/", HERE, 404),
        ("/other/events", HERE, 404),
        (f"/{TOKEN}/../etc/passwd", HERE, 404),
        (f"/{TOKEN}/", {}, 403),
        (f"/{TOKEN}/", {"host": "evil.example"}, 403),
        (f"/{TOKEN}/", {"host": "127.0.0.1:80"}, 403),
        (f"/{TOKEN}/", HERE | {"origin": "http://evil.example"}, 403),
        (f"/{TOKEN}/", HERE | {"origin": "null"}, 403),
        (f"/{TOKEN}/events", HERE | {"sec-fetch-site": "cross-site"}, 403),
        (f"/{TOKEN}/", HERE | {"origin": "http://127.0.0.1:8765"}, 200),
        (f"/{TOKEN}/", {"host": "localhost:8765"}, 200),
    ],
)
def test_nobody_else_is_answered(app: Any, path: str, headers: dict[str, str], status: int) -> None:
    found, _, body = ask(app, path, headers)
    assert found == status
    assert ("Net" in body) == (status == 200)


def test_a_file_that_breaks_keeps_its_last_page(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(GOOD)
    found = watched(path)
    assert (found.version, found.errors, found.renew()) == (1, "", False)
    path.write_text(BAD)
    assert found.renew()
    assert (found.version, "did you mean `channels`?" in found.errors) == (1, True)
    assert "net.yaml:6:" in found.errors
    path.unlink()
    assert found.renew()
    assert found.errors
    path.write_text(GOOD.replace("channels: 2", "channels: 3"))
    assert found.renew()
    assert (found.version, found.errors) == (2, "")
    path.write_text(GOOD.replace("channels: 2", "channels: 3"))
    assert not found.renew()


def test_a_file_that_is_wrong_from_the_start_has_a_page(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(BAD)
    found = watched(path)
    assert (found.version, 'id="data">null<' in found.page) == (1, True)
    path.write_text(GOOD)
    assert found.renew()
    assert (found.version, found.errors) == (2, "")


@contextmanager
def running(path: Path) -> Iterator[str]:
    """The command, with its address."""
    command = [sys.executable, "-m", "archspec", "watch", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            (address,) = re.findall(r"http://\S+", process.stdout.readline())
            yield address
        finally:
            process.terminate()


def until(true: Callable[[], bool]) -> None:
    for _ in range(300):
        try:
            if true():
                return
        except urllib.error.URLError:
            pass
        time.sleep(0.05)
    raise AssertionError("it never came true")


def get(address: str) -> str:
    with urllib.request.urlopen(address, timeout=10) as answer:
        return answer.read().decode()


def test_the_browser_is_told_of_each_change(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(GOOD)
    with running(path) as address:
        until(lambda: 'data-live="1"' in get(address))
        with urllib.request.urlopen(f"{address}events", timeout=30) as events:

            def told() -> dict[str, Any]:
                line = b""
                while not line.startswith(b"data: "):
                    line = events.readline()
                return json.loads(line[6:])

            assert told() == {"version": 1, "errors": ""}
            time.sleep(0.3)  # the files are watched from here on
            path.write_text(GOOD.replace("channels: 2", "channels: 5"))
            assert told() == {"version": 2, "errors": ""}
            path.write_text(BAD)
            assert "unknown-argument" in told()["errors"]
            path.unlink()
            assert "net.yaml" in told()["errors"]
            path.write_text(GOOD)
            assert told() == {"version": 3, "errors": ""}
        with pytest.raises(urllib.error.HTTPError):
            get(address.rsplit("/", 2)[0] + "/")
        port = address.split(":")[2].split("/")[0]
        taken = subprocess.run(
            [sys.executable, "-m", "archspec", "watch", str(path), "--port", port],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (taken.returncode, "Traceback" in taken.stderr) == (2, False)
        assert f"cannot listen on port {port}" in taken.stderr


@pytest.mark.parametrize("words", [["resnet18"], ["no/such/folder/net.yaml"], ["net.txt"]])
def test_what_cannot_be_watched_is_refused(words: list[str]) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "archspec", "watch", *words], capture_output=True, text=True, check=False
    )
    assert (run.returncode, "Traceback" in run.stderr) == (2, False)
