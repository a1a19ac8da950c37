"""A model laid open as a network: channels go to the front, and each layer becomes ops by its rule."""

from __future__ import annotations

import re
from collections.abc import Sequence
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
"""The size of an image where a file leaves it open."""

WORDS = {"BatchNormalization": "bn", "Dense": "fc", "InputLayer": "input", "LayerNormalization": "norm"}
"""What is put before names that begin with a digit."""


@dataclass(slots=True, eq=False)
class Given:
    """One call, with what it reads."""

    network: Network
    call: Call
    settings: Settings
    reads: list[int]
    numbers: list[float]
    """Plain numbers among the arguments of an operation."""
    frame: Frame
    path: tuple[str, ...]
    first: list[Layer] | None
    """The layers that the first call of this layer gave, none for the first."""
    made: list[Layer] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """The class of the layer."""
        return self.call.kind

    def add(self, op: str, reads: Sequence[int] | None = None, part: str = "", **arguments: Any) -> int:
        """One op in the layer's place; ``part`` names it beside others with weights."""
        assembly = self.network.assembly
        path = (*self.path[:-1], f"{self.path[-1]}_{part}") if part else self.path
        again = self.first[len(self.made)] if self.first is not None and len(self.made) < len(self.first) else None
        values = self.reads if reads is None else list(reads)
        number = assembly.add(op, values, arguments, path=path, frame=self.frame, again=again)
        self.made.append(assembly.layers[-1])
        return number

    def keep(self, tensor: str, variable: str, how: str = "plain", part: str = "", values: Any = None) -> None:
        """Note which variable of the layer a tensor of the step is, or of which numbers it is made."""
        if self.first is None:
            path = (*self.path[:-1], f"{self.path[-1]}_{part}") if part else self.path
            key = ".".join((*path, tensor)) if tensor else ".".join(path)
            self.network.fillings.append(Filling(key, self.call.name, variable, how, values))

    def rank(self) -> int:
        """How many spatial axes the first input has."""
        return self.network.assembly.shapes[self.reads[0]].rank

    def channels(self) -> int:
        """How many channels the first input has."""
        return self.network.assembly.channels(self.reads[0])

    def dims(self, value: int) -> list[int]:
        """Channels and sizes of a value."""
        return [int(str(dim)) for dim in self.network.assembly.shapes[value].dims]

    def first_data_format(self) -> bool:
        """Whether the layer has its channels before the other axes."""
        return self.settings.word("data_format", ("channels_last", "channels_first"), self.network.format) == (
            "channels_first"
        )

    def axis(self, at: int) -> str:
        """The name of an axis of Keras's tensor; raises :class:`Fault`."""
        axes = self.network.assembly.shapes[self.reads[0]].axes
        theirs = axes if self.network.format == "channels_first" else (*axes[1:], *axes[:1])
        if not -len(axes) <= at <= len(axes) or at == 0:
            raise self.settings.refuse(f"there is no axis {at} to work along")
        return theirs[at - 1 if at > 0 else at]


class Network:
    """The steps made so far, and what each value of the model is."""

    def __init__(self, flat: Flat, name: str, old: bool, size: Sequence[int] | None) -> None:
        self.flat = flat
        self.old = old
        """Whether Keras 2 wrote it."""
        self.assembly = Assembly(name)
        self.fillings: list[Filling] = []
        self.values: dict[int, int | None] = {}
        self.readers: dict[int, list[Call]] = {}
        self.flattened: dict[int, tuple[int, ...]] = {}
        """By value the map that was flattened into it, whose order the matrix after it still has to follow."""
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
                raise Fault("bad-input", f"the input `{shown}` has {len(own)} axes beside the batch, not {len(size)}")
            if own[0] not in (None, size[0]):
                raise Fault("bad-input", f"the input `{shown}` has {own[0]} channels in the file, not {size[0]}")
            own = list(size)
        if own[0] is None:
            raise Fault("bad-input", f"the input `{shown}` has no channels", None, "say it: --input 3x224x224")
        word = re.sub(r"_?\d+\Z", "", legal(name, "input"))
        word = "image" if word in ("input", "input_layer", "input_") else word
        return self.assembly.input(word, [USUAL if dim is None else dim for dim in own])

    def run(self, rules: dict[str, Any], operations: dict[str, Any], diagnostics: Diagnostics) -> list[tuple[str, int]]:
        """Assemble the network, and give its outputs by name; what has no counterpart goes to the diagnostics."""
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
            if rule is None:
                self._unknown(call, operations if operation else rules, diagnostics)
                self.values[call.gives] = None
                continue
            reads = [self.values.get(read.value) for read in call.reads if isinstance(read, Ref)]
            self.values[call.gives] = None
            if any(read is None for read in reads):
                continue
            path = place.get(call.name, (legal(call.name, "layer"),))
            given = Given(
                self, call, call.settings, [read for read in reads if read is not None],
                [read for read in call.reads if not isinstance(read, Ref)], frames.of(path), path,
                None if call.first else made.get(call.name),
            )  # fmt: skip
            try:
                if not reads:
                    raise call.settings.refuse("it reads nothing")
                if any(type(number) not in (int, float) for number in given.numbers) or (
                    given.numbers and call.kind not in ("Add", "Multiply")
                ):
                    raise call.settings.refuse("it is given more than tensors")
                self.values[call.gives] = rule(given)
                made.setdefault(call.name, given.made)
                if call.first:
                    call.settings.close(diagnostics)
            except Fault as fault:
                said = fault.diagnostic.message
                said = said if said.startswith("`") and call.settings.what in said else f"{call.settings.what}: {said}"
                diagnostics.add(Diagnostic(fault.diagnostic.code, said, None, fault.diagnostic.hint))
        return self._outputs(taken)

    def _unknown(self, call: Call, known: dict[str, Any], diagnostics: Diagnostics) -> None:
        code = call.kind in ("Lambda", "TFOpLambda")
        hint = "a Lambda is code in the file; nothing of a file is run" if code else did_you_mean(call.kind, known)
        diagnostics.error("not-importable", f"{call.settings.what}: there is nothing for its class", None, hint)

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


FOLLOWING = ("Activation", "Add", "ELU", "LeakyReLU", "Multiply", "ReLU")


def _follows(call: Call) -> bool:
    """Whether a layer stands where the one before it does: it learns nothing, and its name is that of its class."""
    word = re.sub(r"\W|_", "", call.kind).lower()
    own = re.sub(r"_?\d*\Z", "", call.name.rpartition("/")[2]).replace("_", "")
    return call.kind in FOLLOWING and own == word


def _split(name: str) -> str:
    """A name with ``/`` where numbers part it: ``conv2_block1_1_conv`` is ``conv2/block1/conv1``."""
    *around, own = name.split("/")
    found: list[str] = []
    while match := re.match(r"((?:[A-Za-z]+_)*?[A-Za-z]+_?\d+[a-z]?)_(?=[A-Za-z]|\d+_[A-Za-z])", own):
        found.append(match[1])
        own = own[match.end() :]
    own = re.sub(r"\A(\d+)_([A-Za-z]\w*)\Z", r"\2\1", own)
    return "/".join((*around, *found, own))
