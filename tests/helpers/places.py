"""Where the tests find what is not theirs: the shipped specs, the folder of the project, what lies beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SPECS = ROOT / "specs"
SHIPPED = sorted(file.stem for file in SPECS.glob("*.yaml"))
"""The names of the shipped specs."""
ALIKE = frozenset((
    "densenet161", "densenet169", "densenet201", "dilated_context_large", "fcn16s_vgg16", "fcn32s_vgg16",
    "mobilenet_v1_050", "mobilenet_v1_075", "resnet34", "resnet101", "resnet101_paper", "resnet152", "resnet152_paper",
    "resnext50_32x4d", "squeezenet_simple_bypass", "vgg11", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19",
    "vgg19_bn", "wide_resnet50_2",
))  # fmt: skip
"""Shipped specs that differ from another in numbers alone: more layers, more channels, another stride."""
EACH_SHIPPED = [pytest.param(name, marks=[pytest.mark.slow] if name in ALIKE else []) for name in SHIPPED]
"""The shipped specs as parameters of a test, those that are like another left to the slow target."""
SHARED = ROOT.parent / "shared"
"""A folder of cases that may be missing; tests that need it skip."""
