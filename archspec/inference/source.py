"""The PyTorch source of a network for inference."""

from __future__ import annotations

from typing import Literal

from archspec.backends.torch_source import Emitted, Surroundings, emitted
from archspec.graph import Graph
from archspec.inference import loading_texts, texts
from archspec.inference.lowering import Precision, lowered
from archspec.inference.merging import ACTIVATIONS
from archspec.inference.operations import Clip, FusedConv, FusedLinear
from archspec.ops import Op

Device = Literal["cpu", "cuda"]

NOTE = (
    "For inference: the function of the plain form, up to rounding, in fewer calls. Batch norm is in the weights; "
    "activations and sums are computed with the layer before them. The weights are those of the plain form: "
    "`prepare(from_state_dict(torch.load(path)), image)`."
)

NAMES = frozenset(
    """ONEDNN FUSES FUSED PLAIN FOLDS Layer Packed Conv Linear Clip Captured
    affine beside prepare unpack from_state_dict""".split()  # noqa: SIM905
)
"""The names that the texts define."""

PLAIN = {name: f"F.{name}" for name in ACTIVATIONS} | {
    "none": "lambda x: x",
    "sigmoid": "torch.sigmoid",
    "tanh": "torch.tanh",
}
"""torch's own functions, where oneDNN's cannot be called."""


def source(graph: Graph, precision: Precision = "f32", device: Device = "cpu") -> Emitted:
    """The text for inference of a network, with the places of its lines and modules."""
    low = lowered(graph, precision)
    ops = [node.op for node in low.nodes if node.op is not None]
    note = f"{NOTE} Its numbers are bfloat16." if precision == "bf16" else NOTE
    before, after = _before(ops, device), _after(ops, device)
    after = [text.replace("PRECISION", ".to(torch.bfloat16)" if precision == "bf16" else "") for text in after]
    return emitted(low, Surroundings((note,), tuple(before), tuple(after), NAMES))


def _layers(ops: list[Op]) -> list[FusedConv | FusedLinear]:
    return [op for op in ops if isinstance(op, FusedConv | FusedLinear)]


def _before(ops: list[Op], device: Device) -> list[str]:
    """The tables and modules that the network uses."""
    layers, kinds = _layers(ops), {type(op) for op in ops}
    if not layers and Clip not in kinds:
        return []
    found: list[str] = []
    used = ["none", *sorted({op.activation for op in layers} - {"none"})]
    on_cpu = device == "cpu"
    if layers:
        tables = ([texts.ONEDNN, _table("FUSED", ACTIVATIONS, used)] if on_cpu else []) + [_table("PLAIN", PLAIN, used)]
        found.append("\n".join(tables))
    found.append(texts.AFFINE)
    if layers:
        found += [texts.LAYER, texts.PACKED] if on_cpu else [texts.LAYER]
    if FusedConv in kinds:
        found.append(texts.CONV + "\n" + (texts.CONV_ONEDNN if on_cpu else texts.CONV_PLAIN))
    if FusedLinear in kinds:
        found.append(texts.LINEAR + "\n" + (texts.LINEAR_ONEDNN if on_cpu else texts.LINEAR_PLAIN))
    found += [texts.CLIP] if Clip in kinds else []
    folds = [name for name, there in (("Layer", bool(layers)), ("Clip", Clip in kinds)) if there]
    found.append(f"FOLDS = ({', '.join(folds)}{',' if len(folds) == 1 else ''})")
    base, weight = ("Packed", "Tensor | None") if on_cpu else ("Layer", "Tensor")
    return [text.replace("BASE", base).replace("WEIGHT", weight) for text in found]


def _after(ops: list[Op], device: Device) -> list[str]:
    """How the network is loaded and prepared."""
    layers = _layers(ops)
    loading = (
        loading_texts.LOADING if layers or any(isinstance(op, Clip) for op in ops) else loading_texts.LOADING_PLAIN
    )
    if device == "cuda":
        return [loading, loading_texts.CAPTURED]
    return [loading, loading_texts.PREPARE] if layers else [loading]


def _table(name: str, entries: dict[str, str], used: list[str]) -> str:
    """A table of the activations that are used, by name."""
    return "\n".join([f"{name} = {{", *(f'    "{each}": {entries[each]},' for each in used), "}"])
