"""What goes into an interactive interpreter and what comes back: cells, files, completions."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from engine.execution import ExecutionResult


class Mode(StrEnum):
    """What is kept from one cell to the next."""

    SESSION = "session"
    """One interpreter in one leased container: everything."""
    ONESHOT = "oneshot"
    """Each cell in any free container, which is scrubbed after it: nothing."""


@dataclass(frozen=True, slots=True)
class InputRequest:
    """A cell has called `input` or `getpass`."""

    prompt: str
    secret: bool
    """Whether what is typed must not be shown."""


InputCallback = Callable[[InputRequest], str | None]
"""Asks the person; returns the line without its end, or None for end of file."""


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A file in the working directory."""

    path: str
    """Relative to the working directory."""
    size: int
    """Bytes."""

    @property
    def type(self) -> str:
        """The media type that the name suggests, such as `image/png`."""
        return mimetypes.guess_type(self.path)[0] or "application/octet-stream"

    @property
    def is_picture(self) -> bool:
        """Whether it is an image."""
        return self.type.startswith("image/")


@dataclass(frozen=True, slots=True)
class CellResult(ExecutionResult):
    """What became of a cell.

    The outcome `cancelled` is an interrupt: a KeyboardInterrupt that nothing caught, or, with
    `state_lost`, an interpreter that had to be killed.
    """

    number: int = 0
    """Which cell of the session it was, from 1: tracebacks call it by that."""
    value: str | None = None
    """`repr` of the last expression; None if it was None or there was none."""
    new_files: tuple[FileInfo, ...] = ()
    """Files of the working directory that the cell has made or changed."""
    state_lost: bool = False
    """Whether the interpreter is gone: the next cell starts in a fresh one."""

    def as_document(self) -> dict[str, Any]:
        """Return the result as a JSON-ready document."""
        return {
            **ExecutionResult.as_document(self),
            "number": self.number,
            "value": self.value,
            "new_files": [{"path": file.path, "size": file.size, "type": file.type} for file in self.new_files],
            "state_lost": self.state_lost,
        }


class CompletionKind(StrEnum):
    """What a completion is, for a glyph or a colour beside it."""

    NAME = "name"
    KEYWORD = "keyword"
    MODULE = "module"
    FUNCTION = "function"
    CLASS = "class"
    ATTRIBUTE = "attribute"
    KEY = "key"
    ARGUMENT = "argument"


@dataclass(frozen=True, slots=True)
class Completion:
    """One way to go on."""

    text: str
    """What stands in the place of the characters from `Completions.start` to the cursor."""
    kind: CompletionKind


@dataclass(frozen=True, slots=True)
class Completions:
    """The ways to go on from a place in a cell; none if the interpreter could not say in time."""

    start: int
    """Index in the cell where what is completed begins."""
    items: tuple[Completion, ...] = ()


@dataclass(frozen=True, slots=True)
class Help:
    """What is known of the object at a place in a cell; all empty if nothing is."""

    name: str = ""
    signature: str = ""
    """As in `open(file, mode='r')`."""
    doc: str = ""
