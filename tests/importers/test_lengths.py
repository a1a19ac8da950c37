"""What an import writes is about as long as what we write ourselves."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
import yaml

import archspec
from archspec.elaborate.shipped import spec_names, specs_folder

SEGMENTATION = ("fcn_resnet50", "deeplabv3_resnet50", "lraspp_mobilenet_v3_large")
MOST = 1.3
"""The most that imports may be longer than our own specs, all together."""


def own_lines(name: str) -> int:
    """The lines of a shipped spec and of those that it extends, without the empty ones and the schema's address."""
    text = (specs_folder() / f"{name}.yaml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    base = yaml.safe_load(text).get("extends")
    return len(lines) + (own_lines(base) if base else 0)


def imported_lines(torchvision: ModuleType, name: str) -> int:
    """The lines of the import of one of torchvision's networks."""
    more = {"weights_backbone": None} if name in SEGMENTATION else {}
    if name in ("googlenet", "inception_v3"):
        more = {"init_weights": False, "aux_logits": True}
    module = torchvision.models.get_model(name, weights=None, **more)
    size = 299 if name == "inception_v3" else 224
    return len(archspec.from_torch(module, (3, size, size)).to_yaml().splitlines())


@pytest.mark.slow
def test_imports_are_as_short_as_our_own_specs(torchvision: ModuleType) -> None:
    names = sorted(spec_names() & {*torchvision.models.list_models(torchvision.models), *SEGMENTATION})
    torch.manual_seed(0)
    rows = {name: (imported_lines(torchvision, name), own_lines(name)) for name in names}
    theirs, ours = (sum(column) for column in zip(*rows.values(), strict=True))
    assert len(names) >= 30
    assert theirs <= MOST * ours, f"{theirs} lines for {ours}: {rows}"
