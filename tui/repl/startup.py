"""A pool that comes to be in the background, and the session on it, so that the prompt need not wait.

The engine is imported in the starting thread: imports are what takes longest.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engine.cells import CellResult, Completions, FileInfo, Help, InputCallback, Mode
from engine.errors import PoolClosed, PooldeckError
from engine.execution import OutputCallback

if TYPE_CHECKING:
    from engine.pool import ContainerPool
    from engine.session import Session
    from engine.stats import PoolSnapshot

_DEFAULTS: dict[str, Any] = {"initial_size": 1, "min_size": 1, "spare": 1}
"""One person needs one container, and one ready for when its interpreter is lost."""

_SWITCH_INTERVAL = 0.0002
"""Seconds; Python's own is 0.005."""


def waiting_for(pool: PoolSnapshot) -> str:
    """What a cell would have to wait for in a pool; empty if a container is free."""
    if pool.available:
        return ""
    if pool.phase.value != "running":
        return f"waiting for a container: the pool is {pool.phase.value}"
    return f"waiting for a container: {pool.creation_error or f'{pool.total} of {pool.max_size} being made or in use'}"


class PoolStartup:
    """Starts a pool in a thread of its own; may be left at any moment."""

    def __init__(
        self, settings: dict[str, Any], *, on_change: Callable[[], None], on_notice: Callable[[str], None]
    ) -> None:
        """Prepare; see `start`.

        Args:
            settings: as for `engine.config.load_config`.
            on_change: called from any thread when there is something new to know of the pool.
            on_notice: called from any thread with what the person must know: of the choice of the
                backend, and of the session's end.
        """
        self._settings = settings
        self._on_change = on_change
        self._on_notice = on_notice
        self._lock = threading.Lock()
        self._settled = threading.Event()
        self._closed = False
        self._pool: ContainerPool | None = None
        self._session: Session | None = None
        self._pull = ""
        self.error: PooldeckError | None = None
        """Why there will be no pool."""
        self.patience = 0.0
        """Seconds to wait for a container: it may have to be made first."""

    def start(self, first: Callable[[], None] = lambda: None) -> None:
        """Begin; returns at once.

        Args:
            first: called in the starting thread before it starts the pool.
        """
        threading.Thread(target=self._start, args=(first,), name="repl-startup", daemon=True).start()

    def _start(self, first: Callable[[], None]) -> None:
        interval = sys.getswitchinterval()
        # Imports hold the interpreter; a key typed meanwhile must not wait its turn for long.
        sys.setswitchinterval(_SWITCH_INTERVAL)
        try:
            first()
            self._make()
        except PooldeckError as error:
            self.error = error
        finally:
            sys.setswitchinterval(interval)
            self._settled.set()
            self._on_change()

    def _make(self) -> None:
        from engine.backends import choose_backend
        from engine.config import load_config
        from engine.pool import ContainerPool
        from tui.choice import remark

        config = load_config(**self._settings)
        missing = {name: value for name, value in _DEFAULTS.items() if name not in config.model_fields_set}
        if "min_size" in missing:
            missing["min_size"] = min(missing["min_size"], config.max_size)
        config = config.model_copy(update=missing)
        self.patience = config.create_timeout + config.acquire_timeout
        choice = choose_backend(config, self._pulling)
        if said := remark(choice, config):
            self._on_notice(said)
        with self._lock:
            if self._closed:
                choice.backend.close()
                return
            self._pool = ContainerPool(config, backend=choice.backend)
        self._pool.subscribe(lambda _event: self._on_change())
        self._session = self._pool.session(on_notice=self._on_notice)

    def _pulling(self, image: str, done: int, total: int) -> None:
        share = f" {done / total:.0%}" if total else ""
        self._pull = f"pulling {image}{share}" if not total or done < total else ""
        self._on_change()

    def session(self) -> Session:
        """Wait for the pool and return the session on it.

        Raises:
            PooldeckError: if there will be none.
        """
        self._settled.wait()
        if self.error is not None:
            raise self.error
        if self._session is None:
            raise PoolClosed("the pool is shut down")
        return self._session

    @property
    def session_now(self) -> Session | None:
        """The session, if it is there."""
        return self._session

    def snapshot(self) -> PoolSnapshot | None:
        """The pool as it is now; None before it is there."""
        return self._pool.snapshot() if self._pool is not None else None

    def waiting_for(self) -> str:
        """What a cell would have to wait for now; empty if a container is free."""
        if self._pull:
            return f"waiting for the pool: {self._pull}"
        pool = self.snapshot()
        return waiting_for(pool) if pool is not None else "waiting for the pool to start"

    def close(self) -> None:
        """Shut the pool down, whatever stage it is in; nothing of it is left."""
        with self._lock:
            self._closed = True
            pool = self._pool
        if pool is not None:
            if self._session is not None:
                self._session.close()
            pool.shutdown(0)


class LateSession:
    """A `CellSession` on a pool that may still be starting: only what needs a container waits."""

    def __init__(self, startup: PoolStartup, mode: Mode) -> None:
        self._startup = startup
        self._mode = mode

    @property
    def mode(self) -> Mode:
        """What is kept from one cell to the next."""
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._mode = mode
        if (session := self._startup.session_now) is not None:
            session.mode = mode

    @property
    def alive(self) -> bool:
        """Whether an interpreter holds state now."""
        session = self._startup.session_now
        return session is not None and session.alive

    @property
    def running(self) -> bool:
        """Whether a cell runs."""
        session = self._startup.session_now
        return session is not None and session.running

    @property
    def container_id(self) -> str:
        """The container of the session, or of the last cell; empty before the first."""
        session = self._startup.session_now
        return session.container_id if session is not None else ""

    def run(
        self,
        code: str,
        *,
        timeout: float | None = None,
        on_output: OutputCallback | None = None,
        on_input: InputCallback | None = None,
        wait: float | None = None,
    ) -> CellResult:
        """Run one cell, once there is a pool."""
        session = self._there()
        wait = self._startup.patience if wait is None else wait
        return session.run(code, timeout=timeout, on_output=on_output, on_input=on_input, wait=wait)

    def interrupt(self) -> None:
        """Interrupt the running cell."""
        if (session := self._startup.session_now) is not None:
            session.interrupt()

    def complete(self, code: str, cursor: int, timeout: float = 0.3) -> Completions:
        """Return the ways to go on; none before there is a pool."""
        session = self._startup.session_now
        return session.complete(code, cursor, timeout) if session is not None else Completions(cursor)

    def help(self, code: str, cursor: int, timeout: float = 0.3) -> Help:
        """Return what is known of a place; nothing before there is a pool."""
        session = self._startup.session_now
        return session.help(code, cursor, timeout) if session is not None else Help()

    def put(self, path: str, data: bytes) -> None:
        """Write a file into the working directory."""
        self._there().put(path, data)

    def get(self, path: str) -> bytes:
        """Read a file of the working directory."""
        return self._there().get(path)

    def files(self) -> tuple[FileInfo, ...]:
        """List the working directory."""
        return self._there().files()

    def reset(self) -> None:
        """Begin with a fresh interpreter; before there is a pool every one is."""
        if (session := self._startup.session_now) is not None:
            session.reset()

    def close(self) -> None:
        """Return the container, if one was had."""
        if (session := self._startup.session_now) is not None:
            session.close()

    def _there(self) -> Session:
        session = self._startup.session()
        if session.mode is not self._mode:
            session.mode = self._mode
        return session
