"""Sessions: an interpreter that a person talks to, cell by cell, in a pooled container.

Entered by the thread that runs cells, by any that interrupts or asks for completions, and
by the pool's threads, which close a session that is idle for too long or that must make
way. Everything that changes whether there is an interpreter is done under one lock; a
cell itself runs outside it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from engine.agent.interpreter_channel import InterpreterChannel
from engine.cells import (
    CellResult,
    Completion,
    CompletionKind,
    Completions,
    FileInfo,
    Help,
    InputCallback,
    Mode,
)
from engine.errors import ContainerLost, PoolClosed, PoolError, RequestError, SessionLost
from engine.execution import ExecutionRequest, OutputCallback
from engine.validation import check_path

if TYPE_CHECKING:
    from engine.lease import Lease
    from engine.pool import ContainerPool

_SCRUB_WAIT = 0.1
"""Seconds that a one-shot cell waits to be able to tell how long its scrub took."""

_KINDS = frozenset(kind.value for kind in CompletionKind)

_LONGEST_COMPLETION = 200

_AGAIN = "run the cell again: it starts fresh"

Notice = Callable[[str], None]
"""Told, in a thread of the pool, what a person should know."""


class Session:
    """Cells in one container that keeps its interpreter, or each in any free one.

    Nothing is leased before it is needed. All methods may be called from any thread; one cell
    runs at a time.
    """

    def __init__(self, pool: ContainerPool, *, mode: Mode = Mode.SESSION, on_notice: Notice | None = None) -> None:
        """Args: on_notice: told that the session is to end, and why."""
        self._pool = pool
        self._mode = mode
        self._on_notice = on_notice
        self._lock = threading.RLock()
        self._cell_lock = threading.Lock()
        self._question_lock = threading.Lock()
        self._lease: Lease | None = None
        self._interpreter: InterpreterChannel | None = None
        self._number = 0
        self._idle_since = monotonic()
        self._ends_at: float | None = None
        self._lost = ""
        self._closed = False
        self._container_id = ""
        pool.sessions.join(self)

    # What it is.

    @property
    def mode(self) -> Mode:
        """What is kept from one cell to the next; setting it ends the interpreter there may be.

        Raises:
            PoolError: when it is set while a cell runs.
        """
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        if mode is not self._mode:
            with self._alone():
                self._let_go()
                self._mode, self._lost = mode, ""

    @property
    def alive(self) -> bool:
        """Whether an interpreter holds state now."""
        return self._interpreter is not None

    @property
    def running(self) -> bool:
        """Whether a cell runs."""
        return self._cell_lock.locked()

    @property
    def container_id(self) -> str:
        """The container of the session, or of the last cell; empty before the first."""
        return self._container_id

    @property
    def idle_for(self) -> float:
        """Seconds since the last cell ended; 0 while one runs."""
        return 0.0 if self.running else monotonic() - self._idle_since

    # Cells.

    def run(
        self,
        code: str,
        *,
        timeout: float | None = None,
        on_output: OutputCallback | None = None,
        on_input: InputCallback | None = None,
        wait: float | None = None,
    ) -> CellResult:
        """Run one cell and wait for its end.

        A KeyboardInterrupt in the calling thread is passed on to the cell.

        Args:
            timeout: seconds after which the interpreter is killed; None for the pool's.
            on_output: called in this thread as output arrives.
            on_input: asked, in this thread, when the cell calls `input` or `getpass`; without
                it they get end of file.
            wait: seconds to wait for a container, if one is needed.

        Raises:
            SessionLost: if the interpreter was gone: the cell was not run, the next one starts fresh.
            PoolError: if no container could be had, or if a cell runs already.
            RequestError: if the cell is too large.
        """
        limits = self._pool.run_limits(ExecutionRequest(code, timeout=timeout))
        with self._alone():
            began = monotonic()
            lease, interpreter = self._open(wait)
            waited = monotonic() - began
            self._pool.note_run_started(lease, ExecutionRequest(code))
            self._number += 1
            try:
                result: CellResult = interpreter.run(
                    code.encode("utf-8", "surrogatepass"),
                    number=self._number,
                    timeout=limits["timeout"],
                    max_output=limits["max_output"],
                    on_output=on_output,
                    on_input=on_input,
                )
            except RequestError as error:  # the agent is well, but the interpreter had ended
                self._drop_interpreter()
                raise SessionLost(f"the session's state is lost: {error.message}", _AGAIN) from error
            except ContainerLost as error:
                raise self._loss(error.message) from error
            except BaseException:
                self._abandon()
                raise
            timing = replace(result.timing, wait=waited)
            return self._finish(lease, replace(result, container_id=lease.id, timing=timing))

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the running cell; a second time during it, kill the interpreter."""
        interpreter = self._interpreter
        if interpreter is not None:
            with suppress(ContainerLost):
                interpreter.interrupt()

    # Completion.

    def complete(self, code: str, cursor: int, timeout: float = 0.3) -> Completions:
        """How the cell can go on at `cursor`; nothing if the interpreter cannot say in time.

        Also while a cell runs. Properties of the tenant's objects are not run.

        Args:
            timeout: seconds.
        """
        found = self._ask(code, cursor, timeout, about=False)
        start = found.get("start")
        items = found.get("items")
        if not isinstance(start, int) or not 0 <= start <= cursor or not isinstance(items, list):
            return Completions(cursor)
        line = code.rfind("\n", 0, cursor) + 1
        begun = code[max(start, line) : cursor]
        # A tenant's words: what is offered must go on from what is typed, and be nothing else.
        checked = (_completion(item, begun) for item in items) if start >= line else ()
        return Completions(start, tuple(item for item in checked if item is not None))

    def help(self, code: str, cursor: int, timeout: float = 0.3) -> Help:
        """What is known of the call around `cursor`, or of the name there."""
        found = self._ask(code, cursor, timeout, about=True)
        return Help(*(str(found.get(name, "")) for name in ("name", "signature", "doc")))

    def _ask(self, code: str, cursor: int, timeout: float, *, about: bool) -> dict[str, Any]:
        deadline = monotonic() + timeout
        if not self._question_lock.acquire(timeout=timeout):  # an interpreter hears one question at a time
            return {}
        try:
            interpreter = self._interpreter
            if interpreter is None:
                return {}
            left = max(0.0, deadline - monotonic())
            return dict(interpreter.complete(code, cursor, about=about, timeout=left) or {})
        except ContainerLost:
            return {}  # the next cell says so
        finally:
            self._question_lock.release()

    # Files.

    def put(self, path: str, data: bytes) -> None:
        """Put a file into the working directory; needs a container, so may wait for one.

        Raises:
            RequestError: if the path climbs out, or the file is too large.
            SessionLost, PoolError: as `run`.
        """
        check_path("file name", path)
        self._pool.run_limits(ExecutionRequest("", files={"file": data}))
        with self._workdir() as interpreter:
            interpreter.put(path, data)

    def get(self, path: str) -> bytes:
        """Fetch a file of the working directory.

        Raises:
            RequestError: if it is not there, or is larger than `max_file_bytes`.
            SessionLost, PoolError: as `run`.
        """
        limit = self._pool.config.max_file_bytes
        with self._workdir() as interpreter:
            _, fetched = interpreter.files((path,), limit)
        if path in fetched.too_large:
            raise RequestError(
                f"{path} of {fetched.too_large[path]} bytes is more than {limit}", "raise max_file_bytes"
            )
        if path not in fetched.files:
            raise RequestError(f"there is no file {path!r} in the working directory", "see what there is with files()")
        return fetched.files[path]

    def files(self) -> tuple[FileInfo, ...]:
        """The files of the working directory, at most the first thousand.

        Raises:
            SessionLost, PoolError: as `run`.
        """
        with self._workdir() as interpreter:
            return interpreter.files()[0]

    # The end.

    def reset(self) -> None:
        """Forget all state: a fresh interpreter in the same container; files stay.

        Raises:
            PoolError: if a cell runs.
        """
        with self._alone(), self._lock:
            self._lost = ""
            if self._lease is not None and not self._lease.active:
                self._lease = self._interpreter = None
            if self._lease is not None and self._lease.active and self._interpreter is not None:
                self._interpreter.close()
                self._interpreter = self._start(self._lease)

    def close(self) -> None:
        """Return the container, which is scrubbed; a cell that runs is killed. Safe to call twice."""
        self._closed = True
        self._pool.sessions.leave(self)
        self._end("the session was closed")

    def warn(self, reason: str, seconds: float) -> None:
        """For the pool: tell the person that the session ends in so many seconds unless it is spared."""
        if self._ends_at is None and self.alive:
            self._ends_at = monotonic() + seconds
            self._tell(f"{reason}: this session ends in {seconds:.0f} s")

    def spare(self) -> None:
        """For the pool: take back what `warn` said."""
        if self._ends_at is not None:
            self._ends_at = None
            self._tell("this session goes on")

    def make_way(self, reason: str) -> None:
        """For the pool: end now, unless a cell runs."""
        if self.alive and not self.running:
            self._expire(reason)

    def end_if_due(self, idle_timeout: float) -> None:
        """For the pool: close a session that was warned long enough ago, or was idle for too long."""
        if self._ends_at is not None and monotonic() >= self._ends_at:
            self._ends_at = None
            self._expire("the pool made it end")
        elif self.alive and self.idle_for > idle_timeout:
            self._expire(f"it was idle for more than {idle_timeout:.0f} s")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Within.

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep cells, and whatever else must not meet one, apart."""
        if not self._cell_lock.acquire(blocking=False):
            raise PoolError("a cell runs in this session already", "wait for its end, or interrupt it")
        try:
            yield
        finally:
            self._idle_since = monotonic()
            self._cell_lock.release()

    @contextmanager
    def _workdir(self) -> Iterator[InterpreterChannel]:
        """The interpreter, for what concerns its files."""
        if self._mode is Mode.ONESHOT:
            raise RequestError("one-shot cells keep no files", "change to session mode")
        with self._alone():
            interpreter = self._open(None)[1]
            try:
                yield interpreter
            except ContainerLost as error:
                raise self._loss(error.message) from error

    def _open(self, wait: float | None) -> tuple[Lease, InterpreterChannel]:
        """The lease and its interpreter; made if there are none. `_alone` is held."""
        with self._lock:
            if self._closed:
                raise PoolClosed("the session is closed")
            lease = self._lease
            if lease is not None and not lease.active:
                self._lost = self._lost or "its container was taken back"
                self._lease = self._interpreter = None
            if self._lost:
                lost, self._lost = self._lost, ""
                raise SessionLost(f"the session's state is lost: {lost}", _AGAIN)
        if lease is None:
            lease = self._pool.get_container(wait)  # may wait long: outside the lock
        with self._lock:
            if self._closed:
                lease.release()
                raise PoolClosed("the session is closed")
            self._lease, self._container_id = lease, lease.id
            self._pool.renew(lease)
            interpreter = self._interpreter = self._interpreter or self._start(lease)
        return lease, interpreter

    def _start(self, lease: Lease) -> InterpreterChannel:
        try:
            return InterpreterChannel(lease.container.agent())
        except ContainerLost as error:
            raise self._loss(error.message) from error
        except BaseException:
            self._abandon()
            raise

    def _finish(self, lease: Lease, result: CellResult) -> CellResult:
        self._pool.note_run_ended(lease, result)
        if self._mode is Mode.ONESHOT:
            self._let_go()
            scrub = self._pool.wait_scrubbed(lease, _SCRUB_WAIT)
            return replace(result, timing=replace(result.timing, scrub=scrub), state_lost=False)
        if result.state_lost:
            self._drop_interpreter()  # the next one is opened in the same container: its files are there
        return result

    def _drop_interpreter(self) -> None:
        with self._lock:
            interpreter, self._interpreter = self._interpreter, None
        if interpreter is not None:
            interpreter.close()

    def _let_go(self) -> None:
        """Return the container, if there is one; it is scrubbed."""
        self._drop_interpreter()
        with self._lock:
            lease, self._lease = self._lease, None
        if lease is not None and lease.active:
            lease.release()

    def _abandon(self) -> None:
        """Give up a container in which something goes on that nobody reads any more."""
        with self._lock:
            if self._lease is not None:
                self._lease.broken = "a cell was abandoned"
                self._lost = "a cell was abandoned" if self._mode is Mode.SESSION else ""
        self._let_go()

    def _loss(self, reason: str) -> SessionLost:
        """Give up a container that is lost; return the error that says why."""
        with self._lock:
            lease, reason = self._lease, self._lost or reason
            self._lost = ""
            if lease is not None:
                lease.broken = lease.broken or reason
        explained = lease.explain(reason) if lease is not None else reason
        self._let_go()
        return SessionLost(f"the session's state is lost: {explained}", _AGAIN)

    def _expire(self, reason: str) -> None:
        self._end(reason)
        self._tell(f"the session was closed: {reason}")

    def _end(self, reason: str) -> None:
        with self._lock:
            lease = self._lease
            if self._interpreter is not None and self._mode is Mode.SESSION:
                self._lost = reason
        if self._cell_lock.acquire(blocking=False):
            try:
                self._let_go()
            finally:
                self._cell_lock.release()
        elif lease is not None:
            self._pool.reclaim(lease.container, lease.token, reason)  # its cell ends with a typed loss

    def _tell(self, text: str) -> None:
        if self._on_notice is not None:
            try:
                self._on_notice(text)
            except Exception as error:  # whoever is told must not stop whoever tells
                self._pool.note_failure("a session's notice", error)


def _completion(item: object, begun: str) -> Completion | None:
    """One completion as the interpreter says it; None if it is none, or does not go on from what is typed."""
    match item:
        case [str(text), str(kind)] if kind in _KINDS and text.startswith(begun) and _is_harmless(text):
            return Completion(text, CompletionKind(kind))
    return None


def _is_harmless(text: str) -> bool:
    return text.isprintable() and len(text) <= _LONGEST_COMPLETION
