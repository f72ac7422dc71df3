"""What `pooldeck run` was asked to run, and the files that go in and come out."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from engine.errors import RequestError
from engine.execution import ExecutionRequest


@dataclass(frozen=True, slots=True)
class Program:
    """The program and what is for it, as they stand on the command line."""

    code: str | None
    file: str | None
    """The program's own file, `-` for standard input; None where there is `code`."""
    arguments: tuple[str, ...]
    env: tuple[str, ...]
    """NAME=VALUE each."""
    put: tuple[str, ...]
    """Files to go beside the program."""
    fetch: tuple[str, ...]
    into: str
    """The folder for what is fetched."""

    def request(self, limit: int) -> ExecutionRequest:
        """Read what is to be read.

        Args:
            limit: bytes; of what is longer only so much is read that it is seen to be too long.

        Raises:
            RequestError: if a file cannot be read, or the request cannot be run as it is.
        """
        filename = "main.py"
        stdin: bytes | BinaryIO = b""
        if self.code is not None:
            source = self.code.encode("utf-8", "surrogateescape")
        elif self.file == "-":
            source = _read(sys.stdin.buffer, limit)
        else:
            source, filename = _read_file(str(self.file), limit), Path(str(self.file)).name
        if self.file != "-" and sys.stdin is not None and not sys.stdin.isatty():
            stdin = sys.stdin.buffer
        return ExecutionRequest(
            source,
            filename=filename,
            args=self.arguments,
            env=dict(map(_variable, self.env)),
            stdin=stdin,
            files={Path(path).name: _read_file(path, limit) for path in self.put},
            fetch=self.fetch,
        )

    def keep(self, files: Mapping[str, bytes]) -> list[str]:
        """Write fetched files into the folder; return what is to be said of those that were not.

        The names and the contents are the program's. None replaces a file, and none is written
        through a link that lies in the folder.
        """
        problems = []
        top = Path(self.into)
        for path, content in files.items():
            target = top / path
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                if not target.parent.resolve().is_relative_to(top.resolve()):
                    raise OSError(None, "a link leads out of the folder")
                descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
            except OSError as error:
                problems.append(f"{path} is not fetched: {error.strerror}")
        return problems


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise RequestError(f"--env {text!r} has no '='", "give NAME=VALUE")
    return name, value


def _read_file(path: str, limit: int) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return _read(file, limit)
    except OSError as error:
        raise RequestError(f"cannot read {path}: {error.strerror}") from None


def _read(file: BinaryIO, limit: int) -> bytes:
    return file.read(limit + 1)
