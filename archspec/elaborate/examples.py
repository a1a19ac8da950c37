"""A file that is a block, as a network: one step that uses the block as its own ``example`` says."""

from __future__ import annotations

from pathlib import PurePath

from archspec.diagnostics import Fault
from archspec.elaborate.loader import Loader
from archspec.schema import SpecFile, parse_file
from archspec.syntax import Items, Mapping, literal, plain

ALIAS = "example"


def is_block(file: SpecFile) -> bool:
    """Whether a file is a block, or has only blocks: it has steps without shapes of inputs, or no steps."""
    model = file.model
    if model.extends is not None:
        return False
    shaped = model.inputs is not None and all(isinstance(shape, Items) for shape in model.inputs.values())
    return file.whole is None or not shaped


def network(file: SpecFile, loader: Loader) -> SpecFile | None:
    """The network of a block's example; None if the block has none, or if it does not use the block.

    Its steps stand at the example, so that what is wrong with the use is said there.
    """
    node = file.model.example
    if file.whole is None or file.folder is None or not isinstance(node, Mapping):
        return None
    use = plain(node)
    inputs, given = use.get("inputs"), use.get("with")
    if not isinstance(inputs, dict) or not inputs or not isinstance(given, dict | None):
        return None
    reads = {"from": list(inputs)} if len(inputs) > 1 else {}
    written = {
        "archspec": 1,
        "import": {ALIAS: f"./{PurePath(file.key).name}"},
        "inputs": inputs,
        "steps": [{ALIAS: given or {}, **reads}],
    }
    try:
        nodes = literal(written, node.span)
    except Fault:
        return None
    return parse_file(nodes, f"example:{file.key}", file.shown, file.folder, loader.diagnostics, loader.work)
