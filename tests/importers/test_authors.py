"""The files that networks' authors published: each imports whole, and is our spec of it but for what is listed here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import archspec
from archspec.analyses.differences import compare
from archspec.analyses.equal import same

MODELS = Path(__file__).parents[3] / "shared" / "models"
"""Data that is no part of this repository; what was found with it is."""

FACTS: dict[str, tuple[int, int]] = {
    "caffe/bvlc_alexnet.prototxt": (60_965_224, 32),
    "caffe/bvlc_caffenet.prototxt": (60_965_224, 32),
    "caffe/bvlc_googlenet.prototxt": (6_998_552, 60),
    "caffe/dilation10_cityscapes.prototxt": (134_373_043, 70),
    "caffe/dilation8_pascal_voc.prototxt": (141_149_720, 70),
    "caffe/lenet.prototxt": (431_080, 20),
    "caffe/mobilenet_v1.prototxt": (4_231_976, 40),
    "caffe/resnet50.prototxt": (25_557_096, 65),
    "caffe/squeezenet_v1_0.prototxt": (1_248_424, 40),
    "caffe/squeezenet_v1_1.prototxt": (1_235_496, 40),
    "caffe/voc_fcn8s.prototxt": (134_489_759, 60),
    "darknet/alexnet.cfg": (62_378_344, 35),
    "darknet/darknet19.cfg": (20_842_376, 40),
    "darknet/darknet53.cfg": (41_609_928, 40),
    "darknet/densenet201.cfg": (17_173_160, 40),
    "darknet/extraction.cfg": (23_437_224, 45),
    "darknet/resnet50.cfg": (22_780_456, 75),
    "darknet/resnext50.cfg": (22_252_328, 75),
    "darknet/vgg-16.cfg": (138_357_544, 45),
    "darknet/yolov2.cfg": (50_962_889, 50),
    "darknet/yolov3-spp.cfg": (62_998_749, 80),
    "darknet/yolov3-tiny.cfg": (8_852_366, 40),
    "darknet/yolov3.cfg": (61_949_149, 70),
}
"""Parameters, and the most lines that a spec should take."""


def published(name: str) -> archspec.Spec:
    path = MODELS / name
    if not path.exists():
        pytest.skip(f"{name} is not beside this repository")
    return archspec.from_file(path)


@pytest.mark.parametrize("name", FACTS)
def test_every_file_imports_whole(name: str) -> None:
    spec = published(name)
    parameters, lines = FACTS[name]
    assert archspec.check(spec).total.parameters == parameters
    assert len(spec.to_yaml().splitlines()) <= lines
    assert archspec.source(spec)


SOFTMAX = (r"  - softmax.*\n", "")
MOMENTUM = (r"momentum: 0.00?1", "momentum: 0.1")
ROUNDED = (r"ceil: true", "ceil: false")
MIRROR = (r"\nsteps:\n", "\nsteps:\n  - pad: {amount: 186, mode: reflect}\n")
RESIZED = (r"\Z", "  - upsample: {to: data, mode: bilinear}\n")

CASES: list[tuple[str, str, dict[str, Any], list[tuple[str, str]]]] = [
    # Caffe's AlexNet takes k 1 and alpha 1e-4 on the mean, where the paper has k 2 and 1e-4 on the sum: both are so.
    # No pool's rounding matters at 227.
    ("caffe/bvlc_alexnet.prototxt", "alexnet_paper", {"k": 1, "alpha": 2e-5}, [SOFTMAX, ROUNDED]),
    ("caffe/bvlc_caffenet.prototxt", "alexnet_paper", {"k": 1, "alpha": 2e-5, "pool_first": True}, [SOFTMAX, ROUNDED]),
    # The authors pad the last convolution, the paper's table does not.
    ("caffe/squeezenet_v1_0.prototxt", "squeezenet1_0", {},
     [(r"  - softmax as prob\n", "  - flatten\n"), (r"kernel: 1, padding: 1", "kernel: 1")]),
    ("caffe/squeezenet_v1_1.prototxt", "squeezenet1_1", {}, [(r"  - softmax as prob\n", "  - flatten\n")]),
    # Of 7×7 positions the mean of 7×7 is the mean of all; ours takes other sizes.
    ("caffe/resnet50.prototxt", "resnet50_paper", {},
     [SOFTMAX, MOMENTUM, (r"avg_pool as pool5: .*\n", "global_avg_pool\n")]),
    # Caffe's classifier is a 1×1 convolution of one position.
    ("caffe/mobilenet_v1.prototxt", "mobilenet_v1", {},
     [SOFTMAX, MOMENTUM, (r"conv as fc7: .*\n", "flatten\n  - linear as fc: {features: 1000}\n")]),
    # The released file is for testing, and leaves the classifier's dropout out.
    ("caffe/voc_fcn8s.prototxt", "fcn8s_vgg16", {}, [(r"(  - conv as fc[67]: .*\n  - relu\n)", r"\1  - dropout\n")]),
    # The mirror around the image, and the resize of the scores to it, are in the authors' program.
    ("caffe/dilation8_pascal_voc.prototxt", "dilated8_voc", {}, [SOFTMAX, MIRROR, RESIZED]),
    ("caffe/dilation10_cityscapes.prototxt", "dilated10_cityscapes", {}, [SOFTMAX, MIRROR]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "ours", "params", "edits"), CASES, ids=[case[0] for case in CASES])
def test_a_published_file_is_our_spec(
    name: str, ours: str, params: dict[str, Any], edits: list[tuple[str, str]]
) -> None:
    text = published(name).to_yaml().rstrip("\n") + "\n"
    for pattern, replacement in edits:
        text, count = re.subn(pattern, replacement, text)
        assert count, f"{pattern} is no longer a difference"
    mine = archspec.load(ours, **params)
    theirs = archspec.loads(text, sizes=mine.graph.sizes)
    found = compare(theirs.graph, mine.graph, initial=False)
    assert [str(difference) for difference in found.differences] == []
    assert same(theirs.graph, mine.graph, initial=False) is not None
