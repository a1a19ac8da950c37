"""Shared by readers of weights: tensors by a spec's keys, bounded file reads, missing packages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from archspec.diagnostics import Diagnostic, Fault, SpecError, printable
from archspec.records import record
from archspec.syntax import open_regular

if TYPE_CHECKING:
    from torch import Tensor

LISTED = 5
COUNTER = "num_batches_tracked"


@record
class Filled:
    """A complete ``state_dict``, and what else the file holds."""

    state: Mapping[str, Tensor]
    unused: tuple[str, ...] = ()
    """Layers of the file that are not in the network."""

    @property
    def notes(self) -> list[Diagnostic]:
        """Notes on these layers."""
        if not self.unused:
            return []
        shown = ", ".join(f"`{printable(name, 40)}`" for name in self.unused[:LISTED])
        more = ", …" if len(self.unused) > LISTED else ""
        said = f"the file of weights has layers that the network has not, which are left out: {shown}{more}"
        return [Diagnostic("weights-adapted", said, severity="note")]

    @classmethod
    def of(cls, state: dict[str, Tensor], wanted: Mapping[str, tuple[int, ...]], unused: Sequence[str] = ()) -> Filled:
        """All wanted tensors, in order; raises :class:`SpecError` if one is missing."""
        import torch

        for key in wanted:
            if key.endswith(f".{COUNTER}"):
                state[key] = torch.tensor(0)
        missing = [key for key in wanted if key not in state]
        if missing:
            shown = ", ".join(f"`{printable(key, 60)}`" for key in missing[:LISTED])
            raise SpecError(
                [Diagnostic("weights-mismatch", f"the file has nothing for {len(missing)} tensors: {shown}")]
            )
        return cls({key: state[key] for key in wanted}, tuple(unused))


def missing_package(what: str, package: str) -> Fault:
    """The fault for a file that needs a package of the extra ``import``."""
    return Fault(
        "no-package", f"{what} needs the package {package}, which is not installed", hint=f"pip install {package}"
    )


def read_bytes(path: Path, most: int) -> bytes:
    """A file's bytes; raises :class:`Fault` ``too-large`` for more than ``most``, or any error of opening it."""
    shown = printable(str(path))
    try:
        with open_regular(path) as stream:
            content = stream.read(most + 1)
    except OSError as error:
        raise Fault("not-a-file", f"{shown} cannot be read: {printable(error.strerror or '')}") from None
    if len(content) > most:
        raise Fault("too-large", f"{shown} is larger than {most:,} bytes")
    return content
