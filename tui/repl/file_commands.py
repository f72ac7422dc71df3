"""The commands that move files: %put, %get, %files; and the completion of file names."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from tui.repl.console import Console, Kind
from tui.repl.mistakes import CommandMistake, read_local, words, write_local
from tui.repl.summary import describe_file, size


def put(console: Console, argument: str) -> None:
    """%put FILE [NAME]: copy a local file into the working directory."""
    source, *names = words(argument, "%put FILE [NAME]", 1, 2)
    data = read_local(source)
    name = names[0] if names else Path(source).name
    console.session.put(name, data)
    console.write(f"{name}  {size(len(data))}", Kind.NOTE)


def get(console: Console, argument: str) -> None:
    """%get NAME [FILE]: copy a file of the working directory to here; ask before one is replaced."""
    source, *names = words(argument, "%get NAME [FILE]", 1, 2)
    # Only the last part of the name: where a file goes is not for the container to say.
    own = PurePosixPath(source).name
    target = Path(names[0]).expanduser() if names else Path(own)
    if target.is_dir():
        target /= own
    data = console.session.get(source)
    if target.exists() and not console.confirm(f"{target} is there already: replace it?"):
        raise CommandMistake(f"{target} is there already", f"%get {source} OTHER-NAME")
    write_local(target, data)
    console.write(f"{target}  {size(len(data))}", Kind.NOTE)


def files(console: Console, _argument: str) -> None:
    """%files: list the working directory."""
    found = console.session.files()
    if not found:
        console.write("the working directory is empty", Kind.NOTE)
        return
    console.write("\n".join(describe_file(file) for file in found))


def local_names(_console: Console, begun: str) -> Iterable[str]:
    """Complete a path of this machine; folders end with a slash."""
    folder, slash, name = begun.rpartition("/")
    with suppress(OSError), os.scandir(Path(folder or slash or ".").expanduser()) as entries:
        return sorted(
            f"{folder}{slash}{entry.name}{'/' if entry.is_dir() else ''}"
            for entry in entries
            if entry.name.startswith(name) and (name or not entry.name.startswith("."))
        )
    return []


def session_names(console: Console, begun: str) -> Iterable[str]:
    """Complete a file of the working directory, if there is one: looking must not lease a container."""
    if not console.session.alive or console.session.running:
        return []
    found = (file.path for file in console.session.files() if file.path.startswith(begun))
    return [shlex.quote(path) for path in found if path.isprintable()]  # the container may call a file anything
