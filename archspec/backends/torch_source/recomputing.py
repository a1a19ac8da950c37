"""The text of the function that calls a checkpointed module."""

from __future__ import annotations

CALL = "recomputed"
"""Its name."""

HELPER = '''
def recomputed(module: nn.Module, *inputs: Tensor):
    """The module's outputs; for gradients the values inside are computed again, not kept.

    Dropout draws the same numbers then, and batch norms do not count the batch twice.
    """

    @contextmanager
    def again() -> Iterator[None]:
        norms = [one for one in module.modules() if hasattr(one, "num_batches_tracked")]
        states = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
        for norm in norms:  # statistics that move by nothing, uncounted
            norm.momentum, norm.num_batches_tracked = 0.0, None
        try:
            yield
        finally:
            for norm, state in zip(norms, states, strict=True):
                norm.momentum, norm.num_batches_tracked = state

    return torch.utils.checkpoint.checkpoint(
        module,
        *inputs,
        use_reentrant=False,
        context_fn=lambda: (nullcontext(), again()),
    )
'''
