"""The effective receptive field: how much each pixel contributes (Luo et al., https://arxiv.org/abs/1701.04128).

Measured by gradients: those of the middle of a map with respect to the image, averaged over random images, with random
weights or a checkpoint's.  Or, without weights and torch, by counting paths through the graph along each axis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archspec.analyses.borders import extent, rows_read
from archspec.analyses.path_counts import path_counts
from archspec.analyses.receptive_field import table
from archspec.analyses.report import Report
from archspec.diagnostics import Diagnostic, SpecError, to_json
from archspec.graph import Graph, Scope
from archspec.records import record
from archspec.sizes import Evaluation

if TYPE_CHECKING:
    from torch import nn

    from archspec.spec import Spec

MASS = 0.95
"""The share of the total weight that defines the effective field."""


@record
class EffectiveField:
    """The weight of every pixel, row by row, summing to 1, and its comparison with the theoretical field."""

    step: str
    weights: tuple[tuple[float, ...], ...]
    theoretical: tuple[int, int]
    """Rows and columns of the theoretical field, at most the image's."""
    how: str
    notes: tuple[Diagnostic, ...] = ()
    """How the weights of a file were adapted to fit."""

    @property
    def pixels(self) -> int:
        """The fewest pixels that hold 95% of the weight."""
        ranked = sorted((weight for row in self.weights for weight in row), reverse=True)
        total = 0.0
        for count, weight in enumerate(ranked, 1):
            total += weight
            if total >= MASS * (1 - 1e-9):
                return count
        return len(ranked)

    @property
    def fraction(self) -> float:
        """The pixels that hold 95% of the weight, as a fraction of the theoretical field."""
        return self.pixels / (self.theoretical[0] * self.theoretical[1])

    def to_json(self) -> dict[str, Any]:
        """The field as plain data, without the weights."""
        return {
            "step": self.step,
            "how": self.how,
            "theoretical": list(self.theoretical),
            "mass": MASS,
            "pixels": self.pixels,
            "fraction": self.fraction,
            "diagnostics": [to_json(note) for note in self.notes],
        }

    def __str__(self) -> str:
        rows, columns = self.theoretical
        return (
            f"`{self.step}`, {self.how}: {MASS:.0%} of the weight is on {self.pixels:,} pixels, "
            f"{self.fraction:.1%} of the {rows} × {columns} it can see"
        )


def by_paths(graph: Graph, sizes: Mapping[str, int], of: int) -> EffectiveField:
    """From path counts, without weights: in two dimensions the number of paths is the product of the counts by axis."""
    source = image_input(graph)
    axes = graph.nodes[source].shape.axes[1:]
    shares: list[list[float]] = []
    for axis in axes:
        counts = path_counts(graph, sizes, of, source, axis)
        whole = sum(counts)
        if whole == 0:
            raise _refused(graph, of, "its middle reads no rows of the image")
        shares.append([count / whole for count in counts])
    weights = tuple(tuple(row * column for column in shares[1]) for row in shares[0])
    return EffectiveField(graph.nodes[of].path, weights, _theoretical(graph, sizes, of), "by path counts")


def by_gradients(
    graph: Graph, model: nn.Module, sizes: Mapping[str, int], of: int, images: int = 32, seed: int = 0,
    how: str = "by gradients",
) -> EffectiveField:  # fmt: skip
    """From the gradient of the middle of a map: its absolute value, averaged over random images and channels."""
    import torch

    source = image_input(graph)
    evaluation = Evaluation(dict(sizes))
    path = _module_path(graph, of)
    caught: list[Any] = []
    handle = model.get_submodule(path).register_forward_hook(lambda _module, _args, output: caught.append(output))
    generator = torch.Generator().manual_seed(seed)
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    total: torch.Tensor | None = None
    was_training = model.training
    model.eval()
    try:
        for _ in range(images):
            dims = [evaluation.of(dim) for dim in graph.nodes[source].shape.dims]
            image = torch.randn(1, *dims, generator=generator).to(device).requires_grad_()
            caught.clear()
            model(image)
            middle = caught[-1][(0, slice(None), *(size // 2 for size in caught[-1].shape[2:]))]
            (gradient,) = torch.autograd.grad(middle.sum(), image)
            weight = gradient[0].abs().sum(dim=0).double().cpu()
            total = weight if total is None else total + weight
    finally:
        handle.remove()
        model.train(was_training)
    if total is None or float(total.sum()) == 0:
        raise _refused(graph, of, "its middle has no gradient")
    rows = (total / total.sum()).tolist()
    weights = tuple(tuple(row) for row in rows)
    return EffectiveField(graph.nodes[of].path, weights, _theoretical(graph, sizes, of), how)


def measured(
    spec: Spec, sizes: Mapping[str, int], of: int, weights: Path | str | None = None, images: int = 32, seed: int = 0
) -> EffectiveField:
    """The field by gradients of the compiled network, with a file's weights or random ones from a seed.

    Raises :class:`SpecError` ``no-memory``, for weights that do not fit, and if a single image is refused.
    """
    import torch

    from archspec.running import room
    from archspec.running.runtime import compiled
    from archspec.running.weights import load_weights

    report = Report(spec.graph, {**spec.graph.sizes, **sizes})
    if refused := report.refused():
        raise SpecError(refused)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = compiled(spec.graph)
    notes = () if weights is None else load_weights(model, weights)
    how = f"by gradients over {images} random images, " + (
        "random weights" if weights is None else f"weights of {weights}"
    )
    smaller = "use smaller sizes"
    needed = report.memory().inference_total
    if needed is not None:
        room.check_fits(needed, "an image of these sizes", smaller)
    with room.refusals_told("there is too little memory for an image of these sizes", smaller):
        return replace(by_gradients(spec.graph, model, sizes, of, images, seed, how), notes=notes)


def heat_map(field: EffectiveField, path: Path | str) -> None:
    """Draw a field as a picture (png, svg or pdf), with the outline of the theoretical field around its middle."""
    import matplotlib
    from matplotlib.figure import Figure

    rows, columns = len(field.weights), len(field.weights[0])
    figure = Figure(figsize=(5.2, 5.2 * rows / columns + 0.4), layout="constrained")
    axes = figure.add_subplot()
    top = max(max(row) for row in field.weights)
    shares = [[(weight / top) ** 0.5 for weight in row] for row in field.weights]  # otherwise the rim would be black
    axes.imshow(shares, cmap="magma", interpolation="nearest")
    held = [(y, x) for y, row in enumerate(field.weights) for x, weight in enumerate(row) if weight > 0]
    if held:
        (top_row, left), (bottom, right) = (tuple(map(pick, zip(*held, strict=True))) for pick in (min, max))
        outline = ([left, right, right, left, left], [top_row, top_row, bottom, bottom, top_row])
        axes.plot(*outline, color="white", linewidth=0.8, alpha=0.7)
    axes.set_axis_off()
    axes.set_title(f"{field.step}: {MASS:.0%} of the weight on {field.fraction:.1%} of the field", fontsize=9)
    metadata = {"Date": None} if str(path).endswith(".svg") else None  # the same picture always has the same bytes
    with matplotlib.rc_context({"svg.hashsalt": "archspec"}):
        figure.savefig(path, dpi=150, metadata=metadata)


def image_input(graph: Graph) -> int:
    """The first input; raises :class:`SpecError` unless it has two spatial axes."""
    source = next(iter(graph.inputs.values()))
    if graph.nodes[source].shape.rank != 2:
        raise SpecError(
            [Diagnostic("no-image", "an effective field can only be drawn for an input with two spatial axes")]
        )
    return source


def _theoretical(graph: Graph, sizes: Mapping[str, int], of: int) -> tuple[int, int]:
    """Size of the field, at most the image's; the image's where the field has no single size."""
    source = graph.nodes[image_input(graph)]
    evaluation = Evaluation(dict(sizes))
    field = table(graph, sizes)[graph.nodes[of].path]
    found = []
    for axis, dim in zip(source.shape.axes[1:], source.shape.dims[1:], strict=True):
        along = field.axes[axis]
        size = evaluation.of(dim)
        if axis in field.whole_axes:
            found.append(size)
        elif along is not None:
            found.append(min(along.size, size))
        else:  # sizes differ by row: take the middle row's
            rows = rows_read(graph, sizes, of, source.index, whole_image=False)[axis]
            found.append(max(1, extent(rows[len(rows) // 2])[1]))
    return found[0], found[1]


def nearest_module(graph: Graph, of: int) -> int:
    """The step itself, or the last map before it that is a module's output, so that its gradient can be taken."""
    for node in reversed(graph.nodes[: of + 1]):
        if node.shape.rank and not node.training_only and _find_module(graph, node.index) is not None:
            return node.index
    return of


def _module_path(graph: Graph, of: int) -> str:
    found = _find_module(graph, of)
    if found is None:
        near = graph.nodes[nearest_module(graph, of)].path
        raise _refused(graph, of, "it is not a module of the compiled network", f"try `{near}`")
    return found


def _find_module(graph: Graph, of: int) -> str | None:
    """The path of the module whose output a node is: its own, or that of the block that ends with it."""
    node = graph.nodes[of]
    if node.is_module and node.reuse is None:
        return node.path
    scopes: Sequence[Scope] = [graph.root]
    while scopes:
        for scope in scopes:
            if scope.output == of and scope.kind in ("block", "sequence") and scope.reuse is None and scope.path:
                return scope.path
        scopes = [item for scope in scopes for item in scope.items if isinstance(item, Scope)]
    return None


def _refused(graph: Graph, of: int, reason: str, hint: str | None = None) -> SpecError:
    node = graph.nodes[of]
    return SpecError([Diagnostic("no-effective-field", f"`{node.path}`: {reason}", node.span, hint)])
