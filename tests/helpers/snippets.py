"""Pieces of specs, as documents and examples show them, made whole."""

from __future__ import annotations

import re

HEAD = "archspec: 1\nname: Example\ninputs: {image: [64, H, W]}\nsizes: {H: 64, W: 64}\nsteps:\n"


def completed(text: str) -> str:
    """A whole spec of a list of steps, or of keys without the usual ones; a whole spec is left as it is."""
    if text.startswith("- "):
        return HEAD + "".join(f"  {line}\n" for line in text.splitlines())
    if text.startswith("archspec: "):
        return text
    keys = {key: re.search(rf"^{key}:", text, re.MULTILINE) for key in ("name", "inputs", "sizes", "extends")}
    head = "archspec: 1\n" + ("" if keys["name"] else "name: Example\n")
    if keys["extends"]:
        return head + text
    head += "" if keys["inputs"] else "inputs: {image: [64, H, W]}\n"
    symbols = not keys["inputs"] or re.search(r"\bH\b", text)
    return head + text + ("" if keys["sizes"] or not symbols else "sizes: {H: 64, W: 64}\n")
