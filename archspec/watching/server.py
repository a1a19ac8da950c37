"""The server of one page, for one browser on this machine.

It listens on the loopback address alone.  The page stands under a secret name, so that no other page or user can guess
it; a request whose ``Host`` or ``Origin`` is another is refused, so that no other site can ask in a browser's name.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio.to_thread
import uvicorn
import watchfiles
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from archspec.watching.watched import Watched

ADDRESS = "127.0.0.1"
BEAT = 15.0
"""Seconds after which a browser is told that the server is still there."""
HEADERS = {
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class Gate:
    """Lets through what its own page asks, by an address that names this machine."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self.app = app
        self.hosts = {f"{ADDRESS}:{port}", f"localhost:{port}"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request for another host, or from another origin."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        names = [name for name, _ in scope["headers"]]
        given = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        host, origin = given.get("host", ""), given.get("origin")
        fine = names.count(b"host") == 1 and host in self.hosts and origin in (None, f"http://{host}")
        fine = fine and given.get("sec-fetch-site", "none") in ("none", "same-origin")
        if fine and scope["type"] == "http":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await PlainTextResponse("this page is for its own browser only", 403, HEADERS)(scope, receive, send)


def application(watched: Watched, token: str, port: int, *, follow: bool = True) -> ASGIApp:
    """The application: the page and its events under ``/token/``, nothing elsewhere; ``follow`` watches the files."""
    changed = asyncio.Condition()

    def known(request: Request) -> bool:
        return hmac.compare_digest(request.path_params["token"].encode(), token.encode())

    async def page(request: Request) -> Response:
        if not known(request):
            return PlainTextResponse("not found", 404, HEADERS)
        return HTMLResponse(watched.page, headers=HEADERS)

    async def events(request: Request) -> Response:
        if not known(request):
            return PlainTextResponse("not found", 404, HEADERS)
        return StreamingResponse(_told(watched, changed), media_type="text/event-stream", headers=HEADERS)

    @asynccontextmanager
    async def following(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(_follow(watched, changed)) if follow else None
        try:
            yield
        finally:
            if task is not None:
                task.cancel()

    routes = [Route("/{token}/", page), Route("/{token}/events", events)]
    return Gate(Starlette(routes=routes, lifespan=following), port)


async def _told(watched: Watched, changed: asyncio.Condition) -> AsyncIterator[str]:
    """What a browser is told: the state now, and after each change."""
    while True:
        state = json.dumps({"version": watched.version, "errors": watched.errors})
        yield f"data: {state}\n\n"
        while json.dumps({"version": watched.version, "errors": watched.errors}) == state:
            try:
                async with changed, asyncio.timeout(BEAT):
                    await changed.wait()
            except TimeoutError:
                yield ": still here\n\n"


async def _follow(watched: Watched, changed: asyncio.Condition) -> None:
    """Make the page anew after each change of a file in the folders of the spec, as long as the server runs."""
    while True:
        folders = [folder for folder in watched.folders if folder.is_dir()]
        if not folders:  # it may come back
            await asyncio.sleep(1)
            continue
        async for _ in watchfiles.awatch(*folders, watch_filter=_is_spec, recursive=False, debounce=120):
            if await anyio.to_thread.run_sync(watched.renew):
                async with changed:
                    changed.notify_all()
            if any(folder not in folders for folder in watched.folders):
                break


def _is_spec(_: watchfiles.Change, path: str) -> bool:
    return Path(path).suffix in (".yaml", ".yml")


def serve(watched: Watched, port: int, say: Callable[[str], None]) -> None:
    """Serve until interrupted; port 0 is any that is free.  Raises ``OSError`` where the port is taken."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((ADDRESS, port))
        listening.listen()  # from here on a browser may come: it waits until the first page is made
        chosen = listening.getsockname()[1]
        token = secrets.token_urlsafe(24)
        watched.renew()
        say(f"http://{ADDRESS}:{chosen}/{token}/")
        settings = uvicorn.Config(
            application(watched, token, chosen), log_level="error", access_log=False, server_header=False,
            timeout_graceful_shutdown=1, ws="none", lifespan="on",
        )  # fmt: skip
        uvicorn.Server(settings).run(sockets=[listening])
