"""A graph as the PyTorch source a good engineer would have written by hand.

Standalone text that needs torch alone, deterministic and formatted: one class for each block, with constructor
arguments for what differs between its uses.

``archspec.families`` finds the common form of a block's uses.  Here, a file each: ``emitter`` writes the file, of
``classes`` (over ``steps``), each a ``constructor`` and a ``forward``; ``initial`` says how weights start,
``documentation`` what a class is said to be; ``layout`` breaks lines, ``names`` hands out names.

Nothing here imports torch.
"""

from archspec.backends.torch_source.classes import shown_path
from archspec.backends.torch_source.emitter import Emitted, emit, emitted

__all__ = ["Emitted", "emit", "emitted", "shown_path"]
