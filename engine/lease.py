"""A lease: one holder's use of one container, for a while, once."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from engine.agent.channel import AgentChannel
from engine.agent.collect import Holder
from engine.container import ContainerMetadata
from engine.errors import ContainerLost, LeaseExpired, PoolError, RequestError
from engine.execution import ExecutionRequest, ExecutionResult, Outcome, OutputCallback

if TYPE_CHECKING:
    from engine.container import PooledContainer
    from engine.core import PoolCore, RunLimits

_POST_MORTEM_WAIT = 1.0
"""Seconds to wait for the backend to say why a container died."""


class Lease:
    """The right to run programs in one container until it is returned.

    The token is the fence: once the pool has taken the container back, for whatever
    reason, nothing done with this object reaches it.
    """

    def __init__(
        self, pool: PoolCore, container: PooledContainer, token: int, taken_at: float, waited: float = 0.0
    ) -> None:
        self._pool = pool
        self._container = container
        self._channel: AgentChannel = container.agent()
        self.token = token
        self.taken_at = taken_at
        self.waited = waited
        """Seconds its holder waited for it; 0 again after the first run, whose result tells them."""
        self.taken_by = _callers()
        self._running = threading.Lock()
        self._cancelling = threading.Lock()
        self._cancellable = True
        self._cancelled = False
        self.broken = ""
        """Why the container cannot be used any more; empty while it can."""

    @property
    def id(self) -> str:
        """The container's id."""
        return self._container.id

    @property
    def metadata(self) -> ContainerMetadata:
        """What the container is."""
        return self._container.metadata

    @property
    def container(self) -> PooledContainer:
        """The pool's record; for the pool."""
        return self._container

    @property
    def active(self) -> bool:
        """Whether the container is still this lease's."""
        return self._container.lease_token == self.token

    @property
    def running(self) -> bool:
        """Whether a program runs."""
        return self._running.locked()

    def run(
        self, request: ExecutionRequest | str, on_output: OutputCallback | None = None, *, last: bool = False
    ) -> ExecutionResult:
        """Run one program in the container and wait for its end.

        Files and processes of an earlier run of the same lease are still there. One run at
        a time.

        Args:
            on_output: called in this thread as output arrives.
            last: whether the lease is returned next; its scrub begins with the answer then.

        Returns:
            The result; with the outcome `infrastructure` if the container was lost.

        Raises:
            LeaseExpired: if the lease is over.
            PoolError: if a program runs in the container already.
            RequestError: if the request asks for more than the pool allows.
        """
        if not isinstance(request, ExecutionRequest):
            request = ExecutionRequest(request)
        if not self.active:
            raise self._over()
        limits = self._pool.run_limits(request)
        if not self._running.acquire(blocking=False):
            raise PoolError(f"a program runs in container {self.id[:12]} already", "lease another one")
        with self._cancelling:
            self._cancellable = True
        try:
            return self._run(request, limits, on_output, last)
        finally:
            with self._cancelling:
                self._cancellable = self._cancelled = False
            self._running.release()

    def _run(
        self, request: ExecutionRequest, limits: RunLimits, on_output: OutputCallback | None, last: bool
    ) -> ExecutionResult:
        self._pool.note_run_started(self, request)
        try:
            holder, self.waited = Holder(self.token, self.id, self.waited), 0.0
            result = self._channel.run(
                request, holder, on_output=on_output, cancelled=lambda: self._cancelled, last=last, **limits
            )
        except ContainerLost as error:
            result = self._lost(error)
        except RequestError:
            raise  # the agent has refused it, and is ready for the next
        except BaseException:
            # The caller is gone in the middle of a run (Ctrl+C): what its program does, or what
            # is still on its way, must not reach another.
            self.broken = "the run was abandoned"
            raise
        self._pool.note_run_ended(self, result)
        return result

    def cancel(self) -> None:
        """End the running program from another thread.

        Before the lease's first program it is that one which will not start: whoever cancels
        need not know how far the other thread has come. Between two programs nothing happens.

        Raises:
            LeaseExpired: if the lease is over.
        """
        if not self.active:
            raise self._over()
        with self._cancelling:
            # First noted, then sent: the run looks at the note once it can be reached by the other.
            self._cancelled = self._cancellable
        self._channel.cancel(self.token)

    def release(self) -> None:
        """Return the container to the pool; see `ContainerPool.return_container`."""
        self._pool.return_container(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.active:
            self.release()

    def __del__(self) -> None:
        pool, container = getattr(self, "_pool", None), getattr(self, "_container", None)
        token = getattr(self, "token", 0)  # 0 if it was interrupted while it was made
        if sys.is_finalizing():
            return  # a thread started now would never run; the streams end with the process
        if pool is not None and container is not None and token == container.lease_token != 0 and not pool.closed:
            # Not here: the collector may run in a thread that holds the pool's lock.
            threading.Thread(target=_return_quietly, args=(pool, container, token), daemon=True).start()
            warnings.warn(f"lease of container {container.id[:12]} was never returned", ResourceWarning, 1, self)

    def _over(self) -> LeaseExpired:
        return LeaseExpired(f"the lease of container {self.id[:12]} is over", "take another one")

    def _lost(self, error: ContainerLost) -> ExecutionResult:
        """Turn the loss of the container into a typed result, with what is known of why."""
        self.broken = error.message
        if not self.active:
            taken = "the container was taken back while the program ran"
            return ExecutionResult(Outcome.INFRASTRUCTURE, container_id=self.id, reason=taken)
        reason = self.explain(error.message)
        end = self._container.post_mortem
        outcome = Outcome.OUT_OF_MEMORY if end is not None and end.out_of_memory else Outcome.INFRASTRUCTURE
        return ExecutionResult(outcome, container_id=self.id, reason=reason)

    def explain(self, loss: str) -> str:
        """Hang up on a container that is lost, and say how it ended if the backend can tell."""
        self._channel.close()
        if self._container.post_mortem is None:
            self._container.died.wait(_POST_MORTEM_WAIT)
        end = self._container.post_mortem
        return loss if end is None else f"{loss}: {end}"


def _return_quietly(pool: PoolCore, container: PooledContainer, token: int) -> None:
    pool.reclaim(container, token, "its lease was dropped without being returned")


def _callers(limit: int = 5) -> Callable[[], str]:
    """Note who is calling, cheaply; what is returned formats it when it is asked for."""
    frame = sys._getframe(1)
    noted: list[tuple[str, int, str]] = []
    while frame is not None and len(noted) < limit:
        name = frame.f_globals.get("__name__", "")
        if not name.startswith("engine."):
            noted.append((frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name))
        if frame.f_back is None:
            break
        frame = frame.f_back
    return lambda: " < ".join(f"{filename}:{line} in {name}" for filename, line, name in noted)
