"""What the pool decides, under its lock, and the jobs that carry decisions out, outside it.

A function whose name ends in `_locked` is called with the lock held. One that returns jobs
leaves it to its caller to submit them once the lock is released.
"""

from __future__ import annotations

import random
import secrets
import threading
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from time import monotonic, time
from typing import TypedDict

from engine import events
from engine.agent.channel import ResetReport
from engine.backends.base import Backend, PostMortem
from engine.breaker import CreationBreaker
from engine.checks import HealthReport, check_health, reset
from engine.config import PoolConfig
from engine.container import ContainerMetadata, ContainerState, PooledContainer
from engine.creation import hand_over
from engine.errors import (
    BackendError,
    CreationFailed,
    LeaseExpired,
    PoolClosed,
    PoolDraining,
    PoolError,
    PoolTimeout,
    RequestError,
)
from engine.execution import ExecutionRequest, ExecutionResult
from engine.history import CheckRecord, ContainerDetail, Obituary, ResetRecord, RunRecord
from engine.lease import Lease
from engine.metrics import Kind, Levels, Recorder
from engine.roster import Roster
from engine.session_list import SessionList
from engine.stats import Counters, FailureWindow, PoolPhase
from engine.waiting import WaitingQueue
from engine.workers import Job, JobRunner, Workers

_S = ContainerState
_SCRUB_WORKERS = 4
_SUBMITTED_AFTER = 2.0
"""Seconds after which a job that nobody has begun is submitted once more."""
_GRAVES = 50
"""Dead containers that are remembered."""

_LIFETIME_JITTER = 0.1
"""Share by which lifetimes differ, so that containers made together do not end together."""

Runners = tuple[JobRunner, JobRunner]
"""Who runs the jobs that create and destroy, and who runs those that scrub and check."""

Work = tuple[JobRunner, Job]

_MAX_CODE = 2 << 20
"""Bytes of a program's source: it travels in one frame."""


def weakly(method: Callable[..., None]) -> Callable[..., None]:
    """Return a function that calls a bound method as long as its object lives, and does not keep it alive."""
    reference = weakref.WeakMethod(method)

    def call(*arguments: object) -> None:
        bound = reference()
        if bound is not None:
            bound(*arguments)

    return call


class RunLimits(TypedDict):
    """What `AgentChannel.run` is told of a request's limits."""

    timeout: float
    max_output: int
    max_fetch: int


class PoolCore:
    """The state of a pool and every change of it."""

    def __init__(
        self, config: PoolConfig, backend: Backend, runners: Runners | None, clock: Callable[[], float]
    ) -> None:
        self.config = config
        self.backend = backend
        self.id = secrets.token_hex(4)
        self.events = events.EventBus(self.id, self.note_failure)
        self.counters = Counters()
        self.clock = clock
        self.lock = threading.Lock()
        self.sessions = SessionList()
        self.roster = Roster(clock)
        self.undead: list[str] = []
        """Containers that could not be destroyed because no engine answered."""
        self._changed = threading.Condition(self.lock)
        self._phase = PoolPhase.RUNNING
        self._min_size = config.min_size
        self._max_size = config.max_size
        self._generation = 0
        self._warming = True
        self._waiting = WaitingQueue()
        self._breaker = CreationBreaker(clock)
        self._last_token = 0
        self._recorder = Recorder(clock)
        self._graveyard: deque[ContainerDetail] = deque(maxlen=_GRAVES)
        self._leaving_from = 0
        self._reset_verdicts = FailureWindow(clock)
        self._check_verdicts = FailureWindow(clock)
        self._metadata = ContainerMetadata(config.image, backend.name, backend.isolation)
        self._spec = config.container_spec(self.id)
        if runners is None:
            name = f"pool-{self.id}"
            on_failure = weakly(self.note_failure)
            runners = (
                Workers(f"{name}-create", config.create_workers, on_failure),
                Workers(f"{name}-scrub", _SCRUB_WORKERS, on_failure),
            )
        self.makers, self.scrubbers = runners

    # Deciding.

    def rebalance(self) -> None:
        """Serve who waits, make what is missing, retire what is too much."""
        with self.lock:
            work = self.balance_locked()
        self.submit(work)

    def submit(self, work: list[Work]) -> None:
        """Hand jobs to their runners; the lock is not held."""
        for runner, job in work:
            runner.submit(job)

    def _assign(self, container: PooledContainer, runner: JobRunner, job: Callable[[PooledContainer], None]) -> Work:
        """Note on the container what must be done with it, and return that as work.

        The note is made before the state is changed, and taken back by whoever does the job: a
        caller who is interrupted between decision and `submit` leaves a note that the idle
        thread finds, and a job that is submitted twice is done once.
        """

        def take() -> None:
            with self.lock:
                if container.pending is not work:
                    return
                container.pending = None
            job(container)

        work = container.pending = (runner, take)
        return work

    def forgotten_work(self) -> list[Work]:
        """Jobs that were decided a while ago and that nobody has begun."""
        with self.lock:
            since = self.clock() - _SUBMITTED_AFTER
            return [one.pending for one in self.roster if one.pending is not None and one.state_since < since]

    def balance_locked(self) -> list[Work]:
        """Everything that follows from the present state; called after each change of it."""
        work: list[Work] = []
        roster = self.roster
        while self._waiting and (warmest := roster.warmest()) is not None:
            waiter = self._waiting.next()
            waiter.give(self.lease_locked(warmest, waiter.asked_at))
        if self._phase is PoolPhase.RUNNING:
            live = roster.live
            starting, available = roster.count(_S.STARTING), roster.count(_S.AVAILABLE)
            if self._warming and live - starting >= self._floor_locked():
                self._warming = False
            ahead = len(self._waiting) + self.config.spare - starting - available
            wanted = min(max(self._floor_locked() - live, ahead), self._max_size - len(roster))
            if self._breaker.cause is not None:
                wanted = min(wanted, 1 - starting)  # one at a time tries whether it works again
            if wanted > 0 and not self._breaker.retry_in:
                work += [self._reserve_locked() for _ in range(wanted)]
            while roster.live > self._max_size and (coldest := roster.coldest()) is not None:
                work.append(self.retire_locked(coldest, "above max_size"))
            if self._waiting and self._breaker.is_open and not roster.live:
                self.counters.acquires_refused += self._waiting.refuse_all(self.creation_failed_locked())
        elif self._phase is PoolPhase.DRAINING and not len(roster):
            self._phase = PoolPhase.DRAINED
            self.events.publish(events.POOL_DRAINED)
        self._note_levels_locked()
        self._changed.notify_all()
        return work

    def _floor_locked(self) -> int:
        floor = max(self._min_size, self.config.initial_size) if self._warming else self._min_size
        return min(floor, self._max_size)

    def _reserve_locked(self) -> Work:
        container = self.roster.blank(self._metadata, self._generation)
        work = self._assign(container, self.makers, self._create)
        self.roster.enter(container)
        return work

    def lease_locked(self, container: PooledContainer, asked_at: float) -> Lease:
        """Give an available container to a caller."""
        self._last_token += 1
        now = self.clock()
        lease = Lease(self, container, self._last_token, now, now - asked_at)
        # From here on a lease that is lost on its way to the caller (Ctrl+C) is reclaimed.
        container.lease_token, container.lease_taken_at = self._last_token, now
        container.lease, container.lease_taken_by = weakref.ref(lease), lease.taken_by
        self.roster.move(container, _S.IN_USE)
        self.counters.acquires += 1
        self._recorder.took(Kind.ACQUIRE, now - asked_at)
        self._note_levels_locked()
        return lease

    def retire_locked(self, container: PooledContainer, reason: str) -> Work:
        """Take a healthy container out of the pool."""
        work = self._assign(container, self.makers, self._destroy)
        self.roster.move(container, _S.DESTROYING, reason)
        container.lease_token = 0
        container.end_reason = reason
        self.events.publish(events.RETIRED, container.id, reason=reason)
        return work

    def quarantine_locked(self, container: PooledContainer, reason: str) -> Work:
        """Take a container out of the pool that nobody may use again."""
        work = self._assign(container, self.makers, self._destroy)
        self.roster.move(container, _S.UNHEALTHY, reason)
        container.lease_token = 0
        container.end_reason = reason
        self.events.publish(events.QUARANTINED, container.id, reason=reason)
        self.roster.move(container, _S.DESTROYING)
        return work

    def why_leaving_locked(self, container: PooledContainer) -> str:
        """Why a container that is free now should go instead of serving again; or nothing."""
        if self._phase is not PoolPhase.RUNNING:
            return "the pool drains"
        if container.leaving:
            return container.leaving
        if self.config.reuse == "never" and container.uses:
            return "single use"
        if self.config.max_uses and container.uses >= self.config.max_uses:
            return "max_uses"
        if self.config.max_lifetime and self.clock() >= container.expires_at:
            return "max_lifetime"
        return "above max_size" if self.roster.live > self._max_size else ""

    def surplus_locked(self) -> bool:
        """Whether one available container fewer would still be enough."""
        spare = self.config.spare
        return self.roster.live > self._min_size and self.roster.count(_S.AVAILABLE) > spare

    def free_locked(self, container: PooledContainer) -> list[Work]:
        """A container is clean and healthy: have it serve again, or retire it."""
        leaving = self.why_leaving_locked(container)
        if leaving:
            work = [self.retire_locked(container, leaving)]
        else:
            self.roster.move(container, _S.AVAILABLE)
            work = []
        return work + self.balance_locked()

    def stop_leasing_locked(self, phase: PoolPhase, refusal: PoolError) -> list[Work]:
        """Turn everybody away and retire what is free.

        Containers being made are let go too: they belong to the generation in which their
        making began.
        """
        self._phase = phase
        self._leaving_from = self._leaving_from or len(self.roster)
        self._generation += 1
        self._warming = False
        self.counters.acquires_refused += self._waiting.refuse_all(refusal)
        work = [self.retire_locked(container, "the pool drains") for container in self.roster.in_state(_S.AVAILABLE)]
        return work + self.balance_locked()

    def refuse_if_stopped_locked(self) -> None:
        """Raise what a caller is told who asks for a container now, if there are none to be had."""
        if self._phase is PoolPhase.RUNNING:
            return
        self.counters.acquires_refused += 1
        if self._phase is PoolPhase.CLOSED:
            raise PoolClosed("the pool is shut down")
        raise PoolDraining("the pool gives no leases while it is drained", "resume it")

    def creation_failed_locked(self) -> CreationFailed:
        """The error for those who cannot have a container because none can be made."""
        cause = self._breaker.cause
        error = CreationFailed(f"no container can be made: {cause}")
        error.__cause__ = cause
        return error

    # Jobs.

    def _create(self, container: PooledContainer) -> None:
        with self.lock:
            wanted = self._still_wanted_locked(container)
            work: list[Work] = []
            if not wanted:
                self.roster.move(container, _S.GONE)
                work = self.balance_locked()
        self.submit(work)
        if not wanted:
            return
        began = monotonic()
        try:
            launched = self.backend.create(self._spec)
            with self.lock:
                self.roster.rename(container, launched.id)
            channel, metadata = hand_over(
                launched, self.backend, self._spec, self._metadata, self.config.create_timeout
            )
        except Exception as error:
            self._creation_failed(container, error)
            return
        lifetime = self.config.max_lifetime * (1 + _LIFETIME_JITTER * random.uniform(-1, 1))
        with self.lock:
            container.channel, container.metadata = channel, metadata
            container.created_at = container.last_used_at = time()
            container.expires_at = self.clock() + lifetime
            self.counters.created += 1
            took = monotonic() - began
            self._recorder.took(Kind.CREATION, took)
            recovered = self._breaker.succeeded()
            warming = self._warming
            if container.generation != self._generation:
                container.leaving = "the pool was drained while it was made"
            work = self.free_locked(container)
            warmed = warming and not self._warming
            made = self.roster.live - self.roster.count(_S.STARTING)
        self.submit(work)
        self.events.publish(events.CREATED, container.id, creation_time_ms=round(took * 1e3, 3), python=metadata.python)
        if recovered:
            self.events.publish(events.BREAKER_CLOSED)
        if warmed:
            # As many as were made: callers who waited may hold some of them already.
            self.events.publish(events.POOL_INITIALIZED, available_containers=made, backend=self.backend.name)

    def _still_wanted_locked(self, container: PooledContainer) -> bool:
        """Whether the need that a creation was reserved for is still there when its turn comes."""
        if self._phase is not PoolPhase.RUNNING or container.generation != self._generation:
            return False
        others = self.roster.live - 1
        return others < self._floor_locked() or self.roster.count(_S.AVAILABLE) < len(self._waiting) + max(
            1, self.config.spare
        )

    def _creation_failed(self, container: PooledContainer, error: Exception) -> None:
        with self.lock:
            self.roster.move(container, _S.GONE)
            self.counters.creation_failures += 1
            opened = self._breaker.failed(error)
            retry_in = self._breaker.retry_in
            work = self.balance_locked()
        self.submit(work)
        self.events.publish(events.CREATION_FAILED, error=str(error), retry_in_s=round(retry_in, 3))
        if opened:
            self.events.publish(events.BREAKER_OPENED, error=str(error))
        if not isinstance(error, BackendError):
            self.note_failure(threading.current_thread().name, error)

    def _reset(self, container: PooledContainer) -> None:
        if self.finish_reset(container).clean:
            self.events.publish(events.RETURNED, container.id)

    def finish_reset(self, container: PooledContainer) -> ResetReport:
        """Scrub a container that is `resetting`, and put it back or quarantine it."""
        report = reset(container.agent(), self.config.reset_timeout)
        took = sum(report.steps.values())
        with self.lock:
            if container.state is not _S.RESETTING:
                # It died meanwhile, and somebody has seen to it.
                return replace(report, clean=False, reason=report.reason or f"it is {container.state}")
            container.history.resets.append(
                ResetRecord(time(), report.clean, report.steps, report.failed, report.reason)
            )
            self._reset_verdicts.add(report.clean)
            if report.clean:
                container.last_scrub, container.last_scrub_of = took, container.last_lease
                container.reset_count += 1
                self.counters.resets += 1
                self._recorder.took(Kind.SCRUB, took)
                work = self.free_locked(container)
            else:
                self.counters.reset_failures += 1
                work = [self.quarantine_locked(container, f"not verified clean: {report.failed}: {report.reason}")]
                work += self.balance_locked()
        self.submit(work)
        steps = {f"{step}_ms": round(seconds * 1e3, 3) for step, seconds in report.steps.items()}
        if report.clean:
            self.events.publish(events.RESET_COMPLETED, container.id, reset_time_ms=round(took * 1e3, 3), steps=steps)
        return report

    def set_aside_locked(self, container: PooledContainer) -> None:
        """Reserve an available container for a check: nobody can be given it meanwhile."""
        self.roster.move(container, _S.CHECKING)

    def finish_check(self, container: PooledContainer) -> HealthReport:
        """Check a container that was set aside, and put it back or quarantine it."""
        try:
            report = check_health(self.backend, container.id, container.agent(), self.config.check_timeout)
        except BaseException:  # Ctrl+C in a caller's thread: what the agent still answers is nobody's
            with self.lock:
                work = [self.quarantine_locked(container, "its check was abandoned"), *self.balance_locked()]
            self.submit(work)
            raise
        with self.lock:
            self.counters.health_checks += 1
            container.history.checks.append(
                CheckRecord(time(), report.healthy, report.passed, report.times, report.reason)
            )
            self._check_verdicts.add(report.healthy)
            work = []
            if not report.healthy:
                container.health_check_failures += 1
                self.counters.health_check_failures += 1
            if container.state is _S.CHECKING:
                if report.healthy:
                    work = self.free_locked(container)
                else:
                    work = [self.quarantine_locked(container, f"health check: {report.reason}")]
                    work += self.balance_locked()
        self.submit(work)
        steps = {f"{name}_ms": round(seconds * 1e3, 3) for name, seconds in report.times.items()}
        if report.healthy:
            self.events.publish(events.CHECKED, container.id, steps=steps)
        else:
            self.events.publish(
                events.CHECK_FAILED, container.id, reason=report.reason, passed=dict(report.passed), steps=steps
            )
        return report

    def _destroy(self, container: PooledContainer) -> None:
        problem = ""
        try:
            if container.channel is not None:
                container.channel.close()
            self.backend.destroy(container.id)
        except Exception as error:
            # Its stream is closed, so it ends by itself if it can. It is tried again later.
            problem = str(error)
        with self.lock:
            if problem:
                self.undead.append(container.id)
            self.roster.move(container, _S.GONE)
            self._bury_locked(container)
            self.counters.destroyed += 1
            work = self.balance_locked()
        self.submit(work)
        if problem:
            self.events.publish(events.DESTROY_FAILED, container.id, error=problem)
        else:
            self.events.publish(events.DESTROYED, container.id)

    def _bury_locked(self, container: PooledContainer) -> None:
        now, end = time(), container.post_mortem
        reason = container.end_reason
        expected = container.history.states[-2].state is _S.DESTROYING and not any(
            change.state is _S.UNHEALTHY for change in container.history.states
        )
        if not expected and end is not None and str(end) not in reason:
            reason = f"{reason}: {end}"
        death = Obituary(container.id, now, reason, expected, now - container.created_at, container.execution_count)
        self._graveyard.append(self.detail_locked(container, death))

    def detail_locked(self, container: PooledContainer, death: Obituary | None = None) -> ContainerDetail:
        """A copy of a container and its history."""
        history = container.history
        return ContainerDetail(
            container.snapshot(self.clock()),
            tuple(history.states),
            tuple(history.runs),
            tuple(history.resets),
            tuple(history.checks),
            death,
        )

    def _note_levels_locked(self) -> None:
        roster = self.roster
        self._recorder.level(Levels(roster.count(_S.IN_USE), len(roster), len(self._waiting)))

    # From other threads.

    def on_death(self, container_id: str, end: PostMortem) -> None:
        """The backend has seen a container end. Called by its watcher."""
        with self.lock:
            container = self.roster.get(container_id)
            if container is None:
                return
            container.post_mortem = end
            container.died.set()
            expected = container.state in (_S.UNHEALTHY, _S.DESTROYING)
            work: list[Work] = []
            if not expected:
                self.counters.deaths += 1
            if container.state is _S.AVAILABLE:
                work = [self.quarantine_locked(container, f"died: {end}"), *self.balance_locked()]
            # Else whoever holds it finds its stream closed.
        if not expected:
            self.events.publish(events.DIED, container_id, reason=str(end), exit_code=end.exit_code)
        self.submit(work)

    def reclaim(self, container: PooledContainer, token: int, reason: str) -> None:
        """End a lease from outside by destroying its container; nothing if it is over already."""
        with self.lock:
            if container.lease_token != token or container.state is not _S.IN_USE:
                return
            self.counters.leases_expired += 1
            held = self.clock() - container.lease_taken_at
            work = [self.quarantine_locked(container, reason), *self.balance_locked()]
        self.events.publish(
            events.LEASE_EXPIRED,
            container.id,
            reason=reason,
            held_s=round(held, 3),
            taken_by=container.lease_taken_by(),
        )
        self.submit(work)

    def timeout_locked(self, waited: float) -> PoolTimeout:
        """The error for a caller who waited in vain: what the pool held, and the latest trouble."""
        cause = self._breaker.cause
        message = f"no container became free in {waited:g} s: {self.roster.describe()} of at most {self._max_size}"
        message += f", {len(self._waiting)} others wait"
        if cause is not None:
            message += f"; the latest creation failed: {cause}"
        error = PoolTimeout(message, "grow the pool, or wait longer")
        error.__cause__ = cause
        return error

    def note_failure(self, where: str, error: BaseException) -> None:
        """A background thread survived an exception that nobody expected."""
        with self.lock:
            self.counters.maintenance_failures += 1
        self.events.publish(events.MAINTENANCE_FAILED, where=where, error=f"{type(error).__name__}: {error}")

    # For leases.

    @property
    def closed(self) -> bool:
        """Whether `shutdown` has been called."""
        return self._phase is PoolPhase.CLOSED

    def return_container(self, lease: Lease) -> None:
        """Give a container back; it is scrubbed by a worker before anyone else gets it.

        Raises:
            LeaseExpired: if this lease is over already; nothing is changed.
        """
        container = lease.container
        with self.lock:
            if container.lease_token != lease.token or container.state is not _S.IN_USE:
                self.counters.stale_returns += 1
                raise LeaseExpired(f"the lease of container {lease.id[:12]} is over", "return a lease once")
            container.last_lease = lease.token
            container.uses += 1
            container.doing = ""
            container.last_used_at = time()
            if lease.running:
                lease.broken = "it was returned while a program ran in it"
            if lease.broken:
                work = [self.quarantine_locked(container, lease.broken)]
            elif leaving := self.why_leaving_locked(container):
                work = [self.retire_locked(container, leaving)]
            else:
                work = [self._assign(container, self.scrubbers, self._reset)]
                self.roster.move(container, _S.RESETTING)
            container.lease_token = 0  # after the move: till then a lost lease is reclaimed
            work += self.balance_locked()
        self.submit(work)

    def run_limits(self, request: ExecutionRequest) -> RunLimits:
        """What the channel is told of a request's limits.

        Raises:
            RequestError: if the request is larger than the pool allows.
        """
        limit = self.config.max_file_bytes
        sizes = {
            "code": (len(request.source()), _MAX_CODE),
            "stdin": (len(request.stdin_bytes()), limit),
            "files": (sum(map(len, request.files.values())), limit),
        }
        for what, (size, allowed) in sizes.items():
            if size > allowed:
                raise RequestError(f"{what} of {size} bytes is more than {allowed}", "raise max_file_bytes")
        return RunLimits(
            timeout=self.config.timeout if request.timeout is None else request.timeout,
            max_output=self.config.max_output,
            max_fetch=limit,
        )

    def renew(self, lease: Lease) -> None:
        """Have `lease_timeout` begin anew: a session that is used is not forgotten."""
        with self.lock:
            if lease.active:
                lease.container.lease_taken_at = self.clock()

    def wait_scrubbed(self, lease: Lease, timeout: float) -> float | None:
        """Wait for the scrub of a returned container; its seconds, None if it is not over in time."""
        container = lease.container
        with self._changed:
            self._changed.wait_for(lambda: container.state is not _S.RESETTING, timeout)
            return container.last_scrub if container.last_scrub_of == lease.token else None

    def note_run_started(self, lease: Lease, request: ExecutionRequest) -> None:
        """Show on the container what it is doing."""
        first = request.source()[:200].strip().partition(b"\n")[0].decode("utf-8", "replace")
        with self.lock:
            if lease.active:
                lease.container.doing = first

    def note_run_ended(self, lease: Lease, result: ExecutionResult) -> None:
        """Count an execution; the lease may be over by now."""
        with self.lock:
            container = lease.container
            container.history.runs.append(
                RunRecord(
                    at=time(),
                    code=container.doing,
                    outcome=result.outcome,
                    timing=result.timing,
                    exit_code=result.exit_code,
                    cpu_time=result.cpu_time,
                    peak_memory=result.peak_memory,
                    reason=result.reason,
                )
            )
            container.doing = ""
            container.execution_count += 1
            container.last_run = result.timing.run
            container.run_times.append(result.timing.run)
            self.counters.executions += 1
            self._recorder.took(Kind.RUN, result.timing.run)
        self.events.publish(
            events.EXECUTED,
            lease.id,
            outcome=result.outcome.value,
            exit_code=result.exit_code,
            run_time_ms=round(result.timing.run * 1e3, 3),
            **({"reason": result.reason} if result.reason else {}),
        )
