"""The narrow protocols between a REPL's parts: who runs cells, who draws, what commands may do."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from engine.cells import CellResult, Completions, FileInfo, Help, InputCallback, InputRequest, Mode
from engine.execution import OutputCallback
from tui.repl.history import HistoryStore
from tui.repl.summary import Summary
from tui.repl.transcript import Transcript

if TYPE_CHECKING:
    from engine.stats import PoolSnapshot  # imports much of the engine, which the prompt does not wait for


class CellSession(Protocol):
    """What is needed of `engine.session.Session`; or of one whose pool is still to come."""

    mode: Mode

    @property
    def alive(self) -> bool:
        """Whether an interpreter holds state now."""

    @property
    def running(self) -> bool:
        """Whether a cell runs."""

    @property
    def container_id(self) -> str:
        """The container of the session, or of the last cell; empty before the first."""

    def run(
        self,
        code: str,
        *,
        timeout: float | None = None,
        on_output: OutputCallback | None = None,
        on_input: InputCallback | None = None,
        wait: float | None = None,
    ) -> CellResult:
        """Run one cell."""

    def interrupt(self) -> None:
        """Interrupt the running cell; the second time, kill it."""

    def complete(self, code: str, cursor: int, timeout: float = 0.3) -> Completions:
        """Return the ways to go on."""

    def help(self, code: str, cursor: int, timeout: float = 0.3) -> Help:
        """Return what is known of the call or the name at the cursor."""

    def put(self, path: str, data: bytes) -> None:
        """Write a file into the working directory."""

    def get(self, path: str) -> bytes:
        """Read a file of the working directory."""

    def files(self) -> tuple[FileInfo, ...]:
        """List the working directory."""

    def reset(self) -> None:
        """Begin with a fresh interpreter; files stay."""

    def close(self) -> None:
        """Return the container."""


class Kind(StrEnum):
    """What a piece of text is; each front end has a look for it."""

    OUT = "out"
    """Of the program's stdout: pieces that need not end with a line. May hold SGR and `\\r`."""
    ERR = "err"
    """Of the program's stderr, in the same way."""
    VALUE = "value"
    """`repr` of a cell's last expression: whole lines of Python. So are all that follow whole lines."""
    NOTE = "note"
    """Something quiet."""
    WARNING = "warning"
    ERROR = "error"
    """What went wrong, in a line."""
    HINT = "hint"
    """What to do about it."""
    TEXT = "text"
    """What a command was asked for."""


class View(Protocol):
    """Draws. Called in the thread that has called `Shell.enter`; all text is safe for a terminal."""

    def write(self, kind: Kind, text: str) -> None:
        """Show a piece of output, or for all kinds but OUT and ERR whole lines."""

    def summary(self, summary: Summary) -> None:
        """Show the line that closes a cell."""

    def ask(self, request: InputRequest) -> str | None:
        """Ask the person for a line; None for end of file.

        Raises:
            KeyboardInterrupt: if the person wants the cell interrupted instead.
        """

    def prefill(self, text: str) -> None:
        """Have the next input begin with a text, for the person to edit."""


class Console(Protocol):
    """What a command's handler may use."""

    @property
    def session(self) -> CellSession:
        """Runs cells and holds files."""

    @property
    def transcript(self) -> Transcript:
        """The cells that were run."""

    @property
    def history(self) -> HistoryStore:
        """What was entered, also in earlier runs."""

    timeout: float | None
    """Seconds for a cell; None for the pool's setting."""

    def pool(self) -> PoolSnapshot | None:
        """The pool as it is now; None before it is there."""

    def write(self, text: str, kind: Kind = Kind.TEXT) -> None:
        """Show whole lines; made safe on the way."""

    def run(self, code: str) -> CellResult:
        """Run a cell as if it had been typed."""

    def evaluate(self, code: str) -> CellResult:
        """Run code of ours in the session and show nothing of it."""

    def confirm(self, question: str) -> bool:
        """Ask before something is lost."""

    def prefill(self, text: str) -> None:
        """Have the next input begin with a text."""
