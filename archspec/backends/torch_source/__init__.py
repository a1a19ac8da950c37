"""A graph as the PyTorch source a good engineer would have written by hand.

Standalone text that needs torch alone, deterministic and formatted: one class for each block, with constructor
arguments for what differs between its uses.  The stages, a file each, in their order:

- ``items``: what each use of a scope holds (over the analyses ``flow`` and ``structure``);
- ``unify`` (over ``wiring``, ``members``, ``chains``, each a layer): one skeleton from all uses of a block, kept in
  ``templates``; ``solver`` (over ``arguments``) finds the formulas, ``series`` the loops, ``settle`` the local
  variables, ``algebra`` computes with formulas;
- ``emitter``: the file, of ``classes`` (over ``steps``), each a ``constructor`` and a ``forward``; ``initial`` says how
  weights start;
- ``layout`` breaks lines, ``names`` hands out names.

Nothing here imports torch.
"""

from archspec.backends.torch_source.emitter import Emitted, emit, emitted

__all__ = ["Emitted", "emit", "emitted"]
