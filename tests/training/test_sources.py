"""Images from tables, shards and columns: the same images as of folders, and all that is wrong told in one run."""

from __future__ import annotations

import csv
import io
import json
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from archspec.diagnostics import SpecError
from archspec.training.images import load_images
from archspec.training.settings import Options
from archspec.training.sources import load_data
from archspec.training.tasks import Segmentation
from archspec.training.trainer import made
from tests.training.test_runs import Small

TASK = Segmentation(("0", "1"), (6, 6))


def png(grey: int, size: int = 6) -> bytes:
    made = io.BytesIO()
    Image.new("L", (size, size), grey).save(made, "PNG")
    return made.getvalue()


def greys() -> dict[str, int]:
    """Names and greys of eight images, four dark and four light."""
    return {f"{name}/{index}.png": grey + index for name, grey in (("dark", 10), ("light", 200)) for index in range(4)}


def write_files(folder: Path) -> None:
    for name, grey in greys().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(png(grey))


def table(folder: Path) -> str:
    write_files(folder)
    rows = [f"{name},{name.split('/')[0]}" for name in greys()]
    (folder / "table.csv").write_text("\n".join(["path,label", *rows]))
    return str(folder / "table.csv")


def members(folder: Path, content: dict[str, bytes], shard: str = "shard-000.tar") -> str:
    folder.mkdir(exist_ok=True, parents=True)
    with tarfile.open(folder / shard, "w") as archive:
        for name, raw in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))
    return str(folder)


def shard(folder: Path) -> str:
    content: dict[str, bytes] = {}
    for name, grey in greys().items():
        key = name.replace("/", "-").removesuffix(".png")
        content[f"{key}.png"] = png(grey)
        content[f"{key}.cls"] = name.split("/")[0].encode()
    return members(folder, content)


def columns(folder: Path, ending: str, **schema: Any) -> str:
    pyarrow = pytest.importorskip("pyarrow")
    parquet, ipc = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow.ipc")
    folder.mkdir(parents=True)
    cells = [{"bytes": png(grey), "path": name} for name, grey in greys().items()]
    info = {"info": {"features": {"label": {"names": ["dark", "light"], "_type": "ClassLabel"}}}}
    made = pyarrow.table({"image": cells, "label": [0] * 4 + [1] * 4})
    made = made.replace_schema_metadata({"huggingface": json.dumps(info), **schema})
    if ending == "parquet":
        parquet.write_table(made, folder / "data.parquet", row_group_size=3)
    else:
        with ipc.new_stream(folder / "data-00000-of-00001.arrow", made.schema) as stream:
            stream.write_table(made)
    return f"hf:{folder}"


@pytest.mark.parametrize(
    "source",
    [table, shard, lambda folder: columns(folder, "parquet"), lambda folder: columns(folder, "arrow")],
    ids=["table", "shard", "parquet", "arrow"],
)
def test_a_source_holds_the_images_of_a_folder(source: Callable[[Path], str], tmp_path: Path) -> None:
    write_files(tmp_path / "folder")
    wanted = load_images(tmp_path / "folder", (5, 5), 1)
    found = load_data(source(tmp_path / "source"), (5, 5), 1)
    assert found.classes == wanted.classes == ("dark", "light")

    def all_of(data: Any) -> list[tuple[float, int]]:
        items = [part[index] for part in (data.training, data.validation) for index in range(len(part))]
        return sorted((round(float(image.mean()), 4), target) for image, target in items)

    assert all_of(found) == all_of(wanted)
    assert (len(found.training), len(found.validation)) == (6, 2)
    assert {target for _, target in (found.validation[index] for index in range(2))} == {0, 1}
    again = load_data(source(tmp_path / "again"), (5, 5), 1)
    pairs = zip(found.validation, again.validation, strict=False)
    assert all(torch.equal(one, other) for (one, _), (other, _) in list(pairs)[:2])


def test_splits_that_a_source_gives(tmp_path: Path) -> None:
    write_files(tmp_path)
    rows = [f"{name},{name[0]},{('train', 'train', 'valid', 'test')[index % 4]}" for index, name in enumerate(greys())]
    (tmp_path / "table.csv").write_text("\n".join(["Image,Class,Split", *rows]))
    found = load_data(str(tmp_path / "table.csv"), (5, 5), 1)
    assert (found.classes, len(found.training), len(found.validation)) == (("d", "l"), 4, 2)
    for part, greys_of in (("train", (10, 200)), ("val", (20, 210)), ("test", (1, 2))):
        content = {f"{grey}.png": png(grey) for grey in greys_of}
        content |= {f"{grey}.json": json.dumps({"label": int(grey > 100)}).encode() for grey in greys_of}
        members(tmp_path / "shards", content, f"{part}-0.tar")
    found = load_data(str(tmp_path / "shards"), (5, 5), 1)
    assert (found.classes, len(found.training), len(found.validation)) == (("0", "1"), 2, 2)


def test_masks_from_tables_and_shards(tmp_path: Path) -> None:
    mask = io.BytesIO()
    image = Image.new("L", (6, 6))
    image.paste(1, (0, 0, 3, 6))
    image.save(mask, "PNG")
    rows = ["image,mask"]
    content: dict[str, bytes] = {}
    for index in range(5):
        (tmp_path / f"{index}.png").write_bytes(png(30 * index))
        (tmp_path / f"{index}.mask.png").write_bytes(mask.getvalue())
        rows.append(f"{index}.png,{index}.mask.png")
        content |= {f"a/{index}.png": png(30 * index), f"a/{index}.mask.png": mask.getvalue()}
    (tmp_path / "table.csv").write_text("\n".join(rows))
    for source in (str(tmp_path / "table.csv"), members(tmp_path / "shards", content)):
        found = load_data(source, (6, 6), 1, TASK)
        assert (len(found.training), len(found.validation)) == (4, 1)
        _, target = found.training[0]
        assert torch.equal(target, torch.tensor([1, 1, 1, 0, 0, 0]).expand(6, 6))


def refused(source: str, **options: Any) -> list[str]:
    with pytest.raises(SpecError) as error:
        load_data(source, (5, 5), 1, **options)
    return [each.message for each in error.value.diagnostics]


def test_all_that_is_wrong_is_told_by_file_and_key(tmp_path: Path) -> None:
    source = table(tmp_path)
    (broken, _), *_, (gone, _) = load_data(source, (5, 5), 1).training.samples
    broken.write_bytes(b"no image")
    gone.unlink()
    found = refused(source)
    assert len(found) == 2
    assert f"{broken}` is not a readable image" in found[0]
    assert "there is no file" in found[1]
    skipped = load_data(source, (5, 5), 1, skip_bad=True)
    assert sum(skipped.images) == 6
    (note,) = skipped.notes
    assert (note.code, note.severity, len(note.details)) == ("skipped", "warning", 2)
    assert note.message == "2 of 8 images cannot be used and were left out"

    folder = members(
        tmp_path / "shards",
        {"a.png": png(1), "a.cls": b"0", "b.png": b"no image", "b.cls": b"1", "c.png": png(2), "d.cls": b"1"}
        | {f"{index}.png": png(index) for index in range(4)} | {f"{index}.cls": b"1" for index in range(4)}
        | {"e.png": png(3), "e.cls": b"0"},
    )  # fmt: skip
    found = refused(folder)
    assert ["shard-000.tar:c` has no class" in found[0], "shard-000.tar:d` has no image" in found[1]] == [True, True]


def test_shards_are_never_unpickled(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path(tmp_path / "trapped").touch, ())

    good = {"a.png": png(1), "a.cls": b"0"}
    for ending in ("pyd", "pickle", "pth", "npy", "cls.gz"):
        found = refused(members(tmp_path / ending.replace(".", "-"), good | {f"a.{ending}": pickle.dumps(Trap())}))
        assert f"a.{ending}` is none of what shards may hold" in found[0]
    assert not (tmp_path / "trapped").exists()
    folder = tmp_path / "links"
    members(folder, good)
    with tarfile.open(folder / "shard-000.tar", "a") as archive:
        link = tarfile.TarInfo("b.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    assert "b.png` is a link or a device" in refused(str(folder))[0]
    (tmp_path / "broken.tar").write_bytes(b"\x1f\x8b" + bytes(600))
    assert "is not a readable .tar file" in refused(str(tmp_path / "broken.tar"))[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "has no column `path`; it has `a`, `b`"),
        ("", "has no column `path`; it has none"),
        ("path,label\n../x.png,a\n", "`../x.png` leaves the folder of the table"),
        ("path,label\n/etc/passwd,a\n", "`/etc/passwd` leaves the folder of the table"),
        ("path,label\nx.png\n", "the row has not one value for each column"),
        ('path,label\n"x.png,a\n', "unexpected end of data"),
        ("path,label\n", "has no images"),
        ("path,label\nx.png,a\ny.png,a\n", "only one class"),
        ("path,label\nx.png,a\ny.png,b\n", "class `a` has one image"),
    ],
)
def test_tables_that_will_not_do(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(text)
    assert said in "\n".join(refused(str(tmp_path / "table.csv")))


def test_columns_need_pyarrow_and_a_folder(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    assert "is not a folder" in refused(f"hf:{tmp_path}/nowhere")[0]
    assert "has no .parquet or .arrow files" in refused(f"hf:{tmp_path}")[0]
    (tmp_path / "x.parquet").write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    assert "cannot be read" in refused(f"hf:{tmp_path}")[0]


def test_loggers_that_are_missing_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archspec.training.trainer._there", lambda package: False)
    with pytest.raises(SpecError) as error:
        made(("csv", "tensorboard", "wandb", "mlflow", "os.system"), tmp_path)
    hints = [each.hint for each in error.value.diagnostics]
    assert hints[:3] == [
        f"pip install {name}, or pip install 'archspec-nn[loggers]'" for name in ("tensorboard", "wandb", "mlflow")
    ]
    assert hints[3] == "one of csv, tensorboard, wandb, mlflow"
    assert made(("csv",), tmp_path) is False


def test_tensorboard_gets_the_figures_of_the_table(tmp_path: Path) -> None:
    if not any(__import__("importlib.util").util.find_spec(each) for each in ("tensorboard", "tensorboardX")):
        pytest.skip("tensorboard is not installed")
    from archspec.training.fit import fit

    write_files(tmp_path / "data")
    options = Options(epochs=1, device="cpu", loggers=("tensorboard",))
    fit(Small, load_images(tmp_path / "data", (4, 4), 1), tmp_path / "out", options)
    assert list((tmp_path / "out" / "tensorboard").glob("events.out.tfevents.*"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_mlflow_gets_the_figures_of_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow: Any = pytest.importorskip("mlflow", exc_type=ImportError)
    pytest.importorskip("sqlalchemy", exc_type=ImportError)
    from archspec.training.fit import fit

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path / "data")
    options = Options(epochs=2, device="cpu", loggers=("mlflow",))
    fit(Small, load_images(tmp_path / "data", (4, 4), 1), tmp_path / "out", options)
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path / 'out' / 'mlflow.db'}")
    (run,) = client.search_runs([client.get_experiment_by_name("archspec").experiment_id])
    with (tmp_path / "out" / "metrics.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    kept = client.get_metric_history(run.info.run_id, "val_loss")
    assert [f"{each.value:.6g}" for each in kept] == [row["val_loss"] for row in rows]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_wandb_keeps_a_run_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb: Any = pytest.importorskip("wandb", exc_type=ImportError)
    from archspec.training.fit import fit

    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path / "data")
    options = Options(epochs=1, device="cpu", loggers=("wandb",))
    fit(Small, load_images(tmp_path / "data", (4, 4), 1), tmp_path / "out", options)
    with (tmp_path / "out" / "metrics.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert f"{wandb.run.summary.get('val_loss'):.6g}" == row["val_loss"]
    wandb.finish()
    assert list((tmp_path / "out" / "wandb").glob("offline-run-*/run-*.wandb"))
