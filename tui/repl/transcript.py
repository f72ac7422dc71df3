"""The cells of one REPL in their order: what was run, what it said, how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.cells import CellResult
from engine.execution import Outcome

_MAX_OUTPUT = 100_000
"""Characters of each cell's output that are kept, so that a long day does not fill the memory."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell that was run."""

    number: int
    code: str
    outcome: Outcome
    value: str | None
    output: tuple[tuple[str, str], ...]
    """("stdout" or "stderr", filtered text), neighbours of one stream joined."""
    seconds: float
    """From asking to answer."""

    @property
    def preview(self) -> str:
        """The first line of its code."""
        first, _, rest = self.code.strip().partition("\n")
        return f"{first} …" if rest else first


class OutputRecord:
    """Collects a running cell's output, as much as is kept."""

    def __init__(self) -> None:
        self._pieces: list[tuple[str, list[str]]] = []
        self._room = _MAX_OUTPUT

    def add(self, stream: str, text: str) -> None:
        """Note a filtered piece."""
        text = text[: self._room]
        if not text:
            return
        self._room -= len(text)
        if not self._pieces or self._pieces[-1][0] != stream:
            self._pieces.append((stream, []))
        self._pieces[-1][1].append(text)

    def pieces(self) -> tuple[tuple[str, str], ...]:
        """All that was kept."""
        return tuple((stream, "".join(parts)) for stream, parts in self._pieces)


class Transcript:
    """The cells so far. Belongs to the thread that runs cells; others may count and read."""

    def __init__(self) -> None:
        self._cells: list[Cell] = []

    def add(self, code: str, result: CellResult, output: OutputRecord) -> Cell:
        """Note a cell that is over."""
        cell = Cell(result.number, code, result.outcome, result.value, output.pieces(), result.timing.total)
        self._cells.append(cell)
        return cell

    def __len__(self) -> int:
        return len(self._cells)

    def __iter__(self) -> Iterator[Cell]:
        return iter(tuple(self._cells))
