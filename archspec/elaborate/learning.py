"""``task:`` and ``loss:``: what a network is trained for, checked against its output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archspec.diagnostics import Fault, did_you_mean, printable
from archspec.elaborate.values import evaluate
from archspec.graph import Loss, Output
from archspec.ops import Shape
from archspec.schema import SpecFile
from archspec.syntax import Mapping as YamlMapping
from archspec.syntax import Node

TASKS = ("classification", "segmentation")
_OPTIONS = ("ignore", "weights", "label_smoothing")


def task(file: SpecFile, shape: Shape) -> str:
    """The task: as given, or by the main output, which is a map for segmentation and a vector for classification."""
    found = file.model.task
    if found is None:
        return "segmentation" if shape.rank else "classification"
    if found not in TASKS:
        node = file.node.get("task")
        hint = did_you_mean(found, TASKS) or f"tasks are {' and '.join(TASKS)}"
        raise Fault("unknown-task", f"there is no task `{printable(found)}`", node.span if node else None, hint)
    return found


def loss(file: SpecFile, values: Mapping[str, Any], shape: Shape) -> Loss:
    """The loss: cross-entropy over classes, with the options of ``loss:``.  Raises Fault."""
    node = file.model.loss
    if node is None:
        return Loss()
    written = evaluate(node, values, file)
    if isinstance(written, str):
        written = {written: {}}
    hint = "write `loss: {cross_entropy: {ignore: 255}}`"
    if not isinstance(written, dict) or len(written) != 1:
        raise Fault("wrong-type", "`loss` must be a name, or a name with options", node.span, hint)
    ((name, options),) = written.items()
    if name != "cross_entropy":
        raise Fault("unknown-loss", f"there is no loss `{printable(str(name))}`", node.span, hint)
    options = options or {}
    if not isinstance(options, dict):
        raise Fault("positional-argument", "options of `cross_entropy` must be named", node.span, hint)
    inner = node.get("cross_entropy") if isinstance(node, YamlMapping) else None
    for key in options:
        if key not in _OPTIONS:
            near = did_you_mean(key, _OPTIONS) or f"it has {', '.join(_OPTIONS)}"
            raise Fault(
                "unknown-argument", f"`cross_entropy` has no option `{printable(key)}`", _span(inner, key, node), near
            )
    return _checked(options, inner, node, shape)


def _checked(options: dict[str, Any], inner: Node | None, node: Node, shape: Shape) -> Loss:
    ignore, weights, smoothing = options.get("ignore"), options.get("weights"), options.get("label_smoothing", 0.0)
    if ignore is not None and type(ignore) is not int:
        raise Fault(
            "wrong-type",
            "`ignore` must be a whole number: a class, or a number without a class, such as 255",
            _span(inner, "ignore", node),
        )
    if isinstance(smoothing, bool) or not isinstance(smoothing, (int, float)) or not 0 <= smoothing < 1:
        raise Fault(
            "wrong-value", "`label_smoothing` must be at least 0 and below 1", _span(inner, "label_smoothing", node)
        )
    if weights is not None:
        classes = shape.channels if "channels" in shape.axes else 0
        good = isinstance(weights, list) and all(type(w) in (int, float) and w >= 0 for w in weights)
        if not good or len(weights) != classes:
            message = f"`weights` must be {classes} numbers, one for each class, none below 0"
            raise Fault("wrong-value", message, _span(inner, "weights", node))
        weights = tuple(float(w) for w in weights)
    return Loss(ignore, weights, float(smoothing))


def _span(inner: Node | None, key: str, node: Node) -> Any:
    value = inner.get(key) if isinstance(inner, YamlMapping) else None
    return (value or node).span


def main_output(outputs: tuple[Output, ...]) -> Output:
    """The main output: the first that is not for training only."""
    return next(output for output in outputs if not output.training)
