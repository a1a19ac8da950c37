"""Runs a random network with torch alone, by its plain program: what torch accepts, gives, counts and differentiates.

Where archspec is deliberately stricter than torch, so is this: every size is at least 1, a side of a merge is repeated
only where its size is constantly 1, nothing is cropped to a larger size.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from tests.helpers.random_specs import AXES, RandomSpec, Step

REFUSED = (RuntimeError, ValueError, NotImplementedError, ZeroDivisionError)
LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


class Oracle:
    """One network in torch; weights are made when first needed.

    With ``positive`` it stands for which pixels reach which: float64, positive weights, sums for maximum and product.
    """

    def __init__(self, spec: RandomSpec, positive: bool = False) -> None:
        self.spec = spec
        self.rank = spec.rank
        self.positive = positive
        self.weights: dict[str, dict[str, Tensor]] = {}
        self.live = spec.live()
        self._random = torch.Generator().manual_seed(spec.seed)

    def input(self, sizes: Mapping[str, int], batch: int = 1) -> Tensor:
        """A batch of one and the same image."""
        dims = [dim if isinstance(dim, int) else sizes[dim] for dim in self.spec.dims]
        dtype = torch.float64 if self.positive else torch.float32
        image = torch.rand(1, self.spec.channels, *dims, generator=self._random, dtype=dtype) + 0.5
        return image.repeat(batch, *(1,) * (self.rank + 1))

    def run(self, image: Tensor, everything: bool = False) -> dict[str, Tensor]:
        """The tensor of every step; raises one of REFUSED where the network does not run."""
        other = self.beside(image)
        if image.requires_grad and other is not None:
            other.requires_grad_()
        values = {"image": image} if other is None else {"image": image, "other": other}
        for step in self.spec.steps:
            if not everything and step.name not in self.live:
                continue
            sources = [values[name] for name in step.sources]
            found = getattr(self, f"_{step.op}")(step, *sources)
            values[step.name] = (
                found.clone() if sources and found is sources[0] else found
            )  # a tensor of its own, to derive by
            if min(found.shape) < 1:
                raise ValueError(f"{step.name} is empty")
        return values

    def beside(self, image: Tensor) -> Tensor | None:
        """The second input where there is one, of the image's size."""
        if not self.spec.second:
            return None
        generator = torch.Generator().manual_seed(self.spec.seed)
        one = torch.rand(1, self.spec.second, *image.shape[2:], generator=generator, dtype=image.dtype) + 0.5
        return one.repeat(len(image), *(1,) * (self.rank + 1))

    def runs(self, sizes: Mapping[str, int]) -> bool:
        """Whether torch runs at given sizes."""
        try:
            with torch.no_grad():
                self.run(self.input(sizes))
        except REFUSED:
            return False
        return True

    def parameters(self) -> int:
        """Numbers in all weights."""
        return sum(tensor.numel() for tensors in self.weights.values() for tensor in tensors.values())

    def reads(self, sizes: Mapping[str, int], of: str, source: str) -> list[list[int]]:
        """For each axis, which rows of a source every row of a step depends on: gradients, as bits."""
        with torch.no_grad():
            one = self.run(self.input(sizes))
        vector = one[of].dim() == 2
        found = []
        for axis in range(2, self.rank + 2):
            rows = 1 if vector else one[of].shape[axis]
            image = self.input(sizes, rows).requires_grad_()
            values = self.run(image)
            picked = (
                values[of].sum() if vector else sum(values[of][row].select(axis - 1, row).sum() for row in range(rows))
            )
            assert isinstance(picked, Tensor)
            if picked.grad_fn is None:
                found.append([0] * rows)
                continue
            (gradient,) = torch.autograd.grad(picked, values[source], allow_unused=True)
            if gradient is None:
                found.append([0] * rows)
                continue
            others = tuple(dim for dim in range(1, self.rank + 2) if dim != axis)
            strength = gradient.abs().amax(dim=others)
            seen = strength > 1e-13 * strength.max()
            found.append([sum(1 << at for at, flag in enumerate(row) if flag) for row in seen.tolist()])
        return found

    # -- ops -----------------------------------------------------------------------------------------------------------

    def _weight(self, step: Step, name: str, *shape: int) -> Tensor:
        tensors = self.weights.setdefault(step.weights_of or step.name, {})
        if name not in tensors:
            dtype = torch.float64 if self.positive else torch.float32
            made = torch.rand(*shape, generator=self._random, dtype=dtype)
            fan = max(made[0].numel(), 1) if made.dim() > 1 else 1
            tensors[name] = (made + 0.5) / fan if self.positive else (made - 0.5) / fan
        return tensors[name]

    def _bias(self, step: Step, channels: int) -> Tensor | None:
        return self._weight(step, "bias", channels) if step.arguments.get("bias", True) else None

    def _each(self, value: Any) -> list[Any]:
        return list(value) if isinstance(value, (list, tuple)) else [value] * self.rank

    def _sides(self, padding: Any) -> list[tuple[int, int]]:
        return [(one, one) if isinstance(one, int) else (one[0], one[1]) for one in self._each(padding)]

    def _conv(self, step: Step, x: Tensor) -> Tensor:
        given = step.arguments
        groups = given.get("groups", 1)
        if x.shape[1] % groups or given["channels"] % groups:
            raise ValueError("groups")
        weight = self._weight(step, "weight", given["channels"], x.shape[1] // groups, *self._each(given["kernel"]))
        padding = given.get("padding", 0)
        if padding != "same" or "stride" in given:
            sides = self._strided_same(step, x) if padding == "same" else self._sides(padding)
            if any(a != b for a, b in sides):
                x, padding = F.pad(x, _flat(sides)), 0
            else:
                padding = [a for a, _ in sides]
        convolve = (F.conv1d, F.conv2d, F.conv3d)[self.rank - 1]
        stride, dilation = self._each(given.get("stride", 1)), self._each(given.get("dilation", 1))
        bias = self._bias(step, given["channels"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch copies the map where `same` is uneven, and says so
            return convolve(x, weight, bias, stride, padding, dilation, groups)  # type: ignore[arg-type]

    def _strided_same(self, step: Step, x: Tensor) -> list[tuple[int, int]]:
        """TensorFlow's rule: as few rows as give ceil(size / stride), the odd one after."""
        each = [self._each(step.arguments.get(name, 1)) for name in ("kernel", "stride", "dilation")]
        found = []
        for rows, k, s, d in zip(x.shape[2:], *each, strict=True):
            wanted = rows // s + (rows % s > 0)
            more = max((wanted - 1) * s + d * (k - 1) + 1 - rows, 0)
            found.append((more // 2, more - more // 2))
        return found

    def _conv_transpose(self, step: Step, x: Tensor) -> Tensor:
        given = step.arguments
        groups = given.get("groups", 1)
        if x.shape[1] % groups or given["channels"] % groups:
            raise ValueError("groups")
        weight = self._weight(step, "weight", x.shape[1], given["channels"] // groups, *self._each(given["kernel"]))
        numbers = [self._each(given.get(name, default)) for name, default in (("stride", 1), ("padding", 0),
                   ("output_padding", 0))]  # fmt: skip
        convolve = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[self.rank - 1]
        dilation = self._each(given.get("dilation", 1))
        return convolve(x, weight, self._bias(step, given["channels"]), *numbers, groups, dilation)  # type: ignore[arg-type]

    def _max_pool(self, step: Step, x: Tensor) -> Tensor:
        given = step.arguments
        kernel = self._each(given["kernel"])
        stride = self._each(given.get("stride", kernel))
        padding, dilation = self._each(given.get("padding", 0)), self._each(given.get("dilation", 1))
        pool = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[self.rank - 1]
        pooled = pool(x, kernel, stride, padding, dilation, given.get("ceil", False))
        return self._summed(x, pooled, kernel, stride, padding, dilation) if self.positive else pooled

    def _summed(self, x: Tensor, like: Tensor, kernel: list[int], stride: list[int], padding: list[int],
                dilation: list[int]) -> Tensor:  # fmt: skip
        """The sum under each window of a pooling, by a convolution with ones over a map padded as far as it reaches."""
        sides = [
            (p, max(0, (n - 1) * s + d * (k - 1) + 1 - p - have))
            for p, n, s, d, k, have in zip(padding, like.shape[2:], stride, dilation, kernel, x.shape[2:], strict=True)
        ]
        ones = torch.ones(x.shape[1], 1, *kernel, dtype=x.dtype)
        convolve = (F.conv1d, F.conv2d, F.conv3d)[self.rank - 1]
        found = convolve(F.pad(x, _flat(sides)), ones, None, stride, 0, dilation, x.shape[1])
        return found[(slice(None), slice(None), *(slice(n) for n in like.shape[2:]))]

    def _avg_pool(self, step: Step, x: Tensor) -> Tensor:
        given = step.arguments
        kernel = self._each(given["kernel"])
        stride, padding = self._each(given.get("stride", kernel)), self._each(given.get("padding", 0))
        pool: Any = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[self.rank - 1]
        return pool(x, kernel, stride, padding, given.get("ceil", False), given.get("count_include_pad", True))

    def _adaptive_avg_pool(self, step: Step, x: Tensor) -> Tensor:
        pool: Any = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)[self.rank - 1]
        return pool(x, self._each(step.arguments["size"]))

    def _global_avg_pool(self, step: Step, x: Tensor) -> Tensor:
        return x.mean(dim=tuple(range(2, x.dim())), keepdim=True)

    def _upsample(self, step: Step, x: Tensor, *to: Tensor) -> Tensor:
        given = step.arguments
        mode = LINEAR[self.rank] if "mode" in given else "nearest"
        corners = True if given.get("align_corners") else None
        if to:
            size = list(to[0].shape[2:])
        elif any(isinstance(factor, float) for factor in self._each(given["scale"])):
            factors = [Fraction(str(factor)) for factor in self._each(given["scale"])]
            size = [int(rows * factor) for rows, factor in zip(x.shape[2:], factors, strict=True)]
        else:
            return F.interpolate(x, scale_factor=self._each(given["scale"]), mode=mode, align_corners=corners)
        if self.positive and mode == "nearest":  # torch's floating point copies a neighbouring row for some sizes
            for dim, rows in enumerate(size, 2):
                x = x.index_select(dim, torch.tensor([row * x.shape[dim] // rows for row in range(rows)]))
            return x
        return F.interpolate(x, size=size, mode=mode, align_corners=corners)

    def _pad(self, step: Step, x: Tensor) -> Tensor:
        mode = step.arguments.get("mode", "constant")
        return F.pad(x, _flat(self._sides(step.arguments["amount"])), mode)

    def _crop(self, step: Step, x: Tensor, *to: Tensor) -> Tensor:
        given = step.arguments
        if "amount" in given:
            for dim, (before, after) in enumerate(self._sides(given["amount"]), 2):
                if x.shape[dim] - before - after < 1:
                    raise ValueError("nothing is left")
                x = x.narrow(dim, before, x.shape[dim] - before - after)
            return x
        lengths = to[0].shape[2:] if to else self._each(given["size"])
        for dim, length in enumerate(lengths, 2):
            if length > x.shape[dim]:
                raise ValueError("a crop to a larger size")
            x = x.narrow(dim, given["offset"][dim - 2] if "offset" in given else (x.shape[dim] - length) // 2, length)
        return x

    def _slice(self, step: Step, x: Tensor) -> Tensor:
        given = step.arguments
        dim = AXES[self.rank].index(given["axis"]) + 2
        length = given.get("length", x.shape[dim] - given["start"])
        if length < 1 or given["start"] + length > x.shape[dim]:
            raise ValueError("nothing is left")
        return x.narrow(dim, given["start"], length)

    def _relu(self, step: Step, x: Tensor) -> Tensor:
        return x if self.positive else F.relu(x)  # rows that see nothing are 0, where its gradient is 0 too

    def _leaky_relu(self, step: Step, x: Tensor) -> Tensor:
        return F.leaky_relu(x)

    def _sigmoid(self, step: Step, x: Tensor) -> Tensor:
        return 0.5 * x if self.positive else torch.sigmoid(x)

    def _identity(self, step: Step, x: Tensor) -> Tensor:
        return x

    def _dropout(self, step: Step, x: Tensor) -> Tensor:
        return F.dropout(x, training=False)

    def _batch_norm(self, step: Step, x: Tensor) -> Tensor:
        weight, bias = (self._weight(step, name, x.shape[1]) for name in ("weight", "bias"))
        return F.batch_norm(x, x.new_zeros(x.shape[1]), x.new_ones(x.shape[1]), weight, bias)

    def _group_norm(self, step: Step, x: Tensor) -> Tensor:
        weight, bias = (self._weight(step, name, x.shape[1]) for name in ("weight", "bias"))
        if self.positive:
            return x + x.mean(dim=tuple(range(1, x.dim())), keepdim=True)
        return F.group_norm(x, step.arguments["groups"], weight, bias)

    def _instance_norm(self, step: Step, x: Tensor) -> Tensor:
        weight, bias = (
            self._weight(step, name, x.shape[1]) if step.arguments.get("affine") else None
            for name in ("weight", "bias")
        )
        found = F.instance_norm(x, weight=weight, bias=bias)
        return x + x.mean(dim=tuple(range(2, x.dim())), keepdim=True) if self.positive else found

    def _layer_norm(self, step: Step, x: Tensor) -> Tensor:
        axes = step.arguments.get("axes", ["channels"])
        dims = [("channels", *AXES[self.rank]).index(axis) + 1 for axis in axes]
        shape = [x.shape[dim] for dim in dims]
        affine = step.arguments.get("affine", True)
        weight, bias = (self._weight(step, name, *shape) if affine else None for name in ("weight", "bias"))
        if self.positive:
            return x + x.mean(dim=dims, keepdim=True)
        if dims == [1]:
            return F.layer_norm(x.movedim(1, -1), shape, weight, bias).movedim(-1, 1)
        return F.layer_norm(x, shape, weight, bias)

    def _lrn(self, step: Step, x: Tensor) -> Tensor:
        given = step.arguments
        found = F.local_response_norm(x, given["size"], given.get("alpha", 1e-4), k=given.get("k", 1.0))
        return x if self.positive else found

    def _prelu(self, step: Step, x: Tensor) -> Tensor:
        slopes = self._weight(step, "weight", x.shape[1] if step.arguments.get("per_channel") else 1)
        return x if self.positive else F.prelu(x, slopes)

    def _softmax(self, step: Step, x: Tensor) -> Tensor:
        dim = ("channels", *AXES[self.rank]).index(step.arguments.get("axis", "channels")) + 1
        return x + x.sum(dim, keepdim=True) if self.positive else x.softmax(dim)

    def _log_softmax(self, step: Step, x: Tensor) -> Tensor:
        dim = ("channels", *AXES[self.rank]).index(step.arguments.get("axis", "channels")) + 1
        return x + x.sum(dim, keepdim=True) if self.positive else x.log_softmax(dim)

    def _merged(self, step: Step, values: Sequence[Tensor], axis: int | None) -> None:
        for dim in range(2, self.rank + 2):
            if dim == axis:
                continue
            sizes = set()
            for name, value in zip(step.sources, values, strict=True):
                constant = name in self.spec.constant and self.spec.constant[name][dim - 2]
                if axis is not None or not (constant and value.shape[dim] == 1):
                    sizes.add(value.shape[dim])
            if len(sizes) > 1:
                raise ValueError(f"sizes {sizes} meet")

    def _add(self, step: Step, *values: Tensor) -> Tensor:
        self._merged(step, values, None)
        found = values[0]
        for other in values[1:]:
            found = found + other
        return found

    def _multiply(self, step: Step, *values: Tensor) -> Tensor:
        if self.positive:
            return self._add(step, *values)
        self._merged(step, values, None)
        found = values[0]
        for other in values[1:]:
            found = found * other
        return found

    def _concat(self, step: Step, *values: Tensor) -> Tensor:
        axis = step.arguments.get("axis")
        dim = 1 if axis is None else AXES[self.rank].index(axis) + 2
        self._merged(step, values, dim)
        return torch.cat(values, dim)

    def _flatten(self, step: Step, x: Tensor) -> Tensor:
        return torch.flatten(x, 1)

    def _linear(self, step: Step, x: Tensor) -> Tensor:
        features = step.arguments["features"]
        weights = self.weights.get(step.name)
        width = x.shape[1] if weights is None else weights["weight"].shape[1]
        return F.linear(x, self._weight(step, "weight", features, width), self._bias(step, features))


def _flat(sides: Sequence[tuple[int, int]]) -> list[int]:
    return [amount for pair in reversed(sides) for amount in pair]
