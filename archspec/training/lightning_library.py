"""Imports Lightning for all of training, after whatever could make its import fail.

Lightning imports torchvision if it is installed, and a torchvision built for another torch fails to import.
"""

from __future__ import annotations

import contextlib

from archspec.running.torchvision_library import torchvision

with contextlib.suppress(ImportError):
    torchvision()

import lightning.pytorch as lightning
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch import callbacks, loggers
from lightning.pytorch.plugins.io import CheckpointIO

__all__ = ["CheckpointIO", "LightningEnvironment", "callbacks", "lightning", "loggers"]
