"""Files of other tools: the reader of each kind, by file extension."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from archspec.diagnostics import Diagnostic, Diagnostics, Fault, SpecError, printable
from archspec.graph import Graph
from archspec.importers import caffe, darknet, keras, onnx, opaque, ultralytics
from archspec.importers.assembly import Read
from archspec.importers.tensors import Filled
from archspec.importers.writing import written
from archspec.records import record
from archspec.syntax import Limits, read

MOST_BYTES = 64_000_000
"""The size limit of text files."""

Reader = Callable[[Path, Diagnostics, Sequence[int] | None, bool], Read]
"""A reader: takes a file, the diagnostics, channels and sizes given by the user, and whether layers without counterpart
are kept as opaque ones; returns a network."""


def _caffe(path: Path, diagnostics: Diagnostics, size: Sequence[int] | None, opaque: bool) -> Read:
    return caffe.read(_text(path), str(path), diagnostics, size, opaque)


def _darknet(path: Path, diagnostics: Diagnostics, size: Sequence[int] | None, opaque: bool) -> Read:
    del opaque  # a section has no shape of its own
    return darknet.read(_text(path), str(path), diagnostics, size)


def _text(path: Path) -> str:
    return read(path, Limits(MOST_BYTES, 0, 0), None)


READERS: Mapping[str, Reader] = {
    ".prototxt": _caffe, ".cfg": _darknet, ".onnx": onnx.read,
    ".keras": keras.read, ".json": keras.read, ".h5": keras.read,
}  # fmt: skip
"""The reader of each file extension."""


@record
class Imported:
    """A network from a file: its name, its spec's text, and the reader of its weights."""

    name: str
    text: str
    read: Read
    notes: tuple[Diagnostic, ...] = ()
    """The diagnostics of the import."""
    bounds: tuple[int, int, int, int] = (256_000_000, 16_000_000, 2_000_000, 50_000_000)
    """The bounds of its spec in bytes, values, steps and evaluation; the file has been checked against its own."""

    def weights(self, graph: Graph, path: Path | None) -> Filled:
        """The tensors of a weight file by the keys of the spec's graph; none without a file.

        Raises :class:`SpecError`.
        """
        own = graph.state
        assert own == self.read.assembly.weights, "the spec has the weights that were assembled"
        return Filled({}) if path is None else self.read.weights(path)


def imported(
    path: Path,
    size: Sequence[int] | None = None,
    name: str | None = None,
    version: str | None = None,
    scale: str | None = None,
    keep: bool = False,
) -> Imported:
    """The spec of a network in a file; raises :class:`SpecError` with every error, line by line.

    ``version`` and ``scale`` are for formats that have them: the release of the tool whose reading of the file counts,
    and which of the network sizes it describes.  ``keep``: layers that the language lacks become opaque steps, if the
    file says their shape.
    """
    diagnostics = Diagnostics()
    found: Read | None = None
    try:
        if path.suffix in (".yaml", ".yml"):
            found = ultralytics.read(path, diagnostics, size, version, scale)
        elif version is not None or scale is not None:
            raise Fault("wrong-value", f"{printable(path.suffix)} files have no versions or scales to choose from")
        else:
            found = READERS[path.suffix](path, diagnostics, size, keep)
    except Fault as fault:
        diagnostics.add(fault.diagnostic)
    diagnostics = opaque.told(diagnostics) if keep else diagnostics
    diagnostics.raise_if_errors()
    assert found is not None
    assembly = found.assembly
    network = assembly.network(found.outputs)
    network.name = name or network.name
    channels = {number: shape.channels for number, shape in enumerate(assembly.shapes) if "channels" in shape.axes}
    try:
        return Imported(network.name, written(network, channels), found, diagnostics.all)
    except RecursionError:
        said = f"`{printable(str(path))}` nests deeper than a spec can"
        raise SpecError([Diagnostic("too-deep", said)]) from None
