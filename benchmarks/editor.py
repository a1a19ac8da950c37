"""From a keystroke to what is wrong: the time until the language server has said it, for large networks.

    python benchmarks/editor.py [SPEC …]

A digit is typed and taken back in each spec, as an editor sends it, over pipes.  The time includes the protocol and
the study of the text; keystrokes are far enough apart for none to wait.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.helpers.rpc import RpcClient  # noqa: E402

SPECS = ("resnet18", "resnet152", "densenet201", "inception_v3")
TURNS = 20


def worked(process: int) -> float:
    """Milliseconds of processor time that all threads of a process have had (Linux); other work does not stretch it."""
    threads = Path(f"/proc/{process}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e6


def measured(client: RpcClient, name: str) -> tuple[list[float], float]:
    """Milliseconds from each keystroke to the diagnostics of its text, and the processor time of one."""
    path = ROOT / "specs" / f"{name}.yaml"
    text = path.read_text(encoding="utf-8")
    uri = client.open(text, path.as_uri())
    client.said(uri)
    typed = text.replace("\nname: ", "\nname: A", 1)
    found: list[float] = []
    before = worked(client.process)
    for turn in range(TURNS):
        time.sleep(0.2)
        client.published.pop(uri, None)
        new = text if turn % 2 else typed
        began = time.perf_counter()
        document = {"uri": uri, "version": turn + 2}
        client.tell("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": new}]})
        client.said(uri)
        found.append(1000 * (time.perf_counter() - began))
    return found, (worked(client.process) - before) / TURNS


def main() -> None:
    """Print a line for each spec: the least and the middle time, and the processor time."""
    with RpcClient([sys.executable, "-m", "archspec", "lsp"]) as client:
        client.ask("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
        client.tell("initialized", {})
        for name in sys.argv[1:] or SPECS:
            times, spent = measured(client, name)
            print(
                f"{name:16} least {min(times):6.1f} ms   middle {statistics.median(times):6.1f} ms"
                f"   processor {spent:6.1f} ms"
            )


if __name__ == "__main__":
    main()
