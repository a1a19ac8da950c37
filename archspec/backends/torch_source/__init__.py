"""A graph as PyTorch source, written as a good engineer would write it by hand.

The text is deterministic, formatted and standalone: it needs only torch.  Each block is one class, with constructor
arguments for what differs between its uses.

``archspec.families`` finds the common form of a block's uses.  Here each stage is a file: ``emitter`` writes the file
from ``classes`` (on top of ``steps``), each with a ``constructor`` and a ``forward``; ``initial`` initialises weights,
``documentation`` writes docstrings, ``layout`` breaks lines, ``names`` chooses free names.

Nothing here imports torch.
"""

from archspec.backends.torch_source.classes import shown_path
from archspec.backends.torch_source.emitter import Emitted, Surroundings, emit, emitted

__all__ = ["Emitted", "Surroundings", "emit", "emitted", "shown_path"]
