"""Specs from git revisions: ``HEAD~1:specs/resnet18.yaml`` names a file of a revision, as for ``git show``.

The YAML files in and below the spec's folder in that revision are written to a temporary folder, since the spec may
name those.  Nothing in the repository is changed, and none of its code is run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from archspec.diagnostics import Fault, printable
from archspec.syntax.nodes import DEFAULT_LIMITS, Limits

MAXIMUM_FILES = 5_000
"""The most YAML files that one folder of a revision may have."""
_ENDINGS = (".yaml", ".yml")
_PATIENCE = 60
"""The time limit of one git call, in seconds."""


def is_revision(text: str) -> bool:
    """Whether a text names a file of a git revision and not an existing file."""
    revision, colon, path = text.partition(":")
    return bool(colon and revision) and path.endswith(_ENDINGS) and not Path(text).exists()


@contextmanager
def checked_out(text: str, limits: Limits = DEFAULT_LIMITS) -> Iterator[Path]:
    """The path of a temporary copy of a spec, ``REVISION:PATH``, beside the YAML files it may name; deleted on exit.

    ``PATH`` is relative to the top of the repository, or with ``./`` to the current folder, as for ``git show``.
    Raises :class:`Fault`: ``no-git``, ``unknown-revision``, ``file-not-found``, ``too-large``, ``too-many-files``.
    """
    from tempfile import TemporaryDirectory  # imported late: few calls need it, and every command imports this file

    revision, _, path = text.partition(":")
    if revision.startswith("-"):  # git would read it as an option
        raise Fault("unknown-revision", f"`{printable(revision)}` is not a revision: it starts with a dash")
    commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").decode().strip()
    if not commit:
        hint = "name a commit, a branch or a tag: HEAD~1, main, v1.0"
        raise Fault("unknown-revision", f"there is no revision `{printable(revision)}` here", None, hint)
    whole = _from_the_top(path)
    folder, name = (whole.rpartition("/")[0], whole.rpartition("/")[2])
    found = _files(commit, folder)
    if name not in found:
        shown = printable(path)
        raise Fault("file-not-found", f"revision `{printable(revision)}` has no file `{shown}`")
    if len(found) > MAXIMUM_FILES:
        raise Fault("too-many-files", f"`{printable(folder)}` holds more than {MAXIMUM_FILES} specs in that revision")
    with TemporaryDirectory(prefix="archspec-") as place:
        for file, (blob, size) in found.items():
            if size <= limits.text_bytes:
                target = Path(place, file)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(_git("cat-file", "blob", blob))
            elif file == name:
                raise Fault("too-large", f"{printable(path)} is larger than {limits.text_bytes:,} bytes")
        yield Path(place, name)


def _from_the_top(path: str) -> str:
    """A path relative to the top folder of the repository."""
    if not path.startswith(("./", "../")):
        return path
    prefix = _git("rev-parse", "--show-prefix").decode().strip()
    parts: list[str] = []
    for part in PurePosixPath(prefix, path).parts:
        if part != "..":
            parts.append(part)
        elif parts:
            parts.pop()
        else:
            raise Fault("file-not-found", f"`{printable(path)}` leads out of the repository")
    return "/".join(parts)


def _files(commit: str, folder: str) -> dict[str, tuple[str, int]]:
    """The YAML files below a folder of a commit, by relative path: the blob of each and its size in bytes."""
    listing = _git("ls-tree", "-r", "-z", "-l", "--full-tree", "--end-of-options", f"{commit}:{folder}")
    found: dict[str, tuple[str, int]] = {}
    for entry in listing.decode("utf-8", "replace").split("\0"):
        facts, _, path = entry.partition("\t")
        if not path.endswith(_ENDINGS):
            continue
        mode, _, blob, size = facts.split()
        if mode.startswith("100"):  # a regular file, not a link
            found[path] = blob, int(size)
    return found


def _git(*arguments: str) -> bytes:
    """The output of a git command; empty if it fails.  Raises :class:`Fault` ``no-git`` without git or a repository."""
    import subprocess

    try:
        run = subprocess.run(("git", *arguments), capture_output=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        raise Fault("no-git", "git cannot be run, and a revision is asked for", None, "install git") from None
    if b"not a git repository" in run.stderr:
        raise Fault("no-git", "this folder is in no git repository, and a revision is asked for")
    return run.stdout if run.returncode == 0 else b""
