"""Lightning, for all of training: imported here alone, behind what its import may stumble over.

Lightning imports torchvision where there is one, and one that was built for another torch fails to import.
"""

from __future__ import annotations

import contextlib
import importlib

import torch

try:
    with contextlib.suppress(ImportError):
        importlib.import_module("torchvision")
except RuntimeError:
    torch.library.define("torchvision::nms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    torch.library.define("torchvision::qnms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import lightning.pytorch as lightning
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch import callbacks
from lightning.pytorch.plugins.io import CheckpointIO

__all__ = ["CheckpointIO", "LightningEnvironment", "callbacks", "lightning"]
