"""A client of the YAML language server that editors use: opens specs with the shipped schema, completes, checks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.helpers.rpc import RpcClient

SERVER = Path("node_modules") / "yaml-language-server" / "bin" / "yaml-language-server"
"""Where npm puts the server, in the folder that it is installed into."""


class LanguageServer(RpcClient):
    """The server, running; ``with`` ends it."""

    def __init__(self, node: str, folder: Path, schema: Path) -> None:
        super().__init__([node, str(folder / SERVER), "--stdio"])
        self._settings = {"yaml": {"schemas": {schema.as_uri(): "*.yaml"}, "schemaStore": {"enable": False}}}
        capabilities = {"textDocument": {"completion": {"completionItem": {"snippetSupport": True}}}}
        self.ask("initialize", {"processId": None, "rootUri": None, "capabilities": capabilities})
        self.tell("initialized", {})
        self.tell("workspace/didChangeConfiguration", {"settings": self._settings})
        self.complaints("archspec: 1\n")  # until then it has not read the schema

    def answer(self, method: str, params: Any) -> Any:
        """The settings, when the server asks for them."""
        if method != "workspace/configuration":
            return None
        return [self._settings.get(item["section"]) for item in params["items"]]

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
        return [f"{one['range']['start']['line'] + 1}: {one['message']}" for one in self.said(self.open(text))]
