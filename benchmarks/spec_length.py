"""The specs of ``specs/more`` beside their peers' code: ``python benchmarks/spec_length.py`` writes ``spec_length.md``.

A line of YAML counts unless it is blank or a comment; library blocks that a spec uses stand in a column of their own.

Of the peer what one network needs: it is built and run once in training and in evaluation, and the classes and
functions that were entered count, with the constants they refer to; of a table of many networks its entry.  A line
counts when it holds code, as in ``source_length.py``: no imports, docstrings, comments and blank lines.  What lies in
the peer's folder of layers is counted in a column of its own.  In the peer's favour nothing counts that loads weights,
registers models or serves features of any network (timm's ``_builder.py``, ``_factory.py`` and their like).

``ESPCN``, ``SegNet``, ``ENet`` and ``NAFNet`` are in no library.  Their files come from repositories of their authors
or of others: that of a checkout which is given, ``nafnet=FOLDER``, counts whole but for what no network needs.

The table is written only if all peers are there.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from source_length import Length, file_lengths, length, rows_entered

import archspec
from archspec.running.torchvision_library import torchvision

MORE = Path(archspec.__file__).parent.parent / "specs" / "more"


@dataclass(frozen=True)
class Peer:
    """Where a network is: how it is built, and the side of an image that it takes."""

    library: str
    build: Callable[[], Any]
    side: int = 64
    name: str = ""


def _timm(name: str, side: int = 64) -> Peer:
    return Peer("timm", lambda: importlib.import_module("timm").create_model(name), side, name)


def _torchvision(name: str, side: int) -> Peer:
    return Peer("torchvision", lambda: importlib.import_module("torchvision").models.get_model(name), side, name)


def _unetplusplus() -> Any:
    smp = importlib.import_module("segmentation_models_pytorch")
    return smp.UnetPlusPlus("resnet34", encoder_weights=None)


def _yolov5n() -> Any:
    with TemporaryDirectory() as folder:
        os.environ.update(YOLO_CONFIG_DIR=folder, YOLO_OFFLINE="1")
        tasks = importlib.import_module("ultralytics.nn.tasks")
        file = Path(str(tasks.__file__)).parent.parent / "cfg/models/v5/yolov5.yaml"
        path = Path(folder) / "yolov5n.yaml"
        path.write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
        return tasks.DetectionModel(str(path), verbose=False)


PEERS: dict[str, Peer] = {
    "deit_tiny_patch16_224": _timm("deit_tiny_patch16_224", 224),
    "edgenext_small": _timm("edgenext_small"),
    "ese_vovnet39b": _timm("ese_vovnet39b"),
    "hrnet_w18": _timm("hrnet_w18"),
    "mobilevit_s": _timm("mobilevit_s"),
    "nf_regnet_b0": _timm("nf_regnet_b0"),
    "res2net50_26w_4s": _timm("res2net50_26w_4s"),
    "swin_t": _torchvision("swin_t", 224),
    "tf_efficientnet_b0": _timm("tf_efficientnet_b0"),
    "unetplusplus_resnet34": Peer("segmentation_models_pytorch", _unetplusplus),
    "vit_b_16": _torchvision("vit_b_16", 224),
    "yolov5n": Peer("ultralytics", _yolov5n),
}
REPOSITORIES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "enet": ("davidtvs/PyTorch-ENet@e17d404", "models/enet.py", ()),
    "espcn": ("yjn870/ESPCN-pytorch@ab84ee1", "models.py", ()),
    "nafnet": ("megvii-research/NAFNet@2b4af71", "basicsr/models/archs/NAFNet_arch.py", ("NAFNetLocal",)),
    "segnet_vgg16": ("say4n/pytorch-segnet@f7738c6", "src/model.py", ()),
}
"""By network that no library has: a repository and its commit, the file, classes of it that are not needed."""


def yaml_lines(path: Path) -> int:
    """Lines of YAML, without blank ones and comments."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return sum(bool(line) and not line.startswith("#") for line in lines)


def blocks(name: str) -> int:
    """Lines of the other files whose blocks a spec uses: library blocks, and specs that it imports."""
    path = MORE / f"{name}.yaml"
    scopes = archspec.load(path).graph.root.scopes()
    used = {Path(scope.block.file.key) for scope in scopes if scope.block is not None}
    return sum(yaml_lines(other) for other in used if other.resolve() != path.resolve())


def _is_layers(path: Path) -> bool:
    """Whether a file is in its library's folder of layers."""
    return bool({"layers", "ops", "modules", "base"} & set(path.parts))


def _is_beside(path: Path) -> bool:
    """Whether a file serves all networks of its library alike: weights, names, features."""
    helper = path.name.startswith("_") and not path.name.startswith("_efficientnet")
    return helper or "utils" in path.parts or path.name == "__init__.py"


def peer_lengths(peer: Peer) -> tuple[Length, Length]:
    """The peer's code that makes a network, and the layers that it leans on."""
    import torch

    torchvision()  # which timm and smp import, and which needs a hand without its compiled operators
    roots = [str(Path(str(importlib.import_module(name).__file__)).parent) for name in {peer.library, "torchvision"}]
    image = torch.rand(2, 3, peer.side, peer.side)

    def run() -> None:
        model = peer.build()
        with torch.no_grad():
            for training in (True, False):
                model.train(training)(image)

    own, layers = Length(), Length()
    for path, rows in rows_entered(roots, run).items():
        if _is_beside(path):
            continue
        whole, _ = file_lengths(path, rows, peer.name)
        if _is_layers(path):
            layers += whole
        else:
            own += whole
    return own, layers


def file_of(folder: Path, name: str) -> Length:
    """The network's file in a checkout, without what no network needs."""
    _, path, unneeded = REPOSITORIES[name]
    text = (folder / path).read_text(encoding="utf-8")
    body = ast.parse(text).body
    left_out = [
        each for each in body
        if isinstance(each, ast.If) or (isinstance(each, ast.ClassDef) and each.name in unneeded)
    ]  # fmt: skip
    return length(text, None, left_out)


def table(names: Iterable[str], folders: dict[str, Path]) -> str:
    """A markdown table."""
    lines = [
        "| network | spec | library blocks | peer | its code | its layers | spec / code | with blocks and layers |",
        "| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: |",
    ]
    for name in names:
        spec, shared = yaml_lines(MORE / f"{name}.yaml"), blocks(name)
        if name in PEERS:
            library = PEERS[name].library
            if importlib.util.find_spec(library) is None:
                continue
            peer, (own, layers) = f"{library} {metadata.version(library)}", peer_lengths(PEERS[name])
        elif name in folders:
            peer, own, layers = REPOSITORIES[name][0], file_of(folders[name], name), Length()
        else:
            continue
        both = (spec + shared) / (own.lines + layers.lines)
        lines.append(
            f"| {name} | {spec} | {shared or ''} | {peer} | {own.lines} | {layers.lines or ''} "
            f"| {spec / own.lines:.2f} | {both:.2f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the table, and write it beside this file."""
    given = dict(argument.split("=", 1) for argument in sys.argv[1:] if "=" in argument)
    names = sorted({*PEERS, *REPOSITORIES})
    text = table(names, {name: Path(folder) for name, folder in given.items()})
    print(text)
    missing = [name for name in names if f"| {name} |" not in text]
    if missing:
        print(f"not written, since peers are missing: {', '.join(missing)}")
        return
    rule = (__doc__ or "").split("\n\n", 1)[1]
    Path(__file__).with_suffix(".md").write_text(
        f"# Lines: specs beside their peers' code\n\n{text}\nWritten by `python benchmarks/spec_length.py`.\n\n{rule}",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
