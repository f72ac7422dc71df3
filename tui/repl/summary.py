"""The one quiet line after a run: how it ended, where its time went, what it used."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.cells import CellResult, FileInfo
from engine.execution import ExecutionResult, Outcome, Timing
from tui.repl.ansi import one_line


class Tone(StrEnum):
    """How an outcome is to be taken; each front end has a colour for it."""

    GOOD = "good"
    BAD = "bad"
    STOPPED = "stopped"
    """Ended by a person or a limit."""


_LOOKS: dict[Outcome, tuple[str, Tone]] = {
    Outcome.OK: ("✓", Tone.GOOD),
    Outcome.ERROR: ("✗", Tone.BAD),
    Outcome.TIMEOUT: ("◷", Tone.STOPPED),
    Outcome.OUT_OF_MEMORY: ("▲", Tone.BAD),
    Outcome.KILLED: ("▲", Tone.BAD),
    Outcome.CANCELLED: ("■", Tone.STOPPED),
    Outcome.INFRASTRUCTURE: ("!", Tone.BAD),
}


@dataclass(frozen=True, slots=True)
class Summary:
    """A run in one line."""

    glyph: str
    tone: Tone
    word: str
    details: tuple[str, ...]
    """Times, CPU, memory: the most important first."""
    container_id: str = ""
    """Where it ran."""

    @property
    def line(self) -> str:
        """The line without glyph and colour."""
        return "  ".join((self.word, *self._with_container(self.details)))

    def within(self, width: int) -> str:
        """The container, and as many details as fit beside it into `width` columns."""
        shown = self.details
        while len(shown) > 1 and len("  ".join(self._with_container(shown))) > width:
            shown = shown[:-1]
        return "  ".join(self._with_container(shown))

    def _with_container(self, details: tuple[str, ...]) -> tuple[str, ...]:
        return (*details, self.container_id[:12]) if self.container_id else details


def summarise(result: ExecutionResult) -> Summary:
    """Return what there is to say of a run."""
    glyph, tone = _LOOKS[result.outcome]
    word = result.outcome.value.replace("_", " ")
    if isinstance(result, CellResult) and result.outcome is Outcome.CANCELLED:
        word = "interrupted"
    parts = [_times(result.timing)]
    if result.cpu_time is not None:
        parts.append(f"cpu {duration(result.cpu_time)}")
    if result.peak_memory is not None:
        parts.append(f"peak {size(result.peak_memory)}")
    return Summary(glyph, tone, word, tuple(parts), result.container_id)


def remarks(result: CellResult) -> list[str]:
    """Return what else a person must know of a cell: a sentence each."""
    said = []
    if result.reason and result.outcome not in (Outcome.OK, Outcome.ERROR):
        said.append(result.reason)
    if result.truncated:
        said.append(f"{' and '.join(result.truncated)} truncated at the limit")
    if result.state_lost:
        said.append("the interpreter's state is lost: the next cell starts in a fresh one")
    return said


def describe_file(file: FileInfo) -> str:
    """Return a file's line in a list."""
    return f"{one_line(file.path)}  {size(file.size)}  {file.type}"


def duration(seconds: float) -> str:
    """Write a duration for people: 0.42 ms, 123.4 ms, 12.3 s, 2 min 5 s."""
    if seconds < 0.01:
        return f"{seconds * 1e3:.2f} ms"
    if seconds < 1:
        return f"{seconds * 1e3:.1f} ms"
    if seconds < 60:
        return f"{seconds:.2f} s"
    return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def size(count: int) -> str:
    """Write a number of bytes for people: 12 B, 3.4 KiB, 5.6 MiB."""
    if count < 1 << 10:
        return f"{count} B"
    return f"{count / (1 << 10):.1f} KiB" if count < 1 << 20 else f"{count / (1 << 20):.1f} MiB"


def _times(timing: Timing) -> str:
    """The total and its parts; the scrub came after the answer and is no part of it."""
    phases = [("wait", timing.wait), ("run", timing.run), ("answer", timing.answer)]
    if timing.total < 1:
        parts = ", ".join(f"{name} {seconds * 1e3:.1f}" for name, seconds in phases)
    else:
        parts = ", ".join(f"{name} {seconds:.2f}" for name, seconds in phases)
    scrub = f"  scrub {duration(timing.scrub)}" if timing.scrub is not None else ""
    return f"{duration(timing.total)} ({parts}){scrub}"
