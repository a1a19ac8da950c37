"""Random networks with what is no map among their steps: tokens, matrices, grids, states, indices; and with the ops
whose weights are made of others.

They are those of :mod:`wider_specs` with such steps among theirs.  Each leads from a map to a map, so that it meets all
the others.
"""

from __future__ import annotations

from typing import Any

from tests.helpers.random_specs import AXES, LARGEST, Entry, RandomSpec, Step, Value
from tests.helpers.wider_specs import WiderGenerator

TOKENS = ["length", "channels"]


class TokenGenerator(WiderGenerator):
    """Makes one network from a seed."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.encoders: list[tuple[Step, Value]] = []
        """Convolutions that can be transposed, with what they read."""

    def _step(self) -> None:
        if self.random.random() < 0.55:
            super()._step()
            return
        source = self._source()
        kinds = {
            self._tokens: 5, self._matrices: 4, self._patches: 4, self._unpool: 5, self._unit_length: 2, self._made: 4,
            self._tied: 5, self._pairs: 3, self._vectors: 5,
        }  # fmt: skip
        if self.rank < 3:
            kinds[self._recurrence] = 4
        if self.rank > 1:
            kinds[self._grid] = 4
        if self.rank == 2:
            kinds |= {self._shuffle: 4, self._places: 2}
        self.random.choices(list(kinds), list(kinds.values()))[0](source)

    # -- pieces --------------------------------------------------------------------------------------------------------

    def _put(self, op: str, arguments: dict[str, Any], *sources: str) -> str:
        """A step whose output is no map; gives its name."""
        name = f"n{len(self.spec.steps) + 1}"
        self.spec.steps.append(Step(name, op, arguments, sources))
        return name

    def _map(self, op: str, arguments: dict[str, Any], sources: tuple[str, ...], like: Value, channels: int) -> None:
        """A step that gives a map of another's size."""
        name = self._put(op, arguments, *sources)
        self.spec.constant[name] = like.constant
        self.values.append(Value(name, channels, like.sizes, like.constant))

    @property
    def _axes_of_map(self) -> tuple[str, ...]:
        return AXES[self.rank]

    # -- tokens --------------------------------------------------------------------------------------------------------

    def _tokens(self, source: Value) -> None:
        """Attention of all places, perhaps with one more token, and back to the map."""
        chance = self.random
        heads, width = chance.choice((1, 2)), chance.choice((1, 2, 4))
        flat = self._put("flatten", {"start": self._axes_of_map[0]}, source.name)
        last = self._put("permute", {"axes": TOKENS}, flat)
        channels, more = source.channels, chance.random() < 0.4
        if more:
            token = self._put("parameter", {"shape": [1, channels], "axes": TOKENS, "leading": True})
            last = self._put("concat", {"axis": "length"}, token, last)
        if chance.random() < 0.5:
            channels = heads * width
            last = self._put("linear", {"features": 3 * channels}, last)
            last = self._put("attention", {"heads": heads}, last)
        else:
            heads = heads if channels % heads == 0 else 1
            given = {"heads": heads} | ({"bias": False} if chance.random() < 0.3 else {})
            last = self._put("multihead_attention", given, last)
        if more:
            last = self._put("slice", {"axis": "length", "start": 1}, last)
        last = self._put("permute", {"axes": ["channels", "length"]}, last)
        self._map("unflatten", {"axis": "length", "to": source.name}, (last, source.name), source, channels)

    def _matrices(self, source: Value) -> None:
        """The rows of a map weighed by how they fit one another."""
        *before, rows, _ = ("channels", *self._axes_of_map)
        axes = ["channels", "keys"] if self.rank == 1 else [*before, rows, "keys"]
        fits = self._put("matmul", {"transpose": True, "axes": axes}, source.name, source.name)
        if self.random.random() < 0.6:
            fits = self._put("softmax", {"axis": "keys"}, fits)
        self._map("matmul", {"axes": ["channels", *self._axes_of_map]}, (fits, source.name), source, source.channels)

    def _patches(self, source: Value) -> None:
        """A softmax within patches of several rows; at other sizes there are none."""
        chance = self.random
        at = chance.randrange(self.rank)
        axis, count = self._axes_of_map[at], chance.choice((1, 2, 2, 3))
        if source.sizes[at] % count and chance.random() < 0.9:
            return
        parted = self._put("unflatten", {"axis": axis, "sizes": [-1, count], "axes": [axis, "part"]}, source.name)
        weighed = self._put("softmax", {"axis": "part"}, parted)
        self._map("flatten", {"start": axis, "end": "part"}, (weighed,), source, source.channels)

    def _unit_length(self, source: Value) -> None:
        axis = self.random.choice(("channels", *self._axes_of_map))
        self._map("normalize", {"axis": axis}, (source.name,), source, source.channels)

    def _places(self, source: Value) -> None:
        """Sines and cosines of the places, added to a map."""
        sines = self._put("sine_positions", {"to": source.name, "features": 2}, source.name)
        self.spec.constant[sines] = source.constant
        mixed = self._put("conv", {"channels": source.channels, "kernel": 1}, sines)
        self.spec.constant[mixed] = source.constant
        self._map("add", {}, (source.name, mixed), source, source.channels)

    # -- grids, states, indices ----------------------------------------------------------------------------------------

    def _grid(self, source: Value) -> None:
        """A map moved by what a network makes of the whole of it, to its own size or another's."""
        chance = self.random
        other = chance.choice([value for value in self.values if len(value.sizes) == self.rank])
        pooled = self._put("global_avg_pool", {}, source.name)
        flat = self._put("flatten", {}, pooled)
        vector = self._put("linear", {"features": self.rank * (self.rank + 1)}, flat)
        corners = {"align_corners": True} if min(other.sizes) > 1 and chance.random() < 0.5 else {}
        grid = self._put("affine_grid", {"to": other.name} | corners, vector, other.name)
        given = {"grid": grid} | corners
        if chance.random() < 0.4:
            given["padding_mode"] = chance.choice(("border", "reflection"))
        self._map("grid_sample", given, (source.name, grid), other, source.channels)

    def _recurrence(self, source: Value) -> None:
        """A walk along the last axis; of an image, of the mean of its rows, which is left a single one."""
        chance = self.random
        axis = self._axes_of_map[-1]
        last = source.name
        if self.rank == 2:
            last = self._put("mean", {"axes": ["height"]}, last)
        last = self._put("permute", {"axes": [axis, "channels"]}, last)
        given: dict[str, Any] = {"features": chance.choice((1, 2, 3))}
        given |= {"bidirectional": True} if chance.random() < 0.5 else {}
        given |= {"layers": 2} if chance.random() < 0.3 else {}
        given |= {"bias": False} if chance.random() < 0.3 else {}
        last = self._put(chance.choice(("lstm", "gru")), given, last)
        channels = given["features"] * (2 if given.get("bidirectional") else 1)
        last = self._put("permute", {"axes": ["channels", axis]}, last)
        if self.rank == 1:
            self._map("relu", {}, (last,), source, channels)
            return
        like = Value("", channels, (1, source.sizes[1]), (True, source.constant[1]))
        given = {"shape": [channels, 1, axis], "axes": ["channels", "height", axis]}
        self._map("reshape", given, (last,), like, channels)

    def _unpool(self, source: Value) -> None:
        """A pool that keeps where its numbers were, something between, and its inverse."""
        chance = self.random
        kernel = self._axes(lambda: chance.choice((1, 2, 2, 3)))
        to = chance.random() < 0.6
        whole = [size % k == 0 for size, k in zip(source.sizes, self._each(kernel), strict=True)]
        if not to and not all(whole) and chance.random() < 0.9:
            return
        if any(size < k for size, k in zip(source.sizes, self._each(kernel), strict=True)):
            return
        sizes = tuple(size // k for size, k in zip(source.sizes, self._each(kernel), strict=True))
        pool = self._add("max_pool", {"kernel": kernel, "indices": True}, (source,), source.channels, sizes)
        if chance.random() < 0.5:
            arguments = {"channels": source.channels, "kernel": 3, "padding": 1}
            inner = self._add("conv", arguments, (pool,), source.channels, sizes)
        else:
            inner = self._add("sigmoid", {}, (pool,), source.channels, sizes)
        given, sources = {"indices": pool.name}, (inner.name, pool.name)
        if to:
            given, sources = given | {"to": source.name}, (*sources, source.name)
        self._map("max_unpool", given, sources, source, source.channels)

    def _shuffle(self, source: Value) -> None:
        """Channels for pixels, or pixels for channels."""
        chance = self.random
        factor = chance.choice((2, 2, 3))
        if chance.random() < 0.5:
            sizes = tuple(size * factor for size in source.sizes)
            if max(sizes) > 2 * LARGEST[2]:
                return
            channels = chance.choice((1, 2))
            arguments = {"channels": channels * factor**2, "kernel": 1}
            mixed = self._add("conv", arguments, (source,), channels * factor**2, source.sizes)
            self._add("pixel_shuffle", {"factor": factor}, (mixed,), channels, sizes)
        elif all(size % factor == 0 for size in source.sizes) or chance.random() < 0.1:
            sizes = tuple(size // factor for size in source.sizes)
            found = self._add("pixel_unshuffle", {"factor": factor}, (source,), source.channels * factor**2, sizes)
            if min(sizes) > 0:
                self._add("conv", {"channels": source.channels, "kernel": 1}, (found,), source.channels, sizes)

    # -- weights made of others, and merges of two ---------------------------------------------------------------------

    def _made(self, source: Value) -> None:
        """A convolution whose weight is standardised, or divided by its largest singular value."""
        chance = self.random
        around: dict[str, Any] = {"channels": chance.choice((1, 2, 4)), "kernel": 3, "padding": 1}
        around |= {"bias": False} if chance.random() < 0.3 else {}
        if chance.random() < 0.5:
            given, op = around | ({"gain": True, "gamma": 1.5} if chance.random() < 0.5 else {}), "standardized_conv"
        else:
            given, op = around, "spectral_conv"
        self._map(op, given, (source.name,), source, around["channels"])

    def _tied(self, source: Value) -> None:
        """A convolution, or the transpose of one before."""
        chance = self.random
        fitting = [pair for pair in self.encoders if pair[0].arguments["channels"] == source.channels]
        if not fitting or chance.random() < 0.4:
            kernel, stride = chance.choice(((3, 1), (3, 2), (2, 2)))
            padding = chance.randint(0, 1)
            arguments = {"channels": chance.choice((1, 2, 4)), "kernel": kernel}
            arguments |= {name: value for name, value, default in (("stride", stride, 1), ("padding", padding, 0))
                          if value != default}  # fmt: skip
            sizes = tuple((size + 2 * padding - kernel) // stride + 1 for size in source.sizes)
            self._add("conv", arguments, (source,), arguments["channels"], sizes)
            self.encoders.append((self.spec.steps[-1], source))
            return
        before, read = chance.choice(fitting)
        given = before.arguments
        stride, padding = given.get("stride", 1), given.get("padding", 0)
        more = 1 if stride > 1 and chance.random() < 0.4 else 0
        sizes = tuple((size - 1) * stride - 2 * padding + given["kernel"] + more for size in source.sizes)
        if max(sizes) > 2 * LARGEST[self.rank]:
            return
        name = f"n{len(self.spec.steps) + 1}"
        tail = f", output_padding: {more}" if more else ""
        entry = Entry(
            (f"  - reuse: {{step: {before.name}, transposed: true{tail}}}", f"    label: {name}"), source.name
        )
        arguments = {"channels": read.channels, "kernel": given["kernel"], "bias": False}
        arguments |= {"stride": stride, "padding": padding, "output_padding": more}
        self.spec.steps.append(Step(name, "conv_transpose", arguments, (source.name,), entry, before.name))
        self.spec.constant[name] = source.constant
        if min(sizes) > 0:
            self.values.append(Value(name, read.channels, sizes, source.constant))

    def _vectors(self, source: Value) -> None:
        """A matrix at each place: divided by its largest singular value, or followed by its own transpose."""
        chance = self.random
        axes = [*self._axes_of_map, "channels"]
        channels, width = source.channels, chance.choice((1, 2, 4))
        last = self._put("permute", {"axes": axes}, source.name)
        if chance.random() < 0.5:
            given = {"features": width} | ({"bias": False} if chance.random() < 0.3 else {})
            last, channels = self._put("spectral_linear", given, last), width
        else:
            encoder = self._put("linear", {"features": width}, last)
            read = self._put("softmax", {"axis": "channels"}, encoder) if chance.random() < 0.5 else encoder
            last = f"n{len(self.spec.steps) + 1}"
            lines = (f"  - reuse: {{step: {encoder}, transposed: true}}", f"    label: {last}")
            self.spec.steps.append(
                Step(last, "tied_linear", {"features": channels}, (read,), Entry(lines, read), encoder)
            )
        self._map("permute", {"axes": ["channels", *self._axes_of_map]}, (last,), source, channels)

    def _pairs(self, source: Value) -> None:
        """Two maps of one size, or a map and one made of it."""
        chance = self.random
        same = [value for value in self.values if value.sizes == source.sizes and value.channels == source.channels
                and value.constant == source.constant and value is not source]  # fmt: skip
        if not same:
            self._add("sigmoid", {}, (source,), source.channels, source.sizes)
            same = [self.values[-1]]
        op = chance.choice(("subtract", "maximum", "minimum"))
        self._map(op, {}, (source.name, chance.choice(same).name), source, source.channels)


def token_spec(seed: int) -> RandomSpec:
    """The network of a seed."""
    return TokenGenerator(seed).make()
