"""What the REPL pane runs its cells with: a narrow contract, and its simplest fulfilment.

The pane draws; whoever fulfils `CellRunner` decides where a cell runs and what it
remembers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.control import PoolControl
from engine.execution import ExecutionResult, OutputCallback

InputCallback = Callable[[str, bool], str | None]
"""Called with a prompt and whether the answer is secret, in the thread of `run`; waits for the
person, and returns the answer, or None for end of file."""

ContainerCallback = Callable[[str], None]
"""Called with the container's id once a cell has one."""


@dataclass(frozen=True, slots=True)
class Completion:
    """One way to go on."""

    text: str
    """What replaces the word before the cursor."""
    word: int
    """How many characters that word has."""
    about: str = ""
    """A kind or a signature, shown beside it."""


class CellRunner(Protocol):
    """Runs cells one at a time. `interrupt` and `complete` may be called while one runs."""

    @property
    def mode(self) -> str:
        """What is remembered between cells, in a word for the badge: session, one-shot."""

    def switch_mode(self) -> bool:
        """Change to the other mode; whether there is one."""

    def run(
        self, code: str, on_output: OutputCallback, on_input: InputCallback, on_container: ContainerCallback
    ) -> ExecutionResult:
        """Run one cell and wait for its end.

        Raises:
            PooldeckError: if it could not be run.
        """

    def interrupt(self) -> None:
        """Interrupt the cell that runs; nothing if there is none."""

    def complete(self, code: str, cursor: int) -> Sequence[Completion]:
        """Ways to go on from an offset in the code; empty if it cannot be told in time."""

    def close(self) -> None:
        """Let go of whatever is held."""


class OneShotCells:
    """Each cell in whichever container is free; nothing is remembered."""

    mode = "one-shot"

    def __init__(self, pool: PoolControl) -> None:
        self._pool = pool
        self._running = ""

    def switch_mode(self) -> bool:
        """There is no other."""
        return False

    def run(
        self,
        code: str,
        on_output: OutputCallback,
        on_input: InputCallback,  # noqa: ARG002 - a one-shot program's input is at its end
        on_container: ContainerCallback,
    ) -> ExecutionResult:
        """Run the cell as a program of its own."""

        def started(execution_id: str) -> None:
            self._running = execution_id
            on_container(execution_id.rpartition("/")[0])

        try:
            return self._pool.execute(code, on_output, on_start=started)
        finally:
            self._running = ""

    def interrupt(self) -> None:
        """End the program."""
        if self._running:
            self._pool.cancel(self._running)

    def complete(self, code: str, cursor: int) -> Sequence[Completion]:  # noqa: ARG002
        """Nothing is remembered, so nothing is known."""
        return ()

    def close(self) -> None:
        """Nothing is held."""
