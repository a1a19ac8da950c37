"""torchvision, where there is one: one that was built for another torch must not keep anything else from running."""

from __future__ import annotations

import importlib
from types import ModuleType

import torch

COMPILED = ("nms", "qnms")
"""Ops of torchvision's compiled part that its import wants to exist; nothing here calls them."""


def torchvision() -> ModuleType:
    """The package, imported; without its compiled ops where they fit another torch.  Raises ImportError."""
    try:
        return importlib.import_module("torchvision")
    except RuntimeError:
        for name in COMPILED:
            signature = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            torch.library.define(f"torchvision::{name}", signature)
        return importlib.import_module("torchvision")
