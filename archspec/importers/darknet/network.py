"""A ``.cfg`` as a network: its sections in order."""

from __future__ import annotations

from collections.abc import Sequence

from archspec.diagnostics import Diagnostics, Fault, did_you_mean, printable
from archspec.importers.assembly import Assembly
from archspec.importers.darknet.cfg import Section, sections
from archspec.importers.darknet.layers import HEADS, NOTHING, RULES, SHORT, Network, Unknown
from archspec.importers.naming import legal


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split(" "))


_OF_NET = _words(
    "batch subdivisions time_steps notruth random adam B1 B2 eps max_batches burn_in policy power steps scales "
    "scale step gamma learning_rate min_learning_rate momentum decay angle aspect saturation exposure hue "
    "max_crop min_crop max_ratio min_ratio center clip flip seed mosaic mixup cutmix inputs gaussian_noise blur "
    "label_smooth_eps letter_box optimized_memory workspace_size_limit_MB dynamic_minibatch try_fix_nan "
    "loss_scale track augment_speed num_steps sgdr_cycle sgdr_mult"
)
"""Keys of the network that only affect training."""

_OF_HEADS = _words(
    "anchors mask classes num jitter ignore_thresh truth_thresh random coords softmax background max bias_match "
    "rescore thresh classfix absolute object_scale noobject_scale class_scale coord_scale mask_scale log map "
    "tree side sqrt forced reorg iou_thresh iou_loss iou_normalizer cls_normalizer scale_x_y nms_kind beta_nms "
    "max_delta resize counters_per_class label_smooth_eps obj_normalizer new_coords objectness_smooth total "
    "show_details focal_loss focus"
)
"""Keys of heads that affect decoding and the loss."""

_OF_LAYERS = _words(
    "stopbackward learning_rate_scale onlyforward angle saturation exposure flip shift noloss accuracy truth "
    "train_only_bn share_index"
)
"""Keys of layers that do not affect their output."""


def assembled(
    text: str, name: str, diagnostics: Diagnostics, size: Sequence[int] | None = None
) -> tuple[Network, list[tuple[str, int]]]:
    """The layers of a file, and its outputs: the inputs of heads, and the last value.  Raises :class:`Fault`."""
    net, *layers = sections(text, name)
    if not layers:
        raise Fault("no-steps", "the network has no layers", net.span())
    assembly = Assembly(legal(name.rpartition("/")[2].removesuffix(".cfg"), "net"))
    image = [net.whole(key, 0) for key in ("channels", "height", "width")]
    if size is not None:
        image = list(size)
    if min(image) < 1:
        raise Fault("bad-input", "`channels`, `height` and `width` must give the size of an image", net.span())
    net.close(diagnostics, _OF_NET)
    network = Network(assembly, assembly.input("image", image, net.span()))
    outputs: list[tuple[str, int]] = []
    known: int | None = network.current
    for section in layers:
        kind = SHORT.get(section.name, section.name)
        if kind in HEADS:
            section.close(diagnostics, _OF_HEADS)
            if known is not None:
                outputs.append((f"{kind}{section.index}", known))
        elif kind not in NOTHING:
            known = _value(network, section, kind, known, diagnostics)
        network.given.append(known)
        network.current = known if known is not None else network.current
    kinds = [section.name for section in layers if section.name not in NOTHING]
    if known is not None and kinds[-1:] and kinds[-1] not in HEADS:
        outputs.append(("output", known))
    return network, outputs


def _value(network: Network, section: Section, kind: str, before: int | None, diagnostics: Diagnostics) -> int | None:
    """The value of a section; None if it is refused, or reads a refused one."""
    if kind not in RULES:
        said = f"there is nothing for the section `[{printable(section.name, 40)}]`"
        diagnostics.error("not-importable", said, section.span(), did_you_mean(section.name, RULES))
        return None
    if before is None and kind != "route":
        return None
    try:
        value = RULES[kind](network, section)
        section.close(diagnostics, _OF_LAYERS)
    except Fault as fault:
        diagnostics.add(fault.diagnostic)
        return None
    except Unknown:
        return None
    return value
