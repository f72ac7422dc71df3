"""What the REPL pane of `pooldeck demo` talks to: there is no interpreter, and it says so."""

from __future__ import annotations

from engine.cells import CellResult, Completions, FileInfo, Help, InputCallback, Mode
from engine.control import PoolControl
from engine.errors import PoolError
from engine.execution import ExecutionResult, OutputCallback

_HINT = "`pooldeck` without `demo` has a real pool"


class SimulatedSession:
    """A `CellSession` on a simulated pool: a cell keeps a container busy, and nothing is run."""

    def __init__(self, pool: PoolControl) -> None:
        self._pool = pool
        self._number = 0
        self._container_id = ""
        self._running = ""

    @property
    def mode(self) -> Mode:
        """Nothing is kept, for there is nothing."""
        return Mode.ONESHOT

    @mode.setter
    def mode(self, _mode: Mode) -> None:
        raise _nothing("session to keep")

    @property
    def alive(self) -> bool:
        """There is no interpreter."""
        return False

    @property
    def running(self) -> bool:
        """Whether a container is kept busy."""
        return bool(self._running)

    @property
    def container_id(self) -> str:
        """The container that the last cell kept busy."""
        return self._container_id

    def run(
        self,
        code: str,
        *,
        timeout: float | None = None,  # noqa: ARG002 - nothing takes so long
        on_output: OutputCallback | None = None,
        on_input: InputCallback | None = None,  # noqa: ARG002 - nothing asks
        wait: float | None = None,
    ) -> CellResult:
        """Keep a simulated container busy for a moment, and say that this is all.

        Raises:
            PoolError: if none is free.
        """

        def started(execution_id: str) -> None:
            self._running, self._container_id = execution_id, execution_id.rpartition("/")[0]

        try:
            result = self._pool.execute(code, None, wait, started)
        finally:
            self._running = ""
        self._number += 1
        if on_output is not None:
            on_output("stdout", b"nothing is run: this pool is simulated\n")
        return _as_cell(result, self._number)

    def interrupt(self) -> None:
        """Let the container go."""
        if self._running:
            self._pool.cancel(self._running)

    def complete(self, code: str, cursor: int, timeout: float = 0.3) -> Completions:  # noqa: ARG002
        """Nothing is known."""
        return Completions(cursor)

    def help(self, code: str, cursor: int, timeout: float = 0.3) -> Help:  # noqa: ARG002
        """Nothing is known."""
        return Help()

    def put(self, path: str, data: bytes) -> None:  # noqa: ARG002
        """There is no place for it."""
        raise _nothing("working directory")

    def get(self, path: str) -> bytes:  # noqa: ARG002
        """There are none."""
        raise _nothing("working directory")

    def files(self) -> tuple[FileInfo, ...]:
        """There are none."""
        raise _nothing("working directory")

    def reset(self) -> None:
        """There is nothing to forget."""

    def close(self) -> None:
        """Nothing is held."""


def _nothing(what: str) -> PoolError:
    return PoolError(f"the pool is simulated: there is no {what}", _HINT)


def _as_cell(result: ExecutionResult, number: int) -> CellResult:
    return CellResult(
        result.outcome, timing=result.timing, cpu_time=result.cpu_time, peak_memory=result.peak_memory,
        container_id=result.container_id, number=number,
    )  # fmt: skip
