"""What ops refuse and in which words, and the words by which figures name them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from archspec import ops
from archspec.ops import Op, Shape, ShapeError
from archspec.ops.common.base import H, L, W


def make(keyword: str, arguments: Mapping[str, Any]) -> Op:
    return ops.find(keyword).model_validate(dict(arguments))


BAD_ARGUMENTS = [
    ("conv", {"channels": 2.5, "kernel": 3}, "2.5 is not a whole number", "write `floor(2.5)` or `round(2.5)`"),
    ("conv", {"channels": True, "kernel": 3}, "must be a whole number, not true", None),
    ("conv", {"channels": "64", "kernel": 3}, "must be a whole number, not the text '64'", None),
    ("conv", {"channels": 0, "kernel": 3}, "must be positive, not 0", None),
    ("conv", {"channels": None, "kernel": 3}, "must be a whole number, not nothing", None),
    ("conv", {"channels": 10**12, "kernel": 3}, "1,000,000,000,000 or so is larger", None),
    ("conv", {"channels": 1 << 900_000, "kernel": 3}, "a number of 900001 bits is larger", None),
    ("conv", {"channels": 8, "kernel": [3, 3, 3, 3]}, "must be a number for each spatial axis, not a list of 4", None),
    ("conv", {"channels": 8, "kernel": []}, "must be a number for each spatial axis, not a list of 0", None),
    ("conv", {"channels": 8, "kernel": 3, "padding": -1}, "must be zero or more, not -1", None),
    (
        "conv",
        {"channels": 8, "kernel": 3, "padding": "valid"},
        "or the word `same`, not the text 'valid'",
        "leave it out",
    ),
    ("conv", {"channels": 8, "kernel": 3, "padding": [[1, 2, 3]]}, "must be [before, after] for an axis", None),
    ("conv", {"channels": 8, "kernel": 3, "bias": 0}, "must be true or false, not 0", None),
    ("conv", {"channels": 8, "kernel": 3, "bias": "no"}, "must be true or false, not the text 'no'", None),
    (
        "conv",
        {"channels": 8, "kernel": 3, "init": "kaming_normal"},
        "is not an initialiser",
        "did you mean `kaiming_normal`?",
    ),
    (
        "conv",
        {"channels": 8, "kernel": 3, "init": {"weigth": "zeros"}},
        "is not an initialiser",
        "did you mean `weight`?",
    ),
    ("conv", {"channels": 8, "kernel": 3, "init": {"zeros": None}}, "the arguments of `zeros` must be named", None),
    ("conv", {"channels": 8, "kernel": 3, "init": "constant"}, "`constant` needs `value`", None),
    (
        "conv",
        {"channels": 8, "kernel": 3, "init": {"normal": {"sdt": 1}}},
        "`normal` has no argument `sdt`",
        "did you mean `std`?",
    ),
    (
        "conv",
        {"channels": 8, "kernel": 3, "init": {"weight": {"bias": "zeros"}}},
        "names a tensor inside a tensor",
        None,
    ),
    (
        "conv",
        {"channels": 8, "kernel": 3, "init": {"normal": {}, "zeros": {}}},
        "must be one initialiser",
        "write {weight",
    ),
    ("relu", {"init": "zeros"}, "relu has no weights to initialise", None),
    ("prelu", {"init": {"bias": "zeros"}}, "prelu has no tensor `bias`", None),
    ("batch_norm", {"eps": 0}, "must be above 0, not 0", None),
    ("batch_norm", {"eps": float("nan")}, "must be a finite number, not nan", None),
    ("dropout", {"p": 1.5}, "must be a probability from 0 to 1, not 1.5", None),
    ("dropout", {"p": float("inf")}, "must be a finite number, not inf", None),
    ("stochastic_depth", {"p": 1}, "must be below 1: 1 would always drop the branch", None),
    ("softmax", {"axis": "Height"}, "is not the name of an axis", "axes are called"),
    ("softmax", {"axis": 'x"); import os'}, "is not the name of an axis", "axes are called"),
    ("permute", {"axes": ["height", "height"]}, "names the axis `height` twice", None),
    ("upsample", {}, "needs one of `scale`, `to` and `size`", None),
    ("upsample", {"scale": 2, "size": 3}, "needs one of `scale`, `to` and `size`, not scale and size", None),
    ("upsample", {"scale": 2, "align_corners": True}, "`align_corners` cannot be used", "add `mode: bilinear`"),
    ("upsample", {"scale": 0.333333333}, "is not a fraction of small numbers", "$(4 / 3)"),
    ("crop", {"amount": 1, "offset": 1}, "`offset` cannot be used together with `amount`", None),
    ("pad", {}, "needs `amount`, `to`, `multiple` or `channels`", None),
    ("pad", {"amount": 1, "offset": 1}, "`offset` needs `to`", None),
    ("pad", {"amount": 1, "to": "skip"}, "`to` adds zeros", None),
    ("pad", {"channels": 1, "mode": "reflect"}, "`channels` adds zeros", None),
    ("clamp", {}, "needs `min`, `max` or both", None),
    ("clamp", {"min": 2, "max": 1}, "min 2 is above max 1", None),
    ("pixel_shuffle", {"factor": 0}, "must be positive, not 0", None),
    ("pad", {"amount": 1, "mode": "reflect", "value": 1}, "`value` cannot be used with mode `reflect`", None),
    ("split", {"sizes": [1, 2], "index": 2}, "there is no part 2 of 2, counted from 0", None),
    ("reshape", {"shape": [-1, -1]}, "has more than one -1", "only one size may be -1"),
    ("parameter", {"shape": [2], "axes": ["a", "b"]}, "`axes` names 2 axes for 1 sizes", None),
    ("scale", {"by": "2"}, "must be a number, not the text '2'", None),
]


@pytest.mark.parametrize(("keyword", "arguments", "message", "hint"), BAD_ARGUMENTS)
def test_an_argument_that_cannot_be_is_refused(
    keyword: str, arguments: dict[str, Any], message: str, hint: str | None
) -> None:
    with pytest.raises(ValidationError) as caught:
        make(keyword, arguments)
    (error,) = caught.value.errors()
    assert message in error["msg"]
    found = error.get("ctx", {}).get("hint")
    assert found is None if hint is None else hint in str(found)


def test_a_whole_float_serves_as_an_integer() -> None:
    assert make("conv", {"channels": 64.0, "kernel": [3.0, 1.0]}) == make("conv", {"channels": 64, "kernel": [3, 1]})


MAP = Shape.of(6, H, W)
BAD_SHAPES: list[tuple[str, dict[str, Any], list[Shape], str]] = [
    ("conv", {"channels": 4, "kernel": 3, "groups": 4}, [MAP], "6 input channels do not divide into 4 groups"),
    ("conv", {"channels": 4, "kernel": 3, "groups": 3}, [MAP], "4 output channels do not divide into 3 groups"),
    (
        "conv",
        {"channels": 4, "kernel": 3},
        [Shape.of(6)],
        "conv needs a map with one to three spatial axes, not a vector",
    ),
    ("conv", {"channels": 4, "kernel": [3, 3]}, [Shape.of(6, L)], "`kernel` has 2 numbers for 1 spatial axis"),
    (
        "conv",
        {"channels": 4, "kernel": 3, "padding": [1, 2]},
        [Shape.of(6, L)],
        "`padding` has 2 axes, but the map has 1",
    ),
    (
        "conv",
        {"channels": 4, "kernel": 2, "padding": "same", "stride": 3},
        [MAP],
        "padding `same` needs windows that meet, and 2 rows do not at stride 3",
    ),
    (
        "conv",
        {"channels": 4, "kernel": 3, "dilation": 2, "padding": 1},
        [Shape.of(6, 2, W)],
        "kernel 3 with dilation 2 needs a height of at least 5, padding included; it is 4",
    ),
    ("conv", {"channels": 4, "kernel": 7}, [Shape.of(6, H, 5)], "kernel 7 needs a width of at least 7; it is 5"),
    ("conv", {"channels": 4, "kernel": 3}, [MAP, MAP], "conv takes one input, not 2"),
    ("pixel_shuffle", {"factor": 2}, [MAP], "6 channels do not divide by 2²"),
    ("pixel_shuffle", {"factor": 2}, [Shape.of(4, L)], "pixel shuffle needs an image, not 1 spatial axis"),
    ("pixel_unshuffle", {"factor": 2}, [Shape.of(6, H, 5)], "a width of 5 does not divide by 2"),
    ("pad", {"to": "skip"}, [Shape.of(6, 5, 5), Shape.of(6, 4, 5)], "a height of 5 cannot be padded to 4"),
    ("upsample", {"scale": 2, "mode": "bicubic"}, [Shape.of(6, L)], "bicubic is not for 1 spatial axis"),
    ("mean", {"axes": ["channels", "height", "width"]}, [MAP], "the mean along all axes leaves none"),
    ("max_pool", {"kernel": 3, "padding": 2}, [MAP], "padding 2 is more than half of kernel 3"),
    ("max_pool", {"kernel": 3, "padding": [[0, 1], [0, 1]], "ceil": True}, [MAP], "ceil mode needs the same padding"),
    (
        "avg_pool",
        {"kernel": 3, "padding": 1},
        [Shape.of(2, 2, H, W)],
        "kernel 3 needs a size of at least 3 without padding",
    ),
    (
        "avg_pool",
        {"kernel": 3, "padding": [[0, 1], [0, 1]], "count_include_pad": False},
        [MAP],
        "padding that differs between the two sides is always counted",
    ),
    (
        "conv_transpose",
        {"channels": 4, "kernel": 3, "stride": 2, "output_padding": 2},
        [MAP],
        "output padding 2 must be less than stride 2 or dilation 1",
    ),
    (
        "conv_transpose",
        {"channels": 4, "kernel": 3, "padding": 3},
        [Shape.of(6, 2, W)],
        "padding 3 leaves an empty height",
    ),
    (
        "conv_transpose",
        {"channels": 4, "kernel": 3, "init": "bilinear"},
        [MAP],
        "bilinear needs as many output channels as input channels, not 4 for 6",
    ),
    ("linear", {"features": 4}, [MAP], "linear acts on the last axis, which here is the width of a map"),
    ("flatten", {}, [MAP], "flatten needs a number for the height, which is H"),
    ("add", {}, [MAP, Shape.of(3, H, W)], "add needs equal channels, not 6 and 3"),
    ("add", {}, [Shape.of(6, 4, W), Shape.of(6, 3, W)], "add needs equal height, not 4 and 3"),
    (
        "add",
        {},
        [MAP, Shape.of(6)],
        "add needs inputs with the same axes, not (channels, height, width) and (channels)",
    ),
    ("add", {}, [], "add has no input"),
    ("concat", {}, [MAP, Shape.of(6, 4, W), Shape.of(6, 5, W)], "concat needs equal height, not 4 and 5"),
    ("concat", {"axis": "depth"}, [MAP, MAP], "no axis `depth` among channels, height, width"),
    ("group_norm", {"groups": 4}, [MAP], "6 channels do not divide into 4 groups"),
    ("layer_norm", {"axes": ["height"]}, [MAP], "layer norm needs the channels or the last axes"),
    ("layer_norm", {"axes": ["width"]}, [MAP], "layer norm needs a constant width"),
    ("instance_norm", {}, [Shape.of(6, 1, 1)], "instance norm needs more than one value in each channel"),
    ("permute", {"axes": ["height", "width"]}, [MAP], "permute needs each of the axes channels, height, width once"),
    (
        "conv",
        {"channels": 4, "kernel": 3},
        [Shape((H, W, 6), ("height", "width", "channels"))],
        "needs channels before",
    ),
    ("upsample", {"scale": 2, "mode": "bilinear"}, [Shape.of(6, L)], "mode bilinear does not work on 1 spatial axis"),
    ("upsample", {"scale": 0.1}, [Shape.of(6, 9, W)], "factor 0.1 leaves an empty height"),
    (
        "upsample",
        {"to": "skip"},
        [MAP, Shape.of(6, L)],
        "upsample of 2 spatial axes cannot take its size from a step with 1",
    ),
    ("crop", {"size": 5}, [Shape.of(6, 4, 9)], "a height of 5 cannot be cropped out of 4"),
    ("crop", {"size": 3, "offset": 2}, [Shape.of(6, 4, 9)], "a height of 3 from 2 on cannot be cropped out of 4"),
    ("crop", {"amount": 2}, [Shape.of(6, 4, 9)], "a crop by 4 leaves an empty height"),
    (
        "pad",
        {"amount": 4, "mode": "reflect"},
        [Shape.of(6, 4, 9)],
        "padding 4 by mode `reflect` needs a height of at least 5",
    ),
    ("pad", {"amount": [1, 2]}, [Shape.of(6, L)], "`amount` has 2 axes, but the map has 1"),
    ("slice", {"start": 4, "length": 3}, [MAP], "the slice of 3 from 4 is outside the 6 channels"),
    ("chunk", {"chunks": 4, "index": 3}, [MAP], "6 channels make 3 parts of 2, not 4"),
    ("chunk", {"chunks": 2, "index": 2}, [MAP], "there is no part 2 of 2, counted from 0"),
    ("split", {"sizes": [2, 3], "index": 0}, [MAP], "the parts add up to 5, not to 6 channels"),
    ("channel_shuffle", {"groups": 4}, [MAP], "6 channels do not divide into 4 groups"),
    ("reshape", {"shape": [5, -1]}, [Shape.of(6)], "6 does not fit [5, -1]"),
    ("reshape", {"shape": [-1]}, [MAP], "reshape needs numbers, or each symbolic axis kept by its name, in order"),
    ("scale", {"by": [1, 2]}, [MAP], "`by` has 2 numbers for 6 channels"),
    ("parameter", {"shape": [1, 2, 3, 4, 5]}, [], "5 axes need names"),
    (
        "conv",
        {"channels": 4, "kernel": 1},
        [Shape((6, 1, 1), ("channels", "height", "width"), False)],
        "which has no batch",
    ),
]


@pytest.mark.parametrize(("keyword", "arguments", "inputs", "message"), BAD_SHAPES)
def test_a_shape_that_does_not_fit_is_refused(
    keyword: str, arguments: dict[str, Any], inputs: list[Shape], message: str
) -> None:
    op = make(keyword, arguments)
    with pytest.raises(ShapeError) as caught:
        op.infer(inputs)
    assert message in str(caught.value)
    assert caught.value.argument is None or caught.value.argument in type(op).model_fields


WORDS = [
    ("conv", {"channels": 64, "kernel": 3, "stride": 2, "padding": 1}, "3×3 conv, 64, /2"),
    ("conv", {"channels": 192, "kernel": [1, 7], "padding": [0, 3]}, "1×7 conv, 192"),
    ("conv", {"channels": 64, "kernel": 3, "padding": 2, "dilation": 2}, "3×3 conv, 64, dilation 2"),
    ("conv", {"channels": 6, "kernel": 3, "stride": 2, "padding": 1, "groups": 6}, "depthwise 3×3 conv, /2"),
    ("conv", {"channels": 64, "kernel": 3, "padding": 100}, "3×3 conv, 64, padding 100"),
    ("max_pool", {"kernel": 3, "stride": 2}, "3×3 max pool, /2"),
    ("global_avg_pool", {}, "global avg pool"),
    ("conv_transpose", {"channels": 64, "kernel": 2, "stride": 2}, "2×2 up-conv, 64, ↑2"),
    ("dropout", {"p": 0.5}, "dropout, 0.5"),
    ("crop", {"size": 56}, "crop to 56×56"),
    ("upsample", {"scale": 2, "mode": "linear"}, "bilinear ↑2"),
]


@pytest.mark.parametrize(("keyword", "arguments", "words"), WORDS)
def test_words_are_as_papers_have_them(keyword: str, arguments: dict[str, Any], words: str) -> None:
    op = make(keyword, arguments)
    assert op.words([MAP], op.infer([MAP])) == words
