"""The command line: `archspec check | summary | render | rf | erf | compile | …`.

``app`` holds the commands of the other files; ``options`` reads their arguments, ``terminal`` is where they answer.  No
logic here: what words mean is decided by the pipeline.
"""

from archspec.cli import (
    beginning,
    commands,
    comparing,
    conversion,
    convolution,
    drawing,
    editing,
    fields,
    helping,
    importing,
    memory,
    training,
    watching,
)
from archspec.cli.app import app, main

__all__ = [
    "app",
    "beginning",
    "commands",
    "comparing",
    "conversion",
    "convolution",
    "drawing",
    "editing",
    "fields",
    "helping",
    "importing",
    "main",
    "memory",
    "training",
    "watching",
]
