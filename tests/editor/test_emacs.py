"""The server in Emacs, by the settings of ``docs/editors.md``; the test skips where there is no Emacs with eglot."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.editing import SMALL
from tests.helpers.places import ROOT

SCRIPT = r"""
(setq package-archives nil)
(package-initialize)
(require 'json)
(require 'flymake)
(require 'yaml-mode)
(require 'eglot)
SETTINGS
(setq eglot-sync-connect 60 eglot-connect-timeout 90)
(find-file (getenv "SPEC"))
(yaml-mode)
(apply #'eglot (eglot--guess-contact))
(defun wait (done)
  (let ((left 600))
    (while (and (> left 0) (not (funcall done)))
      (accept-process-output nil 0.1)
      (setq left (1- left)))))
(flymake-mode 1)
(flymake-start)
(wait (lambda () (flymake-diagnostics)))
(defun told (each) (list (line-number-at-pos (flymake-diagnostic-beg each)) (flymake-diagnostic-text each)))
(let ((wrong (mapcar #'told (flymake-diagnostics)))
      (hover nil))
  (goto-char (point-min))
  (search-forward "kernl")
  (replace-match "kernel")
  (search-backward "conv")
  (setq hover (jsonrpc-request (eglot--current-server-or-lose) :textDocument/hover (eglot--TextDocumentPositionParams)))
  (eglot-format-buffer)
  (with-temp-file (getenv "ANSWER")
    (insert (json-encode `((wrong . ,(vconcat wrong)) (hover . ,(plist-get (plist-get hover :contents) :value))
                           (text . ,(with-current-buffer (get-file-buffer (getenv "SPEC")) (buffer-string))))))))
(set-buffer-modified-p nil)
(kill-emacs 0)
"""


def test_emacs(tmp_path: Path) -> None:
    emacs = shutil.which("emacs")
    if emacs is None:
        pytest.skip("needs Emacs")
    there = [emacs, "--batch", "--eval", "(progn (package-initialize) (require 'eglot) (require 'yaml-mode))"]
    if subprocess.run(there, capture_output=True, check=False).returncode:
        pytest.skip("needs eglot and yaml-mode")
    settings = re.search(r"```lisp\n(.*?)```", (ROOT / "docs" / "editors.md").read_text(encoding="utf-8"), re.DOTALL)
    assert settings is not None
    command = tmp_path / "bin" / "archspec"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m archspec "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    wrong = SMALL.replace("conv as stem: {channels: $width, kernel: 3}", "conv as stem: {channels: $width, kernl: 3}")
    spec, script, answer = tmp_path / "small.yaml", tmp_path / "client.el", tmp_path / "answer.json"
    spec.write_text(wrong.replace("{width: 8}", "{width:  8}"), encoding="utf-8")
    script.write_text(SCRIPT.replace("SETTINGS", settings[1]), encoding="utf-8")
    environment = {
        "SPEC": str(spec),
        "ANSWER": str(answer),
        "HOME": str(tmp_path),
        "PATH": f"{command.parent}:/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "LANG": "C.UTF-8",
    }
    ran = subprocess.run(
        [emacs, "--batch", "-l", str(script)], env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(answer.read_text(encoding="utf-8"))
    assert [line for line, _ in found["wrong"]] == [14]
    assert "unknown-argument" in found["wrong"][0][1]
    assert "number of output channels" in found["hover"]
    assert found["text"] == SMALL
