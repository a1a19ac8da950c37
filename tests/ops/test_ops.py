"""Every example of every op, held against torch: shapes, valid sizes, windows, weights, cost, and the text itself."""

from __future__ import annotations

import copy
import inspect
import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import prod
from types import ModuleType
from typing import Any

import jsonschema
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import archspec
from archspec import ops
from archspec.ops import Example, Function, Module, Op, Shape, ShapeError
from archspec.ops.common.base import H, L, W
from archspec.ops.common.init import Init
from archspec.ops.common.initialisers import INITIALISERS
from archspec.ops.common.module_attributes import LIST_ATTRIBUTES, MODULE_ATTRIBUTES
from archspec.ops.common.recurrent import Recurrent
from archspec.ops.common.runs import Run
from archspec.ops.common.shape import Pooled
from archspec.ops.common.windows import (
    Adaptive,
    Centred,
    Everything,
    Fitted,
    Joined,
    Nothing,
    Resized,
    Scaled,
    Shifted,
    Sliding,
    Surrounded,
    Transposed,
    UpTo,
    Window,
    Windowed,
)
from archspec.sizes import AtLeast, AtMost, Condition, Dim, Equal, Residue, Several, symbols, value

EXAMPLES = [
    pytest.param(keyword, example, id=f"{keyword}-{index}")
    for keyword in sorted(ops.names())
    for index, example in enumerate(ops.find(keyword).examples)
    if not ops.find(keyword).hidden
]
EXAMPLES += [
    pytest.param("group_norm", Example((Shape.of(3, H, W),), {"groups": 3}), id="group_norm-by_channel"),
    pytest.param("group_norm", Example((Shape.of(3, 1, W),), {"groups": 3}), id="group_norm-by_channel_of_one_row"),
    pytest.param("batch_norm", Example((Shape.of(3, H, 2),)), id="batch_norm-of_two_columns"),
]
LARGEST = 12
SMALL = 3
"""Up to which sizes every kind of run is tried; at larger ones evaluation of one image."""


def make(keyword: str, arguments: Mapping[str, Any]) -> Op:
    return ops.find(keyword).model_validate(dict(arguments))


# -- text into torch --------------------------------------------------------------------------------------------------


def build(op: Op, inputs: Sequence[Shape], form: Module | Function, whole: bool = False) -> nn.Module:
    """The module that an emitted file would hold; ``whole`` writes out arguments that torch has as defaults."""
    names = [f"x{index}" for index in range(len(inputs))]
    body = ["pass"]
    helpers = [form.helper] if form.helper else []
    if isinstance(form, Module):
        given = [argument.text for argument in form.arguments if whole or not argument.needless]
        body = ["self.op = " + form.wrap.format(f"{form.target}({', '.join(given)})")]
        for tensor, statement in op.initial(inputs).items():
            body.append(statement.format(tensor=f"self.op.{tensor}" if tensor else "self.op"))
        helpers += op.init.helpers if op.init else ()
        result = form.whole.format(*names, module="self.op")
    else:
        result = form.whole.format(*names)
    assert all(len(line) <= 88 for text in helpers for line in text.splitlines()), "an emitted file is 88 columns wide"
    lines = "".join(f"        {line}\n" for line in body)
    source = "\n\n".join(helpers) + (
        "\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        + lines
        + f"    def forward({', '.join(['self', *names])}):\n        return {result}\n"
    )
    space: dict[str, Any] = {"torch": torch, "nn": nn, "F": F, "Tensor": Tensor, "__name__": __name__}
    exec(source, space)
    net = space["Net"]()
    assert isinstance(net, nn.Module)
    return net.eval()


def tensors(inputs: Sequence[Shape], sizes: Mapping[str, int], batch: int, dtype: torch.dtype) -> list[Tensor]:
    return [
        torch.randn([batch] * shape.batched + [value(dim, sizes) for dim in shape.dims], dtype=dtype)
        if shape.pooled is None
        else places(shape, shape.pooled, sizes, batch)
        for shape in inputs
    ]


def places(shape: Shape, pooled: Pooled, sizes: Mapping[str, int], batch: int) -> Tensor:
    """The indices that a pool of a random map gives; none where it has no window."""
    before = torch.randn(batch, shape.channels, *(value(dim, sizes) for dim in pooled.sizes))
    if min(value(dim, sizes) for dim in shape.dims) < 1:
        return torch.zeros(batch, *(value(dim, sizes) for dim in shape.dims), dtype=torch.int64)
    pool = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[shape.rank - 1]
    return pool(before, pooled.kernel, pooled.stride, pooled.padding, return_indices=True)[1]


def assignments(inputs: Sequence[Shape]) -> Iterator[dict[str, int]]:
    """All symbols equal, from 1 on; each alone with the others large; and some by chance."""
    names = sorted(set().union(*(symbols(dim) for shape in inputs for dim in shape.dims)))
    if not names:
        yield {}
        return
    for size in range(1, LARGEST + 1):
        yield dict.fromkeys(names, size)
        for name in names if len(names) > 1 else ():
            yield dict.fromkeys(names, LARGEST) | {name: size}
    chance = random.Random(0)
    for _ in range(20 * (len(names) > 2)):
        yield {name: chance.randint(1, LARGEST) for name in names}


def holds(condition: Condition, sizes: Mapping[str, int]) -> bool:
    match condition:
        case AtLeast(term, least):
            return value(term, sizes) >= least
        case AtMost(left, right):
            return value(left, sizes) <= value(right, sizes)
        case Equal(left, right):
            return value(left, sizes) == value(right, sizes)
        case Residue(term, modulus, allowed):
            return any(first <= value(term, sizes) % modulus <= last for first, last in allowed)
        case Several(terms):
            return prod(value(term, sizes) for term in terms) >= 2
    raise AssertionError(condition)


# -- the rows a window reads ------------------------------------------------------------------------------------------


def filled(place: int, source: int, fill: str) -> int:
    """The row that padding shows."""
    if fill == "reflect":
        place = abs(place)
        return min(place, 2 * (source - 1) - place)
    if fill == "replicate":
        return min(max(place, 0), source - 1)
    return place % source if fill == "circular" else place


def rows_read(window: Window, row: int, source: int, sizes: Mapping[str, int]) -> set[int]:
    """The rows of ``source`` that ``row`` of the output reads, from the definition of each window."""

    def at(dim: Dim) -> int:
        return value(dim, sizes)

    found: set[int] = set()

    def near(position: Fraction, neighbours: int) -> set[int]:
        if neighbours == 2:
            position = min(max(position, Fraction(0)), Fraction(source - 1))
        low = position.numerator // position.denominator
        places = {low} if position == low else {low, low + 1} if neighbours == 2 else {low - 1, low, low + 1, low + 2}
        return {min(max(place, 0), source - 1) for place in places}

    match window:
        case Sliding(kernel, stride, padding, dilation):
            places = {row * stride - padding + dilation * tap for tap in range(kernel)}
            found = {filled(place, source, window.fill) for place in places}
        case Fitted(kernel, stride, dilation):
            extra = max((-(-source // stride) - 1) * stride + dilation * (kernel - 1) + 1 - source, 0)
            found = {row * stride - extra // 2 + dilation * tap for tap in range(kernel)}
        case Transposed(kernel, stride, padding, dilation):
            spread = [row + padding - dilation * tap for tap in range(kernel)]
            found = {place // stride for place in spread if place % stride == 0}
        case Scaled(up, down, 1):
            found = {row * down // up}
        case Scaled(up, down, neighbours):
            found = near(Fraction((2 * row + 1) * down - up, 2 * up), neighbours)
        case Shifted(offset, fill):
            found = {filled(row + offset, source, fill)}
        case Centred(outer, inner):
            found = {row + (at(outer) - at(inner)) // 2}
        case Surrounded(outer, inner):
            found = {row - (at(outer) - at(inner)) // 2}
        case Joined(start, length):
            place = row - at(start)
            found = {place} if 0 <= place < at(length) else set()
        case Resized(_, target, 1):
            found = {row * source // at(target)}
        case Resized(_, target, neighbours, True):
            found = near(Fraction(row * (source - 1), max(at(target) - 1, 1)), neighbours)
        case Resized(_, target, neighbours, False):
            found = near(Fraction((2 * row + 1) * source - at(target), 2 * at(target)), neighbours)
        case Adaptive(_, target):
            found = set(range(row * source // target, -(-(row + 1) * source // target)))
        case Windowed(size, shift, length):
            whole = -(-at(length) // size) * size
            moved = shift if whole > size else 0
            found = {each for each in range(whole) if (each - moved) % whole // size == (row - moved) % whole // size}
        case UpTo():
            found = set(range(row + 1))
        case Everything():
            found = set(range(source))
        case Nothing():
            pass
    return {place for place in found if 0 <= place < source}


def rows_felt(net: nn.Module, inputs: list[Tensor], index: int, dim: int, out: int, place: int) -> set[int]:
    """The output rows that change when one row of one input does, upwards or downwards."""
    found: set[int] = set()
    for change in (1e3, -1e3):
        changed = list(inputs)
        changed[index] = inputs[index].clone()
        row = changed[index].select(dim, place)
        row += change * (1 + torch.rand_like(row))
        difference = (net(*changed) - net(*inputs)).abs() > 1e-6
        found |= set(difference.movedim(out, 0).flatten(1).any(1).nonzero().flatten().tolist())
    return found


def check_windows(op: Op, shapes: Sequence[Shape], output: Shape, net: nn.Module, sizes: Mapping[str, int]) -> None:
    inputs = tensors(shapes, sizes, 1, torch.float64)
    net = net.double()
    least = 0.05 if isinstance(op, Recurrent) else 0.5  # gates that are open all along forget nothing and show nothing
    for parameter in net.parameters():  # no weight that is zero by its initialiser hides a row
        nn.init.uniform_(parameter, least, 3 * least)
    result = net(*inputs)
    for (index, shape), axis in itertools.product(enumerate(shapes), output.axes):
        if axis == "channels" or axis not in shape.axes:
            continue
        dim, out = shape.position(axis) - (not shape.batched), output.position(axis)
        source = inputs[index].shape[dim]
        window = op.window(shapes, index, axis)
        reads = [rows_read(window, row, source, sizes) for row in range(result.shape[out])]
        for place in range(min(source, LARGEST)):
            felt = rows_felt(net, inputs, index, dim, out, place)
            read = {row for row, places in enumerate(reads) if place in places}
            assert felt == read, (axis, index, place)


# -- the test ---------------------------------------------------------------------------------------------------------


def check_signature(form: Module) -> None:
    """Torch has these arguments, in this order, with these defaults."""
    target = getattr(nn, form.target.removeprefix("nn."), None)
    if target is None:
        return
    parameters = list(inspect.signature(target).parameters.values())
    if target.__base__ is nn.RNNBase:  # takes any arguments, and hands them on behind the name of its kind
        parameters = list(inspect.signature(nn.RNNBase).parameters.values())[1:]
    for position, argument in enumerate(form.arguments):
        if argument.keyword is None:
            assert position == 0 or form.arguments[position - 1].keyword is None
            if argument.default is not ...:
                assert parameters[position].default == argument.default
            continue
        (found,) = [parameter for parameter in parameters if parameter.name == argument.keyword]
        pooled = found.name == "stride" and found.default is None  # torch says None for the kernel's own
        assert pooled or argument.default is ... or found.default == argument.default, argument


def check_weights(op: Op, inputs: Sequence[Shape], net: nn.Module) -> None:
    found = [
        (name.removeprefix("op").removeprefix("."), tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))
        for name, tensor in net.state_dict().items()
    ]
    assert [(weight.name, weight.shape, weight.dtype) for weight in op.weights(inputs)] == found
    learnt = {name.removeprefix("op").removeprefix(".") for name, tensor in net.named_parameters()}
    assert {weight.name for weight in op.weights(inputs) if weight.trainable} == learnt


@pytest.fixture(autouse=True)
def _one_attention() -> Iterator[None]:
    """The same kernels of attention in evaluation as in training, whose last bits can be compared."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    yield
    torch.backends.mha.set_fastpath_enabled(fast)


LEARN_IN_TRAINING = ("batch_norm", "instance_norm", "spectral_conv", "spectral_linear")
"""These normalise by the batch, or estimate a singular value better each time."""

RUNS = [Run(training, alone) for training in (True, False) for alone in (False, True)]


@pytest.mark.parametrize(("keyword", "example"), EXAMPLES)
@torch.no_grad()
def test_example(keyword: str, example: Example) -> None:
    op, inputs = make(keyword, example.arguments), example.inputs
    output = op.infer(inputs)
    assert example.output is None or output == example.output
    assert op.words(inputs, output)
    assert hash(op) == hash(make(keyword, example.arguments))
    forms = [form for form in (op.module(inputs), op.function(inputs)) if form is not None]
    assert forms
    nets = [build(op, inputs, form) for form in forms]
    for net in nets[1:]:
        net.load_state_dict(nets[0].state_dict())
    check_weights(op, inputs, nets[0])
    if isinstance(forms[0], Module):
        check_signature(forms[0])
        written_out = build(op, inputs, forms[0], whole=True)
        assert repr(written_out) == repr(nets[0])

    chosen: dict[str, int] | None = None
    for sizes in assignments(inputs):
        dims = [value(dim, sizes) for dim in output.dims]
        valid = False
        for run in RUNS if max(sizes.values(), default=0) <= SMALL else RUNS[-1:]:
            valid = min(dims) >= 1 and all(holds(each, sizes) for each in op.conditions(inputs, None, run))
            given = tensors(inputs, sizes, 1 if run.alone else 2, torch.float32)
            for net in nets:
                try:
                    shape = list(net.train(run.training)(*given).shape)[-len(dims) :]
                except (RuntimeError, ValueError, IndexError):
                    shape = [0]
                runs = min(shape) >= 1
                assert runs == valid, (sizes, run)
                assert not runs or shape == dims, (sizes, run)
        if valid:
            chosen = sizes if chosen is None or sum(sizes.values()) >= sum(chosen.values()) else chosen
    assert chosen is not None

    given = tensors(inputs, chosen, 2, torch.float32)
    torch.manual_seed(0)
    results = [net(*given) for net in nets]
    for net, result in zip(nets, results, strict=True):
        assert torch.equal(net(*given), result)
        assert torch.equal(result, results[0])

    once, counted = tensors(inputs, chosen, 1, torch.float64), copy.deepcopy(nets[0]).double()
    # The counter knows matrix products, not the kernels that fuse them: oneDNN has one for an LSTM in float32.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        counted(*once)
    expected = sum(
        coefficient * torch.Size([value(dim, chosen) for dim in dims]).numel()
        for coefficient, dims in op.multiply_adds(inputs, output)
    )
    assert counter.get_total_flops() == 2 * expected

    trained: list[Tensor] = []
    for net in nets:
        torch.manual_seed(0)
        trained.append(net.train()(*given))
        net.eval()
    assert all(torch.equal(result, trained[0]) for result in trained)
    if keyword not in LEARN_IN_TRAINING:
        assert op.random == (not torch.equal(trained[0], results[0]))

    if op.referred == op.borrows:  # else what is read depends on the data of another step
        check_windows(op, inputs, output, nets[-1], chosen)


@pytest.mark.parametrize("keyword", sorted(ops.names()))
def test_schema_describes_the_fields_and_accepts_the_examples(keyword: str) -> None:
    op = ops.find(keyword)
    schema = op.model_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert all("description" in field for field in schema.get("properties", {}).values())
    assert ("init" in schema.get("properties", {})) == bool(op.tensors)
    for example in op.examples:
        validator.validate(example.arguments)
        assert not validator.is_valid(example.arguments | {"no_such_argument": 1})
    assert op.__doc__
    assert op.keyword == keyword


def test_only_what_is_used_up_is_pinned() -> None:
    layered = Shape((H, W, 6), ("height", "width", "channels"))
    assert make("flatten", {}).pinned([Shape.of(3, H, 4)]) == ((0, "height"),)
    assert make("flatten", {"start": "width"}).pinned([layered]) == ((0, "width"),)
    assert make("linear", {"features": 4}).pinned([layered]) == ()
    assert make("linear", {"features": 4}).pinned([Shape((3, L), ("channels", "tokens"))]) == ((0, "tokens"),)
    assert make("layer_norm", {"axes": ["width"]}).pinned([Shape.of(3, H, W)]) == ((0, "width"),)
    assert make("reshape", {"shape": [-1, "width"]}).pinned([Shape.of(3, H, W)]) == ((0, "height"),)
    assert make("chunk", {"chunks": 2, "index": 0, "axis": "width"}).pinned([Shape.of(3, H, W)]) == ((0, "width"),)
    for keyword in ops.names():
        assert ops.find(keyword).pins == (ops.find(keyword).pinned is not Op.pinned)


def test_each_file_is_one_op() -> None:
    classes = [ops.find(keyword) for keyword in ops.names()]
    assert len(set(classes)) == len(classes) >= 50
    with pytest.raises(KeyError):
        ops.find("base")


# -- any arguments ----------------------------------------------------------------------------------------------------


def by_axis(draw: st.DrawFn, rank: int, numbers: st.SearchStrategy[int]) -> int | list[int]:
    return draw(st.one_of(numbers, st.lists(numbers, min_size=rank, max_size=rank)))


@st.composite
def uses(draw: st.DrawFn) -> tuple[str, dict[str, Any], Shape]:
    """An op with windows, arguments that may or may not do, and a map of constant size."""
    keyword = draw(st.sampled_from(["conv", "conv_transpose", "max_pool", "avg_pool", "pad", "upsample"]))
    rank = draw(st.integers(1, 3))
    some, none_too = st.integers(1, 4), st.integers(0, 3)
    pair = st.lists(none_too, min_size=2, max_size=2)
    sides = draw(st.one_of(none_too, st.lists(st.one_of(none_too, pair), min_size=rank, max_size=rank)))
    windows = {"kernel": by_axis(draw, rank, some), "stride": by_axis(draw, rank, st.integers(1, 3))}
    arguments: dict[str, Any]
    match keyword:
        case "conv":
            padding = draw(st.sampled_from([sides, sides, sides, "same"]))
            windows |= {"stride": 1} if padding == "same" else {}
            arguments = {
                "channels": draw(some),
                **windows,
                "padding": padding,
                "groups": draw(st.sampled_from([1, 1, 2])),
            }
            arguments["dilation"] = by_axis(draw, rank, st.integers(1, 3))
        case "conv_transpose":
            arguments = {"channels": draw(some), **windows, "dilation": by_axis(draw, rank, st.integers(1, 3))}
            arguments |= {"padding": by_axis(draw, rank, none_too), "output_padding": by_axis(draw, rank, none_too)}
            arguments["groups"] = draw(st.sampled_from([1, 1, 2]))
        case "pad":
            arguments = {
                "amount": sides,
                "mode": draw(st.sampled_from(["constant", "reflect", "replicate", "circular"])),
            }
        case "upsample":
            factors = st.sampled_from([1, 2, 3, 0.5, 1.5, 0.7])
            scale = draw(st.one_of(factors, st.lists(factors, min_size=rank, max_size=rank)))
            arguments = {"scale": scale, "mode": draw(st.sampled_from(["nearest", "linear"]))}
        case _:
            arguments = {**windows, "padding": sides, "ceil": draw(st.booleans())}
            if keyword == "max_pool":
                arguments["dilation"] = by_axis(draw, rank, st.integers(1, 3))
            else:
                arguments["count_include_pad"] = draw(st.booleans())
    return (
        keyword,
        arguments,
        Shape.of(draw(st.sampled_from([2, 3, 4])), *(draw(st.integers(1, 9)) for _ in range(rank))),
    )


def each_side(padding: object) -> list[object]:
    return padding if isinstance(padding, list) else [padding]


STRICTER = ("ceil mode needs the same", "is always counted")
"""Where we refuse by rule what torch would not see: it is handed unequal padding as rows of the map."""


@settings(max_examples=150)
@given(uses())
def test_a_constant_size_is_refused_exactly_where_torch_refuses_it(use: tuple[str, dict[str, Any], Shape]) -> None:
    keyword, arguments, shape = use
    op = make(keyword, arguments)
    try:
        output, error = op.infer([shape]), ""
    except ShapeError as refusal:
        output, error = None, str(refusal)
    if any(reason in error for reason in STRICTER):
        return
    unequal = any(isinstance(side, list) and side[0] != side[1] for side in each_side(arguments.get("padding")))
    if "more than half" in error and unequal:
        return
    forms = [form for form in (op.module([shape]), op.function([shape])) if form is not None]
    assert forms
    for form in forms:
        try:
            found = tuple(build(op, [shape], form)(torch.randn(1, *(value(dim, {}) for dim in shape.dims))).shape[1:])
        except (RuntimeError, ValueError):
            found = ()
        ran = len(found) == len(shape.dims) and min(found) >= 1
        assert ran == (output is not None), (error, found)
        assert output is None or found == output.dims


# -- names -----------------------------------------------------------------------------------------------------------


def test_names_of_attributes_are_torchs() -> None:
    def public(kind: type[nn.Module]) -> set[str]:
        return {name for name in (*dir(kind), *vars(kind())) if not name.startswith("_")}

    own = public(nn.Module)
    assert own <= MODULE_ATTRIBUTES
    assert public(nn.Sequential) - own == LIST_ATTRIBUTES
    assert public(nn.ModuleList) - own <= LIST_ATTRIBUTES


# -- bits -------------------------------------------------------------------------------------------------------------


def same_bits(ours: nn.Module, theirs: nn.Module, image: Tensor) -> None:
    """Equal outputs, equal gradients of the input and of every weight, equal use of random numbers."""
    theirs.load_state_dict(dict(zip(theirs.state_dict(), ours.state_dict().values(), strict=True)))
    for training in (False, True):
        found = []
        for net in (ours.train(training), theirs.train(training)):
            given = image.clone().requires_grad_()
            torch.manual_seed(1)
            result = net(given)
            (result * result).sum().backward()
            gradients = [parameter.grad for parameter in net.parameters()]
            found.append([result, given.grad, *gradients, torch.rand(3)])
            net.zero_grad()
        assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


class Wrapped(nn.Module):
    """A function as a module."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, image: Tensor) -> Tensor:
        return self.function(image)


def build_all(keyword: str, arguments: Mapping[str, Any], *inputs: Shape) -> list[nn.Module]:
    op = make(keyword, arguments)
    op.infer(inputs)
    return [build(op, inputs, form) for form in (op.module(inputs), op.function(inputs)) if form is not None]


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_layer_norm_over_channels_has_the_bits_of_torchvision(
    torchvision: ModuleType, layout: torch.memory_format, dtype: torch.dtype
) -> None:
    from torchvision.models.convnext import LayerNorm2d

    (ours,) = build_all("layer_norm", {"eps": 1e-6}, Shape.of(96, H, W))
    image = torch.randn(3, 96, 14, 11, dtype=dtype).to(memory_format=layout)
    same_bits(ours.to(dtype), LayerNorm2d(96, eps=1e-6).to(dtype), image)


@pytest.mark.parametrize("p", [0, 0.2, 0.7])
def test_stochastic_depth_has_the_bits_of_torchvision(torchvision: ModuleType, p: float) -> None:
    (ours,) = build_all("stochastic_depth", {"p": p}, Shape.of(6, H, W))
    same_bits(ours, torchvision.ops.StochasticDepth(p, "row"), torch.randn(64, 6, 5, 4))


def test_channel_shuffle_has_the_bits_of_torchvision(torchvision: ModuleType) -> None:
    from torchvision.models.shufflenetv2 import channel_shuffle

    for ours in build_all("channel_shuffle", {"groups": 2}, Shape.of(116, H, W)):
        same_bits(ours, Wrapped(lambda image: channel_shuffle(image, 2)), torch.randn(2, 116, 7, 5))


def test_global_average_has_the_bits_of_a_mean() -> None:
    for ours in build_all("global_avg_pool", {}, Shape.of(116, H, W)):
        for image in (torch.randn(2, 116, 7, 5), torch.randn(2, 116, 7, 5).to(memory_format=torch.channels_last)):
            same_bits(ours, Wrapped(lambda image: image.mean([2, 3], keepdim=True)), image)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_constants_by_channel_have_the_bits_of_transform_input(torchvision: ModuleType, dtype: torch.dtype) -> None:
    theirs = torchvision.models.GoogLeNet(init_weights=False, aux_logits=False, transform_input=True)
    std, mean = (0.229, 0.224, 0.225), (0.485, 0.456, 0.406)
    factors, summands = [s / 0.5 for s in std], [(m - 0.5) / 0.5 for m in mean]
    (scaled,) = build_all("scale", {"by": factors}, Shape.of(3, H, W))
    (shifted,) = build_all("shift", {"by": summands}, Shape.of(3, H, W))
    same_bits(nn.Sequential(scaled, shifted), Wrapped(theirs._transform_input), torch.randn(2, 3, 9, 8, dtype=dtype))


# -- initialisers -----------------------------------------------------------------------------------------------------

INITS = [
    ("kaiming_normal", "nn.init.kaiming_normal_({tensor})"),
    (
        {"kaiming_normal": {"mode": "fan_out", "nonlinearity": "relu"}},
        'nn.init.kaiming_normal_({tensor}, mode="fan_out", nonlinearity="relu")',
    ),
    ({"trunc_normal": {"std": 0.01}}, "nn.init.trunc_normal_({tensor}, std=0.01)"),
    ({"constant": 0.1}, "nn.init.constant_({tensor}, 0.1)"),
    ({"constant": {"value": 1}}, "nn.init.constant_({tensor}, 1)"),
    ({"uniform": {"low": -0.1, "high": 0.1}}, "nn.init.uniform_({tensor}, -0.1, 0.1)"),
    ({"normal": {"mean": 0.5}}, "nn.init.normal_({tensor}, mean=0.5)"),
    ("zeros", "nn.init.zeros_({tensor})"),
    ({"weight": {"orthogonal": {"gain": 2}}}, "nn.init.orthogonal_({tensor}, gain=2)"),
]


@pytest.mark.parametrize(("written", "statement"), INITS)
def test_an_initialiser_is_a_torch_statement(written: Any, statement: str) -> None:
    op = make("conv", {"channels": 4, "kernel": 3, "init": written})
    assert op.initial([Shape.of(4, H, W)]) == {"weight": statement}
    assert op.init is not None
    assert Init.parse(op.init.plain()) == op.init
    jsonschema.validate({"channels": 4, "kernel": 3, "init": written}, type(op).model_json_schema())
    build_all("conv", {"channels": 4, "kernel": 3, "init": written}, Shape.of(4, H, W))


@pytest.mark.parametrize("name", sorted(INITIALISERS))
def test_every_initialiser_runs(name: str) -> None:
    arguments = {"channels": 4, "kernel": 3, "init": {name: {"value": 1}} if name == "constant" else name}
    for keyword in ("conv", "conv_transpose"):
        build_all(keyword, arguments, Shape.of(4, H, W))


def test_bias_alone_may_be_initialised_and_is_left_out_where_there_is_none() -> None:
    init = {"weight": "xavier_uniform", "bias": {"constant": 0.1}}
    assert list(make("linear", {"features": 2, "init": init}).initial([Shape.of(3)])) == ["weight", "bias"]
    assert list(make("linear", {"features": 2, "bias": False, "init": init}).initial([Shape.of(3)])) == ["weight"]


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(4, 2, 1), (16, 8, 4), (3, 2, 1)])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_bilinear_weights_interpolate(kernel: int, stride: int, padding: int, groups: int) -> None:
    arguments = {"channels": 4, "kernel": kernel, "stride": stride, "padding": padding, "groups": groups, "bias": False}
    (net,) = build_all("conv_transpose", arguments | {"init": "bilinear"}, Shape.of(4, H, W))
    image = torch.randn(1, 4, 8, 9)
    got = net(image).detach()
    if kernel == 2 * stride:  # centred: interpolation itself, away from the border
        wanted = F.interpolate(image, scale_factor=stride, mode="bilinear")
        inner = slice(stride, -stride)
        torch.testing.assert_close(got[..., inner, inner], wanted[..., inner, inner], atol=1e-5, rtol=1e-5)
    else:  # rows stay, a new one between each two
        torch.testing.assert_close(got[..., ::2, ::2], image)
        between = (image[..., 1:, :] + image[..., :-1, :]) / 2
        torch.testing.assert_close(got[..., 1::2, ::2], between)
    for one in range(4):  # each channel by itself
        alone = torch.zeros_like(image)
        alone[:, one] = image[:, one]
        assert net(alone).detach().flatten(2).abs().sum((0, 2)).nonzero().flatten().tolist() == [one]


def test_identity_weights_pass_each_class_through() -> None:
    (net,) = build_all(
        "conv", {"channels": 4, "kernel": 3, "padding": 1, "bias": False, "init": "identity"}, Shape.of(4, H, W)
    )
    image = torch.randn(2, 4, 5, 6)
    assert torch.equal(net(image), image)
    wide = {"channels": 8, "kernel": 3, "padding": 1, "bias": False, "init": {"identity": {"classes": 4}}}
    (widen,) = build_all("conv", wide, Shape.of(4, H, W))
    wide["channels"] = 4
    (narrow,) = build_all("conv", wide, Shape.of(8, H, W))
    assert torch.equal(narrow(widen(image)), image)


@pytest.mark.parametrize(("kernel", "dilation"), [(3, 1), (3, 2), (3, 3), (5, 2), (2, 2)])
def test_a_dilated_max_pool_keeps_its_size(kernel: int, dilation: int) -> None:
    """Padding that never wins, more of it than torch's own argument takes."""
    step = f"max_pool: {{kernel: {kernel}, stride: 1, dilation: {dilation}, padding: same}}"
    model = archspec.compile(archspec.loads(f"archspec: 1\ninputs: {{image: [3, H, W]}}\nsteps: [{{{step}}}]\n"))
    before = dilation * (kernel - 1) // 2
    for height, width in ((1, 2), (5, 4), (13, 11)):
        image = torch.randn(2, 3, height, width)
        sides = (before, dilation * (kernel - 1) - before) * 2
        padded = F.pad(image, sides, value=float("-inf"))
        wanted = F.max_pool2d(padded, kernel, 1, dilation=dilation)
        assert wanted.shape == image.shape
        assert torch.equal(model(image), wanted)
