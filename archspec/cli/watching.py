"""The command `watch`: the page of a spec, rebuilt whenever the file is saved."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from archspec.cli.app import Command, app, examples
from archspec.cli.options import Rewrite, Set, Spec
from archspec.cli.specs import load_spec
from archspec.cli.terminal import CallError, Terminal


@app.command(cls=Command, epilog=examples("archspec watch my_network.yaml", "archspec watch net.yaml --set classes=10"))
def watch(
    context: typer.Context,
    spec: Spec,
    set: Set = None,
    rewrite: Rewrite = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of this machine. Default: any free one.")] = 0,
) -> None:
    """Show a spec's page in the browser, refreshed as the file is saved, with its errors until they are mended."""
    terminal: Terminal = context.obj
    path = Path(spec)
    if path.suffix.lower() not in (".yaml", ".yml"):
        raise CallError(f"`{spec}` is not a file that can be watched", "give the path of a spec, which ends in .yaml")
    if not path.parent.is_dir():
        raise CallError(f"there is no folder `{path.parent}`")
    try:
        from archspec.watching import Watched, serve
    except ImportError:
        raise CallError("watching needs a small server", "pip install 'archspec-nn[watch]'") from None

    def say(address: str) -> None:
        terminal.out(f"{path.name} is shown at {address}\nCtrl+C ends it\n")

    try:
        serve(Watched(lambda: load_spec(spec, set, rewrite), path), port, say)
    except OSError as error:
        raise CallError(f"cannot listen on port {port}: {error.strerror or error}", "choose another --port") from None
