"""The texts of the layers of a network for inference, which take in what stands beside them.

They are read as a part of the emitted file, so they are written for its reader.
"""

ONEDNN = '''\
ONEDNN = torch.ops.mkldnn
"""torch's calls of oneDNN; they are private, so without them torch's own are used."""
FUSES = torch.backends.mkldnn.is_available() and all(
    hasattr(ONEDNN, name)
    for name in (
        "_convolution_pointwise",
        "_linear_pointwise",
        "_reorder_convolution_weight",
        "_reorder_linear_weight",
    )
)
'''

AFFINE = '''\
def affine(state: dict[str, Tensor], path: str, eps: float) -> tuple[Tensor, Tensor]:
    """A batch norm's scale and shift of each channel, from its running statistics."""
    scale = (state[f"{path}.running_var"].double() + eps).rsqrt()
    if f"{path}.weight" in state:
        scale = scale * state[f"{path}.weight"]
    shift = -scale * state[f"{path}.running_mean"]
    if f"{path}.bias" in state:
        shift = shift + state[f"{path}.bias"]
    return scale, shift


def beside(path: str, name: str) -> str:
    """The path of a name in the scope around `path`; a leading dot is one further."""
    parts = path.split(".")[:-1]
    while name.startswith("."):
        name, parts = name[1:], parts[:-1]
    return ".".join([*parts, name])
'''

LAYER = '''\
class Layer(nn.Module):
    """A linear layer and what follows it: a batch norm in its weight, an activation.

    `norm` is that batch norm in the plain form; of the one `before` a ReLU before the
    layer, its weight has the scale and shift. Both are paths from the scope around it.
    """

    weight: WEIGHT
    bias: Tensor

    def __init__(
        self,
        shape: tuple[int, ...],
        norm: str,
        eps: float,
        before: str,
        before_eps: float,
        activation: str,
    ) -> None:
        super().__init__()
        self.norm, self.eps = norm, eps
        self.before, self.before_eps = before, before_eps
        self.activation = activation
        self.register_buffer("weight", torch.empty(shape))
        self.register_buffer("bias", torch.empty(shape[0]))

    def fold(self, state: dict[str, Tensor], path: str) -> None:
        """Take the weights of the plain form at `path`, with the batch norms folded."""
        weight = state[f"{path}.weight"].detach()
        bias = state.get(f"{path}.bias", weight.new_zeros(len(weight))).detach()
        if self.before:
            scale, shift = affine(state, beside(path, self.before), self.before_eps)
            # Where the scale is 0, the ReLU has given max(shift, 0) and not shift.
            shift = torch.where(scale == 0, shift.clamp(min=0), shift)
            whole = weight.double().flatten(1)
            times = whole.shape[1] // len(scale)
            bias = bias + whole @ shift.repeat_interleave(times)
            whole = whole * scale.repeat_interleave(times)
            weight = whole.reshape(weight.shape)
        if self.norm:
            scale, shift = affine(state, beside(path, self.norm), self.eps)
            weight = (weight.double().flatten(1) * scale[:, None]).reshape(weight.shape)
            bias = bias * scale + shift
        self.weight = weight.float().clone(memory_format=torch.contiguous_format)
        self.bias = bias.float().clone()

    def check(self, x: Tensor) -> None:
        """Refuse what this form cannot do."""
        if self.training or (x.requires_grad and torch.is_grad_enabled()):
            raise RuntimeError(
                "this network is for inference: call eval() and torch.no_grad(), "
                "and train the plain form"
            )
'''

PACKED = '''\
class Packed(Layer):
    """A layer whose weight can lie in the order that oneDNN wants for an input."""

    packed: Tensor | None = None
    size: tuple[int, ...] = ()

    def plain(self) -> Tensor:
        """The weight in torch's own order."""
        if self.weight is not None:
            return self.weight
        assert self.packed is not None
        return self.packed.to_dense()

    def pack(self, size: tuple[int, ...]) -> None:
        """Put the weight in the order that is fastest for an input of a size."""
        if FUSES:
            self.packed, self.size = self.order(self.plain(), size), size
            self.weight = None

    def order(self, weight: Tensor, size: tuple[int, ...]) -> Tensor:
        """The weight in that order."""
        raise NotImplementedError

    def __getstate__(self) -> dict[str, object]:
        """The weight in torch's own order: oneDNN's can be neither copied nor saved."""
        state = {**self.__dict__, "packed": None}
        state["_buffers"] = {**self._buffers, "weight": self.plain()}
        return state

    def __setstate__(self, state: dict[str, object]) -> None:
        super().__setstate__(state)
        if self.size:
            self.pack(self.size)
'''

CONV = '''\
class Conv(BASE):
    """A convolution over two axes; it can add a second map, of its output's size."""

    def __init__(
        self,
        in_channels: int,
        channels: int,
        kernel: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        norm: str = "",
        eps: float = 1e-5,
        before: str = "",
        before_eps: float = 1e-5,
        activation: str = "none",
    ) -> None:
        kernel, stride, padding, dilation = (
            (each, each) if isinstance(each, int) else each
            for each in (kernel, stride, padding, dilation)
        )
        shape = (channels, in_channels // groups, *kernel)
        super().__init__(shape, norm, eps, before, before_eps, activation)
        self.how = (list(padding), list(stride), list(dilation), groups)
'''

CONV_ONEDNN = """\
    def order(self, weight: Tensor, size: tuple[int, ...]) -> Tensor:
        return ONEDNN._reorder_convolution_weight(weight, *self.how, list(size))

    def forward(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        self.check(x)
        if self.packed is None:
            padding, stride, dilation, groups = self.how
            weight = self.plain()
            x = torch.conv2d(x, weight, self.bias, stride, padding, dilation, groups)
            return PLAIN[self.activation](x if other is None else x + other)
        how = (self.packed, self.bias, *self.how)
        if other is None:
            call = ONEDNN._convolution_pointwise.default
            return call(x, *how, *FUSED[self.activation])
        call = ONEDNN._convolution_pointwise.binary
        last = None if self.activation == "none" else self.activation
        return call(x, other, *how, "add", 1.0, last, [], None)
"""

CONV_PLAIN = """\
    def forward(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        self.check(x)
        padding, stride, dilation, groups = self.how
        x = torch.conv2d(x, self.weight, self.bias, stride, padding, dilation, groups)
        return PLAIN[self.activation](x if other is None else x + other)
"""

LINEAR = '''\
class Linear(BASE):
    """A dense layer."""

    def __init__(
        self,
        in_features: int,
        features: int,
        norm: str = "",
        eps: float = 1e-5,
        before: str = "",
        before_eps: float = 1e-5,
        activation: str = "none",
    ) -> None:
        shape = (features, in_features)
        super().__init__(shape, norm, eps, before, before_eps, activation)
'''

LINEAR_ONEDNN = """\
    def order(self, weight: Tensor, size: tuple[int, ...]) -> Tensor:
        rows = 1
        for extent in size[:-1]:
            rows *= extent
        return ONEDNN._reorder_linear_weight(weight, rows)

    def forward(self, x: Tensor) -> Tensor:
        self.check(x)
        if self.packed is None:
            return PLAIN[self.activation](F.linear(x, self.plain(), self.bias))
        call = ONEDNN._linear_pointwise.default
        return call(x, self.packed, self.bias, *FUSED[self.activation])
"""

LINEAR_PLAIN = """\
    def forward(self, x: Tensor) -> Tensor:
        self.check(x)
        return PLAIN[self.activation](F.linear(x, self.weight, self.bias))
"""

CLIP = '''\
class Clip(nn.Module):
    """A batch norm and the ReLU after it, without the scale s and the shift b, which
    the next layer's weight has taken in: relu(s·x + b) is s·clip(x) + b.
    """

    low: Tensor
    high: Tensor

    def __init__(self, in_channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.above = True
        self.register_buffer("low", torch.empty(in_channels, 1, 1))
        self.register_buffer("high", torch.empty(in_channels, 1, 1))

    def fold(self, state: dict[str, Tensor], path: str) -> None:
        """Find the bounds: from −b/s on where s > 0, up to −b/s where s < 0."""
        scale, shift = affine(state, path, self.eps)
        bound = torch.where(scale == 0, 0.0, -shift / scale)
        low = torch.where(scale < 0, -torch.inf, bound)
        high = torch.where(scale > 0, torch.inf, bound)
        self.low = low.float().reshape(-1, 1, 1)
        self.high = high.float().reshape(-1, 1, 1)
        self.above = bool((scale <= 0).any())

    def forward(self, x: Tensor) -> Tensor:
        x = torch.maximum(x, self.low)
        return torch.minimum(x, self.high) if self.above else x
'''
