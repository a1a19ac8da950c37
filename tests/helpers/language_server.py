"""A client of the YAML language server that editors use: opens a spec with the shipped schema, completes and checks it.

It speaks the Language Server Protocol (https://microsoft.github.io/language-server-protocol) over standard input and
output: each message is JSON under a header that says its length.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

SERVER = Path("node_modules") / "yaml-language-server" / "bin" / "yaml-language-server"
"""Where npm puts the server, in the folder that it is installed into."""


class LanguageServer:
    """The server, running; ``with`` ends it."""

    def __init__(self, node: str, folder: Path, schema: Path) -> None:
        self._process = subprocess.Popen(
            [node, str(folder / SERVER), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._asked = self._opened = 0
        self._settings = {"yaml": {"schemas": {schema.as_uri(): "*.yaml"}, "schemaStore": {"enable": False}}}
        self.published: dict[str, list[dict[str, Any]]] = {}
        """What the server says of each file, by its address."""
        capabilities = {"textDocument": {"completion": {"completionItem": {"snippetSupport": True}}}}
        self.ask("initialize", {"processId": None, "rootUri": None, "capabilities": capabilities})
        self._tell("initialized", {})
        self._tell("workspace/didChangeConfiguration", {"settings": self._settings})
        self.complaints("archspec: 1\n")  # until then it has not read the schema

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        self._process.stdin.flush()

    def _tell(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, "the server has ended"
        message: dict[str, Any] = json.loads(self._process.stdout.read(length))
        if message.get("method") == "textDocument/publishDiagnostics":
            self.published[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif message.get("method") == "workspace/configuration":
            wanted = [self._settings.get(item["section"]) for item in message["params"]["items"]]
            self._send({"id": message["id"], "result": wanted})
        elif "method" in message and "id" in message:
            self._send({"id": message["id"], "result": None})
        return message

    def ask(self, method: str, params: Any) -> Any:
        """The answer to a request."""
        self._asked += 1
        self._send({"id": self._asked, "method": method, "params": params})
        while True:
            message = self._read()
            if message.get("id") == self._asked and "method" not in message:
                assert "error" not in message, message["error"]
                return message["result"]

    def open(self, text: str) -> str:
        """The address of a file that the editor has opened."""
        self._opened += 1
        uri = f"file:///opened/{self._opened}.yaml"
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self._tell("textDocument/didOpen", {"textDocument": document})
        return uri

    def completions(self, text: str) -> list[dict[str, Any]]:
        """What the server offers where a ``|`` stands in a text."""
        before, after = text.split("|", 1)
        lines = before.split("\n")
        position = {"line": len(lines) - 1, "character": len(lines[-1])}
        answer = self.ask(
            "textDocument/completion", {"textDocument": {"uri": self.open(before + after)}, "position": position}
        )
        return answer["items"] if isinstance(answer, dict) else answer or []

    def complaints(self, text: str) -> list[str]:
        """What the server says of a text, each with its line from 1 on."""
        uri = self.open(text)
        while uri not in self.published:
            self._read()
        return [f"{one['range']['start']['line'] + 1}: {one['message']}" for one in self.published[uri]]
