"""The command line: `archspec check | summary | render | compile | expand | train | list | schema | conv-matrix`.

``app`` holds the commands of ``commands``, ``training`` and ``convolution``; ``options`` reads their arguments,
``terminal`` is where they answer.  No logic here: what the words mean is decided by the pipeline.
"""

from archspec.cli import commands, convolution, training
from archspec.cli.app import app, main

__all__ = ["app", "commands", "convolution", "main", "training"]
