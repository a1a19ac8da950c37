"""The size steps of torch's windows: convolution, pooling and transposed convolution.

Each function returns ``(a, b, c)`` of ``floor((a·x + b) / c)`` for :func:`archspec.sizes.step`.  The rules are torch's
documented output sizes; the tests compare them with torch.
"""

from __future__ import annotations


def span(kernel: int, dilation: int = 1) -> int:
    """Return the number of rows from the first to the last tap of a window: ``dilation·(kernel − 1) + 1``."""
    return dilation * (kernel - 1) + 1


def window_step(
    kernel: int, stride: int, padding_left: int, padding_right: int, dilation: int = 1, ceil: bool = False
) -> tuple[int, int, int]:
    """Return the step of a convolution or pooling; ``ceil`` is ceil-mode pooling, whose paddings are equal.

    In ceil mode torch drops a last window that would start in the right padding.  The size is then the smaller of two
    floors with the same divisor, which is one floor with the smaller numerator.
    """
    covered = span(kernel, dilation)
    if not ceil:
        return 1, padding_left + padding_right - covered + stride, stride
    if padding_left != padding_right:
        raise ValueError("ceil mode is defined for equal padding on both sides only")
    return 1, min(2 * padding_left - covered + stride, padding_left) - 1 + stride, stride


def transposed_step(
    kernel: int, stride: int, padding: int, output_padding: int = 0, dilation: int = 1
) -> tuple[int, int, int]:
    """Return the step of a transposed convolution."""
    return stride, dilation * (kernel - 1) + output_padding + 1 - stride - 2 * padding, 1


def rows_kept(kernel: int, stride: int, padding_left: int, padding_right: int, dilation: int = 1) -> tuple[int, int]:
    """Return ``(shift, most)``: a floor window drops no real row of x iff ``(x + shift) mod stride ≤ most``.

    A floor leaves ``(x + shift) mod stride`` trailing rows, padding first; rows that a stride larger than the window
    skips by design are not dropped.
    """
    covered = span(kernel, dilation)
    most = padding_right + max(0, stride - covered)
    return padding_left + padding_right - covered, min(most, stride - 1)
