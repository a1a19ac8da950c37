"""A graph as the PyTorch source a good engineer would have written by hand.

Standalone text that needs torch alone, deterministic and formatted: one class for each block, with constructor arguments
for what differs between its uses.  The stages, a file each: ``flow`` (what goes in and out of each scope), ``items`` (what
a scope holds), ``unify`` with ``solver`` and ``series`` (one skeleton from all uses of a block), ``constructor`` and
``forward`` (the two methods of a class), ``layout`` (lines).  Nothing here imports torch.
"""

from archspec.backends.torch_source.emitter import Emitted, emit, emitted

__all__ = ["Emitted", "emit", "emitted"]
