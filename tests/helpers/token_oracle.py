"""The oracle's ops on tokens, matrices, grids, states and indices, in the plainest torch there is for each.

As :class:`Oracle` it can stand for which pixels reach which: then what weighs by the data adds up all that it weighs.
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from tests.helpers.oracle import Oracle
from tests.helpers.random_specs import AXES, RandomSpec, Step


class TokenOracle(Oracle):
    """One network in torch; it keeps the names of axes where they are not a map's, and the indices of pools."""

    def __init__(self, spec: RandomSpec, positive: bool = False) -> None:
        super().__init__(spec, positive)
        self.map = ("channels", *AXES[spec.rank])
        self.axes: dict[str, tuple[str, ...]] = {}
        self.indices: dict[str, Tensor] = {}
        self.before: dict[str, list[int]] = {}
        """The sizes before each pool that keeps indices."""

    def _names(self, step: Step, source: int = 0) -> tuple[str, ...]:
        return self.axes.get(step.sources[source], self.map)

    def _dim(self, step: Step, axis: str) -> int:
        return self._names(step).index(axis) + 1

    def parameters(self) -> int:
        """Numbers in all weights but the vectors of spectral normalisation, which are not trained."""
        return super().parameters() - sum(
            tensor.numel()
            for tensors in self.weights.values()
            for name, tensor in tensors.items()
            if name.endswith(("._u", "._v"))
        )

    # -- axes ----------------------------------------------------------------------------------------------------------

    def _flatten(self, step: Step, x: Tensor) -> Tensor:
        given, names = step.arguments, self._names(step)
        if not given:
            return torch.flatten(x, 1)
        start = names.index(given["start"])
        end = names.index(given["end"]) if "end" in given else len(names) - 1
        name = given["start"] if "end" in given else "length"
        self.axes[step.name] = (*names[:start], name, *names[end + 1 :])
        return x.reshape(*x.shape[: start + 1], -1, *x.shape[end + 2 :])

    def _unflatten(self, step: Step, x: Tensor, *to: Tensor) -> Tensor:
        given, names = step.arguments, self._names(step)
        at = names.index(given["axis"]) + 1
        sizes = list(to[0].shape[2:]) if to else given["sizes"]
        new = given.get("axes", AXES[self.rank])
        self.axes[step.name] = (*names[: at - 1], *new, *names[at:])
        return x.reshape(*x.shape[:at], *(x.shape[at] // sizes[1] if size == -1 else size for size in sizes),
                         *x.shape[at + 1 :])  # fmt: skip

    def _permute(self, step: Step, x: Tensor) -> Tensor:
        names = self._names(step)
        self.axes[step.name] = tuple(step.arguments["axes"])
        return x.permute(0, *(names.index(name) + 1 for name in step.arguments["axes"]))

    def _reshape(self, step: Step, x: Tensor) -> Tensor:
        return x[:, :, None]

    def _mean(self, step: Step, x: Tensor) -> Tensor:
        self.axes[step.name] = tuple(name for name in self._names(step) if name not in step.arguments["axes"])
        return x.mean(self._dim(step, step.arguments["axes"][0]))

    def _slice(self, step: Step, x: Tensor) -> Tensor:
        if self._names(step) == self.map:
            return super()._slice(step, x)
        self.axes[step.name] = self.axes[step.sources[0]]
        return x[:, step.arguments["start"] :]

    def _concat(self, step: Step, *values: Tensor) -> Tensor:
        if self._names(step, -1) == self.map:
            return super()._concat(step, *values)
        self.axes[step.name] = self.axes[step.sources[-1]]
        token, tokens = values
        return torch.cat([token.expand(len(tokens), -1, -1), tokens], 1)

    def _parameter(self, step: Step) -> Tensor:
        return self._weight(step, "", 1, *step.arguments["shape"])

    # -- what weighs by the data ---------------------------------------------------------------------------------------

    def _softmax(self, step: Step, x: Tensor) -> Tensor:
        names = self._names(step)
        if step.sources[0] in self.axes:
            self.axes[step.name] = names
        dim = names.index(step.arguments.get("axis", "channels")) + 1
        return x + x.sum(dim, keepdim=True) if self.positive else x.softmax(dim)

    def _normalize(self, step: Step, x: Tensor) -> Tensor:
        dim = self._dim(step, step.arguments["axis"])
        if self.positive:
            return x + x.sum(dim, keepdim=True)
        return x / (x * x).sum(dim, keepdim=True).sqrt().clamp(min=1e-12)

    def _linear(self, step: Step, x: Tensor) -> Tensor:
        if step.sources[0] in self.axes:
            self.axes[step.name] = self.axes[step.sources[0]]
            weight = self._weight(step, "weight", step.arguments["features"], x.shape[-1])
            return x @ weight.T + self._weight(step, "bias", len(weight))
        return super()._linear(step, x)

    def _heads(self, query: Tensor, key: Tensor, value: Tensor, heads: int) -> Tensor:
        parts = [part.unflatten(2, (heads, -1)).transpose(1, 2) for part in (query, key, value)]
        if self.positive:
            found = parts[2] + sum(part.sum((2, 3), keepdim=True) for part in parts)
        else:
            found = (parts[0] @ parts[1].transpose(2, 3) / parts[0].shape[3] ** 0.5).softmax(3) @ parts[2]
        return found.transpose(1, 2).flatten(2)

    def _attention(self, step: Step, x: Tensor) -> Tensor:
        self.axes[step.name] = ("length", "channels")
        query, key, value = x.chunk(3, 2)
        return self._heads(query, key, value, step.arguments["heads"])

    def _multihead_attention(self, step: Step, x: Tensor) -> Tensor:
        self.axes[step.name] = ("length", "channels")
        width, bias = x.shape[2], step.arguments.get("bias", True)
        found = x @ self._weight(step, "in_proj_weight", 3 * width, width).T
        found = found + self._weight(step, "in_proj_bias", 3 * width) if bias else found
        query, key, value = found.chunk(3, 2)
        found = self._heads(query, key, value, step.arguments["heads"])
        found = found @ self._weight(step, "out_proj.weight", width, width).T
        return found + self._weight(step, "out_proj.bias", width) if bias else found

    def _matmul(self, step: Step, left: Tensor, right: Tensor) -> Tensor:
        self.axes[step.name] = tuple(step.arguments["axes"])
        right = right.transpose(-2, -1) if step.arguments.get("transpose") else right
        if self.positive:
            return left.sum(-1, keepdim=True) + right.sum(-2, keepdim=True)
        return left @ right

    def _sine_positions(self, step: Step, x: Tensor) -> Tensor:
        features, (height, width) = step.arguments["features"], x.shape[2:]
        found = x.new_zeros(len(x), 2 * features, height, width)  # a leaf, so that what reads it can be asked for
        for channel in range(features):
            slower = 10000 ** (2 * (channel // 2) / features)
            wave = torch.cos if channel % 2 else torch.sin
            rows, columns = (torch.arange(1, size + 1, dtype=x.dtype) / (size + 1e-6) for size in (height, width))
            found[:, channel] = wave(2 * torch.pi * rows / slower)[:, None]
            found[:, features + channel] = wave(2 * torch.pi * columns / slower)
        return found.requires_grad_()

    # -- grids, states, indices ----------------------------------------------------------------------------------------

    def _affine_grid(self, step: Step, theta: Tensor, to: Tensor) -> Tensor:
        self.axes[step.name] = (*AXES[self.rank], "channels")
        if self.positive:
            return theta.sum(1)[(..., *[None] * (self.rank + 1))].expand(-1, *to.shape[2:], self.rank)
        corners = step.arguments.get("align_corners", False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a single row the corners are one place, and torch says so
            return F.affine_grid(theta.view(-1, self.rank, self.rank + 1), list(to.shape), align_corners=corners)

    def _grid_sample(self, step: Step, x: Tensor, grid: Tensor) -> Tensor:
        given = step.arguments
        if self.positive:
            return x.sum(tuple(range(2, x.dim())), keepdim=True) + grid.sum(-1)[:, None]
        return F.grid_sample(
            x, grid, padding_mode=given.get("padding_mode", "zeros"), align_corners=given.get("align_corners", False)
        )

    def _lstm(self, step: Step, x: Tensor) -> Tensor:
        return self._recurrent(step, x, 4)

    def _gru(self, step: Step, x: Tensor) -> Tensor:
        return self._recurrent(step, x, 3)

    def _recurrent(self, step: Step, x: Tensor, gates: int) -> Tensor:
        self.axes[step.name] = self._names(step)
        given = step.arguments
        ways = ("", "_reverse") if given.get("bidirectional") else ("",)
        for layer in range(given.get("layers", 1)):
            x = torch.cat([self._way(step, x, gates, f"l{layer}{way}") for way in ways], 2)
        return x

    def _way(self, step: Step, x: Tensor, gates: int, which: str) -> Tensor:
        """The states along the axis, each from the one before it; the last comes first on the way back."""
        size = step.arguments["features"]
        into = self._weight(step, f"weight_ih_{which}", gates * size, x.shape[2])
        over = self._weight(step, f"weight_hh_{which}", gates * size, size)
        biases = x.new_zeros(2, gates * size)
        if step.arguments.get("bias", True):
            biases = torch.stack([self._weight(step, f"bias_{name}_{which}", gates * size) for name in ("ih", "hh")])
        if self.positive:
            return (x @ into.T).sum((1, 2), keepdim=True) + x.sum(2, keepdim=True).expand(-1, -1, size)
        back = which.endswith("reverse")
        state, cell, found = x.new_zeros(len(x), size), x.new_zeros(len(x), size), []
        for place in x.flip(1).unbind(1) if back else x.unbind(1):
            one, other = F.linear(place, into, biases[0]), F.linear(state, over, biases[1])
            if gates == 4:
                taken, kept, new, shown = (one + other).chunk(4, 1)
                cell = kept.sigmoid() * cell + taken.sigmoid() * new.tanh()
                state = shown.sigmoid() * cell.tanh()
            else:
                (reset, update, new), (reset_, update_, new_) = one.chunk(3, 1), other.chunk(3, 1)
                update, new = (update + update_).sigmoid(), (new + (reset + reset_).sigmoid() * new_).tanh()
                state = (1 - update) * new + update * state
            found.append(state)
        return torch.stack(found[::-1] if back else found, 1)

    def _max_pool(self, step: Step, x: Tensor) -> Tensor:
        if step.arguments.get("indices"):
            pool: Any = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[self.rank - 1]
            self.before[step.name] = list(x.shape[2:])
            self.indices[step.name] = pool(x, self._each(step.arguments["kernel"]), return_indices=True)[1]
        return super()._max_pool(step, x)

    def _max_unpool(self, step: Step, x: Tensor, pool: Tensor, *to: Tensor) -> Tensor:
        """Stricter than torch, which would put numbers elsewhere: the size is the one before the pool."""
        (before,) = [one for one in self.spec.steps if one.name == step.sources[1]]
        kernel = self._each(before.arguments["kernel"])
        size = list(to[0].shape[2:]) if to else [n * k for n, k in zip(x.shape[2:], kernel, strict=True)]
        if size != self.before[before.name] or x.shape[1:] != pool.shape[1:]:
            raise ValueError("another size than before the pool")
        if self.positive:
            ones = x.new_ones(x.shape[1], 1, *kernel)
            spread: Any = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[self.rank - 1]
            found = spread(x, ones, stride=kernel, groups=x.shape[1])
            missing = [(0, n - m) for n, m in zip(size, found.shape[2:], strict=True)]
            return F.pad(found, [part for pair in reversed(missing) for part in pair])
        unpool: Any = (F.max_unpool1d, F.max_unpool2d, F.max_unpool3d)[self.rank - 1]
        return unpool(x, self.indices[before.name], kernel, output_size=size)

    def _pixel_shuffle(self, step: Step, x: Tensor) -> Tensor:
        return F.pixel_shuffle(x, step.arguments["factor"])

    def _pixel_unshuffle(self, step: Step, x: Tensor) -> Tensor:
        return F.pixel_unshuffle(x, step.arguments["factor"])

    # -- weights made of others, merges of two -------------------------------------------------------------------------

    def _convolved(self, step: Step, x: Tensor, weight: Tensor) -> Tensor:
        convolve = (F.conv1d, F.conv2d, F.conv3d)[self.rank - 1]
        return convolve(x, weight, self._bias(step, len(weight)), 1, [1] * self.rank)  # type: ignore[arg-type]

    def _standardized_conv(self, step: Step, x: Tensor) -> Tensor:
        given = step.arguments
        weight = self._weight(step, "weight", given["channels"], x.shape[1], *[3] * self.rank)
        dims = tuple(range(1, weight.dim()))
        gain = self._weight(step, "gain", len(weight), *[1] * (self.rank + 1)) if given.get("gain") else None
        if not self.positive:
            mean, variance = weight.mean(dims, keepdim=True), weight.var(dims, keepdim=True, unbiased=False)
            weight = (weight - mean) / (variance + 1e-6).sqrt()
            weight = weight if gain is None else weight * gain * given["gamma"] / weight[0].numel() ** 0.5
        return self._convolved(step, x, weight)

    def _spectral_conv(self, step: Step, x: Tensor) -> Tensor:
        return self._convolved(step, x, self._divided(step, step.arguments["channels"], x.shape[1], *[3] * self.rank))

    def _spectral_linear(self, step: Step, x: Tensor) -> Tensor:
        self.axes[step.name] = self._names(step)
        found = x @ self._divided(step, step.arguments["features"], x.shape[-1]).T
        bias = self._bias(step, found.shape[-1])
        return found if bias is None else found + bias

    def _divided(self, step: Step, *shape: int) -> Tensor:
        weight = self._weight(step, "parametrizations.weight.original", *shape)
        rows = weight.flatten(1)
        left, right = self._vectors(step, rows)
        return weight if self.positive else weight / (left[:, None] * rows * right).sum()

    def _tied_linear(self, step: Step, x: Tensor) -> Tensor:
        self.axes[step.name] = self._names(step)
        return x @ self._weight(step, "weight", x.shape[-1], step.arguments["features"])

    def _vectors(self, step: Step, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Near those of the largest singular value, so that the division makes no number large."""
        names = [f"parametrizations.weight.0.{name}" for name in ("_u", "_v")]
        made = names[0] not in self.weights[step.name]
        left, right = (self._weight(step, name, size) for name, size in zip(names, rows.shape, strict=True))
        if made:
            for _ in range(5):
                left = F.normalize((rows * right).sum(1), dim=0)
                right = F.normalize((rows * left[:, None]).sum(0), dim=0)
            self.weights[step.name] |= dict(zip(names, (left, right), strict=True))
        return left, right

    def _subtract(self, step: Step, *values: Tensor) -> Tensor:
        return self._add(step, *values) if self.positive else values[0] - values[1]

    def _maximum(self, step: Step, *values: Tensor) -> Tensor:
        return self._add(step, *values) if self.positive else torch.maximum(*values)

    def _minimum(self, step: Step, *values: Tensor) -> Tensor:
        return self._add(step, *values) if self.positive else torch.minimum(*values)
