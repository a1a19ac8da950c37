"""`archspec convert-weights`: a checkpoint of one spec, as one of a spec made from it."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Annotated

import typer

from archspec.cli.app import Command, app, examples
from archspec.cli.completion import complete_spec, complete_step
from archspec.cli.options import AnswerFormat, Format, Rewrite, Set
from archspec.cli.specs import as_json, load_spec
from archspec.cli.terminal import Terminal


@app.command(
    "convert-weights",
    cls=Command,
    epilog=examples(
        "archspec convert-weights vgg16 fcn8s_vgg16 vgg16.pt -o fcn8s.pt",
        "archspec convert-weights resnet50 resnet50 resnet50.pt --rewrite fold_batch_norm -o folded.pt",
        "archspec convert-weights timm:resnet50 mine.yaml timm.pt --by-steps -o mine.pt",
        "archspec convert-weights resnet50 mine.yaml resnet50.pt --step layer4=backbone.layer4 -o mine.pt",
    ),
)
def convert_weights(
    context: typer.Context,
    old: Annotated[
        str,
        typer.Argument(
            metavar="OLD", help="The spec that the weights belong to.", autocompletion=complete_spec, show_default=False
        ),
    ],
    new: Annotated[
        str,
        typer.Argument(
            metavar="NEW",
            help="A spec that extends, imports or rewrites OLD.",
            autocompletion=complete_spec,
            show_default=False,
        ),
    ],
    weights: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="A file with a state_dict of OLD.", show_default=False)
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write the state_dict of NEW.")
    ],
    by_steps: Annotated[
        bool,
        typer.Option(
            "--by-steps", help="Convert weights between the steps that correspond in `archspec diff OLD NEW`."
        ),
    ] = False,
    step: Annotated[
        list[str] | None,
        typer.Option(
            "--step",
            metavar="OLD=NEW",
            help="Convert the weights of a step or block of OLD to one of NEW, by path or label; can be given again.",
            autocompletion=complete_step,
            show_default=False,
        ),
    ] = None,
    set: Set = None,
    rewrite: Rewrite = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed for the weights that are initialised anew.")] = 0,
    format: AnswerFormat = Format.text,
) -> None:
    """Convert the weights of a spec to another spec made from it; `--set` and `--rewrite` apply to NEW.

    What the rewrites on the way do to weights is done; what starts anew is initialised as NEW says, so that the file
    loads with `strict=True`.  With `--by-steps` or `--step` the specs need not be related: the same network, or a part
    of it, under other names.
    """
    import torch

    from archspec.analyses.differences import compare
    from archspec.backends.reports import difference
    from archspec.running.checkpoint_files import read_checkpoint
    from archspec.running.convert import complete, convert, renamed
    from archspec.running.step_keys import keys_by_step
    from archspec.running.weights import network_weights

    terminal: Terminal = context.obj
    source, target = load_spec(old, None), load_spec(new, set, rewrite)
    terminal.diagnose(target.diagnostics)
    found = network_weights(read_checkpoint(weights), source.graph.state, weights)
    terminal.diagnose(found.notes)
    if step:
        conversion = renamed(source.graph, target.graph, found.state, keys_by_step(source.graph, target.graph, step))
    elif by_steps:
        keys = difference.keys(source.graph, target.graph, compare(source.graph, target.graph, initial=False))
        conversion = renamed(source.graph, target.graph, found.state, keys)
    else:
        conversion = convert(source.graph, target.graph, found.state)
    buffer = BytesIO()
    torch.save(complete(target, conversion, seed), buffer)
    terminal.write(buffer.getvalue())
    terminal.output = None
    if terminal.as_json:
        said = as_json((*target.diagnostics, *found.notes))
        terminal.answer_json(conversion.to_json() | {"written": str(output)} | said)
    else:
        terminal.answer(conversion.text(source.name, target.name))
