"""The command line: `archspec check | summary | render | compile | expand | train | list | schema`.

``app`` holds the commands of ``commands`` and ``training``; ``options`` reads their arguments, ``terminal`` is where
they answer.  No logic here: what the words mean is decided by the pipeline.
"""

from archspec.cli import commands, training
from archspec.cli.app import app, main

__all__ = ["app", "commands", "main", "training"]
