"""A ``.prototxt`` as a network: its layers in the phase TEST, wired by their blobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from archspec.diagnostics import Diagnostics, Fault, did_you_mean, printable
from archspec.importers import opaque
from archspec.importers.assembly import Assembly
from archspec.importers.caffe.fields import Fields
from archspec.importers.caffe.given import Given
from archspec.importers.caffe.layers import ACTIVATIONS, MANY, RULES, TWO, WORDS
from archspec.importers.caffe.prototxt import Document
from archspec.importers.caffe.weights import Filling
from archspec.importers.naming import Frames, legal, paths

OLD_TYPES = {
    "BATCHNORM": "BatchNorm", "BNLL": "BNLL", "CONCAT": "Concat", "CONVOLUTION": "Convolution",
    "DECONVOLUTION": "Deconvolution", "DROPOUT": "Dropout", "ELTWISE": "Eltwise", "FLATTEN": "Flatten",
    "INNER_PRODUCT": "InnerProduct", "LRN": "LRN", "POOLING": "Pooling", "POWER": "Power", "RELU": "ReLU",
    "SIGMOID": "Sigmoid", "SLICE": "Slice", "SOFTMAX": "Softmax", "SPLIT": "Split", "TANH": "TanH",
    "DATA": "Data", "IMAGE_DATA": "ImageData", "MEMORY_DATA": "MemoryData", "DUMMY_DATA": "DummyData",
    "WINDOW_DATA": "WindowData", "HDF5_DATA": "HDF5Data", "ACCURACY": "Accuracy", "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "EUCLIDEAN_LOSS": "EuclideanLoss", "SIGMOID_CROSS_ENTROPY_LOSS": "SigmoidCrossEntropyLoss",
    "HINGE_LOSS": "HingeLoss", "INFOGAIN_LOSS": "InfogainLoss", "MULTINOMIAL_LOGISTIC_LOSS": "MultinomialLogisticLoss",
    "SILENCE": "Silence",
}  # fmt: skip
"""Layer types as the old syntax, ``layers``, spells them."""

DATA = ("Data", "ImageData", "MemoryData", "DummyData", "WindowData", "HDF5Data")
LOSSES = (
    "Accuracy", "SoftmaxWithLoss", "EuclideanLoss", "SigmoidCrossEntropyLoss", "HingeLoss", "InfogainLoss",
    "MultinomialLogisticLoss",
)  # fmt: skip
"""Types that only training and scoring need: their first input is an output of the network."""

_BESIDE = ("param", "loss_weight", "propagate_down", "blobs_lr", "weight_decay", "include", "exclude", "phase")
"""Keys of any layer that do not affect its output."""

_OF_NET = ("layer", "layers", "force_backward", "debug_info", "state", "name")
_TRAINING = "TRAIN"


@dataclass(slots=True, eq=False)
class Entry:
    """One layer of the phase."""

    fields: Fields
    name: str
    kind: str
    bottoms: list[str]
    tops: list[str]
    merged: Entry | None = None
    """For a BatchNorm, the Scale that follows and is merged with it."""
    skipped: bool = False
    path: tuple[str, ...] = ()


class Reading:
    """One file being read."""

    def __init__(
        self, text: str, name: str, diagnostics: Diagnostics, size: Sequence[int] | None = None, keep: bool = False
    ) -> None:
        self.diagnostics = diagnostics
        self.opaque: list[str] | None = [] if keep else None
        """The layers kept as opaque steps; None if all without counterpart are refused."""
        self.document = Document(text, name)
        self.net = Fields(self.document, self.document.root, "the network")
        self.size = None if size is None else list(size)
        title = self.net.text("name") or name.rpartition("/")[2].removesuffix(".prototxt")
        self.assembly = Assembly(legal(title, "net"))
        self.blobs: dict[str, int | None] = {}
        """The value of each blob so far; None if its layer was refused, or if it is not an image (labels)."""
        self.unread: dict[str, None] = {}
        self.fillings: list[Filling] = []

    def run(self) -> list[tuple[str, int]]:
        """Assemble the network; returns its outputs by name.

        Faults are added to the diagnostics; raises :class:`Fault` if the import cannot go on.
        """
        entries = self._entries()
        self._inputs(entries)
        body = [entry for entry in entries if entry.kind not in (*DATA, "Input")]
        if not self.assembly.shapes:
            raise Fault("no-inputs", "the network has no input", self.document.span(self.document.root))
        _pair(body)
        taken = list(self.blobs)
        words = [WORDS.get(entry.kind, entry.kind.lower()) for entry in body]
        frames = Frames(self.assembly.root)
        follow = [entry.kind in ACTIVATIONS or entry.skipped for entry in body]
        for entry, path in zip(body, paths([entry.name for entry in body], words, follow, taken), strict=True):
            entry.path = path
        for entry in body:
            self._layer(entry, frames)
        if self.opaque:
            self.diagnostics.add(opaque.unknown_tensors(self.opaque))
        self.net.close(self.diagnostics, _OF_NET)
        return self._outputs(taken)

    def _entries(self) -> list[Entry]:
        """The layers of the phase TEST, in order."""
        found: list[Entry] = []
        for syntax in ("layer", "layers"):
            for message in self.net.messages(syntax, apart=True):
                try:
                    entry = self._entry(message, old=syntax == "layers")
                except Fault as fault:
                    self.diagnostics.add(fault.diagnostic)
                    continue
                if entry is not None:
                    found.append(entry)
        if self.net.has("layer") and self.net.has("layers"):
            raise Fault(
                "not-importable",
                "`layer` and `layers` belong to different versions of the syntax",
                self.net.span("layers"),
            )
        return found

    def _entry(self, fields: Fields, old: bool) -> Entry | None:
        kinds = fields.scalars("type")
        if len(kinds) != 1:
            raise Fault("not-importable", "the layer needs exactly one `type`", fields.place)
        kind = kinds[0].text
        kind = OLD_TYPES.get(kind, kind) if old else kind
        name = fields.text("name") or kind.lower()
        fields.what = f"{printable(name, 40)} ({printable(kind, 40)})"
        if not _in_phase(fields):
            return None
        bottoms, tops = fields.texts("bottom"), fields.texts("top")
        known = kind in RULES or kind in (*DATA, *LOSSES, "Input", "Silence")
        if not known and not (self.opaque is not None and _in_place(bottoms, tops)):
            hint = did_you_mean(kind, RULES)
            said = f"there is nothing for the layer type `{printable(kind, 40)}`"
            self.diagnostics.error("not-importable", said, self.document.span(kinds[0]), hint)
        return Entry(fields, name, kind, bottoms, tops)

    # -- inputs --------------------------------------------------------------------------------------------------------

    def _inputs(self, entries: list[Entry]) -> None:
        """Add the inputs of the network and its data layers; the user may give the first image's size."""
        names = self.net.texts("input")
        dims = [self.net.wholes("input_dim", 1)[at : at + 4] for at in range(0, 4 * len(names), 4)]
        shapes = [message.wholes("dim", 1) for message in self.net.messages("input_shape")] or dims
        for name, shape in zip(names, [*shapes, *[[]] * len(names)], strict=False):
            self._input(name, shape, self.net)
        for entry in entries:
            if entry.kind == "Input":
                inner = entry.fields.message("input_param")
                shapes = [message.wholes("dim", 1) for message in inner.messages("shape")]
                for at, name in enumerate(entry.tops):
                    self._input(name, shapes[min(at, len(shapes) - 1)] if shapes else [], entry.fields)
                entry.fields.close(self.diagnostics, _BESIDE)
            elif entry.kind in DATA:
                self._data(entry)

    def _input(self, name: str, dims: Sequence[int], at: Fields) -> None:
        if name in self.blobs:
            raise Fault("not-importable", f"the blob `{printable(name, 60)}` is made twice", at.place)
        shape = list(dims)[1:]
        if self.size is not None and not self.assembly.shapes:
            shape = self.size
        if not shape:
            hint = "give them: --input 3x224x224"
            raise Fault("bad-input", f"the input `{printable(name, 60)}` has no channels and sizes", at.place, hint)
        word = legal(name, "input")
        self.blobs[name] = self.assembly.input(word if word != "input_" else "image", shape, at.place)

    def _data(self, entry: Entry) -> None:
        """Add a layer that reads a database: its image is cropped to ``crop_size``; its other outputs are labels."""
        if not entry.tops:
            return
        crops = [message.whole("crop_size", 0) for message in entry.fields.messages("transform_param")]
        memory = [
            [1, *(message.whole(key, 0) for key in ("channels", "height", "width"))]
            for message in entry.fields.messages("memory_data_param")
        ]
        dims = memory[0] if memory else [1, 3, crops[0], crops[0]] if crops and crops[0] else []
        self._input(entry.tops[0], dims, entry.fields)
        for name in entry.tops[1:]:
            self.blobs[name] = None

    # -- layers --------------------------------------------------------------------------------------------------------

    def _layer(self, entry: Entry, frames: Frames) -> None:
        """Apply one layer's rule, or report its error; its outputs are then unknown."""
        reads = self._reads(entry)
        if entry.kind in LOSSES or entry.kind == "Silence" or entry.skipped:
            if entry.skipped:
                self._give(entry, [self.blobs.get(entry.bottoms[0])])
                entry.fields.close(self.diagnostics, _BESIDE)
            elif entry.kind != "Silence" and entry.bottoms:
                self.unread[entry.bottoms[0]] = None
            return
        values: list[int | None] = [None] * len(entry.tops)
        known = [value for value in reads if value is not None]
        if entry.kind in RULES and len(known) == len(reads):
            given = Given(
                entry.fields, entry.name, entry.kind, self.assembly, known, len(entry.tops), entry.path,
                frames.of(entry.path),
            )  # fmt: skip
            if entry.merged is not None:
                scale = entry.merged
                given.scale = Given(scale.fields, scale.name, scale.kind, self.assembly, known, 1)
            try:
                self._count(entry, len(known))
                values = list(RULES[entry.kind](given))
                self.fillings += given.fillings
                entry.fields.close(self.diagnostics, _BESIDE)
            except Fault as fault:
                self.diagnostics.add(fault.diagnostic)
        elif self.opaque is not None and _in_place(entry.bottoms, entry.tops) and known:
            values = [self._kept(entry, known[0], frames)]
            self.opaque.append(entry.fields.what)
        self._give(entry, values)

    def _kept(self, entry: Entry, value: int, frames: Frames) -> int:
        """An opaque step for a layer that writes over its input, and so has its shape."""
        shape = self.assembly.shapes[value]
        sizes: list[int | str] = [shape.channels, *shape.spatial_axes]
        return opaque.keep(
            self.assembly, entry.kind, [value], sizes, {}, path=entry.path, frame=frames.of(entry.path),
            span=entry.fields.place,
        )  # fmt: skip

    def _count(self, entry: Entry, reads: int) -> None:
        most = 1000 if entry.kind in MANY else 2 if entry.kind in TWO else 1
        tops = 1000 if entry.kind in ("Slice", "Split") else 1
        if not 1 <= reads <= most or not 1 <= len(entry.tops) <= tops:
            said = f"{entry.kind}: {reads} inputs and {len(entry.tops)} outputs do not fit this layer"
            raise Fault("not-importable", said, entry.fields.place)
        shared = [message.text("name") for message in entry.fields.messages("param")]
        if any(shared):
            raise Fault(
                "not-importable", f"{entry.kind}: weights shared by name are not supported", entry.fields.span("param")
            )

    def _reads(self, entry: Entry) -> list[int | None]:
        found: list[int | None] = []
        for at, name in enumerate(entry.bottoms):
            if name not in self.blobs:
                place = entry.fields.all("bottom")[at]
                hint = did_you_mean(name, list(self.blobs)[-200:])
                said = f"no layer before makes the blob `{printable(name, 60)}`"
                self.diagnostics.error("not-importable", said, self.document.span(place), hint)
                self.blobs[name] = None
            self.unread.pop(name, None)
            found.append(self.blobs[name])
        return found

    def _give(self, entry: Entry, values: Sequence[int | None]) -> None:
        for name, value in zip(entry.tops, values, strict=False):
            self.blobs[name] = value
            self.unread[name] = None

    def _outputs(self, taken: Sequence[str]) -> list[tuple[str, int]]:
        """The blobs that no layer reads."""
        found: list[tuple[str, int]] = []
        used = set(taken)
        for name in self.unread:
            value = self.blobs[name]
            word = legal(name, "output")
            while word in used:
                word += "_"
            used.add(word)
            if value is not None:
                found.append((word, value))
        if not found and not self.diagnostics.errors:
            raise Fault("no-outputs", "the network has no output", self.document.span(self.document.root))
        return found


def _in_place(bottoms: Sequence[str], tops: Sequence[str]) -> bool:
    """Whether a layer writes over its only input, so that it has its shape: all that a prototxt says of shapes."""
    return len(bottoms) == 1 and bottoms == tops


def _pair(entries: Sequence[Entry]) -> None:
    """Merge each BatchNorm with the Scale after it, if that has a learnt scale and shift."""
    readers: dict[str, int] = {}
    for entry in entries:
        for name in entry.bottoms:
            readers[name] = readers.get(name, 0) + 1
    for first, second in pairwise(entries):
        if (first.kind, second.kind) != ("BatchNorm", "Scale") or first.tops != second.bottoms or len(first.tops) != 1:
            continue
        if first.tops != second.tops and readers[first.tops[0]] != 1:
            continue
        settings = second.fields.message("scale_param")
        try:
            plain = (settings.whole("axis", 1, -9), settings.whole("num_axes", 1, -1)) == (1, 1)
            if plain and settings.flag("bias_term", False):
                first.merged, second.skipped = second, True
        except Fault:
            continue  # reported when its own turn comes


def _in_phase(fields: Fields) -> bool:
    """Whether the phase TEST, without stages, includes a layer: the rules of Caffe's ``NetStateRule``."""
    include, exclude = fields.messages("include"), fields.messages("exclude")
    if include:
        return any(_meets(rule) for rule in include)
    return not any(_meets(rule) for rule in exclude)


def _meets(rule: Fields) -> bool:
    phase = rule.word("phase", ("TRAIN", "TEST", "0", "1"), "TEST")
    levels = rule.whole("min_level", 0, -1000) <= 0 <= rule.whole("max_level", 0, -1000)
    rule.texts("not_stage")
    return phase not in (_TRAINING, "0") and levels and not rule.texts("stage")
