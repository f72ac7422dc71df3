"""CodeSandbox, the facade: run code in the pool, else in a one-off container, else locally."""

from __future__ import annotations

import threading
from time import monotonic
from types import TracebackType
from typing import Any, Self, Unpack

from engine.cells import Mode
from engine.config import PoolConfig, Settings, load_config
from engine.errors import BackendError, ConfigError, CreationFailed, PoolClosed
from engine.execution import ExecutionRequest, ExecutionResult, OutputCallback
from engine.pool import ContainerPool
from engine.session import Notice, Session
from engine.stats import document_without_pool


class CodeSandbox:
    """Runs programs; may be used from any thread.

    `CodeSandbox(use_pool=True, pool_initial_size=3, pool_max_size=10, image=..., timeout=30)`
    """

    def __init__(
        self,
        use_pool: bool = True,
        pool_initial_size: int | None = None,
        pool_max_size: int | None = None,
        *,
        config: PoolConfig | None = None,
        **settings: Unpack[Settings],
    ) -> None:
        """Begin to fill the pool; returns at once.

        Args:
            use_pool: if False, each program gets a container of its own, made for it.
            pool_initial_size, pool_max_size: the settings `initial_size` and `max_size`.
            config: all settings at once, instead of single ones.

        Raises:
            ConfigError: if a setting is wrong.
        """
        given: dict[str, Any] = dict(settings)
        if pool_initial_size is not None:
            given["initial_size"] = pool_initial_size
        if pool_max_size is not None:
            given["max_size"] = pool_max_size
        if config is not None and given:
            raise ConfigError("give a config or single settings, not both")
        self.config = config if config is not None else load_config(**given)
        self._lock = threading.Lock()
        self._closed = False
        self.pool: ContainerPool | None = ContainerPool(self.config) if use_pool else None
        """The pool; None with `use_pool=False`."""

    def execute_python(self, code: str) -> tuple[bool, str, float]:
        """Run a program.

        Returns:
            Whether it ended with status 0; its stdout and stderr together, as they came, or
            the reason why it was not run; seconds from asking to answer.
        """
        began = monotonic()
        result = self.execute(code)
        output = result.output
        if result.reason and not result.success:
            output += f"{result.reason}\n"
        return result.success, output, monotonic() - began

    def execute(
        self, request: ExecutionRequest | str, on_output: OutputCallback | None = None, timeout: float | None = None
    ) -> ExecutionResult:
        """Run a program and return all that is known of the run.

        Args:
            on_output: called in this thread as output arrives.
            timeout: seconds to wait for a container.

        Raises:
            PoolError, BackendError: if no container could be had.
            RequestError: if the request is too large.
        """
        if self._closed:
            raise PoolClosed("the sandbox is cleaned up")
        if self.pool is not None:
            return self.pool.execute(request, on_output, timeout)
        return self._execute_once(request, on_output, timeout)

    def session(self, *, mode: Mode = Mode.SESSION, on_notice: Notice | None = None) -> Session:
        """Return a session of the pool; see `ContainerPool.session`.

        Raises:
            ConfigError: with `use_pool=False`: a session needs a pool.
        """
        if self.pool is None:
            raise ConfigError("a session needs a pool", "leave out use_pool=False")
        return self.pool.session(mode=mode, on_notice=on_notice)

    def _execute_once(
        self, request: ExecutionRequest | str, on_output: OutputCallback | None, timeout: float | None
    ) -> ExecutionResult:
        """Run in a container made for this program and destroyed after it."""
        single = self.config.model_copy(
            update={"initial_size": 1, "min_size": 0, "max_size": 1, "spare": 0, "reuse": "never", "create_workers": 1}
        )
        with ContainerPool(single) as pool:
            try:
                return pool.execute(request, on_output, timeout)
            except CreationFailed as error:
                if isinstance(error.__cause__, BackendError):
                    raise error.__cause__ from error
                raise

    def get_stats(self) -> dict[str, Any]:
        """Return the statistics document; without a pool its `pool_enabled` is false and there is nothing in it."""
        return self.pool.get_stats() if self.pool is not None else document_without_pool()

    def cleanup(self) -> None:
        """Shut the pool down; safe to call twice. Programs that run get `shutdown_timeout`."""
        with self._lock:
            self._closed = True
        if self.pool is not None:
            self.pool.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cleanup()
