"""Batch normalisation folded into the convolution before it."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any, ClassVar

from pydantic import Field

from archspec.ops.batch_norm import BatchNorm
from archspec.ops.conv_transpose import ConvTranspose
from archspec.rewrites.engine.base import Rewrite, Steps
from archspec.rewrites.engine.draft import Draft
from archspec.rewrites.engine.errors import RewriteError
from archspec.rewrites.engine.nodes import DraftNode


class FoldBatchNorm(Rewrite):
    """Fold each batch normalisation into the convolution (or dense layer) that it reads, for evaluation.

    With running statistics a batch normalisation is γ·(y − μ)/√(σ² + ε) + β, and y = W∗x + b is linear.  So the two
    equal one convolution with weight s·W and bias s·(b − μ) + β, where s = γ/√(σ² + ε) for each output channel
    (https://arxiv.org/abs/1806.08342, section 3.2.2).  In evaluation the function is the same up to rounding; in
    training it differs, since there are no batch statistics.

    A normalisation that does not read a convolution (like some in DenseNet) is not changed.  Where a convolution and
    its normalisation are used again together, as in a reused `sequence`, all their uses are folded.  After folding,
    the convolution's name refers to the normalised value.
    """

    keyword: ClassVar[str] = "fold_batch_norm"
    main: ClassVar[str | None] = "within"

    within: Steps | None = Field(
        None, description="only in these blocks or steps, by path or label. Default: everywhere"
    )

    def apply(self, draft: Draft) -> None:
        """Fold every one possible; raises RewriteError if something else reads a convolution, or there is nothing to
        fold.
        """
        norms = [one for one in draft.within(self.within) if isinstance(one.op, BatchNorm)]
        if not norms:
            raise RewriteError("there is no batch normalisation" + (" in the given steps" if self.within else ""))
        left = [norm for norm in norms if not _follows_convolution(norm)]
        given = set(norms)
        for norm in norms:
            if _follows_convolution(norm) and norm.reuse not in given:
                _fold(draft, _alike(draft, norm, given))
        if len(left) == len(norms):
            raise RewriteError("no batch normalisation reads a convolution", norms[0])
        if left:
            more = f" and {len(left) - 1} others" if len(left) > 1 else ""
            draft.note(f"`{left[0].path}`{more} were not folded: they do not read a convolution")


def _follows_convolution(norm: DraftNode) -> bool:
    op = norm.inputs[0].op
    return op is not None and op.output_axis is not None


def _alike(draft: Draft, norm: DraftNode, given: Set[DraftNode]) -> list[DraftNode]:
    """The normalisation and those that use its weights again, each of which reads the same convolution's weights.

    Raises RewriteError if folding them would change something else.
    """
    conv = norm.inputs[0]
    for node in (conv, norm):
        if node.reuse is not None:
            raise RewriteError(f"`{node.path}` shares its weights with another step", node)
    norms = [norm, *draft.sharing.get(norm, ())]
    convolutions = {conv, *draft.sharing.get(conv, ())}
    for one in norms:
        if one not in given:
            raise RewriteError(f"`{norm.path}` shares its weights with `{one.path}`, which is not to be folded", norm)
        if one.inputs[0] not in convolutions:
            raise RewriteError(f"`{norm.path}` shares its weights with `{one.path}`, which reads another step", norm)
        _guard(draft, one)
    if len(norms) != len(convolutions):
        read = {one.inputs[0] for one in norms}
        other = next(one for one in (conv, *draft.sharing.get(conv, ())) if one not in read)
        raise RewriteError(
            f"`{conv.path}` shares its weights with `{other.path}`, which `{norm.path}` does not normalise", conv
        )
    return norms


def _guard(draft: Draft, norm: DraftNode) -> None:
    """Raise RewriteError if something else reads the convolution, or the normalisation is not constant."""
    (conv,) = norm.inputs
    others = [reader.path for reader in conv.readers if reader is not norm]
    if others:
        raise RewriteError(f"`{others[0]}` also reads `{conv.path}` before its normalisation", norm)
    if any(node is conv for _, node in draft.outputs):
        raise RewriteError(f"`{conv.path}` is an output before its normalisation", norm)
    op: Any = norm.op
    if not op.track_running_stats:
        raise RewriteError(f"`{norm.path}` keeps no running statistics, so it is not constant in evaluation", norm)


def _fold(draft: Draft, norms: Sequence[DraftNode]) -> None:
    """Fold normalisations of the same weights into the convolutions that they read."""
    norm = norms[0]
    (conv,) = norm.inputs
    old_conv, old_norm = conv.path, norm.path
    op: Any = norm.op
    given: Any = conv.op
    groups = given.groups if isinstance(conv.op, ConvTranspose) else 1
    scale = [f"{old_norm}.weight"] if op.affine else []
    statistics = [f"{old_norm}.running_mean", f"{old_norm}.running_var"]
    shift = [f"{old_norm}.bias"] if op.affine else []
    own = [f"{old_conv}.bias"] if given.bias else []
    draft.weight(
        conv, "weight", (f"{old_conv}.weight", statistics[1], *scale), _Weight(op.eps, given.output_axis, groups)
    )
    draft.weight(conv, "bias", (*statistics, *scale, *shift, *own), _Bias(op.eps, op.affine))
    for one in norms:
        (folded,) = one.inputs
        if not given.bias:
            draft.change(folded, bias=True)
        folded.label = None  # the value that it named, before normalisation, no longer exists
        draft.remove(one)


class _Weight:
    """s·W; ``groups`` are a transposed convolution's, whose weight has the inputs of all groups on its first axis."""

    def __init__(self, eps: float, axis: int, groups: int) -> None:
        self.eps = eps
        self.axis = axis
        self.groups = groups

    def __call__(self, weight: Any, variance: Any, gamma: Any = None) -> Any:
        scale = _scale(variance, gamma, self.eps)
        by_group = weight.double().reshape(self.groups, -1, *weight.shape[1:])
        shape = [self.groups] + [1] * weight.ndim
        shape[1 + self.axis] = -1
        return (by_group * scale.reshape(shape)).reshape(weight.shape).to(weight.dtype)


class _Bias:
    """s·(b − μ) + β."""

    def __init__(self, eps: float, affine: bool) -> None:
        self.eps = eps
        self.affine = affine

    def __call__(self, mean: Any, variance: Any, *more: Any) -> Any:
        gamma, beta, own = (*more, None)[:3] if self.affine else (None, None, *more, None)[:3]
        centred = -mean.double() if own is None else own.double() - mean.double()
        bias = centred * _scale(variance, gamma, self.eps)
        return (bias if beta is None else bias + beta.double()).to(mean.dtype)


def _scale(variance: Any, gamma: Any, eps: float) -> Any:
    """γ/√(σ² + ε), in double precision."""
    scale = (variance.double() + eps).rsqrt()
    return scale if gamma is None else scale * gamma.double()
