"""The server in Neovim, which runs without a screen here; the test skips where there is no Neovim."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.editing import SMALL

SCRIPT = """
local client = vim.lsp.start_client({ name = 'archspec', cmd = vim.fn.json_decode(vim.env.SERVER) })
vim.lsp.buf_attach_client(0, client)
local function wait(done) assert(vim.wait(60000, done, 10)) end
wait(function() return vim.lsp.get_client_by_id(client).initialized end)
local function said() return vim.diagnostic.get(0) end
wait(function() return #said() > 0 end)
local found = { wrong = said() }
local function ask(method, line, column)
  local params = { textDocument = vim.lsp.util.make_text_document_params() }
  if line then params.position = { line = line, character = column } end
  return vim.lsp.buf_request_sync(0, method, params, 60000)[client].result
end
vim.fn.setline(14, (vim.fn.getline(14):gsub('kernl', 'kernel')))
wait(function() return #said() == 0 end)
found.hover = ask('textDocument/hover', 13, 5)
found.symbols = ask('textDocument/documentSymbol')
found.items = ask('textDocument/completion', 13, 33)
vim.lsp.buf.formatting_sync({}, 60000)
found.text = vim.fn.getline(1, '$')
vim.fn.writefile({ vim.fn.json_encode(found) }, vim.env.ANSWER)
vim.cmd('qall!')
"""


def test_neovim(tmp_path: Path) -> None:
    nvim = shutil.which("nvim")
    if nvim is None:
        pytest.skip("needs Neovim")
    wrong = SMALL.replace("conv as stem: {channels: $width, kernel: 3}", "conv as stem: {channels: $width, kernl: 3}")
    spec, script, answer = tmp_path / "small.yaml", tmp_path / "client.lua", tmp_path / "answer.json"
    spec.write_text(wrong.replace("{width: 8}", "{width:  8}"), encoding="utf-8")
    script.write_text(SCRIPT, encoding="utf-8")
    server = json.dumps([sys.executable, "-m", "archspec", "lsp"])
    environment = {
        "SERVER": server,
        "ANSWER": str(answer),
        "HOME": str(tmp_path),
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(Path(__file__).parent.parent.parent),
    }
    command = [nvim, "--headless", "-u", "NONE", "-i", "NONE", "-c", f"luafile {script}", "-c", "cquit", str(spec)]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(answer.read_text(encoding="utf-8"))
    assert [each["code"] for each in found["wrong"]] == ["unknown-argument"]
    assert "number of output channels" in found["hover"]["contents"]["value"]
    assert "steps" in [each["name"] for each in found["symbols"]]
    items = found["items"] if isinstance(found["items"], list) else found["items"]["items"]
    assert "width" in [each["label"] for each in items]
    assert "\n".join(found["text"]) + "\n" == SMALL
