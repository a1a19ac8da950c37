"""A ``torch.nn.Module`` as a spec.

The stages, one file each, in order: ``capture`` runs the module on meta tensors and records its calls; ``traces``
merges the calls at several sizes; ``lowering`` translates each call to ops (``layers`` for modules, ``functions`` for
functions, ``arithmetic`` and ``shapes`` for tensor methods and operators).
"""
