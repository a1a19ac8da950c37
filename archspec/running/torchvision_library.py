"""torchvision, if installed.  A torchvision built for another torch must not break anything else."""

from __future__ import annotations

import importlib
from types import ModuleType

import torch

COMPILED = ("nms", "qnms")
"""Compiled ops of torchvision that its import requires; nothing here calls them."""


def torchvision() -> ModuleType:
    """The imported package, without its compiled ops if they were built for another torch.  Raises ImportError."""
    try:
        return importlib.import_module("torchvision")
    except RuntimeError:
        for name in COMPILED:
            signature = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            torch.library.define(f"torchvision::{name}", signature)
        return importlib.import_module("torchvision")
