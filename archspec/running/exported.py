"""Programs that ``torch.export`` saved, as modules.

torch's loader is not safe for files of others: it unpickles tensors and constants (``weights_only=False``), and
evaluates symbolic sizes as Python.  So a file is loaded only if its user says that he trusts it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archspec.diagnostics import Diagnostic, SpecError, printable
from archspec.running.sources import Brought


def exported(path: Path, trust: bool) -> Brought:
    """The module of a ``.pt2`` file, and the sizes of the inputs it was exported with.

    Raises :class:`SpecError` without ``trust``, before the file is opened, and for a file that torch cannot load.
    """
    shown = printable(path.name, 80)
    if not trust:
        raise SpecError([
            Diagnostic(
                "not-trusted",
                f"`{shown}` is not read: torch's loader of .pt2 files can run code that is in them",
                hint="if you trust where it comes from: `archspec import --trust`",
            )
        ])  # fmt: skip
    import torch

    if not path.is_file():
        raise SpecError([Diagnostic("file-not-found", f"there is no file {printable(str(path), 200)}")])
    try:
        program = torch.export.load(path)
        module = torch.export.unflatten(program)
    except Exception as error:  # torch's loader may raise anything
        said = printable(str(error).strip().split("\n")[0], 200) or type(error).__name__
        raise _refused(f"`{shown}` cannot be loaded: {said}") from None
    module.check_input_constraints = False  # sizes are varied, and so is the batch
    positional, named = program.example_inputs or ((), {})
    if named and not positional:
        sizes: Any = {name: _size(tensor) for name, tensor in named.items()}
    elif len(positional) == 1 and not named:
        sizes = _size(positional[0])
    else:
        raise _refused(f"`{shown}` takes several inputs without names", "export it with `kwargs`")
    return Brought(module, sizes, path.stem)


def _size(tensor: Any) -> tuple[int, ...]:
    import torch

    if not isinstance(tensor, torch.Tensor):
        raise _refused("the program takes an input that is not a tensor")
    return tuple(map(int, tensor.shape[1:]))


def _refused(message: str, hint: str | None = None) -> SpecError:
    return SpecError([Diagnostic("not-importable", message, None, hint)])
