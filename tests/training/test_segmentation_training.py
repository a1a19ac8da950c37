"""Training on pixels: images and masks, mean IoU, the spec's own loss, the picture of predictions."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import archspec
from archspec.diagnostics import SpecError
from archspec.training import images as data_module
from archspec.training.fit import fit
from archspec.training.images import ImageData, scenes
from archspec.training.losses import build
from archspec.training.masks import MaskedImages, load_masked_images
from archspec.training.module import Training
from archspec.training.recipe import Border, Recipe
from archspec.training.settings import Options
from archspec.training.tasks import UNLABELLED, OutputRole, Segmentation
from tests.helpers.command_line import invoke

SPEC = """\
archspec: 1
name: Tiny
params: {classes: 3}
inputs: {image: [1, H, W]}
sizes: {H: 12, W: 16}
loss: LOSS
steps:
  - conv as first: {channels: 8, kernel: 3, padding: 1}
  - relu
  - conv as score: {channels: $classes, kernel: 1}
"""

TASK = Segmentation(("0", "1", "2"), (12, 16))

Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """``save("masks/1.png", values, mode)`` writes an image of an array, or of 12×16 pixels of one value."""

    def write(name: str, values: object = 0, mode: str = "L") -> Path:
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = numpy.full((12, 16), values) if isinstance(values, int) else numpy.asarray(values)
        image = Image.fromarray(pixels.astype(numpy.uint8))
        if mode == "P":
            image.putpalette([each for value in range(256) for each in (value, 255 - value, 7)])
        elif mode != "L":
            image = image.convert(mode)
        image.save(path)
        return path

    return write


@pytest.fixture(scope="session")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten noisy images, 12×16, of a grey and a white block on black, with masks; a border of them passed over."""
    folder = tmp_path_factory.mktemp("blocks")
    random = numpy.random.default_rng(0)
    for kind in ("images", "masks"):
        (folder / kind).mkdir()
    for index in range(10):
        mask = numpy.zeros((12, 16), numpy.uint8)
        for value in (1, 2):
            top, left = random.integers(0, 7), random.integers(0, 5) + 8 * (value - 1)
            mask[top : top + 5, left : left + 4] = value
        image = mask * 100 + random.integers(0, 40, mask.shape)
        mask[0] = 255
        Image.fromarray(image.astype(numpy.uint8)).save(folder / "images" / f"{index}.png")
        Image.fromarray(mask).save(folder / "masks" / f"{index}.png")
    return folder


@pytest.fixture
def data(blocks: Path) -> ImageData[MaskedImages]:
    return load_masked_images(blocks, (12, 16), 1, TASK)


def tiny(loss: str = "cross_entropy", **params: Any) -> archspec.Spec:
    return archspec.loads(SPEC.replace("LOSS", loss), **params)


def load(tmp_path: Path, task: Segmentation = TASK) -> ImageData[MaskedImages]:
    return load_masked_images(tmp_path / "data", (12, 16), 1, task)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def refusal(tmp_path: Path, task: Segmentation = TASK) -> str:
    """What is said of a folder that will not do, without the way to it."""
    with pytest.raises(SpecError) as error:
        load(tmp_path, task)
    return str(error.value).strip().replace(f"{tmp_path}/", "")


# -- the measure ------------------------------------------------------------------------------------------------------


def test_mean_iou_is_what_a_hand_finds() -> None:
    metric = Segmentation(("a", "b", "c", "d"), (2, 3)).metric()
    truth = torch.tensor([[[0, 0, 1], [1, UNLABELLED, 2]]])
    answer = torch.tensor([[[0, 1, 1], [1, 0, 1]]])
    metric.update(nn.functional.one_hot(answer, 4).movedim(-1, 1).float(), truth)
    # a: 1 of 2; b: 2 of 4; c: 0 of 1; d: nowhere; the pixel without a label is left out
    assert float(metric.compute()) == pytest.approx((1 / 2 + 2 / 4 + 0) / 3)
    again = torch.tensor([[[2, 2, 2], [2, 2, 2]]])
    metric.update(nn.functional.one_hot(again, 4).movedim(-1, 1).float(), again)
    assert float(metric.compute()) == pytest.approx((1 / 2 + 2 / 4 + 6 / 7) / 3)


def test_mean_iou_agrees_with_sets_of_pixels() -> None:
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(6, 5, 7, 8, generator=generator)
    truth = torch.randint(5, (6, 7, 8), generator=generator)
    metric = Segmentation(tuple("abcde"), (7, 8), ignore=3).metric()
    for part in range(3):
        metric.update(scores[2 * part : 2 * part + 2], truth[2 * part : 2 * part + 2])
    kept, answer = truth != 3, scores.argmax(1)
    found = []
    for index in range(5):
        own, said = (truth == index) & kept, (answer == index) & kept
        if (own | said).any():
            found.append(float((own & said).sum() / (own | said).sum()))
    assert float(metric.compute()) == pytest.approx(sum(found) / len(found))


# -- the loss ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "loss",
    [
        "cross_entropy",
        "{cross_entropy: {ignore: 2}}",
        "{cross_entropy: {weights: [0.2, 1, 3]}}",
        "{cross_entropy: {ignore: 255, label_smoothing: 0.1, weights: [1, 2, 3]}}",
    ],
)
def test_the_loss_is_the_specs(loss: str, blocks: Path, tmp_path: Path) -> None:
    spec = tiny(loss)
    ignore = spec.graph.loss.ignore
    task = Segmentation(("0", "1", "2"), (12, 16), ignore)
    if ignore == 2:  # then 255 is a class like others, and the network has none
        with pytest.raises(SpecError, match="has the value 255"):
            load_masked_images(blocks, (12, 16), 1, task)
        return
    found = load_masked_images(blocks, (12, 16), 1, task)
    images, target = next(iter(found.training_batches(8, 0)))
    assert (target == task.ignored).any()
    model = archspec.compile(spec)
    training = Training(model, task, {"score": OutputRole()}, Recipe(), 10, build(spec.graph))
    assert torch.equal(training.loss(training.outputs(images), target), archspec.loss(spec)(model(images), target))

    result = fit(model, found, tmp_path, Options(epochs=1, batch_size=8), task=task, loss=build(spec.graph))
    row = rows(result.metrics)[0]
    held = next(iter(found.validation_batches(8)))
    with torch.no_grad():
        expected = float(archspec.loss(spec)(model.eval()(held[0]), held[1]))
    assert float(row["val_loss"]) == pytest.approx(expected, rel=1e-4)


def test_a_recipe_weighs_the_borders_between_cells(blocks: Path, tmp_path: Path) -> None:
    found = load_masked_images(blocks, (12, 16), 1, TASK)
    spec, losses = tiny("cross_entropy"), {}
    for name, border in (("plain", None), ("border", Border(weight=10, sigma=5))):
        loss = build(spec.graph)
        options = Options(epochs=1, batch_size=8, lr=1e-9, recipe=Recipe(border=border))
        result = fit(lambda: archspec.compile(spec), found, tmp_path / name, options, task=TASK, loss=loss)
        assert loss.border == (None if border is None else (10, 5))
        losses[name] = float(rows(result.metrics)[0]["val_loss"])
    assert losses["border"] > 1.1 * losses["plain"]  # a weight is only added


def test_classification_learns_by_the_specs_loss_too(tmp_path: Path) -> None:
    for name, grey in (("dark", 10), ("light", 240)):
        (tmp_path / "data" / name).mkdir(parents=True)
        for index in range(6):
            Image.new("L", (8, 8), grey + index).save(tmp_path / "data" / name / f"{index}.png")
    text = (
        "archspec: 1\nname: Net\ninputs: {image: [1, 8, 8]}\nloss: {cross_entropy: {label_smoothing: 0.4}}\n"
        "steps:\n  - flatten\n  - linear as fc: {features: 2}\n"
    )
    (tmp_path / "net.yaml").write_text(text)
    found: dict[str, float] = {}
    for name, smoothed in (("smooth", True), ("plain", False)):
        (tmp_path / "net.yaml").write_text(text if smoothed else text.replace("0.4", "0"))
        command = ["train", str(tmp_path / "net.yaml"), "--data", str(tmp_path / "data"), "--epochs", "1"]
        run = invoke([*command, "--device", "cpu", "--lr", "1e-9", "-o", str(tmp_path / name)])
        assert run.exit_code == 0, run.output
        found[name] = float(rows(tmp_path / name / "metrics.csv")[0]["val_loss"])
    assert found["smooth"] != pytest.approx(found["plain"], rel=1e-3)


# -- training ---------------------------------------------------------------------------------------------------------


def test_learns_and_says_how_well(data: ImageData[MaskedImages], tmp_path: Path) -> None:
    spec = tiny()
    torch.manual_seed(0)
    model = archspec.compile(spec)
    result = fit(model, data, tmp_path, Options(epochs=12, batch_size=2, lr=0.05), task=TASK, loss=build(spec.graph))
    assert result.score >= 0.6
    table = rows(result.metrics)
    assert max(float(row["val_mean_iou"]) for row in table) == pytest.approx(result.score, abs=1e-5)
    assert float(table[result.epoch - 1]["val_mean_iou"]) == pytest.approx(result.score, abs=1e-5)
    assert "train_mean_iou" in table[0]
    summary = json.loads((tmp_path / "result.json").read_text())
    assert summary["mean_iou"] == pytest.approx(result.score)
    assert result.review is not None
    assert summary["by_class"] == result.review.by_class
    present = [score for score in result.review.by_class.values() if score is not None]
    assert sum(present) / len(present) == pytest.approx(result.score)  # the best epoch's network was looked at


def test_the_seed_decides_and_resuming_changes_no_bit(data: ImageData[MaskedImages], tmp_path: Path) -> None:
    spec = tiny()

    def make() -> nn.Module:
        return archspec.compile(spec)

    def state(name: str, epochs: int, resume: bool = False) -> dict[str, Tensor]:
        settings: dict[str, Any] = {"epochs": epochs, "batch_size": 4, "lr": 0.01, "resume": resume}
        settings["overwrite"] = not resume
        result = fit(make, data, tmp_path / name, Options(**settings), task=TASK, loss=build(spec.graph))
        return torch.load(result.checkpoint.with_name("last.ckpt"))["state_dict"]

    whole = state("whole", 2)
    again = state("again", 2)
    assert all(torch.equal(value, again[key]) for key, value in whole.items())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("archspec.training.schedules.rate", lambda *given: lambda step: _rate(step, 4))
        state("parts", 1)
        parts = state("parts", 2, resume=True)
        whole = state("whole", 2)
    assert all(torch.equal(value, parts[key]) for key, value in whole.items())
    pictures = [(tmp_path / name / "predictions.png").read_bytes() for name in ("whole", "parts")]
    assert pictures[0] == pictures[1]


def _rate(step: int, steps: int) -> float:
    """A rate that does not hang on how many epochs there are."""
    return 1 / (1 + step / steps)


def test_the_command(blocks: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(SPEC.replace("LOSS", "cross_entropy"))
    command = ["train", str(tmp_path / "tiny.yaml"), "--data", str(blocks), "--epochs", "1", "--device", "cpu"]
    out = str(tmp_path / "out")
    run = invoke([*command, "-o", out, "--format", "json"])
    assert run.exit_code == 0, run.output
    found = json.loads(run.stdout)
    assert list(found) == [
        "name", "epoch", "mean_iou", "by_class", "checkpoint", "weights", "metrics", "predictions", "diagnostics",
    ]  # fmt: skip
    assert list(found["by_class"]) == ["0", "1", "2"]
    assert Path(found["predictions"]).is_file()
    run = invoke([*command, "-o", out, "--overwrite"])
    lines = run.stdout.splitlines()
    assert lines[0].startswith("mean IoU ")
    assert lines[0].endswith("% on the images held out, in epoch 1")
    assert [line[:4] for line in lines[1:4]] == ["  0 ", "  1 ", "  2 "]
    assert lines[-1] == f"predictions: {out}/predictions.png"
    assert "mean IoU" in run.stderr
    run = invoke([*command, "-o", out, "--set", "classes=2"])
    assert run.exit_code == 1
    assert "has the value 2, at row" in run.stderr


def test_unpadded_networks_are_held_against_the_centre(blocks: Path, tmp_path: Path) -> None:
    text = SPEC.replace("LOSS", "cross_entropy").replace(", padding: 1", "")
    (tmp_path / "tiny.yaml").write_text(text)
    command = ["train", str(tmp_path / "tiny.yaml"), "--data", str(blocks), "--epochs", "1", "--device", "cpu"]
    run = invoke([*command, "-o", str(tmp_path / "out")])
    assert run.exit_code == 0, run.output
    cut = load_masked_images(blocks, (12, 16), 1, Segmentation(("0", "1", "2"), (10, 14)))
    whole = load_masked_images(blocks, (12, 16), 1, TASK)
    assert torch.equal(cut.training[3][1], whole.training[3][1][1:-1, 1:-1])
    (tmp_path / "tiny.yaml").write_text(text.replace("kernel: 3", "kernel: 3, stride: 2"))
    run = invoke([*command, "-o", str(tmp_path / "out")])
    assert run.exit_code == 1
    assert "output `score` is [3, 5, 7], its input [1, 12, 16]: it is not one answer per pixel" in run.stderr
    assert "hint: `upsample: {to: image}` makes the output as large as the input" in run.stderr
    (tmp_path / "tiny.yaml").write_text(text + "  - global_avg_pool\n")
    run = invoke([*command, "-o", str(tmp_path / "out")])
    assert run.exit_code == 1
    assert "hint: to classify whole images, add `flatten` at the end" in run.stderr


# -- images and masks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["L", "P", "1", "I;16"])
def test_masks_of_every_kind(mode: str, save: Save, tmp_path: Path) -> None:
    values = numpy.zeros((12, 16), int)
    values[3:5, 6:9] = 1
    for index in range(2):
        save(f"images/{index}.png", 100)
        save(f"masks/{index}.png", values * 255 if mode == "1" else values, mode)
    image, target = load(tmp_path).training[0]
    assert (image.shape, target.dtype) == ((1, 12, 16), torch.int64)
    assert torch.equal(target, torch.from_numpy(values))


@pytest.mark.parametrize(("colours", "raw"), [(4, "L;2"), (16, "L;4")])
def test_grey_masks_of_few_bits(colours: int, raw: str, save: Save, tmp_path: Path) -> None:
    values = numpy.zeros((12, 16), numpy.uint8)
    values[3:5, 6:9] = 2
    for index in range(2):
        save(f"images/{index}.png", 100)
        mask = Image.fromarray(values)
        mask.putpalette(list(range(3 * colours)))
        path = tmp_path / "data" / "masks" / f"{index}.png"
        path.parent.mkdir(exist_ok=True)
        mask.save(path)
        _as_grey(path)
        with Image.open(path) as file:
            assert (file.mode, file.tile[0][3]) == ("L", raw)
    assert torch.equal(load(tmp_path).training[0][1], torch.from_numpy(values).long())


def _as_grey(path: Path) -> None:
    """Turn a PNG of a palette into a grey one of as many bits: another kind in its header, and no palette."""
    import struct
    import zlib

    content = path.read_bytes()
    out, place = [content[:8]], 8
    while place < len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        kind, body = content[place + 4 : place + 8], content[place + 8 : place + 8 + length]
        place += 12 + length
        if kind == b"PLTE":
            continue
        if kind == b"IHDR":
            body = body[:9] + b"\0" + body[10:]
        out.append(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)))
    path.write_bytes(b"".join(out))


def test_sizes(save: Save, tmp_path: Path) -> None:
    """Images and masks of another size are squeezed together; masks keep to whole classes."""
    values = numpy.zeros((24, 48), int)
    values[:, 24:] = 2
    values[:4] = 255
    for index in range(2):
        save(f"images/{index}.png", values % 255 * 100)
        save(f"masks/{index}.png", values)
    found = load(tmp_path)
    image, target = found.training[0]
    assert image.shape == (1, 12, 16)
    assert target.unique().tolist() == [UNLABELLED, 0, 2]
    assert (target[:2] == UNLABELLED).all()
    assert (target[2:, 8:] == 2).all()
    assert (load(tmp_path, Segmentation(("0", "1", "2"), (12, 16), 255)).training[0][1][:2] == 255).all()


def test_the_split_depends_on_names_alone(save: Save, tmp_path: Path) -> None:
    for index in range(20):
        save(f"images/part/{index}.jpg", index)
        save(f"masks/part/{index}.png", index % 2)
    found = load(tmp_path)
    assert (len(found.training), len(found.validation)) == (16, 4)
    assert not set(found.training.pairs) & set(found.validation.pairs)
    assert load(tmp_path).validation.pairs == found.validation.pairs
    for image, mask in found.training.pairs:
        assert isinstance(image, Path)
        assert isinstance(mask, Path)
        assert image.stem == mask.stem
    for name, index in (("train", 0), ("train", 1), ("val", 2)):
        save(f"{name}/images/{index}.png")
        save(f"{name}/masks/{index}.png", index % 2)
    found = load(tmp_path)
    assert [image.name for image, _ in found.training.pairs if isinstance(image, Path)] == ["0.png", "1.png"]
    assert [image.name for image, _ in found.validation.pairs if isinstance(image, Path)] == ["2.png"]


def test_classes_by_name(save: Save, tmp_path: Path) -> None:
    for index in range(2):
        save(f"images/{index}.png")
        save(f"masks/{index}.png", numpy.arange(12 * 16).reshape(12, 16) % 3)
    (tmp_path / "data" / "classes.txt").write_text("road\nhouse\nsky\n")
    assert load(tmp_path).classes == ("road", "house", "sky")
    (tmp_path / "data" / "classes.txt").write_text("road\nhouse\n")
    assert refusal(tmp_path) == (
        "error[class-count]: `data/classes.txt` names 2 classes, but the network has 3\n"
        "  hint: `--set classes=2`, if the spec has a parameter `classes`"
    )


def test_folders_that_will_not_do(save: Save, tmp_path: Path) -> None:
    assert refusal(tmp_path) == "error[no-data]: `data` is not a folder"
    (tmp_path / "data").mkdir()
    hint = "hint: segmentation needs images and masks: `data/images/1.jpg` and `data/masks/1.png`, …"
    assert refusal(tmp_path) == f"error[no-data]: `data` has no folders `images` and `masks`\n  {hint}"
    (tmp_path / "data" / "images").mkdir()
    assert refusal(tmp_path) == f"error[no-data]: `data` has no folder `masks`\n  {hint}"
    (tmp_path / "data" / "masks").mkdir()
    assert refusal(tmp_path) == ("error[no-data]: `data/images` has no images\n  hint: images end in .png, .jpg, .jpeg")
    save("images/1.png")
    save("masks/1.png", 1)
    assert refusal(tmp_path) == (
        "error[too-few-images]: `data` has one image, but needs one for training and one for validation"
    )
    save("images/2.png")
    save("images/2.jpg")
    save("images/3.png")
    save("masks/2.png", 1)
    assert refusal(tmp_path) == (
        "error[duplicate-image]: `data/images/2.png` and `data/images/2.jpg` would share one mask\n\n"
        "error[missing-mask]: `data/images/3.png` has no mask\n  hint: `data/masks/3.png` is missing"
    )


def test_masks_that_will_not_do(save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for index in range(6):
        save(f"images/{index}.png")
        save(f"masks/{index}.png", numpy.arange(12 * 16).reshape(12, 16) % 3)
    save("masks/1.png", numpy.zeros((12, 15)))
    wrong = numpy.zeros((12, 16))
    wrong[4, 5] = 7
    save("masks/2.png", wrong)
    save("masks/3.png", 0, "RGB")
    save("masks/4.png", 255)
    (tmp_path / "data" / "masks" / "5.png").write_bytes(b"no image")
    said = refusal(tmp_path)
    for line in (
        "error[mask-size]: `data/masks/1.png` is 12×15 pixels (height × width), its image `data/images/1.png` is 12×16",
        "error[unknown-class]: `data/masks/2.png` has the value 7, at row 4 and column 5: the network has 3 classes",
        "  hint: `--set classes=8`, or `loss: {cross_entropy: {ignore: 7}}` to ignore it",
        "error[mask-kind]: `data/masks/3.png` is RGB; a mask must be a palette or grey image",
        "error[empty-mask]: `data/masks/4.png` has only ignored pixels: all are 255",
    ):
        assert line in said.splitlines(), said
    assert "error[unreadable-image]: `data/masks/5.png` is not a readable image: its content is not PNG" in said
    assert said.count("error[") == 5

    monkeypatch.setattr(data_module, "PRELOADED_BYTES", 0)  # large sets are read as they are needed
    monkeypatch.setattr(data_module.os, "cpu_count", lambda: 1)
    found = load(tmp_path)
    spec = tiny()
    with pytest.raises(SpecError) as error:
        fit(archspec.compile(spec), found, tmp_path / "out", Options(epochs=1), task=TASK, loss=build(spec.graph))
    assert str(error.value).replace(f"{tmp_path}/", "").strip() == said  # all of them, when the first is met


def test_masks_that_are_no_png(save: Save, tmp_path: Path) -> None:
    """JPEG changes values; TIFF may have signed ones, −65535 for one; a pipe has no end."""
    for index in range(4):
        save(f"images/{index}.png")
        save(f"masks/{index}.png", numpy.arange(12 * 16).reshape(12, 16) % 3)
    masks = tmp_path / "data" / "masks"
    Image.fromarray(numpy.full((12, 16), -65535, numpy.int32)).save(masks / "0.png", format="TIFF")
    Image.new("L", (16, 12)).save(masks / "1.png", format="JPEG")
    (masks / "2.png").unlink()
    os.mkfifo(masks / "2.png")
    said = refusal(tmp_path)
    refused = "is not a readable image: its content is not PNG"
    assert f"`data/masks/0.png` {refused}" in said
    assert f"`data/masks/1.png` {refused}" in said
    assert "data/masks/2.png is not a file" in said
    assert said.count("error[unreadable-image]") == 3
    os.mkfifo(tmp_path / "data" / "classes.txt")
    assert refusal(tmp_path) == "error[not-a-file]: data/classes.txt is not a file"


def test_classes_beyond_what_16_bits_with_a_sign_can_hold(tmp_path: Path) -> None:
    values = numpy.full((4, 4), 65535, numpy.uint16)
    Image.new("L", (4, 4)).save(tmp_path / "image.png")
    Image.fromarray(values).save(tmp_path / "mask.png")
    task = Segmentation(tuple(map(str, range(65536))), (4, 4))
    found = MaskedImages([(tmp_path / "image.png", tmp_path / "mask.png")], (4, 4), 1, task)
    assert (found[0][1] == 65535).all()


def test_one_class_is_nothing_to_tell_apart(save: Save, tmp_path: Path) -> None:
    """Above all where 255 is meant to mark the object."""
    values = numpy.zeros((12, 16))
    values[3:6, 3:6] = 255
    for index in range(3):
        save(f"images/{index}.png")
        save(f"masks/{index}.png", values)
    assert refusal(tmp_path) == (
        "error[too-few-classes]: the training masks have only one class, `0`: at least two are needed\n"
        "  hint: 255 is ignored: if it marks the object, write 1 instead"
    )


def test_outputs_of_another_shape(data: ImageData[MaskedImages], tmp_path: Path) -> None:
    with pytest.raises(SpecError) as error:
        fit(nn.Conv2d(1, 3, 3), data, tmp_path, task=TASK)
    assert str(error.value).strip() == (
        "error[output-shape]: output `output` is [3, 10, 14]; for segmentation into 3 classes "
        "it must be [3, 12, 16]\n"
        "  hint: `upsample: {to: image}` makes the output as large as the input"
    )


# -- the picture ------------------------------------------------------------------------------------------------------


def test_the_picture_shows_truth_and_prediction(data: ImageData[MaskedImages]) -> None:
    from archspec.training import prediction_picture as picture

    class Oracle(nn.Module):
        """Always says 2."""

        def __init__(self) -> None:
            super().__init__()
            self.scores = nn.Parameter(torch.tensor([0.0, 0.0, 1.0]))

        def forward(self, image: Tensor) -> Tensor:
            return self.scores.view(1, 3, 1, 1).expand(len(image), 3, 12, 16)

    sheet = picture.draw(Oracle(), data, TASK.classes, TASK.ignored, TASK.size)
    pixels = numpy.asarray(sheet)
    count = len(data.validation)
    assert count == 2
    width, height = 160, 120  # ten times the size
    below = picture.GAP + 3 * (height + picture.GAP)
    assert sheet.size == (480, below + picture.LINE + picture.GAP)
    columns = sorted(set(numpy.argwhere((pixels[below - picture.GAP - 1] == picture.FRAME).all(-1))[:, 0].tolist()))
    left = columns[0] + 1
    truth = pixels[picture.GAP + height + picture.GAP :][5:height:10, left + 5 : left + width : 10]
    colours = dict(enumerate(picture.palette(3))) | {UNLABELLED: picture.PASSED_OVER}
    expected = numpy.array([[colours[value] for value in row] for row in data.validation[0][1].tolist()])
    assert (truth == expected).all()
    top = picture.GAP + 2 * (height + picture.GAP)
    assert (pixels[top : top + height, left : left + width] == colours[2]).all()
    image = pixels[picture.GAP + 5 : picture.GAP + height : 10, left + 5 : left + width : 10]
    assert (image[..., 0] == image[..., 1]).all()
    shown = (data.validation[0][0][0] * 0.5 + 0.5) * 255
    assert numpy.abs(image[..., 0] - shown.numpy()).max() <= 1
    legend = pixels[below:].reshape(-1, 3).tolist()
    assert all(list(colour) in legend for colour in colours.values())


@pytest.mark.parametrize("count", [2, 11, 21])
def test_colours_are_told_apart_by_all_eyes(count: int) -> None:
    from archspec.training.prediction_picture import PASSED_OVER, distances, palette

    colours = (PASSED_OVER, *palette(count))
    assert colours == (PASSED_OVER, *palette(30)[:count])
    for index, colour in enumerate(colours):
        others = numpy.array(colours[:index] + colours[index + 1 :], float)
        full, *dichromatic = (part.min() for part in distances(colour, others))
        assert full >= (35 if count <= 11 else 20)
        assert min(dichromatic) >= (18 if count <= 11 else 12)


# -- the example ------------------------------------------------------------------------------------------------------


def test_scenes_are_the_same_every_time(tmp_path: Path) -> None:
    def contents(folder: Path) -> dict[str, str]:
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}

    first = contents(scenes(tmp_path / "first", count=10, size=32))
    assert first == contents(scenes(tmp_path / "second", count=10, size=32))
    assert first != contents(scenes(tmp_path / "other", count=10, size=32, seed=1))
    assert len(first) == 21
    spec = archspec.load("unet_digits")
    task = Segmentation(tuple(str(index) for index in range(11)), (32, 32), spec.graph.loss.ignore)
    found = load_masked_images(tmp_path / "first", (32, 32), 1, task)
    assert found.classes[:3] == ("background", "digit 0", "digit 1")
    assert (len(found.training), len(found.validation)) == (8, 2)
    assert len(found.training.classes_seen()) >= 5


@pytest.mark.slow
def test_digits_in_scenes_are_learnt(tmp_path: Path) -> None:
    scenes(tmp_path / "scenes")
    command = ["train", "unet_digits", "--data", str(tmp_path / "scenes"), "--epochs", "15", "--batch-size", "8"]
    run = invoke([*command, "--lr", "5e-3", "-o", str(tmp_path / "out"), "--format", "json"])
    assert json.loads(run.stdout)["mean_iou"] >= 0.6
