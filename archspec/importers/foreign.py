"""Files of other tools, told from specs by their names.

Every command asks about its argument, so nothing is imported here that reads such a file.
"""

from __future__ import annotations

import re
from pathlib import Path

ENDINGS = (".prototxt", ".cfg", ".onnx", ".keras", ".json", ".h5")
"""The file extensions of other tools; a YAML file may be one too."""

_KEYS = re.compile(r"^(backbone|head):", re.MULTILINE)


def is_foreign(name: str) -> bool:
    """Whether a name is that of another tool's file; for a YAML file its contents decide."""
    return name.endswith(ENDINGS) or is_ultralytics(name)


def is_ultralytics(name: str) -> bool:
    """Whether a YAML file is Ultralytics': it has a backbone and a head, and is not a spec."""
    if not name.endswith((".yaml", ".yml")):
        return False
    try:
        with Path(name).open(encoding="utf-8", errors="replace") as stream:
            text = stream.read(1_000_000)
    except (OSError, ValueError):
        return False
    return len(set(_KEYS.findall(text))) == 2 and re.search(r"^archspec:", text, re.MULTILINE) is None
