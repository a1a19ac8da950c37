"""A flattened model as a network: channels move to the front, and each layer becomes ops by its rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from archspec.diagnostics import Diagnostic, Diagnostics, Fault, did_you_mean, printable
from archspec.importers.assembly import Assembly
from archspec.importers.keras.graph import OPERATIONS, Call, Flat, Ref
from archspec.importers.keras.settings import Settings
from archspec.importers.keras.weights import Filling
from archspec.importers.naming import Frames, legal, paths
from archspec.importers.network import Frame, Layer

USUAL = 224
"""The image size if the file leaves it open."""

WORDS = {"BatchNormalization": "bn", "Dense": "fc", "InputLayer": "input", "LayerNormalization": "norm"}
"""The prefixes of names that begin with a digit, by layer class."""

Rule = Callable[["Given"], int]


@dataclass(slots=True, eq=False)
class Given:
    """One call, with its inputs."""

    network: Network
    call: Call
    settings: Settings
    reads: list[int]
    numbers: list[float]
    """Plain numbers among the arguments of an operation."""
    frame: Frame
    path: tuple[str, ...]
    first: list[Layer] | None
    """The layers made for the first call of this layer; none if this is the first."""
    made: list[Layer] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """The class of the layer."""
        return self.call.kind

    def add(self, op: str, reads: Sequence[int] | None = None, part: str = "", **arguments: Any) -> int:
        """Add one op in the layer's place; ``part`` names it if several have weights."""
        assembly = self.network.assembly
        path = (*self.path[:-1], f"{self.path[-1]}_{part}") if part else self.path
        again = self.first[len(self.made)] if self.first is not None and len(self.made) < len(self.first) else None
        values = self.reads if reads is None else list(reads)
        number = assembly.add(op, values, arguments, path=path, frame=self.frame, again=again)
        self.made.append(assembly.layers[-1])
        return number

    def keep(self, tensor: str, variable: str, how: str = "plain", part: str = "", values: Any = None) -> None:
        """Record which variable of the layer a tensor of the step comes from, or which numbers it is made from."""
        if self.first is None:
            path = (*self.path[:-1], f"{self.path[-1]}_{part}") if part else self.path
            key = ".".join((*path, tensor)) if tensor else ".".join(path)
            self.network.fillings.append(Filling(key, self.call.name, variable, how, values))

    def rank(self) -> int:
        """The number of spatial axes of the first input."""
        return self.network.assembly.shapes[self.reads[0]].rank

    def channels(self) -> int:
        """The number of channels of the first input."""
        return self.network.assembly.channels(self.reads[0])

    def dims(self, value: int) -> list[int]:
        """Channels and sizes of a value."""
        return [int(str(dim)) for dim in self.network.assembly.shapes[value].dims]

    def first_data_format(self) -> bool:
        """Whether the layer's channels come before its other axes."""
        return self.settings.word("data_format", ("channels_last", "channels_first"), self.network.format) == (
            "channels_first"
        )

    def axis(self, at: int) -> str:
        """The name of an axis of Keras's tensor; raises :class:`Fault`."""
        axes = self.network.assembly.shapes[self.reads[0]].axes
        theirs = axes if self.network.format == "channels_first" else (*axes[1:], *axes[:1])
        if not -len(axes) <= at <= len(axes) or at == 0:
            raise self.settings.refuse(f"there is no axis {at}")
        return theirs[at - 1 if at > 0 else at]


class Network:
    """The steps made so far, and the step of each value of the model."""

    def __init__(self, flat: Flat, name: str, old: bool, size: Sequence[int] | None, keep: Rule | None = None) -> None:
        self.flat = flat
        self.keep = keep
        """What makes opaque steps of layers without counterpart; None if they are refused."""
        self.old = old
        """Whether the file was written by Keras 2."""
        self.assembly = Assembly(name)
        self.fillings: list[Filling] = []
        self.values: dict[int, int | None] = {}
        self.readers: dict[int, list[Call]] = {}
        self.flattened: dict[int, tuple[int, ...]] = {}
        """By value, the sizes of the map flattened into it: the matrix that reads it must be reordered for them."""
        self.format = "channels_last"
        for call in flat.calls:
            if call.settings.config.get("data_format") == "channels_first":
                self.format = "channels_first"
            for read in call.reads:
                if isinstance(read, Ref):
                    self.readers.setdefault(read.value, []).append(call)
        for at, (value, word, dims) in enumerate(flat.inputs):
            self.values[value] = self._input(word, dims, size if at == 0 else None)

    def _input(self, name: str, dims: tuple[int | None, ...], size: Sequence[int] | None) -> int:
        shown = printable(name, 60)
        own: list[int | None] = list(dims if self.format == "channels_first" else (*dims[-1:], *dims[:-1]))
        if size is not None:
            if len(size) != len(own):
                raise Fault("bad-input", f"the input `{shown}` has {len(own)} axes besides the batch, not {len(size)}")
            if own[0] not in (None, size[0]):
                raise Fault("bad-input", f"the input `{shown}` has {own[0]} channels in the file, not {size[0]}")
            own = list(size)
        if own[0] is None:
            raise Fault("bad-input", f"the input `{shown}` has no channels", None, "give them: --input 3x224x224")
        word = re.sub(r"_?\d+\Z", "", legal(name, "input"))
        word = "image" if word in ("input", "input_layer", "input_") else word
        return self.assembly.input(word, [USUAL if dim is None else dim for dim in own])

    def run(self, rules: dict[str, Any], operations: dict[str, Any], diagnostics: Diagnostics) -> list[tuple[str, int]]:
        """Assemble the network; returns its outputs by name.  Layers without a counterpart become diagnostics."""
        firsts = [call for call in self.flat.calls if call.first]
        follow = [_follows(call) for call in firsts]
        words = [WORDS.get(call.kind, legal(call.kind.lower(), "layer")) for call in firsts]
        taken = [name for name, _ in self.assembly._inputs]
        found = paths([_split(call.name) for call in firsts], words, follow, taken)
        place = {call.name: path for call, path in zip(firsts, found, strict=True)}
        frames = Frames(self.assembly.root)
        made: dict[str, list[Layer]] = {}
        for call in self.flat.calls:
            operation = call.module.startswith(OPERATIONS)
            rule = operations.get(call.kind) if operation else rules.get(call.kind)
            reads = [self.values.get(read.value) for read in call.reads if isinstance(read, Ref)]
            self.values[call.gives] = None
            unknown = None if rule is not None else _unknown(call, operations if operation else rules)
            if any(read is None for read in reads):
                if unknown is not None:
                    diagnostics.add(unknown.diagnostic)
                continue
            path = place.get(call.name, (legal(call.name, "layer"),))
            given = Given(
                self, call, call.settings, [read for read in reads if read is not None],
                [read for read in call.reads if not isinstance(read, Ref)], frames.of(path), path,
                None if call.first else made.get(call.name),
            )  # fmt: skip
            mark, filled = self.assembly.mark(), len(self.fillings)
            try:
                if rule is None:
                    raise unknown or AssertionError
                _check(given)
                self.values[call.gives] = rule(given)
                if call.first:
                    call.settings.close(diagnostics)
            except Fault as fault:
                if self.keep is not None and fault.diagnostic.code == "not-importable":
                    self.assembly.back(mark)
                    del self.fillings[filled:], given.made[:]
                self.values[call.gives] = self._refused(given, fault.diagnostic, diagnostics)
            made.setdefault(call.name, given.made)
        return self._outputs(taken)

    def _refused(self, given: Given, found: Diagnostic, diagnostics: Diagnostics) -> int | None:
        """An opaque step in place of a layer; or None, and a diagnostic."""
        hint = found.hint
        if self.keep is not None and found.code == "not-importable":
            try:
                return self.keep(given)
            except Fault as fault:
                hint = f"--opaque: {fault.diagnostic.message}"
        what = given.settings.what
        said = found.message if found.message.startswith("`") and what in found.message else f"{what}: {found.message}"
        diagnostics.add(Diagnostic(found.code, said, None, hint))
        return None

    def _outputs(self, taken: Sequence[str]) -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = []
        used = set(taken)
        for value, name in self.flat.outputs:
            word = legal(name, "output")
            while word in used:
                word += "_"
            used.add(word)
            number = self.values.get(value)
            if number is not None:
                found.append((word, number))
        return found


def _check(given: Given) -> None:
    """Raise :class:`Fault` if a call has no input, or arguments that no rule takes."""
    if not given.reads:
        raise given.settings.refuse("it has no input")
    if any(type(number) not in (int, float) for number in given.numbers) or (
        given.numbers and given.kind not in ("Add", "Multiply")
    ):
        raise given.settings.refuse("arguments other than tensors are not supported")


def _unknown(call: Call, known: dict[str, Any]) -> Fault:
    code = call.kind in ("Lambda", "TFOpLambda")
    hint = "a Lambda is code in the file; nothing of a file is run" if code else did_you_mean(call.kind, known)
    return call.settings.refuse("its class is not supported", hint)


FOLLOWING = ("Activation", "Add", "ELU", "LeakyReLU", "Multiply", "ReLU")


def _follows(call: Call) -> bool:
    """Whether a layer belongs to the scope of the one before it: it has no weights, and is named after its class."""
    word = re.sub(r"\W|_", "", call.kind).lower()
    own = re.sub(r"_?\d*\Z", "", call.name.rpartition("/")[2]).replace("_", "")
    return call.kind in FOLLOWING and own == word


def _split(name: str) -> str:
    """A name split by ``/`` after its numbers: ``conv2_block1_1_conv`` becomes ``conv2/block1/conv1``."""
    *around, own = name.split("/")
    found: list[str] = []
    while match := re.match(r"((?:[A-Za-z]+_)*?[A-Za-z]+_?\d+[a-z]?)_(?=[A-Za-z]|\d+_[A-Za-z])", own):
        found.append(match[1])
        own = own[match.end() :]
    own = re.sub(r"\A(\d+)_([A-Za-z]\w*)\Z", r"\2\1", own)
    return "/".join((*around, *found, own))
