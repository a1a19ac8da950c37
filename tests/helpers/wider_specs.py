"""Random networks with what fewer networks have: shortcuts that a condition decides, loops, weights used again, the
rarer normalisations, resizes by fractions, and a second input.

They are those of :mod:`random_specs` with other steps among theirs, so that each of these meets all the others.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from tests.helpers.random_specs import AXES, LARGEST, Entry, Generator, RandomSpec, Step, Value, text

FACTORS = (0.4, 0.5, 0.75, 1.25, 1.3333, 1.5, 2.5)


class WiderGenerator(Generator):
    """Makes one network from a seed."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.shared: list[tuple[Step, int]] = []
        """Steps whose weights may be used again, with the channels that they take."""
        if self.random.random() < 0.3:
            self.spec.second = self.random.choice((1, 2, 4))
            image = self.values[0]
            self.values.insert(0, Value("other", self.spec.second, image.sizes, image.constant))

    def _step(self) -> None:
        if self.random.random() < 0.5:
            super()._step()
            return
        source = self._source()
        kinds = {
            self._per_channel: 5, self._whole_map: 3, self._layer_norm: 3, self._softmax: 3, self._fraction: 4,
            self._loop: 4, self._shortcut: 5, self._again: 5, self._meet_other: 3, self._resize: 3,
        }  # fmt: skip
        self.random.choices(list(kinds), list(kinds.values()))[0](source)

    # -- ops -----------------------------------------------------------------------------------------------------------

    def _per_channel(self, source: Value) -> None:
        """What looks at no other place of the map."""
        chance = self.random
        if chance.random() < 0.5:
            given = {"size": chance.randint(1, 5)} | ({"k": 2, "alpha": 0.1} if chance.random() < 0.5 else {})
            self._add("lrn", given, (source,), source.channels, source.sizes)
        else:
            given = {"per_channel": True} if chance.random() < 0.5 else {}
            self._add("prelu", given, (source,), source.channels, source.sizes)

    def _whole_map(self, source: Value) -> None:
        given = {"affine": True} if self.random.random() < 0.5 else {}
        self._add("instance_norm", given, (source,), source.channels, source.sizes)

    def _layer_norm(self, source: Value) -> None:
        chance = self.random
        if chance.random() < 0.5:
            given = {"affine": False} if chance.random() < 0.3 else {}
            self._add("layer_norm", given, (source,), source.channels, source.sizes)
            return
        sizes, constant = tuple(chance.randint(1, 4) for _ in range(self.rank)), (True,) * self.rank
        pooled = self._add("adaptive_avg_pool", {"size": list(sizes)}, (source,), source.channels, sizes, constant)
        axes = ["channels", *AXES[self.rank]][chance.randint(0, self.rank) :]
        self._add("layer_norm", {"axes": axes}, (pooled,), source.channels, sizes, constant)

    def _softmax(self, source: Value) -> None:
        chance = self.random
        axis = chance.choice(("channels", *AXES[self.rank]))
        op = chance.choice(("softmax", "log_softmax"))
        self._add(op, {} if axis == "channels" else {"axis": axis}, (source,), source.channels, source.sizes)

    def _fraction(self, source: Value) -> None:
        """A resize by factors that are not all whole."""
        chance = self.random
        scale = self._axes(lambda: chance.choice(FACTORS))
        arguments: dict[str, Any] = {"scale": scale} | ({"mode": "linear"} if chance.random() < 0.5 else {})
        factors = (Fraction(str(factor)) for factor in self._each(scale))
        sizes = tuple(int(x * factor) for x, factor in zip(source.sizes, factors, strict=True))
        if min(sizes) > 0 and max(sizes) <= 2 * LARGEST[self.rank]:
            self._add("upsample", arguments, (source,), source.channels, sizes)

    def _resize(self, source: Value) -> None:
        """To the size of another step, whatever that is."""
        chance = self.random
        other = chance.choice([value for value in self.values if len(value.sizes) == self.rank])
        linear = {"mode": "linear"} | ({"align_corners": True} if chance.random() < 0.4 else {})
        arguments = {"to": other.name} | (linear if chance.random() < 0.6 else {})
        self._add("upsample", arguments, (source, other), source.channels, other.sizes, other.constant)

    def _meet_other(self, source: Value) -> None:
        """The second input, brought to where the first has come."""
        other = next((value for value in self.values if value.name == "other"), None)
        if other is not None and source is not other:
            arguments = {"channels": source.channels, "kernel": 1}
            found = self._add("conv", arguments, (other,), source.channels, other.sizes, other.constant)
            if found.sizes != source.sizes:
                found = self._add("upsample", {"to": source.name}, (found, source), source.channels, source.sizes,
                                  source.constant)  # fmt: skip
            op = self.random.choice(("add", "multiply"))
            self._add(op, {}, (source, found), source.channels, source.sizes, source.constant)

    # -- forms of the language -----------------------------------------------------------------------------------------

    def _hold(self, step: Step, source: Value, channels: int) -> Value:
        """Keep a step that gives a map of its source's size."""
        self.spec.steps.append(step)
        self.spec.constant[step.name] = source.constant
        return Value(step.name, channels, source.sizes, source.constant)

    def _loop(self, source: Value) -> None:
        """The same step several times, by `for`."""
        chance = self.random
        kernel = [chance.choice((1, 3)) for _ in range(self.rank)]
        around = {"kernel": kernel, "padding": [k // 2 for k in kernel]}
        op, arguments = chance.choice(
            (("conv", {"channels": source.channels, **around}), ("max_pool", {**around, "stride": 1}), ("prelu", {}))
        )
        if source.name != (self.spec.steps[-1].name if self.spec.steps else "image"):
            # with `from`, each turn would read the same
            source = self._add("identity", {}, (source,), source.channels, source.sizes)
        turns = chance.randint(1, 4)
        stem = f"n{len(self.spec.steps) + 1}_"
        lines = (f"  - {op} as {stem}$i: {text(arguments)}", f"    for: i in range({turns})")
        entry = Entry(lines, source.name)
        for turn in range(turns):
            step = Step(f"{stem}{turn}", op, arguments, (source.name,), Entry() if turn else entry)
            source = self._hold(step, source, source.channels)
        self.values.append(source)

    def _shortcut(self, source: Value) -> None:
        """A convolution, beside it a projection where a condition says so, else the input itself."""
        chance = self.random
        joined = f"n{len(self.spec.steps) + 1}"
        inner, side = f"{joined}.0.a", f"{joined}.1.b"
        channels = chance.choice((source.channels, source.channels, 1, 2, 4))
        always = channels == source.channels and chance.random() < 0.3
        condition = "previous.channels > 0" if always else f"previous.channels != {channels}"
        body, projection = {"channels": channels, "kernel": 3, "padding": 1}, {"channels": channels, "kernel": 1}
        self._hold(Step(inner, "conv", body, (source.name,), Entry(inside=True)), source, channels)
        beside = source.name
        if always or channels != source.channels:
            self._hold(Step(side, "conv", projection, (source.name,), Entry(inside=True)), source, channels)
            beside = side
        lines = (
            f"  - add as {joined}:",
            f"    - [conv as a: {text(body)}]",
            f"    - [{{conv as b: {text(projection)}, when: {condition}}}]",
        )
        step = Step(joined, "add", {}, (inner, beside), Entry(lines, source.name))
        self.values.append(self._hold(step, source, channels))

    def _again(self, source: Value) -> None:
        """A convolution, or one of before with its weights."""
        fitting = [step for step, channels in self.shared if channels == source.channels]
        if not fitting or self.random.random() < 0.5:
            arguments = {"channels": self.random.choice((source.channels, 2)), "kernel": 3, "padding": 1}
            self._add("conv", arguments, (source,), arguments["channels"], source.sizes)
            self.shared.append((self.spec.steps[-1], source.channels))
            return
        before = self.random.choice(fitting)
        name = f"n{len(self.spec.steps) + 1}"
        entry = Entry((f"  - reuse: {before.name}", f"    label: {name}"), source.name)
        step = Step(name, "conv", before.arguments, (source.name,), entry, before.name)
        self.values.append(self._hold(step, source, before.arguments["channels"]))


def wider_spec(seed: int) -> RandomSpec:
    """The network of a seed."""
    return WiderGenerator(seed).make()
