"""Random networks, as YAML for archspec and as a plain program for torch: most valid, some not quite.

Nothing of archspec is used here: sizes are worked out from torch's documented formulas, at one size only, to know which
values could be merged.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
SYMBOLS = {1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}
LARGEST = {1: 60, 2: 32, 3: 14}
MERGES = ("add", "multiply", "concat", "subtract", "maximum", "minimum", "matmul")
"""Ops that read all their sources by `from`; any other reads the first, and names further ones in its arguments."""
WITHOUT = ("parameter", "sine_positions")
"""Ops that read no step, so that the next step reads the one before them."""


@dataclass
class Entry:
    """A step as it stands in the spec: its lines, and the value that it reads; none where another's lines write it."""

    lines: tuple[str, ...] = ()
    reads: str = ""
    inside: bool = False
    """Whether it is in a branch, so that the next step does not read it by itself."""


@dataclass
class Step:
    """One op of the program: its name, keyword, arguments and what it reads."""

    name: str
    op: str
    arguments: dict[str, Any]
    sources: tuple[str, ...]
    entry: Entry | None = None
    """How it is written, where that is not an op with its arguments."""
    weights_of: str = ""
    """The step whose weights it uses again."""


@dataclass
class Value:
    """A tensor as the generator sees it: channels, sizes at the base, and which of these never change."""

    name: str
    channels: int
    sizes: tuple[int, ...]
    constant: tuple[bool, ...]


@dataclass
class RandomSpec:
    """A random network."""

    seed: int
    rank: int
    channels: int
    base: dict[str, int]
    dims: tuple[str | int, ...]
    steps: list[Step] = field(default_factory=list)
    constant: dict[str, tuple[bool, ...]] = field(default_factory=dict)
    second: int = 0
    """Channels of another input of the same size, ``other``; none where this is 0."""

    @property
    def yaml(self) -> str:
        """The network as a spec."""
        lines = ["archspec: 1", f"name: Random{self.seed}"]
        dims = ", ".join(str(dim) for dim in (self.channels, *self.dims))
        sizes = ", ".join(f"{name}: {size}" for name, size in self.base.items())
        lines += ["inputs:", f"  image: [{dims}]"]
        if self.second:
            lines.append(f"  other: [{', '.join(map(str, (self.second, *self.dims)))}]")
        if sizes:
            lines.append(f"sizes: {{{sizes}}}")
        lines.append("steps:")
        previous = "image"
        for step in self.steps:
            if step.entry is not None:
                lines += step.entry.lines
                if step.entry.lines and step.entry.reads != previous:
                    lines.append(f"    from: {step.entry.reads}")
                previous = previous if step.entry.inside else step.name
                continue
            given = ", ".join(f"{name}: {text(value)}" for name, value in step.arguments.items())
            lines.append(f"  - {step.op} as {step.name}:" + (f" {{{given}}}" if given else ""))
            if step.op in WITHOUT:
                continue
            merged = step.op in MERGES
            kept = step.sources if merged else step.sources[:1]
            if merged:
                lines.append(f"    from: [{', '.join(kept)}]")
            elif kept[0] != previous:
                lines.append(f"    from: {kept[0]}")
            previous = step.name
        return "\n".join(lines) + "\n"

    def live(self) -> set[str]:
        """Steps that the last one needs."""
        needed = {self.steps[-1].name}
        for step in reversed(self.steps):
            if step.name in needed:
                needed.update(step.sources)
        return needed


def text(value: Any) -> str:
    """Plain data in YAML's flow style."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(text, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {text(inner)}" for name, inner in value.items()) + "}"
    return str(value)


class Generator:
    """Makes one network from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        chance = self.random
        rank = chance.choices((1, 2, 3), (35, 50, 15))[0]
        dims: list[str | int] = []
        base: dict[str, int] = {}
        for symbol in SYMBOLS[rank]:
            size = chance.randint(LARGEST[rank] // 3, LARGEST[rank] * 2 // 3)
            if base and chance.random() < 0.15:
                dims.append(size)
            else:
                dims.append(symbol)
                base[symbol] = size
        self.spec = RandomSpec(seed, rank, chance.choice((1, 2, 4)), base, tuple(dims))
        sizes = tuple(dim if isinstance(dim, int) else base[dim] for dim in dims)
        constant = tuple(isinstance(dim, int) for dim in dims)
        self.values = [Value("image", self.spec.channels, sizes, constant)]
        self.rank = rank

    def make(self) -> RandomSpec:
        """The network: 2 to 12 steps, perhaps with a dense end."""
        chance = self.random
        for _ in range(chance.randint(2, 12)):
            self._step()
        while not self.spec.steps:
            self._step()
        if chance.random() < 0.06:
            top = self.values[-1]
            if chance.random() < 0.5:
                top = self._add("global_avg_pool", {}, (top,), top.channels, (1,) * self.rank, (True,) * self.rank)
            flat = self._add("flatten", {}, (top,), top.channels, (), ())
            self._add("linear", {"features": chance.randint(1, 4)}, (flat,), 1, (), ())
        return self.spec

    def _add(
        self, op: str, arguments: dict[str, Any], sources: tuple[Value, ...], channels: int, sizes: tuple[int, ...],
        constant: tuple[bool, ...] | None = None,
    ) -> Value:  # fmt: skip
        name = f"n{len(self.spec.steps) + 1}"
        self.spec.steps.append(Step(name, op, arguments, tuple(source.name for source in sources)))
        found = Value(name, channels, sizes, sources[0].constant if constant is None else constant)
        self.spec.constant[name] = found.constant
        if sizes and min(sizes) > 0:
            self.values.append(found)
        return found

    def _source(self) -> Value:
        values = [value for value in self.values if len(value.sizes) == self.rank]
        return values[-1] if self.random.random() < 0.85 else self.random.choice(values)

    def _step(self) -> None:
        weights = {
            self._conv: 26, self._pool: 14, self._transpose: 10, self._upsample: 7, self._pad: 5, self._crop: 8,
            self._slice: 4, self._pointwise: 10, self._merge: 24, self._gate: 3, self._adaptive: 2, self._norm: 2,
        }  # fmt: skip
        kinds: list[Callable[[Value], None]] = list(weights)
        self.random.choices(kinds, list(weights.values()))[0](self._source())

    def _axes(self, draw: Callable[[], float]) -> Any:
        """One number for all axes, or one for each."""
        if self.random.random() < 0.6:
            return draw()
        return [draw() for _ in range(self.rank)]

    def _each(self, value: Any) -> list[Any]:
        return list(value) if isinstance(value, list) else [value] * self.rank

    def _conv(self, source: Value) -> None:
        chance = self.random
        kernel = self._axes(lambda: chance.randint(1, 4 if self.rank < 3 else 3))
        arguments: dict[str, Any] = {"channels": chance.choice((1, 2, 4)), "kernel": kernel}
        stride: Any = 1
        dilation = self._axes(lambda: chance.choice((1, 1, 1, 2, 3))) if chance.random() < 0.35 else 1
        padding: Any = 0
        kind = chance.random()
        if kind < 0.3:
            padding = "same"
            if chance.random() < 0.3:
                stride = 2
                kernel = [max(one, 2) for one in self._each(kernel)]
                arguments["kernel"] = kernel
        else:
            if chance.random() < 0.5:
                stride = self._axes(lambda: chance.randint(1, 3))
            if kind < 0.6:
                spans = zip(self._each(kernel), self._each(dilation), strict=True)
                padding = [d * (k - 1) // 2 for k, d in spans]
            elif kind < 0.8:
                padding = self._axes(lambda: chance.randint(0, 2))
            elif kind < 0.9:
                padding = [[chance.randint(0, 2), chance.randint(0, 2)] for _ in range(self.rank)]
        groups = chance.choice((2, source.channels)) if chance.random() < 0.2 else 1
        if groups > 1 and chance.random() < 0.9:
            arguments["channels"] = groups = source.channels
        arguments |= _given(stride=(stride, 1), padding=(padding, 0), dilation=(dilation, 1), groups=(groups, 1))
        if chance.random() < 0.4:
            arguments["bias"] = False
        numbers = zip(source.sizes, self._each(kernel), self._each(stride), self._sides(padding), self._each(dilation),
                      strict=True)  # fmt: skip
        sizes = tuple(
            -(-x // s) if side is None else (x + sum(side) - d * (k - 1) - 1) // s + 1 for x, k, s, side, d in numbers
        )
        self._add("conv", arguments, (source,), arguments["channels"], sizes)

    def _sides(self, padding: Any) -> list[tuple[int, int] | None]:
        if padding == "same":
            return [None] * self.rank
        return [(p, p) if isinstance(p, int) else (p[0], p[1]) for p in self._each(padding)]

    def _pool(self, source: Value) -> None:
        chance = self.random
        op = chance.choice(("max_pool", "avg_pool"))
        kernel = self._axes(lambda: chance.randint(1, 4 if self.rank < 3 else 3))
        stride = kernel if chance.random() < 0.3 else self._axes(lambda: chance.randint(1, 3))
        padding = [chance.randint(0, k // 2) for k in self._each(kernel)] if chance.random() < 0.5 else 0
        ceil = chance.random() < 0.4
        dilation = self._axes(lambda: chance.randint(1, 3)) if op == "max_pool" and chance.random() < 0.2 else 1
        if chance.random() < 0.02:
            padding = [k // 2 + 1 for k in self._each(kernel)]  # too much
        arguments: dict[str, Any] = {"kernel": kernel}
        if stride is not kernel:
            arguments["stride"] = stride
        arguments |= _given(padding=(padding, 0), dilation=(dilation, 1), ceil=(ceil, False))
        if op == "avg_pool" and chance.random() < 0.3:
            arguments["count_include_pad"] = False
        sizes = []
        each = zip(source.sizes, self._each(kernel), self._each(stride), self._each(padding), self._each(dilation),
                   strict=True)  # fmt: skip
        for x, k, s, p, d in each:
            room = x + 2 * p - d * (k - 1) - 1
            size = (-(-room // s) if ceil else room // s) + 1
            sizes.append(size - 1 if ceil and (size - 1) * s >= x + p else size)
        self._add(op, arguments, (source,), source.channels, tuple(sizes))

    def _transpose(self, source: Value) -> None:
        chance = self.random
        kernel = self._axes(lambda: chance.randint(1, 4 if self.rank < 3 else 3))
        stride = self._axes(lambda: chance.choice((1, 2, 2, 3) if self.rank < 3 else (1, 2)))
        padding = self._axes(lambda: chance.randint(0, 2)) if chance.random() < 0.4 else 0
        dilation = self._axes(lambda: chance.randint(1, 3)) if chance.random() < 0.2 else 1
        extra = self._axes(lambda: chance.randint(0, 1)) if chance.random() < 0.2 else 0
        if chance.random() < 0.9:
            fitting = zip(*map(self._each, (extra, stride, dilation)), strict=True)
            extra = [min(o, max(s, d) - 1) for o, s, d in fitting] if extra else 0
        channels = chance.choice((1, 2, 4))
        groups = 2 if source.channels % 2 == 0 and channels % 2 == 0 and chance.random() < 0.2 else 1
        arguments: dict[str, Any] = {"channels": channels, "kernel": kernel}
        arguments |= _given(
            stride=(stride, 1), padding=(padding, 0), output_padding=(extra, 0), dilation=(dilation, 1),
            groups=(groups, 1), bias=(chance.random() < 0.6, True),
        )  # fmt: skip
        each = zip(source.sizes, *map(self._each, (kernel, stride, padding, dilation, extra)), strict=True)
        sizes = tuple((x - 1) * s - 2 * p + d * (k - 1) + o + 1 for x, k, s, p, d, o in each)
        if max(sizes) <= 2 * LARGEST[self.rank]:
            self._add("conv_transpose", arguments, (source,), channels, sizes)

    def _upsample(self, source: Value) -> None:
        chance = self.random
        arguments: dict[str, Any] = {}
        if chance.random() < 0.4:
            arguments["mode"] = "linear"
            if chance.random() < 0.2:
                arguments["align_corners"] = True
        if chance.random() < 0.3:
            other = chance.choice([value for value in self.values if len(value.sizes) == self.rank])
            self._add("upsample", {"to": other.name, **arguments}, (source, other), source.channels, other.sizes,
                      other.constant)  # fmt: skip
            return
        scale = self._axes(lambda: chance.choice((1, 2, 2, 3))) if chance.random() < 0.8 else chance.choice((1.5, 0.5))
        if isinstance(scale, float):
            sizes = tuple(x * int(2 * scale) // 2 for x in source.sizes)
        else:
            sizes = tuple(x * s for x, s in zip(source.sizes, self._each(scale), strict=True))
        if max(sizes) <= 2 * LARGEST[self.rank]:
            self._add("upsample", {"scale": scale, **arguments}, (source,), source.channels, sizes)

    def _pad(self, source: Value) -> None:
        chance = self.random
        amount = [[chance.randint(0, 2), chance.randint(0, 2)] for _ in range(self.rank)]
        mode = chance.choice(("constant", "reflect", "replicate", "circular"))
        sizes = tuple(x + sum(pair) for x, pair in zip(source.sizes, amount, strict=True))
        self._add("pad", {"amount": amount} | _given(mode=(mode, "constant")), (source,), source.channels, sizes)

    def _crop(self, source: Value) -> None:
        chance = self.random
        smaller = [
            value
            for value in self.values
            if value is not source and len(value.sizes) == self.rank
            and (chance.random() < 0.05 or all(a <= b for a, b in zip(value.sizes, source.sizes, strict=True)))
        ]  # fmt: skip
        if smaller and chance.random() < 0.75:
            other = chance.choice(smaller)
            offset = [0] * self.rank if chance.random() < 0.2 else None
            arguments = {"to": other.name} | ({} if offset is None else {"offset": offset})
            found = self._add("crop", arguments, (source, other), source.channels, other.sizes, other.constant)
            if chance.random() < 0.7:
                self._concat([other, found])
            return
        if chance.random() < 0.3:
            size = [chance.randint(1, x) for x in source.sizes]
            self._add("crop", {"size": size}, (source,), source.channels, tuple(size), (True,) * self.rank)
            return
        amount = [[chance.randint(0, 2), chance.randint(0, 2)] for _ in range(self.rank)]
        sizes = tuple(x - sum(pair) for x, pair in zip(source.sizes, amount, strict=True))
        self._add("crop", {"amount": amount}, (source,), source.channels, sizes)

    def _slice(self, source: Value) -> None:
        chance = self.random
        at = chance.randrange(self.rank)
        start = chance.randint(0, 3)
        arguments: dict[str, Any] = {"axis": AXES[self.rank][at], "start": start}
        sizes, constant = list(source.sizes), list(source.constant)
        if chance.random() < 0.4:
            arguments["length"] = sizes[at] = chance.randint(1, 6)
            constant[at] = True
        else:
            sizes[at] -= start
        self._add("slice", arguments, (source,), source.channels, tuple(sizes), tuple(constant))

    def _pointwise(self, source: Value) -> None:
        op = self.random.choice(("relu", "sigmoid", "batch_norm", "dropout", "leaky_relu", "identity"))
        self._add(op, {}, (source,), source.channels, source.sizes)

    def _norm(self, source: Value) -> None:
        if source.channels % 2 == 0:
            self._add("group_norm", {"groups": 1}, (source,), source.channels, source.sizes)

    def _gate(self, source: Value) -> None:
        one, const = (1,) * self.rank, (True,) * self.rank
        pooled = self._add("global_avg_pool", {}, (source,), source.channels, one, const)
        squeezed = self._add("conv", {"channels": source.channels, "kernel": 1}, (pooled,), source.channels, one, const)
        gate = self._add("sigmoid", {}, (squeezed,), source.channels, one, const)
        self._add("multiply", {}, (source, gate), source.channels, source.sizes, source.constant)

    def _adaptive(self, source: Value) -> None:
        size = self._axes(lambda: self.random.randint(1, 4))
        sizes, constant = tuple(self._each(size)), (True,) * self.rank
        self._add("adaptive_avg_pool", {"size": size}, (source,), source.channels, sizes, constant)

    def _merge(self, source: Value) -> None:
        chance = self.random
        same = [value for value in self.values if value is not source and value.sizes == source.sizes]
        every = [value for value in self.values if value is not source and len(value.sizes) == self.rank]
        if every and chance.random() < 0.02:
            same = every
        if not same and every:
            other = chance.choice(every)
            fits = all(a >= b for a, b in zip(other.sizes, source.sizes, strict=True))
            op = "crop" if fits and chance.random() < 0.6 else "upsample"
            same = [self._add(op, {"to": source.name}, (other, source), other.channels, source.sizes, source.constant)]
        if not same:
            return
        others = chance.sample(same, min(len(same), chance.choice((1, 1, 1, 2))))
        op = chance.choice(("add", "add", "concat", "concat", "multiply"))
        merged = [source, *others]
        chance.shuffle(merged)
        if op == "concat" or any(value.channels != source.channels for value in others):
            self._concat(merged)
        else:
            self._add(op, {}, tuple(merged), source.channels, _shared(merged), _constant(merged))

    def _concat(self, values: list[Value]) -> None:
        chance = self.random
        if chance.random() < 0.06 and all(value.channels == values[0].channels for value in values):
            at = chance.randrange(self.rank)
            sizes, constant = list(values[0].sizes), list(_constant(values))
            sizes[at] = sum(value.sizes[at] for value in values)
            constant[at] = all(value.constant[at] for value in values)
            self._add("concat", {"axis": AXES[self.rank][at]}, tuple(values), values[0].channels, tuple(sizes),
                      tuple(constant))  # fmt: skip
            return
        channels = sum(value.channels for value in values)
        self._add("concat", {}, tuple(values), channels, values[0].sizes, _constant(values))


def _shared(values: list[Value]) -> tuple[int, ...]:
    return tuple(max(sizes) for sizes in zip(*(value.sizes for value in values), strict=True))


def _constant(values: list[Value]) -> tuple[bool, ...]:
    """Which sizes never change where values meet: those that must equal a constant, or are 1 everywhere."""
    found = []
    for at in range(len(values[0].sizes)):
        fixed = [value for value in values if value.constant[at] and value.sizes[at] != 1]
        found.append(bool(fixed) or all(value.constant[at] for value in values))
    return tuple(found)


def _given(**pairs: tuple[Any, Any]) -> dict[str, Any]:
    """The arguments that are not the default."""
    return {name: value for name, (value, default) in pairs.items() if value != default}


def random_spec(seed: int) -> RandomSpec:
    """The network of a seed."""
    return Generator(seed).make()
