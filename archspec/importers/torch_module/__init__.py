"""A ``torch.nn.Module`` as a spec.

The stages, a file each, in their order: ``capture`` runs the module on tensors without numbers and writes down what it
calls; ``traces`` sets the calls at several sizes side by side; ``lowering`` says each call in ops (``layers`` for
modules, ``functions`` for functions, ``arithmetic`` and ``shapes`` for what tensors do themselves).
"""
