"""Recipes in files: what they may hold, what is said of mistakes, and that torch is given what they say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import torch
from torch import Tensor, nn
from torch.optim import lr_scheduler

from archspec.diagnostics import SpecError
from archspec.syntax import parse
from archspec.training.fit import fit
from archspec.training.image_set import Images
from archspec.training.images import ImageData
from archspec.training.module import Training
from archspec.training.paths import spread
from archspec.training.recipe import Optimizer, Recipe, Schedule, schema
from archspec.training.recipe_file import _data, read_recipe, recipe_of, schema_text
from archspec.training.schedules import OPTIMISERS, optimiser, rate
from archspec.training.settings import Options
from archspec.training.tasks import Classification, OutputRole
from archspec.training.transforms import Mixing, Transform
from tests.training.test_runs import data as data
from tests.training.test_runs import folder as folder

SHIPPED = sorted((Path(__file__).parents[2] / "specs" / "recipes").glob("*.yaml"))


def network() -> nn.Module:
    layers = [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2)]
    return nn.Sequential(nn.Sequential(*layers[:3]), *layers[3:])


# -- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_recipe_is_valid_and_trains(path: Path) -> None:
    recipe = read_recipe(path)
    jsonschema.validate(_data(parse(path.read_text(), "recipe")), schema())
    assert recipe.source is not None
    assert recipe.source.startswith("https://")
    training = Training(network(), Classification(("a", "b")), {"output": OutputRole()}, recipe, steps=10)
    configured = training.configure_optimizers()
    before = [parameter.detach().clone() for parameter in training.parameters()]
    images, target = torch.rand(4, 1, 4, 4), torch.tensor([0, 1, 1, 0])
    training.loss(training.outputs(images), target).backward()
    configured["optimizer"].step()
    assert not all(torch.equal(one, other) for one, other in zip(before, training.parameters(), strict=True))
    assert all(parameter.isfinite().all() for parameter in training.parameters())
    if recipe.augment:
        from archspec.training.augmentation import transform

        pixels, _ = transform(recipe.augment, (64, 64))(torch.zeros(3, 64, 64, dtype=torch.uint8), 1)
        assert (pixels.shape, pixels.dtype) == ((3, 64, 64), torch.uint8)


def test_there_is_a_recipe_for_each_of_the_lectures_networks() -> None:
    names = {path.stem for path in SHIPPED}
    assert names >= {"alexnet", "vgg", "resnet", "inception_v3", "mobilenet_v1", "fcn", "unet"}


def test_what_the_papers_state() -> None:
    found = {path.stem: read_recipe(path) for path in SHIPPED}
    told = {
        name: (each.batch_size, each.lr, each.weight_decay, each.optimizer.options.model_dump().get("momentum"))
        for name, each in found.items()
    }
    assert told["alexnet"] == (128, 0.01, 0.0005, 0.9)
    assert told["vgg"] == (256, 0.01, 0.0005, 0.9)
    assert told["resnet"] == (256, 0.1, 0.0001, 0.9)
    assert told["mobilenet_v2"] == (96 * 16, 0.045, 0.00004, 0.9)
    assert told["fcn"] == (20, 0.0001, 0.0005, 0.9)
    assert (found["fcn"].bias_lr, found["unet"].batch_size) == (2, 1)
    inception = found["inception_v3"]
    assert (inception.batch_size, inception.label_smoothing, inception.clip) == (32 * 50, 0.1, 2.0)
    assert inception.schedule.step is not None
    assert (inception.schedule.step.every, inception.schedule.step.factor) == (2, 0.94)


def test_the_schema_is_kept_beside_the_recipes() -> None:
    """`make golden` does not write it; `archspec schema --of recipe -o …` does."""
    assert (SHIPPED[0].parent / "recipe.schema.json").read_text(encoding="utf-8") == schema_text()
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lr: 0", "train.yaml:1:5: error[bad-setting]: `lr`: it should be greater than 0"),
        ("lr: .nan", "`lr`"),
        ("epochs: 2.5", "train.yaml:1:9: error[wrong-type]: `epochs` must be a whole number"),
        ("epoch: 3", "train.yaml:1:1: error[unknown-key]: a recipe has no key `epoch`"),
        (
            "optimizer: {sgd: {momentun: 0.9}}",
            "train.yaml:1:19: error[unknown-key]: `optimizer.sgd` has no key `momentun`",
        ),
        ("optimizer: lion", "train.yaml:1:12: error[unknown-key]: `optimizer` has no key `lion`"),
        ("optimizer: {sgd: {}, adam: {}}", "`optimizer`: choose one of adamw, adam, sgd"),
        ("optimizer: torch.optim.SGD", "`optimizer` has no key `torch.optim.SGD`"),
        (
            "schedule: {step: {}}",
            "train.yaml:1:18: error[bad-setting]: `schedule.step`: give either `epochs` or `every`",
        ),
        ("augment: [horizontal_flip, {blur: {kernel: 4}}]", "`augment.1.blur`: `kernel` must be odd"),
        ("schedule: plateau", "has no warm-up: write `warm_up: 0`"),
        ("mix: {}", "give `mixup`, `cutmix` or both"),
        ("- lr", "error[structure]: a recipe must be a mapping"),
        ("!!python/object/apply:os.system [ls]", "error[tag]"),
    ],
)
def test_what_is_said_of_a_mistake(text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.yaml").write_text(text)
    with pytest.raises(SpecError) as error:
        read_recipe(Path("train.yaml"))
    assert said in str(error.value)


def test_all_mistakes_are_told_in_one_run(tmp_path: Path) -> None:
    (tmp_path / "train.yaml").write_text("lr: -1\nbatch_size: x\nfoo: 1\naugment: [{erasing: {p: 2}}]\n")
    with pytest.raises(SpecError) as error:
        read_recipe(tmp_path / "train.yaml")
    assert [each.span.line for each in error.value.diagnostics if each.span] == [2, 1, 4, 3]


def test_any_value_is_an_option_too(tmp_path: Path) -> None:
    path = tmp_path / "train.yaml"
    path.write_text("optimizer: {sgd: {momentum: 0.5, nesterov: true}}\nfreeze: features.0\n")
    found = read_recipe(path, ["optimizer.sgd.momentum=0.8", "ema=0.9", "layer_lr.features.1=0.1", "augment=[blur]"])
    assert found.optimizer.sgd is not None
    assert (found.optimizer.sgd.momentum, found.optimizer.sgd.nesterov) == (0.8, True)
    assert (found.ema, found.layer_lr, found.freeze, found.augment[0].word) == (
        0.9, {"features.1": 0.1}, ["features.0"], "blur",
    )  # fmt: skip
    assert read_recipe(path, ["optimizer=adam"]).optimizer.word == "adam"
    assert read_recipe(path, ["optimizer.rmsprop.alpha=0.8"]).optimizer.word == "rmsprop"
    for wrong in ("lr", "=3", "lr=[", "momentum=0.9"):
        with pytest.raises(SpecError):
            read_recipe(path, [wrong])
    with pytest.raises(SpecError, match="`lr` must be a number"):
        recipe_of({"lr": "fast"})


# -- optimisers and schedules -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", sorted(OPTIMISERS))
def test_an_optimiser_is_torchs(word: str) -> None:
    """With the defaults of its own options, a step is the one torch's class takes; options are all known to torch."""
    recipe = Recipe(optimizer=Optimizer.model_validate(word), weight_decay=0.0, lr=0.01)
    torch.manual_seed(0)
    ours, theirs = nn.Linear(3, 2, bias=False), nn.Linear(3, 2, bias=False)
    theirs.load_state_dict(ours.state_dict())
    name = {"sgd": "SGD", "rmsprop": "RMSprop", "nadam": "NAdam", "radam": "RAdam", "adamw": "AdamW"}
    kind = getattr(torch.optim, name.get(word, word.capitalize()))
    options: dict[str, Any] = {"momentum": 0.9} if word == "sgd" else {}
    pair = (optimiser(ours, recipe), ours), (kind(theirs.parameters(), lr=0.01, weight_decay=0.0, **options), theirs)
    for _ in range(3):
        for optimizer, model in pair:
            model(torch.ones(1, 3)).sum().backward()
            optimizer.step()
    assert torch.equal(ours.weight, theirs.weight)


def theirs(make: Callable[[Any], Any], steps: int, every: int = 1) -> list[float]:
    """The rates that one of torch's schedules gives; it is stepped every so many steps."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule, found = make(optimizer), []
    for step in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if (step + 1) % every == 0:
            schedule.step()
    return found


@pytest.mark.parametrize(
    ("given", "make", "every"),
    [
        ("constant", lambda o: lr_scheduler.ConstantLR(o, 1.0), 1),
        ("cosine", lambda o: lr_scheduler.CosineAnnealingLR(o, 60), 1),
        ({"cosine": {"to": 0.1}}, lambda o: lr_scheduler.CosineAnnealingLR(o, 60, eta_min=0.1), 1),
        ({"poly": {"power": 0.9}}, lambda o: lr_scheduler.PolynomialLR(o, 60, 0.9), 1),
        ({"exponential": {"factor": 0.5}}, lambda o: lr_scheduler.ExponentialLR(o, 0.5), 6),
        ({"step": {"every": 3, "factor": 0.1}}, lambda o: lr_scheduler.StepLR(o, 3, 0.1), 6),
        ({"step": {"epochs": [2, 5, 6]}}, lambda o: lr_scheduler.MultiStepLR(o, [2, 5, 6], 0.1), 6),
    ],
)
def test_a_schedule_gives_torchs_rates(given: Any, make: Callable[[Any], Any], every: int) -> None:
    follow = rate(Schedule.model_validate(given), 0.0, 10, 6)
    assert [follow(step) for step in range(60)] == pytest.approx(theirs(make, 60, every), rel=1e-9, abs=1e-12)


def test_a_warm_up_is_torchs_in_a_sequence() -> None:
    def make(optimizer: Any) -> Any:
        rising = lr_scheduler.LinearLR(optimizer, start_factor=1 / 6, total_iters=5)
        return lr_scheduler.SequentialLR(optimizer, [rising, lr_scheduler.CosineAnnealingLR(optimizer, 54)], [6])

    follow = rate(Schedule.model_validate("cosine"), 0.1, 10, 6)
    assert [follow(step) for step in range(60)] == pytest.approx(theirs(make, 60), rel=1e-9)


def test_groups_by_rate_and_decay() -> None:
    recipe = Recipe(lr=0.1, weight_decay=0.3, layer_lr={"0": 0.5, "0.1": 0.0}, bias_lr=2.0)
    groups = optimiser(network(), recipe).param_groups
    told = {(round(group["lr"], 6), group["weight_decay"]): len(group["params"]) for group in groups}
    assert told == {(0.2, 0.0): 1, (0.1, 0.3): 1, (0.1, 0.0): 1, (0.05, 0.3): 1, (0.0, 0.0): 2}
    everything = optimiser(network(), recipe.model_copy(update={"decay": "all"})).param_groups
    assert {group["weight_decay"] for group in everything} == {0.3}
    assert spread(["a.2..4", "b", "0…1"]) == ["a.2", "a.3", "a.4", "b", "0", "1"]


# -- training by a recipe ---------------------------------------------------------------------------------------------


def trained(data: ImageData, where: Path, recipe: Recipe, **options: Any) -> dict[str, Any]:
    given = {"epochs": 4, "batch_size": 8, "device": "cpu", "recipe": recipe, **options}
    fit(network, data, where, Options(**given))
    return torch.load(where / "last.ckpt", weights_only=True)


def test_what_is_frozen_stays(data: ImageData, tmp_path: Path) -> None:
    torch.manual_seed(0)
    before = network().state_dict()
    after = trained(data, tmp_path / "out", Recipe(freeze=["0"]))["state_dict"]
    for name, value in before.items():
        assert torch.equal(after[f"model.{name}"], value) == name.startswith("0."), name  # running statistics too
    with pytest.raises(SpecError, match=r"`freeze` names `1\.7`, but no step of that path has weights"):
        trained(data, tmp_path / "other", Recipe(freeze=["1.7"]))


def test_images_with_one_class_have_no_borders(data: ImageData, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="`border` weighs the pixels of masks"):
        trained(data, tmp_path / "out", recipe_of({"border": {}}))


EVERY = {
    "optimizer": "sgd", "lr": 0.05, "ema": 0.8, "early_stop": 3, "label_smoothing": 0.1, "balance": "sampling",
    "augment": ["horizontal_flip", {"random_crop": {"padding": 1}}], "mix": {"mixup": 0.2, "cutmix": 1.0},
    "freeze": ["0.1"], "clip": 0.5,
}  # fmt: skip


@pytest.mark.parametrize(
    "given", [EVERY, {"schedule": {"plateau": {"patience": 1}}, "warm_up": 0}], ids=["all", "plateau"]
)
def test_resuming_by_a_recipe_gives_the_same_bits(given: dict[str, Any], data: ImageData, tmp_path: Path) -> None:
    recipe = recipe_of({**given, "schedule": given.get("schedule", "constant")})
    whole = trained(data, tmp_path / "whole", recipe)
    trained(data, tmp_path / "parts", recipe, epochs=2)
    parts = trained(data, tmp_path / "parts", recipe, resume=True)
    for key in ("state_dict", "current_model_state"):
        for name, value in whole.get(key, {}).items():
            assert torch.equal(value, parts[key][name]), name
    assert whole["lr_schedulers"] == parts["lr_schedulers"]
    other = recipe.model_copy(update={"clip": 0.7})
    with pytest.raises(SpecError, match=r"`clip` is 0\.7, was"):
        trained(data, tmp_path / "parts", other, resume=True, epochs=6)


def test_an_early_stop_is_an_end(data: ImageData, tmp_path: Path) -> None:
    recipe = Recipe(lr=1e-12, early_stop=2)
    trained(data, tmp_path, recipe, epochs=9)
    told = json.loads((tmp_path / "result.json").read_text())
    assert (told["epoch"], len((tmp_path / "metrics.csv").read_text().splitlines())) == (1, 1 + 3)
    with pytest.raises(SpecError, match="has already finished 3 of 9 epochs"):
        trained(data, tmp_path, recipe, epochs=9, resume=True)


def test_an_average_of_weights_is_the_formulas(data: ImageData, tmp_path: Path) -> None:
    """θ' ← d·θ' + (1 − d)·θ: of a network whose weights stay, it is the network; d = 0 is the last step's."""
    last = trained(data, tmp_path / "last", Recipe(ema=0.0))
    for name, value in last["current_model_state"].items():
        if value.is_floating_point():
            torch.testing.assert_close(last["state_dict"][name], value)
    slow = trained(data, tmp_path / "slow", Recipe(ema=0.99))
    torch.manual_seed(0)
    begun = network().state_dict()
    key = "model.2.weight"
    moved = [(each[key] - begun["2.weight"]).abs().max() for each in (slow["state_dict"], slow["current_model_state"])]
    assert 0 < moved[0] < 0.3 * moved[1]


def test_rare_classes_weigh_more_in_the_loss(data: ImageData) -> None:
    from archspec.training.fit import _balance

    samples = data.training.samples[:1] + data.training.samples[-4:]
    few = ImageData(data.classes, Images(samples, (4, 4), 1, 2), data.validation)
    training = Training(network(), Classification(few.classes), {"output": OutputRole()}, Recipe(), steps=1)
    _balance(training, few)
    weights = training.criterion.weights
    assert isinstance(weights, Tensor)
    assert weights.tolist() == pytest.approx([1.6, 0.4])


def test_balanced_sampling_shows_classes_alike(data: ImageData) -> None:
    samples = [(data.training.samples[0][0], 0)] * 95 + [(data.training.samples[-1][0], 1)] * 5
    few = ImageData(data.classes, Images(samples, (4, 4), 1, 2), data.validation)
    batches = few.training_batches(10, 0, balanced=True)
    shown = torch.cat([target for _, target in batches])
    assert len(shown) == 100
    assert 30 <= int(shown.sum()) <= 70


# -- augmentation -----------------------------------------------------------------------------------------------------


def words() -> list[Transform]:
    alone = ("elastic", "trivial_augment", "rand_augment")
    return [Transform.model_validate(word) for word in Transform.model_fields if word not in alone] + [
        Transform.model_validate({"elastic": {"alpha": 40, "sigma": 2}})
    ]


@pytest.mark.parametrize("each", words(), ids=lambda each: each.word)
def test_an_image_and_its_mask_move_together(each: Transform) -> None:
    """A mask drawn into the image: wherever the mask still counts, both still agree, whatever was done."""
    from archspec.training.augmentation import transform

    change = transform([each], (32, 32))
    mask = torch.zeros(32, 32, dtype=torch.int32)
    mask[8:24, 4:20] = 1
    pixels = (mask * 200).to(torch.uint8).expand(3, 32, 32)
    torch.manual_seed(1)
    moved = False
    for _ in range(6):
        image, found = change(pixels, mask)
        assert (image.shape, image.dtype, found.shape) == ((3, 32, 32), torch.uint8, (32, 32))
        assert set(found.unique().tolist()) <= {-1, 0, 1}
        if each.word not in ("color_jitter", "lighting", "grayscale", "blur", "erasing"):
            kept = found >= 0
            assert ((image[0] > 100) == (found == 1))[kept].float().mean() > 0.93
        else:
            assert torch.equal(found, mask)
        moved |= not torch.equal(found, mask)
    assert moved or each.word not in ("horizontal_flip", "random_resized_crop", "random_crop", "rotation", "elastic")


def test_augmentation_hangs_on_seed_epoch_and_image_alone(data: ImageData) -> None:
    augment = [Transform.model_validate({"random_crop": {"padding": 2}})]

    def images(epoch: int, batch: int) -> dict[int, Tensor]:
        loader = data.training_batches(batch, 3, augment=augment)
        loader.batch_sampler.sampler.set_epoch(epoch)  # type: ignore[union-attr]
        order = [number % 16 for numbers in loader.batch_sampler for number in numbers]  # type: ignore[union-attr]
        return dict(zip(order, torch.cat([image for image, _ in loader]), strict=True))

    first, again, later = images(0, 4), images(0, 7), images(1, 4)
    assert sorted(first) == list(range(16))
    assert all(torch.equal(first[index], again[index]) for index in first)
    assert not all(torch.equal(first[index], later[index]) for index in first)


def test_mixtures_are_shares_of_two_images() -> None:
    from archspec.training.augmentation import mixture

    images, target = torch.stack([torch.full((1, 8, 8), float(index)) for index in range(4)]), torch.arange(4)
    for mix in (Mixing(mixup=1.0), Mixing(cutmix=1.0), Mixing(mixup=0.2, cutmix=1.0)):
        torch.manual_seed(2)
        mixed, shares = mixture(mix, 4)(images, target)
        torch.testing.assert_close(shares.sum(1), torch.ones(4))
        expected = (shares * target.float()).sum(1)
        torch.testing.assert_close(mixed.mean((1, 2, 3)), expected, atol=1e-4, rtol=0)


def test_changes_that_reach_beyond_an_image_are_refused() -> None:
    from archspec.training.augmentation import transform

    given = ({"elastic": {"sigma": 10}}, {"random_crop": {"padding": 20}}, {"blur": {"kernel": 41}})
    with pytest.raises(SpecError) as error:
        transform([Transform.model_validate(each) for each in given], (16, 16))
    assert [each.code for each in error.value.diagnostics] == ["bad-setting"] * 3
    for word in ("trivial_augment", "rand_augment"):
        each = [Transform.model_validate(word)]
        pixels, target = transform(each, (16, 16))(torch.zeros(3, 16, 16, dtype=torch.uint8), 1)
        assert (pixels.shape, target) == ((3, 16, 16), 1)
        with pytest.raises(SpecError, match=f"`{word}` has nothing for masks"):
            transform(each, (16, 16), masks=True)
