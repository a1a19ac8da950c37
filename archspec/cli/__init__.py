"""The command line: `archspec check | summary | render | rf | erf | compile | …`.

``app`` holds the commands of the other files; ``options`` reads their arguments; ``terminal`` prints their answers.
There is no logic here: the pipeline does the work.
"""

from archspec.cli import (
    beginning,
    commands,
    comparing,
    compiling,
    conversion,
    convolution,
    drawing,
    editing,
    exporting,
    fields,
    helping,
    importing,
    memory,
    profiling,
    sweeping,
    trained,
    training,
    watching,
)
from archspec.cli.app import app, main

__all__ = [
    "app",
    "beginning",
    "commands",
    "compiling",
    "comparing",
    "conversion",
    "convolution",
    "drawing",
    "editing",
    "exporting",
    "fields",
    "helping",
    "importing",
    "main",
    "memory",
    "profiling",
    "sweeping",
    "trained",
    "training",
    "watching",
]
