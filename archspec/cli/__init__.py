"""The command line: `archspec check | summary | render | rf | erf | compile | …`.

``app`` holds the commands of ``commands``, ``training``, ``conversion``, ``convolution``, ``fields``, ``importing``
and ``memory``;
``options`` reads their arguments, ``terminal`` is where they answer.  No logic here: what words mean is decided by the
pipeline.
"""

from archspec.cli import commands, conversion, convolution, fields, importing, memory, training
from archspec.cli.app import app, main

__all__ = ["app", "commands", "conversion", "convolution", "fields", "importing", "main", "memory", "training"]
