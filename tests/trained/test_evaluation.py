"""Evaluation against scikit-learn's measures; predictions against torch; what does not fit is told."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy
import pytest
import torch
from PIL import Image
from sklearn.metrics import accuracy_score, confusion_matrix, jaccard_score, top_k_accuracy_score

from archspec.diagnostics import SpecError
from archspec.running import devices
from archspec.trained.evaluation import evaluate
from archspec.trained.network import Network, of_run
from archspec.training.run_folder import read_run
from tests.helpers.command_line import run
from tests.helpers.runs import SEGMENTER, a_run, an_image


def opened(folder: Path) -> Network:
    return of_run(read_run(folder), devices.find("cpu"))


def photographs(folder: Path, count: int = 30) -> tuple[torch.Tensor, list[int]]:
    """Images of noise in folders of classes, of which one has none; images and classes in the order of the files."""
    images, targets = [], []
    for target, name in enumerate("abcde"):
        for index in range(count // 5):
            images.append(an_image(folder / name / f"{index:02}.png", 100 * target + index))
            targets.append(target)
    return torch.stack(images), targets


def test_measures_of_a_classifier(tmp_path: Path) -> None:
    network = a_run(tmp_path / "run")
    images, targets = photographs(tmp_path / "data")
    with torch.no_grad():
        scores = network(images)
    best = scores.argmax(1).tolist()
    found = evaluate(opened(tmp_path / "run"), tmp_path / "data", batch_size=7)
    labels = list(range(6))
    assert found.images == 30
    assert found.measures["top1"] == pytest.approx(accuracy_score(targets, best))
    assert found.measures["top5"] == pytest.approx(top_k_accuracy_score(targets, scores, k=5, labels=labels))
    assert found.confusion == confusion_matrix(targets, best, labels=labels).tolist()
    assert found.by_class["f"] is None
    assert found.by_class["a"] == pytest.approx(found.confusion[0][0] / 6)
    assert 0 < found.measures["top1"] < 1  # else it would say little


def test_measures_of_a_segmenter(tmp_path: Path) -> None:
    network = a_run(tmp_path / "run", SEGMENTER, ("sky", "road", "car"))
    images, masks = [], []
    for index in range(4):
        images.append(an_image(tmp_path / "data" / "images" / f"{index}.png", index))
        mask = numpy.random.default_rng(50 + index).choice([0, 1, 2, 255], (12, 10)).astype(numpy.uint8)
        (tmp_path / "data" / "masks").mkdir(exist_ok=True)
        Image.fromarray(mask).save(tmp_path / "data" / "masks" / f"{index}.png")
        masks.append(mask)
    with torch.no_grad():
        best = network(torch.stack(images)).argmax(1).numpy()
    truth = numpy.stack(masks)
    kept = truth != 255
    found = evaluate(opened(tmp_path / "run"), tmp_path / "data", batch_size=3)
    each = [jaccard_score(truth[kept] == index, best[kept] == index) for index in range(3)]
    assert list(found.by_class.values()) == pytest.approx(each)
    assert found.measures["mean_iou"] == pytest.approx(sum(each) / 3)
    assert found.confusion == confusion_matrix(truth[kept], best[kept], labels=[0, 1, 2]).tolist()


def test_a_folder_with_other_classes_is_told(tmp_path: Path) -> None:
    a_run(tmp_path / "run")
    an_image(tmp_path / "data" / "aa" / "1.png", 1)
    with pytest.raises(SpecError, match="has `aa`, which the network has not learnt"):
        evaluate(opened(tmp_path / "run"), tmp_path / "data", 1)


def test_masks_with_other_names_are_told(tmp_path: Path) -> None:
    a_run(tmp_path / "run", SEGMENTER, ("sky", "road", "car"))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "classes.txt").write_text("road\nsky\ncar\n", encoding="utf-8")
    with pytest.raises(SpecError, match="another order of classes"):
        evaluate(opened(tmp_path / "run"), tmp_path / "data", 1)


def test_a_run_whose_files_differ_is_told(tmp_path: Path) -> None:
    a_run(tmp_path / "run", classes=("a", "b"))
    with pytest.raises(SpecError, match="does not fit together"):
        opened(tmp_path / "run")


def test_the_held_out_part_of_a_split_is_judged(tmp_path: Path) -> None:
    a_run(tmp_path / "run")
    for part, count in (("train", 3), ("val", 2)):
        for index in range(count):
            an_image(tmp_path / "data" / part / "a" / f"{index}.png", index)
    assert evaluate(opened(tmp_path / "run"), tmp_path / "data", 4).images == 2


def test_evaluate_as_a_command(tmp_path: Path) -> None:
    a_run(tmp_path / "run")
    photographs(tmp_path / "data", 10)
    (tmp_path / "data" / "a" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    words = ["evaluate", str(tmp_path / "run"), "--data", str(tmp_path / "data"), "--device", "cpu"]
    picture = tmp_path / "confusion.png"
    status, out, error = run(*words, "--picture", str(picture), "--format", "json")
    told = json.loads(out)
    assert (status, told["images"]) == (1, 10)
    assert "broken.png" in told["diagnostics"][0]["message"]
    with Image.open(picture) as image:
        assert image.width > 200
    status, out, error = run(*words)
    assert status == 1
    assert "error[unreadable-image]" in error
    assert "10 images" in out


def test_a_spec_needs_weights_and_a_run_takes_none(tmp_path: Path) -> None:
    a_run(tmp_path / "run")
    photographs(tmp_path / "data", 5)
    data = ["--data", str(tmp_path / "data")]
    assert run("evaluate", str(tmp_path / "run" / "spec.yaml"), *data)[0] == 2
    assert run("evaluate", str(tmp_path / "run"), "--weights", "x.pt", *data)[0] == 2
    status, _out, _ = run(
        "evaluate", str(tmp_path / "run" / "spec.yaml"), "--weights", str(tmp_path / "run" / "weights.pt"), *data
    )
    assert status == 1  # the folder has five classes, the network six, and nothing names them


def test_predict_tells_the_likeliest_classes(tmp_path: Path) -> None:
    network = a_run(tmp_path / "run")
    image = an_image(tmp_path / "one.png", 1)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff nothing")
    words = ["predict", str(tmp_path / "run"), str(tmp_path / "one.png"), str(broken), str(tmp_path / "none.png")]
    status, out, _ = run(*words, "-o", str(tmp_path / "said"), "--format", "json", "--device", "cpu")
    told = json.loads(out)["predictions"]
    with torch.no_grad():
        chances = network(image[None])[0].softmax(0)
    assert status == 1
    assert [row["image"].rpartition("/")[2] for row in told] == ["one.png", "broken.jpg", "none.png"]
    name, chance = told[0]["labels"][0]
    assert name == "abcdef"[int(chances.argmax())]
    assert chance == pytest.approx(float(chances.max()), rel=1e-4)
    assert ["error" in row for row in told] == [False, True, True]
    with (tmp_path / "said" / "predictions.csv").open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert table[0]["label"] == name
    assert "broken.jpg" in table[-2]["error"]
    with Image.open(told[0]["picture"]) as picture:
        assert picture.height > 12


def test_predict_writes_masks_that_train_reads(tmp_path: Path) -> None:
    network = a_run(tmp_path / "run", SEGMENTER, ("sky", "road", "car"))
    image = an_image(tmp_path / "in" / "one.png", 3)
    status, _out, error = run("predict", str(tmp_path / "run"), str(tmp_path / "in"), "-o", str(tmp_path / "said"))
    assert status == 0, error
    with torch.no_grad():
        best = network(image[None])[0].argmax(0)
    with Image.open(tmp_path / "said" / "one.mask.png") as mask:
        assert mask.mode == "P"
        assert numpy.array_equal(numpy.asarray(mask), best.numpy())
    with Image.open(tmp_path / "said" / "one.overlay.png") as over:
        assert over.size == (10, 12)
