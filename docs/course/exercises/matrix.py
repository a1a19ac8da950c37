"""The lecture's exercises about convolution as a matrix, and about the size of a transposed convolution.

The numbers are those of the page of questions.  Write each function's body, then check your answers with `python -m
doctest matrix.py`: it prints nothing where all is right.  Matrices are lists of rows.  `archspec.conv_matrix` and torch
are the examiners.
"""

from __future__ import annotations

Matrix = list[list[float]]


def one_channel(kernel: Matrix, height: int, width: int) -> Matrix:
    """Question 3: the matrix of a convolution of stride 1 without padding, of an image of height × width pixels.

    >>> import archspec, torch
    >>> kernel = torch.randn(3, 2, dtype=torch.float64)
    >>> wanted = archspec.conv_matrix(kernel[None, None], (5, 4)).to_dense()
    >>> torch.equal(torch.tensor(one_channel(kernel.tolist(), 5, 4), dtype=torch.float64), wanted)
    True
    """
    raise NotImplementedError


def any_geometry(kernel: Matrix, height: int, width: int, stride: int, padding: int) -> Matrix:
    """Question 3, second part: the same with any stride and padding.

    >>> import archspec, torch
    >>> kernel = torch.randn(3, 3, dtype=torch.float64)
    >>> for size, stride, padding in (((5, 4), 1, 1), ((7, 6), 2, 0), ((6, 9), 3, 2)):
    ...     wanted = archspec.conv_matrix(kernel[None, None], size, stride=stride, padding=padding).to_dense()
    ...     found = torch.tensor(any_geometry(kernel.tolist(), *size, stride, padding), dtype=torch.float64)
    ...     print(torch.equal(found, wanted))
    True
    True
    True
    """
    raise NotImplementedError


def many_channels(kernels: list[list[Matrix]], height: int, width: int, stride: int, padding: int) -> Matrix:
    """Question 4: many channels.  ``kernels[o][i]`` is the kernel from input channel i to output channel o.

    >>> import archspec, torch
    >>> weight = torch.randn(2, 3, 3, 3, dtype=torch.float64)
    >>> wanted = archspec.conv_matrix(weight, (5, 6), stride=2, padding=1).to_dense()
    >>> torch.equal(torch.tensor(many_channels(weight.tolist(), 5, 6, 2, 1), dtype=torch.float64), wanted)
    True
    """
    raise NotImplementedError


def transposed_size(m: int, kernel: int, padding: int, stride: int) -> int:
    """Question 5: the output size of a transposed convolution of m pixels along one axis.

    >>> import torch
    >>> cases = [(m, k, p, s) for m in (2, 5, 8) for k in (3, 4, 5) for p in (0, 1) for s in (1, 2, 3)]
    >>> layer = torch.nn.ConvTranspose1d
    >>> wanted = [layer(1, 1, k, stride=s, padding=p)(torch.zeros(1, 1, m)).shape[-1] for m, k, p, s in cases]
    >>> [transposed_size(*case) for case in cases] == wanted
    True
    """
    raise NotImplementedError
