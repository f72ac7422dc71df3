"""What a person can get wrong at the prompt."""

from __future__ import annotations

import shlex
from pathlib import Path

from engine.errors import PooldeckError


class CommandMistake(PooldeckError):
    """A command is not as it should be; the hint says how it would be."""


def words(argument: str, usage: str, least: int, most: int) -> list[str]:
    """Split a command's arguments as a shell does.

    Raises:
        CommandMistake: if there are fewer than `least` or more than `most`.
    """
    try:
        found = shlex.split(argument)
    except ValueError as error:
        raise CommandMistake(f"{argument}: {str(error).lower()}", "close the quotes") from None
    if not least <= len(found) <= most:
        raise CommandMistake("too many words" if found else "something is missing", f"usage: {usage}")
    return found


def read_local(name: str) -> bytes:
    """Return a local file's content.

    Raises:
        CommandMistake: if it cannot be read.
    """
    try:
        return Path(name).expanduser().read_bytes()
    except OSError as error:
        raise CommandMistake(f"cannot read {name}: {error.strerror}", "paths are those of this machine") from None


def write_local(path: Path, data: bytes) -> None:
    """Write a local file.

    Raises:
        CommandMistake: if it cannot be written.
    """
    try:
        path.write_bytes(data)
    except OSError as error:
        raise CommandMistake(f"cannot write {path}: {error.strerror}", "give another name") from None
