"""`archspec evaluate` and `archspec predict`: a trained network on labelled images, and on others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archspec.cli import options
from archspec.cli.app import Command, app, examples
from archspec.cli.options import AnswerFormat, Format, Rewrite, Set, Size
from archspec.cli.specs import as_json, load_spec
from archspec.cli.terminal import CallError, Terminal, needs, write_together
from archspec.diagnostics import printable, to_json

if TYPE_CHECKING:
    from archspec.trained.evaluation import Evaluation
    from archspec.trained.network import Network
    from archspec.trained.prediction import Prediction

Source = Annotated[
    str,
    typer.Argument(metavar="RUN|SPEC", help="The folder of a run, or a spec with --weights.", show_default=False),
]
Weights = Annotated[
    str | None,
    typer.Option(
        metavar="WEIGHTS",
        help="A file, or a library's name for weights: torchvision:ResNet50_Weights.IMAGENET1K_V2, "
        "timm:resnet18.a1_in1k.",
        show_default=False,
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:1.")]
Batch = Annotated[int, typer.Option("--batch-size", min=1, max=1_000_000, help="Images at a time.")]


def open_network(
    source: str,
    weights: str | None,
    set: list[str] | None,
    rewrite: list[str] | None,
    size: list[str] | None,
    device: str,
    *,
    trained: bool = True,
) -> Network:
    """The network of a run's folder, or of a spec with weights.  Raises CallError and SpecError."""
    folder = Path(source)
    is_run = folder.is_dir()
    if is_run and (weights or set or rewrite or size):
        raise CallError("a run has its own weights, parameters and size", "leave the options out, or name the spec")
    if not is_run and trained and weights is None:
        load_spec(source, set, rewrite, elsewhere=bool(size))  # a name that is neither is told first
        raise CallError("a spec has no weights", "name a run's folder, or give --weights FILE")
    with needs("train", "running a network on images"):
        from archspec.running import devices
        from archspec.trained.network import of_run, of_spec
        from archspec.training.run_folder import read_run
    place = devices.find(device)
    if is_run:
        return of_run(read_run(folder), place)
    loaded = load_spec(source, set, rewrite, elsewhere=bool(size))
    return of_spec(loaded, options.sizes(size, loaded), weights, place)


@app.command(
    cls=Command,
    epilog=examples(
        "archspec evaluate out/ResNet18 --data photographs",
        "archspec evaluate resnet50 --weights torchvision:ResNet50_Weights.IMAGENET1K_V2 --data imagenet",
    ),
)
def evaluate(
    context: typer.Context,
    source: Source,
    data: Annotated[
        Path,
        typer.Option(
            exists=True, file_okay=False, metavar="FOLDER", help="A folder for each class, or images/ and masks/."
        ),
    ],
    weights: Weights = None,
    set: Set = None,
    rewrite: Rewrite = None,
    size: Size = None,
    batch_size: Batch = 32,
    device: Device = "auto",
    picture: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Draw the confusion matrix here.", show_default=False),
    ] = None,
    format: AnswerFormat = Format.text,
) -> None:
    """Judge a trained network on labelled images: top-1, top-5, each class, the confusion matrix; mean IoU of masks.

    Of a folder with `train` and `val`, `val` is judged.  Images that cannot be read are listed and left out; the exit
    status is then 1.
    """
    terminal: Terminal = context.obj
    network = open_network(source, weights, set, rewrite, size, device)
    from archspec.trained.evaluation import evaluate as judge

    terminal.diagnose(network.notes)
    found = judge(network, data, batch_size)
    terminal.diagnose(found.unreadable)
    if picture is not None:
        with needs("plot", "the picture"):
            from archspec.trained.confusion_picture import drawn

            write_together({picture: drawn(found.confusion, found.classes)})
    if terminal.as_json:
        terminal.answer_json({
            "images": found.images, **found.measures, "by_class": found.by_class, "classes": list(found.classes),
            "confusion": found.confusion,
        } | as_json((*network.notes, *found.unreadable)))  # fmt: skip
    else:
        terminal.answer(_said(found, picture))


def _said(found: Evaluation, picture: Path | None) -> str:
    lines = [f"{found.images:,} images"]
    lines += [f"{name.replace('_', ' '):14} {value:.2%}" for name, value in found.measures.items()]
    width = max(len(printable(name, 40)) for name in found.classes)
    for name, value in found.by_class.items():
        lines.append(f"  {printable(name, 40):{width}}  {'not there' if value is None else f'{value:.2%}'}")
    if picture is not None:
        lines.append(f"confusion matrix: {picture}")
    return "\n".join(lines)


@app.command(
    cls=Command,
    epilog=examples(
        "archspec predict out/ResNet18 holiday.jpg more_photographs",
        "archspec predict out/UNetSame streets/images --output said",
    ),
)
def predict(
    context: typer.Context,
    source: Source,
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGES…", help="Image files, or folders of them.", show_default=False)
    ],
    weights: Weights = None,
    set: Set = None,
    rewrite: Rewrite = None,
    size: Size = None,
    batch_size: Batch = 32,
    device: Device = "auto",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Write predictions.csv, masks and pictures here.",
            show_default=False,
        ),
    ] = None,
    format: AnswerFormat = Format.text,
) -> None:  # fmt: skip
    """Ask a trained network about images: the likeliest classes of each, or a mask with the class of each pixel.

    An image that cannot be read is listed, and the others are answered; the exit status is then 1.
    """
    terminal: Terminal = context.obj
    network = open_network(source, weights, set, rewrite, size, device)
    from archspec.trained.prediction import Prediction, files_of
    from archspec.trained.prediction import predict as ask

    files = files_of(images)
    if not files:
        raise CallError("there are no images in these folders", "images end in .png, .jpg, .jpeg")
    terminal.diagnose(network.notes)
    terminal.output = None
    rows: list[dict[str, Any]] = []
    taken: dict[str, int] = {}
    for file, said in zip(files, ask(network, files, batch_size), strict=True):
        if not isinstance(said, Prediction):
            terminal.diagnose([said])
            rows.append({"image": str(file), "error": to_json(said)})
            continue
        row: dict[str, Any] = {"image": str(file), "labels": [list(pair) for pair in said.labels]}
        if output is not None:
            row |= _written(network, said, output, taken)
        rows.append(row)
        if not terminal.as_json:
            terminal.answer(_line(said))
    if output is not None:
        write_together({output / "predictions.csv": _table(rows)})
    if terminal.as_json:
        terminal.answer_json({"predictions": rows} | as_json(network.notes))
    elif output is not None:
        terminal.answer(f"written: {output}")


def _line(said: Prediction) -> str:
    shown = ", ".join(f"{printable(name, 40)} {share:.1%}" for name, share in said.labels[:3])
    return f"{printable(str(said.image))}  {shown}"


def _written(network: Network, said: Prediction, folder: Path, taken: dict[str, int]) -> dict[str, str]:
    """Write the pictures of a prediction, under the image's name; a number follows where two have the same."""
    from archspec.trained.prediction import mask_file, overlay

    folder.mkdir(parents=True, exist_ok=True)
    count = taken[said.image.stem] = taken.get(said.image.stem, 0) + 1
    stem = said.image.stem if count == 1 else f"{said.image.stem}-{count}"
    files = {"picture": (folder / f"{stem}.overlay.png", overlay(network, said))}
    if said.mask is not None:
        files["mask"] = (folder / f"{stem}.mask.png", mask_file(said.mask, network.count))
    write_together(dict(files.values()))
    return {name: str(path) for name, (path, _) in files.items()}


def _table(rows: list[dict[str, Any]]) -> bytes:
    """The predictions as CSV: image, label, probability (or share of pixels), error."""
    import csv
    import io

    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(["image", "label", "share", "error"])
    for row in rows:
        for name, share in row.get("labels", ()):
            writer.writerow([printable(row["image"]), printable(name), f"{share:.6f}", ""])
        if "error" in row:
            writer.writerow([printable(row["image"]), "", "", row["error"]["message"]])
    return written.getvalue().encode()
