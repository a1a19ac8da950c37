"""Data of a user's own: what is taken, what is said of what is not, and that it trains as images of folders do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, TensorDataset

import archspec
from archspec.training.lightning_library import lightning
from archspec.training.machine import Machine
from archspec.training.run_folder import read_run
from archspec.training.settings import Options
from tests.training.test_runs import SPEC, epochs_told
from tests.training.test_runs import data as data
from tests.training.test_runs import folder as folder

MAP = """\
archspec: 1
name: Pixels
task: segmentation
inputs: {image: [1, H, W]}
sizes: {H: 4, W: 4}
steps: [conv: {channels: 2, kernel: 1}]
"""


def spec() -> archspec.Spec:
    return archspec.loads(SPEC)


class Pairs(Dataset[Any]):
    """Items as they are given."""

    def __init__(self, *items: Any) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items[index]


def tensors(count: int) -> TensorDataset:
    generator = torch.Generator().manual_seed(count)
    target = torch.arange(count) % 2
    return TensorDataset(torch.randn(count, 1, 4, 4, generator=generator) + target.view(-1, 1, 1, 1), target)


class Module(lightning.LightningDataModule):
    def train_dataloader(self) -> DataLoader[Any]:
        return DataLoader(tensors(12), 4, shuffle=True)

    def val_dataloader(self) -> DataLoader[Any]:
        return DataLoader(tensors(6), 4)


def fitted(where: Path, train: Any, val: Any = None, **options: Any) -> Any:
    given = {"epochs": 2, "batch_size": 4, "device": "cpu", **options}
    return archspec.fit(spec(), train, val, where, **given)


@pytest.mark.parametrize("kind", ["dataset", "loader", "module"])
def test_own_data_trains_and_resumes_to_the_same_bits(kind: str, tmp_path: Path) -> None:
    def pair() -> tuple[Any, Any]:
        if kind == "module":
            return Module(), None
        if kind == "loader":
            return Module().train_dataloader(), Module().val_dataloader()
        return tensors(12), tensors(6)

    result = fitted(tmp_path / "whole", *pair(), recipe={"schedule": "constant", "warm_up": 0})
    assert 0 <= result.score <= 1
    fitted(tmp_path / "parts", *pair(), recipe={"schedule": "constant", "warm_up": 0}, epochs=1)
    fitted(tmp_path / "parts", *pair(), resume=True)
    whole, parts = (torch.load(tmp_path / name / "last.ckpt")["state_dict"] for name in ("whole", "parts"))
    assert all(torch.equal(value, parts[key]) for key, value in whole.items())
    assert epochs_told(tmp_path / "parts") == ["1", "2"]
    run = read_run(tmp_path / "whole")
    assert (run.classes, run.mean, run.size) == (("0", "1"), None, (4, 4))
    assert (tmp_path / "whole" / "predictions.png").is_file()
    assert (tmp_path / "whole" / "curves.png").is_file()


def test_pictures_are_made_tensors_of_as_those_of_folders(tmp_path: Path) -> None:
    """A torchvision data set without a transform gives Pillow images."""
    torchvision = pytest.importorskip("torchvision", exc_type=ImportError)
    for name in ("a", "b"):
        for index in range(3):
            path = tmp_path / "images" / name / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (9, 7), 40 * index + 20).save(path)
    images = torchvision.datasets.ImageFolder(tmp_path / "images")
    fitted(tmp_path / "out", images, images, epochs=1)
    run = read_run(tmp_path / "out")
    assert (run.classes, run.mean, run.std) == (("a", "b"), (0.5,), (0.5,))


def refused(train: Any, val: Any, where: Path, network: archspec.Spec | None = None, **options: Any) -> list[str]:
    with pytest.raises(archspec.SpecError) as error:
        archspec.fit(network or spec(), train, val, where, **{"epochs": 1, "device": "cpu", **options})
    return [f"{each.code}: {each.message}" for each in error.value.diagnostics]


IMAGE, MASK = torch.zeros(1, 4, 4), torch.zeros(4, 4, dtype=torch.int64)


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (3, "is `3`; it must be a pair of an image and its target"),
        ((IMAGE, 0, 1), "is a tuple; it must be a pair"),
        ((torch.zeros(3, 4, 4), 0), "has a tensor [3, 4, 4] of float32 for an image; the network takes [1, 4, 4]"),
        ((IMAGE.byte(), 0), "has a tensor [1, 4, 4] of uint8 for an image"),
        ((IMAGE, 2), "has `2` for a target; it must be a class from 0 to 1"),
        ((IMAGE, 0.5), "has `0.5` for a target"),
        ((IMAGE, "cat"), "has a str for a target"),
    ],
)
def test_items_that_will_not_do_are_told_together(item: Any, said: str, tmp_path: Path) -> None:
    good = (IMAGE, torch.tensor(1))
    found = refused(Pairs(good, item, good, item), Pairs(good, good), tmp_path)
    assert [each.split(" of the data set")[0] for each in found] == ["bad-example: example 1", "bad-example: example 3"]
    assert said in found[0]


def test_masks_of_own_data(tmp_path: Path) -> None:
    network = archspec.loads(MAP)
    good = (IMAGE, MASK.clone().fill_diagonal_(1))
    ignored = (IMAGE, torch.full((4, 4), -100))
    picture = (Image.new("L", (9, 9)), Image.new("L", (9, 9), 1))
    archspec.fit(network, Pairs(good, ignored, picture), Pairs(good), tmp_path / "out", epochs=1, device="cpu")
    assert json.loads((tmp_path / "out" / "result.json").read_text())["by_class"].keys() == {"0", "1"}
    for mask, said in ((MASK + 2, "has the class 2; the network has 2"), (MASK[:2], "[4, 4] of whole numbers")):
        found = refused(Pairs((IMAGE, mask)), Pairs(good), tmp_path / "other", network)
        assert said in found[0]


def test_what_is_no_data(tmp_path: Path) -> None:
    good = tensors(4)
    assert "there is no data to validate on" in refused(good, None, tmp_path)[0]
    assert "`train` is a list_iterator, and not a data set" in refused(iter([1]), good, tmp_path)[0]
    assert "`val` has no examples" in refused(good, Pairs(), tmp_path)[0]
    assert (
        "`augment` is for images that archspec reads" in refused(good, good, tmp_path, recipe={"augment": ["blur"]})[0]
    )
    assert "have their own split" in refused("folder", good, tmp_path)[0]
    with pytest.raises(TypeError):
        Options(momentum=0.9)  # pyright: ignore[reportCallIssue]


def test_a_shuffled_loaders_order_hangs_on_seed_and_epoch(tmp_path: Path) -> None:
    def last(name: str, seed: int) -> dict[str, Tensor]:
        fitted(tmp_path / name, Module(), seed=seed, epochs=1)
        return torch.load(tmp_path / name / "weights.pt")

    first, again = last("first", 1), last("again", 1)
    assert all(torch.equal(value, again[key]) for key, value in first.items())


NORMALISED = """
archspec: 1
name: Normalised
inputs: {image: [1, H, W]}
sizes: {H: 4, W: 4}
steps: [conv: {channels: 2, kernel: 4}, batch_norm as norm, flatten, linear: {features: 2}]
"""

AUXILIARY = """
archspec: 1
name: Auxiliary
inputs: {image: [1, H, W]}
sizes: {H: 5, W: 5}
steps:
  - sequence as side:
      - conv: {channels: 2, kernel: 5}
      - global_avg_pool
      - flatten
      - linear: {features: 2}
  - sequence as main:
      - global_avg_pool: {}
        from: image
      - flatten
      - linear: {features: 2}
outputs: {main: main, side: {from: side, training: true, loss_weight: 0.4}}
"""


def test_a_run_that_torch_refuses_does_not_begin(tmp_path: Path) -> None:
    network, where = archspec.loads(NORMALISED), tmp_path / "out"
    with pytest.raises(ValueError, match="more than 1 value per channel"):  # what torch says of it
        archspec.compile(network).train()(torch.randn(1, 1, 4, 4))
    one = ["batch-refused: in training `norm` cannot normalise a batch of one image at H = 4 and W = 4"]
    assert refused(tensors(6), tensors(2), where, network, batch_size=1) == one
    portions = {"batch_size": 2, "machine": Machine(accumulate=2)}
    assert refused(tensors(6), tensors(2), where, network, **portions) == one
    side = refused(tensors(6), tensors(2), where, archspec.loads(AUXILIARY), sizes={"H": 4, "W": 4})
    assert side
    assert all(each.startswith("size-refused: in training") for each in side)
    assert not where.exists()
    frozen = archspec.fit(
        network, tensors(6), tensors(2), where, epochs=1, batch_size=1, device="cpu", recipe={"freeze": ["norm"]}
    )
    assert frozen.epoch == 1


def test_the_last_batch_of_a_loader_may_be_too_small(tmp_path: Path) -> None:
    loaders = DataLoader(tensors(5), 2), DataLoader(tensors(2), 2)
    assert refused(*loaders, tmp_path, archspec.loads(NORMALISED))[0].startswith("batch-refused: ")
