"""A client of the Language Server Protocol (https://microsoft.github.io/language-server-protocol) over pipes.

Each message is JSON under a header that says its length.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self


class RpcClient:
    """A server, running; ``with`` ends it."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._asked = self._opened = 0
        self.published: dict[str, list[dict[str, Any]]] = {}
        """What the server says of each file, by its address."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    @property
    def process(self) -> int:
        """The number of the server's process."""
        return self._process.pid

    def answer(self, method: str, params: Any) -> Any:
        """What this client answers when the server asks."""
        return None

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        self._process.stdin.flush()

    def tell(self, method: str, params: Any) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params})

    def read(self) -> dict[str, Any]:
        """The next message of the server; what it asks is answered."""
        assert self._process.stdout is not None
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, "the server has ended"
        message: dict[str, Any] = json.loads(self._process.stdout.read(length))
        if message.get("method") == "textDocument/publishDiagnostics":
            self.published[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif "method" in message and "id" in message:
            self._send({"id": message["id"], "result": self.answer(message["method"], message.get("params"))})
        return message

    def ask(self, method: str, params: Any) -> Any:
        """The answer to a request."""
        self._asked += 1
        self._send({"id": self._asked, "method": method, "params": params})
        while True:
            message = self.read()
            if message.get("id") == self._asked and "method" not in message:
                assert "error" not in message, message["error"]
                return message["result"]

    def open(self, text: str, uri: str | None = None) -> str:
        """The address of a file that the editor has opened."""
        self._opened += 1
        uri = uri or f"file:///opened/{self._opened}.yaml"
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})
        return uri

    def said(self, uri: str) -> list[dict[str, Any]]:
        """What the server says of a file; waits until it has said something."""
        while uri not in self.published:
            self.read()
        return self.published[uri]
