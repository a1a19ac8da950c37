"""The worked solutions of the lecture's exercises; `python -m doctest matrix.py` finds nothing wrong."""

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
    rows, columns = len(kernel), len(kernel[0])
    found = []
    for y in range(height - rows + 1):
        for x in range(width - columns + 1):
            row = [0.0] * (height * width)
            for i in range(rows):
                for j in range(columns):
                    row[(y + i) * width + (x + j)] = kernel[i][j]
            found.append(row)
    return found


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
    rows, columns = len(kernel), len(kernel[0])
    found = []
    for top in range(-padding, height + padding - rows + 1, stride):
        for left in range(-padding, width + padding - columns + 1, stride):
            row = [0.0] * (height * width)
            for i in range(rows):
                for j in range(columns):
                    y, x = top + i, left + j
                    if 0 <= y < height and 0 <= x < width:  # in the padding there is nothing to read
                        row[y * width + x] = kernel[i][j]
            found.append(row)
    return found


def many_channels(kernels: list[list[Matrix]], height: int, width: int, stride: int, padding: int) -> Matrix:
    """Question 4: many channels.  ``kernels[o][i]`` is the kernel from input channel i to output channel o.

    >>> import archspec, torch
    >>> weight = torch.randn(2, 3, 3, 3, dtype=torch.float64)
    >>> wanted = archspec.conv_matrix(weight, (5, 6), stride=2, padding=1).to_dense()
    >>> torch.equal(torch.tensor(many_channels(weight.tolist(), 5, 6, 2, 1), dtype=torch.float64), wanted)
    True
    """
    found = []
    for to_one_output in kernels:
        blocks = [any_geometry(kernel, height, width, stride, padding) for kernel in to_one_output]
        found += [[entry for part in parts for entry in part] for parts in zip(*blocks, strict=True)]
    return found


def transposed_size(m: int, kernel: int, padding: int, stride: int) -> int:
    """Question 5: the output size of a transposed convolution of m pixels along one axis.

    >>> import torch
    >>> cases = [(m, k, p, s) for m in (2, 5, 8) for k in (3, 4, 5) for p in (0, 1) for s in (1, 2, 3)]
    >>> layer = torch.nn.ConvTranspose1d
    >>> wanted = [layer(1, 1, k, stride=s, padding=p)(torch.zeros(1, 1, m)).shape[-1] for m, k, p, s in cases]
    >>> [transposed_size(*case) for case in cases] == wanted
    True
    """
    return (m - 1) * stride - 2 * padding + kernel
