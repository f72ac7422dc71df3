"""ContainerPool: who holds which container, who waits, how many there are.

Every decision is taken under one lock; everything that waits (an engine call, a scrub, a
check) runs outside it, on the workers, and decides again when it is done. Threads that
enter: callers, the creation workers, the scrub workers, the health thread, the idle
thread, and the backend's watcher.
"""

from __future__ import annotations

import threading
import warnings
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from time import monotonic, time
from types import TracebackType
from typing import Any, Self, Unpack

from engine import events
from engine.agent.channel import ResetReport
from engine.backends import choose_backend
from engine.backends.base import Backend
from engine.cells import Mode
from engine.checks import HealthReport
from engine.config import BackendName, PoolConfig, PoolSettings, load_config
from engine.container import ContainerState, PooledContainer, with_p95
from engine.control import StartCallback
from engine.core import PoolCore, Runners, Work, weakly
from engine.errors import (
    ConfigError,
    LeaseExpired,
    PoolClosed,
    PoolDraining,
    PoolError,
    PoolSaturated,
    PoolTimeout,
    RequestError,
    UnisolatedWarning,
)
from engine.execution import ExecutionRequest, ExecutionResult, OutputCallback
from engine.history import ContainerDetail
from engine.lease import Lease
from engine.logs import EventLog
from engine.maintenance import PeriodicThread, health_thread, idle_thread
from engine.metrics import Kind, Metrics, Percentiles, Window
from engine.session import Notice, Session
from engine.stats import PoolPhase, PoolSnapshot
from engine.upkeep import Upkeep
from engine.workers import JobRunner

_S = ContainerState
_CLOSE_GRACE = 10.0
"""Seconds that destroying what is left may take after the shutdown's own deadline."""


class ContainerPool(PoolCore):
    """A pool of warm containers. All public methods may be called from any thread."""

    def __init__(
        self,
        config: PoolConfig | None = None,
        *,
        backend: Backend | BackendName | None = None,
        runners: Runners | None = None,
        clock: Callable[[], float] = monotonic,
        **settings: Unpack[PoolSettings],
    ) -> None:
        """Begin to fill the pool; returns at once (see `wait`).

        Args:
            config: all settings; or give them one by one, as in
                `ContainerPool(initial_size=3, max_size=10, image="python:3.11-slim")`.
            backend: makes the containers: a name as in the settings, or an object, which the
                pool closes at shutdown.
            runners: for tests that decide themselves when work run; without background threads.
            clock: monotonic seconds.

        Raises:
            ConfigError: if a setting is wrong.
            BackendUnavailable: if the backend that is asked for cannot work here.

        Warns:
            UnisolatedWarning: if the choice was left open and nothing here isolates.
        """
        if config is not None and settings:
            raise ConfigError("give a config or single settings, not both")
        if config is None:
            named = {"backend": backend} if isinstance(backend, str) else {}
            config = load_config(**settings, **named)
        self.backend_reason = "given by the caller"
        if backend is None or isinstance(backend, str):
            chosen = choose_backend(config)
            backend, self.backend_reason = chosen.backend, chosen.reason
            if config.backend == "auto" and backend.name == "process":
                warnings.warn(f"programs run UNISOLATED: {chosen.reason}", UnisolatedWarning, stacklevel=2)
        self._log = EventLog(config.log_file, config.log_level) if config.log_file else None
        super().__init__(config, backend, runners, clock)
        self._began = clock()
        self._closing = threading.Lock()
        self._stopped = False
        self.upkeep = Upkeep(self, self.snapshot)
        self._threads: list[PeriodicThread] = []
        if self._log is not None:
            self.subscribe(self._log)
        self.upkeep.evaluate_alerts()  # what holds from the start is known from the start
        if runners is None:
            backend.watch(weakly(self.on_death))
            self._threads = [health_thread(self), idle_thread(self)]
            self.makers.submit(self.upkeep.remove_orphans)
        self._finalizer = weakref.finalize(self, _drop, self._threads, self.makers, self.scrubbers, backend)
        self._finalizer.atexit = False
        self.rebalance()

    # Leasing.

    def get_container(self, timeout: float | None = None) -> Lease:
        """Lease a container; whoever asked first is served first.

        Args:
            timeout: seconds to wait; None for the setting `acquire_timeout`.

        Raises:
            PoolTimeout: if none became free in time; the message says what the pool held.
            CreationFailed: if there is none and none can be made; the cause is chained.
            PoolDraining, PoolClosed, PoolSaturated: if the pool takes no more callers.
        """
        asked = self.clock()
        limit = self.config.acquire_timeout if timeout is None else timeout
        with self.lock:
            self.refuse_if_stopped_locked()
            waiter = None
            work: list[Work] = []
            warmest = self.roster.warmest()
            if warmest is not None and not self._waiting:
                self.counters.acquires_warm += 1
                self._recorder.served_warm()
                lease = self.lease_locked(warmest, asked)
                if self.config.spare:
                    work = self.balance_locked()
            else:
                if len(self._waiting) >= self.config.max_waiting:
                    self.counters.acquires_refused += 1
                    raise PoolSaturated(f"{len(self._waiting)} callers wait already", "grow the pool, or try later")
                waiter = self._waiting.join(asked)
                work = self.balance_locked()
        self.submit(work)
        if waiter is not None:
            try:
                waiter.ready.wait(limit)
            except BaseException:
                # Ctrl+C in the queue: what was handed over in that instant goes to the next.
                with self.lock:
                    self._waiting.leave(waiter)
                if waiter.lease is not None:
                    self.return_container(waiter.lease)
                raise
            with self.lock:
                if not waiter.ready.is_set():
                    self._waiting.leave(waiter)
                    self.counters.acquire_timeouts += 1
                    waiter.refuse(self.timeout_locked(limit))
            if waiter.lease is None:
                error = waiter.error or PoolClosed("the pool is shut down")
                self.events.publish(events.ACQUIRE_FAILED, reason=str(error))
                raise error
            lease = waiter.lease
        self.events.publish(events.ACQUIRED, lease.id, acquisition_time_ms=round((lease.taken_at - asked) * 1e3, 3))
        return lease

    def lease(self, timeout: float | None = None) -> Lease:
        """Lease a container for a `with` block: `with pool.lease() as container: ...`."""
        return self.get_container(timeout)

    def session(self, *, mode: Mode = Mode.SESSION, on_notice: Notice | None = None) -> Session:
        """Return a session: `with pool.session() as s: s.run("x = 1"); s.run("x + 1")`.

        Args:
            mode: whether cells share an interpreter.
            on_notice: told that the session is to end, and why; in a thread of the pool.
        """
        return Session(self, mode=mode, on_notice=on_notice)

    def execute(
        self,
        request: ExecutionRequest | str,
        on_output: OutputCallback | None = None,
        timeout: float | None = None,
        on_start: StartCallback | None = None,
    ) -> ExecutionResult:
        """Lease, run one program, return the container; the scrub does not delay the result.

        Args:
            timeout: seconds to wait for a container.
            on_start: told the execution's id, as `cancel` takes it, once there is a container.

        Raises:
            PoolError: if no container could be had. RequestError: if the request is too large.
        """
        lease = self.get_container(timeout)
        try:
            if on_start is not None:
                on_start(f"{lease.id}/{lease.token}")
            return lease.run(request, on_output, last=self.config.reuse == "scrub")
        finally:
            if lease.active:
                self.return_container(lease)

    def cancel(self, execution_id: str) -> bool:
        """End one execution, and never another one that has its container since.

        Returns:
            Whether its container was still leased to it.
        """
        container_id, _, token = execution_id.rpartition("/")
        with self.lock:
            container = self.roster.get(container_id)
            lease = container.lease() if container is not None else None
        if lease is None or token != str(lease.token) or not lease.active:
            return False
        with suppress(LeaseExpired):
            lease.cancel()
        return True

    # Steering.

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the pool has come to its initial size. Several callers may wait.

        Raises:
            PoolTimeout: if it has not after `timeout` seconds.
            CreationFailed: if containers cannot be made; the cause is chained.
            PoolClosed: if it was shut down meanwhile.
        """
        with self._changed:
            done = self._changed.wait_for(
                lambda: not self._warming or self._phase is not PoolPhase.RUNNING or self._breaker.is_open, timeout
            )
            if self._phase is PoolPhase.CLOSED:
                raise PoolClosed("the pool is shut down")
            if self._warming and self._breaker.is_open:
                raise self.creation_failed_locked()
            if not done:
                raise PoolTimeout(f"the pool is not warm after {timeout} s: {self.roster.describe()}")

    def resize(self, min_size: int | None = None, max_size: int | None = None) -> None:
        """Change the bounds. Containers above the new maximum go as soon as they are free.

        Raises:
            ConfigError: if a bound is wrong or they do not agree; nothing is changed.
            PoolClosed: if the pool is shut down.
        """
        with self.lock:
            if self._phase is PoolPhase.CLOSED:
                raise PoolClosed("the pool is shut down")
            bounds = PoolConfig(
                initial_size=0,
                min_size=self._min_size if min_size is None else min_size,
                max_size=self._max_size if max_size is None else max_size,
            )
            low, high = self._min_size, self._max_size = bounds.min_size, bounds.max_size
            self._breaker.forget()
            work = self.balance_locked()
        self.submit(work)
        self.events.publish(events.POOL_RESIZED, min_size=low, max_size=high)

    def drain(self, timeout: float | None = None) -> bool:
        """Give no more leases, let those in use finish, destroy the rest.

        Args:
            timeout: seconds to wait for the end; the drain goes on after that.

        Returns:
            Whether the pool is empty. False too if it was resumed meanwhile.

        Raises:
            PoolClosed: if it is shut down.
        """
        with self.lock:
            if self._phase is PoolPhase.CLOSED:
                raise PoolClosed("the pool is shut down")
            began = self._phase is PoolPhase.RUNNING
            work = self.stop_leasing_locked(PoolPhase.DRAINING, PoolDraining("the pool drains", "resume it"))
        if began:
            self.events.publish(events.POOL_DRAINING, in_use=self.roster.count(_S.IN_USE))
        self.submit(work)
        self.sessions.warn("the pool drains", self.config.session_grace)
        with self._changed:
            self._changed.wait_for(lambda: self._phase is not PoolPhase.DRAINING, timeout)
            return self._phase is PoolPhase.DRAINED

    def resume(self) -> None:
        """Lease again, and refill; also in the middle of a drain.

        Raises:
            PoolClosed: if the pool is shut down.
        """
        with self.lock:
            if self._phase is PoolPhase.CLOSED:
                raise PoolClosed("the pool is shut down")
            if self._phase is PoolPhase.RUNNING:
                return
            self._phase = PoolPhase.RUNNING
            self._leaving_from = 0
            self._warming = True
            self._breaker.forget()
        self.sessions.spare()
        self.events.publish(events.POOL_RESUMED)
        self.rebalance()

    def replace(self, container_id: str) -> None:
        """Have a container replaced by a new one: now if it is free, else when it is returned.

        Raises:
            UnknownContainer: if the pool has none whose id begins so, or several.
        """
        with self.lock:
            container = self.roster.find(container_id)
            container.leaving = container.leaving or "replaced on request"
            work = []
            if container.state is _S.AVAILABLE:
                work = [self.retire_locked(container, container.leaving), *self.balance_locked()]
        self.submit(work)

    def check(self, container_id: str) -> HealthReport:
        """Check one available container's health now.

        Raises:
            UnknownContainer: if the pool has none whose id begins so, or several.
            PoolError: if it is not available.
        """
        with self.lock:
            container = self._available_locked(container_id, "checked")
            self.set_aside_locked(container)
        return self.finish_check(container)

    def reset(self, container_id: str) -> ResetReport:
        """Scrub one available container now; one that is not verified clean is replaced.

        Raises:
            UnknownContainer: if the pool has none whose id begins so, or several.
            PoolError: if it is not available.
        """
        with self.lock:
            container = self._available_locked(container_id, "reset")
            self.roster.move(container, _S.RESETTING, "on request")
        return self.finish_reset(container)

    def _available_locked(self, container_id: str, purpose: str) -> PooledContainer:
        container = self.roster.find(container_id)
        if container.state is not _S.AVAILABLE:
            state = container.state.replace("_", " ")
            raise PoolError(f"container {container.id[:12]} is {state}", f"only an available one is {purpose}")
        return container

    def shutdown(self, timeout: float | None = None) -> None:
        """Drain with a deadline, then destroy what is left, end all threads. Safe to call twice.

        Args:
            timeout: seconds for those in use; None for the setting `shutdown_timeout`, 0 for now.
        """
        deadline = monotonic() + (self.config.shutdown_timeout if timeout is None else timeout)
        with self.lock:
            work = self.stop_leasing_locked(PoolPhase.CLOSED, PoolClosed("the pool is shut down"))
        self.submit(work)
        self.sessions.make_way("the pool was shut down")
        for thread in self._threads:
            thread.stop()
        with self._changed:
            self._changed.wait_for(lambda: not self.roster.count(_S.IN_USE), max(0.0, deadline - monotonic()))
            work = [
                self.quarantine_locked(container, "the pool was shut down")
                for container in self.roster.in_state(_S.IN_USE)
            ]
        self.submit(work)
        deadline = max(deadline, monotonic()) + _CLOSE_GRACE
        with self._changed:
            self._changed.wait_for(lambda: not len(self.roster), max(0.0, deadline - monotonic()))
        # Whoever comes first finishes; if that is interrupted, the next one does.
        if not self._closing.acquire(timeout=max(0.0, deadline - monotonic())):
            return
        try:
            if not self._stopped:
                self._finish_shutdown(deadline)
                self._stopped = True
        finally:
            self._closing.release()

    def _finish_shutdown(self, deadline: float) -> None:
        """End threads and connections; each step may be taken twice."""
        for runner in (self.scrubbers, self.makers):
            runner.close(deadline)
        for thread in self._threads:
            thread.join(max(0.0, deadline - monotonic()))
        self.backend.close()
        self.events.publish(events.POOL_SHUTDOWN, left_behind=len(self.roster))
        self.events.close(max(0.1, deadline - monotonic()))
        if self._log is not None:
            self._log.close()
        self._finalizer.detach()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown(None if kind is None else 0)

    # Looking.

    def get_stats(self) -> dict[str, Any]:
        """Return the statistics document. Never waits for an engine."""
        return self.snapshot().as_document()

    def snapshot(self) -> PoolSnapshot:
        """Return everything there is to know of the pool at this moment, immutable."""
        with self.lock:
            now = self.clock()
            recording = self._recorder.recording(Window.FIVE_MINUTES)
            run_times = [tuple(container.run_times) for container in self.roster]
            none = Percentiles()
            cause = self._breaker.cause
            pool = PoolSnapshot(
                pool_id=self.id,
                phase=self._phase,
                backend=self.backend.name,
                isolation=self.backend.isolation,
                isolated=self.backend.name != "process",
                image=self.config.image,
                spec=self._spec,
                min_size=self._min_size,
                max_size=self._max_size,
                waiting=len(self._waiting),
                containers=tuple(container.snapshot(now) for container in self.roster),
                dead=tuple(detail.death for detail in self._graveyard if detail.death is not None),
                leaving_from=self._leaving_from,
                counters=replace(self.counters),
                acquire=none,
                run=none,
                scrub=none,
                creation=none,
                executions_per_second=self._recorder.rate(),
                reset_failure_rate=self._reset_verdicts.rate(),
                health_failure_rate=self._check_verdicts.rate(),
                creation_error=str(cause) if cause is not None else "",
                alerts=tuple(self.upkeep.alerts.active.values()),
                events_dropped=self.events.dropped,
                subscriber_failures=self.events.subscriber_failures,
                uptime=now - self._began,
                taken_at=time(),
            )
        # Sorting is not for the lock.
        return replace(
            pool,
            containers=tuple(map(with_p95, pool.containers, run_times)),
            acquire=recording.percentiles(Kind.ACQUIRE),
            run=recording.percentiles(Kind.RUN),
            scrub=recording.percentiles(Kind.SCRUB),
            creation=recording.percentiles(Kind.CREATION),
        )

    def metrics(self, window: Window) -> Metrics:
        """Return rates, levels and latencies over time. Never waits for an engine."""
        with self.lock:
            recording = self._recorder.recording(window)
        return recording.metrics()

    def inspect(self, container_id: str) -> ContainerDetail:
        """Return one container with its history; the last fifty that are no more can be asked for too.

        Raises:
            UnknownContainer: if the pool knows none whose id begins so, or several.
        """
        with self.lock:
            for detail in self._graveyard:
                if container_id and detail.container.id.startswith(container_id):
                    return detail
            container = self.roster.find(container_id)
            detail, run_times = self.detail_locked(container), tuple(container.run_times)
        return replace(detail, container=with_p95(detail.container, run_times))

    def subscribe(self, subscriber: events.Subscriber) -> Callable[[], None]:
        """Have `subscriber` called with every event, in order, in a thread of the bus.

        Returns:
            What ends the subscription.

        Raises:
            RequestError: if it cannot be called.
        """
        if not callable(subscriber):
            raise RequestError(f"subscriber {subscriber!r} cannot be called", "give a function of one event")
        return self.events.subscribe(subscriber)


def _drop(threads: list[PeriodicThread], makers: JobRunner, scrubbers: JobRunner, backend: Backend) -> None:
    """End the threads of a pool that was dropped without shutdown; its streams end its containers."""
    for thread in threads:
        thread.stop()
    makers.end()
    scrubbers.end()
    backend.close()
