"""What happens in a simulated pool by itself: load, runs, scrubs, failures, in simulated time.

There is no thread: whoever looks has the world catch up with the clock, event by event.
Everything here is called with the lock held, but `_tell`.
"""

from __future__ import annotations

import heapq
import itertools
import random
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from time import monotonic, sleep, time
from typing import Any

from engine import events
from engine.alerts import AlertBoard
from engine.backends.base import ContainerSpec
from engine.checks import HEALTH_CHECKS, RESET_STEPS, HealthReport
from engine.container import ContainerMetadata, ContainerState
from engine.errors import PoolError, UnknownContainer
from engine.execution import Outcome, Timing
from engine.history import CheckRecord, ContainerDetail, Obituary, ResetRecord, RunRecord
from engine.metrics import Kind, Levels, Recorder, Window
from engine.simulation.container import Program, SimulatedContainer, random_program
from engine.simulation.scenario import PROGRAMS, Scenario
from engine.stats import Counters, FailureWindow, PoolPhase, PoolSnapshot

_S = ContainerState
_LIVE = (_S.STARTING, _S.AVAILABLE, _S.IN_USE, _S.RESETTING, _S.CHECKING)
_IDLE_TIMEOUT = 60.0
_PATIENCE = 3.0
"""Seconds that a simulated client waits for a container."""


class World:
    """The containers, the clients and the clock of a simulated pool."""

    def __init__(
        self,
        scenario: Scenario | None = None,
        clock: Callable[[], float] = monotonic,
        epoch: float | None = None,
        pause: Callable[[float], object] = sleep,
    ) -> None:
        """Fill the pool.

        Args:
            clock: seconds, as they pass in the simulation.
            epoch: seconds since the epoch when it begins; None for now.
            pause: waits for some seconds of the clock's time.
        """
        self._scenario = scenario or Scenario()
        self._clock = clock
        self._pause = pause
        self._zero = clock()
        self._epoch = time() if epoch is None else epoch
        self._lock = threading.Lock()
        self._rng = random.Random(self._scenario.seed)
        self._now = 0.0
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._programs = itertools.count(1)
        self._id = f"{self._rng.getrandbits(32):08x}"
        self._min_size, self._max_size = self._scenario.min_size, self._scenario.max_size
        self._phase = PoolPhase.RUNNING
        self._leaving_from = 0
        self._containers: list[SimulatedContainer] = []
        self._waiting: deque[Program] = deque()
        self._graves: deque[ContainerDetail] = deque(maxlen=50)
        self._counters = Counters()
        self._recorder = Recorder(lambda: self._now)
        self._reset_verdicts = FailureWindow(lambda: self._now)
        self._check_verdicts = FailureWindow(lambda: self._now)
        self._alerts = AlertBoard()
        self._news: list[events.Event] = []
        self._subscribers: tuple[events.Subscriber, ...] = ()
        self._spec = ContainerSpec(self._id, "python:3.11-slim")
        for _ in range(self._scenario.initial_size):
            self._create()
        self._later(0.8, self._arrive)
        self._later(1.0, self._every_second)

    def _catch_up(self) -> None:
        until = self._clock() - self._zero
        while self._agenda and self._agenda[0][0] <= until:
            self._now, _, act = heapq.heappop(self._agenda)
            act()
            self._recorder.level(Levels(len(self._in_state(_S.IN_USE)), len(self._containers), len(self._waiting)))
        self._now = until

    def _later(self, delay: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (self._now + delay, next(self._order), act))

    def _arrive(self) -> None:
        rate = max(0.05, self._scenario.rate(self._now))
        self._later(self._rng.expovariate(rate), self._arrive)
        if self._phase is not PoolPhase.RUNNING:
            return
        code = self._rng.choice(PROGRAMS)
        median = self._scenario.run_time
        self._waiting.append(
            random_program(self._rng, next(self._programs), code, self._now, median, self._spec.memory)
        )
        self._balance()

    def _every_second(self) -> None:
        self._later(1.0, self._every_second)
        idle = [c for c in self._in_state(_S.AVAILABLE) if self._now - c.state_since >= _IDLE_TIMEOUT]
        if idle and self._live() > self._min_size:
            self._retire(idle[0], "idle_timeout")
        free = self._in_state(_S.AVAILABLE)
        if len(free) > 1 and self._rng.random() < 0.2:
            self._check(free[0], failing=self._rng.random() < self._scenario.unhealthy)
        raised, cleared = self._alerts.evaluate(self._snapshot())
        for alert in raised:
            self._publish(events.ALERT_RAISED, alert=alert.name, severity=alert.severity.value, reason=alert.message)
        for alert in cleared:
            self._publish(events.ALERT_CLEARED, alert=alert.name)

    def _balance(self) -> None:
        if self._phase is PoolPhase.RUNNING:
            while self._waiting and self._now - self._waiting[0].asked_at > _PATIENCE:
                self._waiting.popleft()
                self._counters.acquire_timeouts += 1
            free = self._in_state(_S.AVAILABLE)
            while self._waiting and free:
                self._lease(free.pop(), self._waiting.popleft())
            starting = len(self._in_state(_S.STARTING))
            wanted = max(self._min_size - self._live(), len(self._waiting) - starting)
            for _ in range(min(wanted, self._max_size - len(self._containers))):
                self._create()
            for container in self._in_state(_S.AVAILABLE)[: max(0, self._live() - self._max_size)]:
                self._retire(container, "above max_size")
        elif self._phase is PoolPhase.DRAINING and not self._containers:
            self._phase = PoolPhase.DRAINED
            self._publish(events.POOL_DRAINED)

    def _create(self) -> None:
        if self._scenario.creation_error:
            return
        isolation = "SIMULATED" if self._scenario.isolated else "UNISOLATED"
        metadata = ContainerMetadata(
            self._spec.image, "simulated", isolation, "3.11.9", ("/tmp", "/var/tmp", "/dev/shm", "/workspace")
        )
        container = SimulatedContainer(
            f"{self._rng.getrandbits(256):064x}", metadata, self._spec.memory, self._now, self._epoch
        )
        self._containers.append(container)
        took = self._rng.uniform(0.25, 0.6)
        self._later(took, lambda: self._created(container, took))

    def _created(self, container: SimulatedContainer, took: float) -> None:
        if container.state is _S.STARTING:
            self._counters.created += 1
            self._recorder.took(Kind.CREATION, took)
            self._publish(events.CREATED, container, creation_time_ms=round(took * 1e3, 3), python="3.11.9")
            self._free(container)

    def _lease(self, container: SimulatedContainer, program: Program) -> None:
        container.move(_S.IN_USE, self._now)
        container.program, container.began_at = program, self._now
        waited = self._now - program.asked_at + self._rng.uniform(20e-6, 60e-6)
        self._counters.acquires += 1
        self._recorder.took(Kind.ACQUIRE, waited)
        if waited < 1e-3:
            self._counters.acquires_warm += 1
            self._recorder.served_warm()
        self._publish(events.ACQUIRED, container, acquisition_time_ms=round(waited * 1e3, 3))
        outcome = Outcome.OK if self._rng.random() > 0.08 else Outcome.ERROR
        self._later(program.seconds, lambda: self._finish(container, program, outcome))

    def _finish(self, container: SimulatedContainer, program: Program, outcome: Outcome) -> None:
        if container.program is not program:
            return
        dies = self._rng.random() < self._scenario.deaths
        outcome = Outcome.OUT_OF_MEMORY if dies else outcome
        ran = self._now - container.began_at
        timing = Timing(wait=container.began_at - program.asked_at, run=ran, answer=0.0003)
        container.history.runs.append(
            RunRecord(
                self._epoch + self._now, program.code, outcome, timing, 0 if outcome is Outcome.OK else 1,
                ran * program.load, program.memory,
            )
        )  # fmt: skip
        container.cpu_time += ran * program.load
        container.runs += 1
        container.run_times.append(ran)
        container.program, container.last_used_at = None, self._now
        self._counters.executions += 1
        self._recorder.took(Kind.RUN, ran)
        self._publish(events.EXECUTED, container, outcome=outcome.value, run_time_ms=round(ran * 1e3, 3))
        if dies:
            self._counters.deaths += 1
            self._publish(events.DIED, container, reason="out of memory", exit_code=137)
            self._quarantine(container, "died: out of memory")
            return
        container.move(_S.RESETTING, self._now)
        steps = self._scrub_steps()
        self._later(sum(steps.values()), lambda: self._scrubbed(container, steps))

    def _scrub_steps(self) -> dict[str, float]:
        slow = 40.0 if self._rng.random() < 0.06 else 1.0
        return {step: self._rng.lognormvariate(-7.6, 0.5) * slow for step in RESET_STEPS}

    def _scrubbed(self, container: SimulatedContainer, steps: dict[str, float]) -> None:
        if container.state is not _S.RESETTING:
            return
        clean = self._rng.random() >= self._scenario.dirty
        why = "" if clean else "/dev/shm: 1 entry is left"
        container.history.resets.append(
            ResetRecord(self._epoch + self._now, clean, steps, None if clean else "verify", why)
        )
        self._reset_verdicts.add(clean)
        if not clean:
            self._counters.reset_failures += 1
            self._quarantine(container, f"not verified clean: verify: {why}")
            return
        container.resets += 1
        self._counters.resets += 1
        took = sum(steps.values())
        self._recorder.took(Kind.SCRUB, took)
        self._publish(events.RESET_COMPLETED, container, reset_time_ms=round(took * 1e3, 3))
        self._free(container)

    def _check(self, container: SimulatedContainer, failing: bool) -> HealthReport:
        container.move(_S.CHECKING, self._now)
        why = "241 of 256 MiB in use" if failing else ""
        passed = {name: not (failing and name == "memory") for name in HEALTH_CHECKS}
        times = {name: self._rng.uniform(0.0002, 0.002) for name in HEALTH_CHECKS}
        report = HealthReport(passed, times, why)
        self._later(0.4, lambda: self._checked(container, report))
        return report

    def _checked(self, container: SimulatedContainer, report: HealthReport) -> None:
        self._counters.health_checks += 1
        self._check_verdicts.add(report.healthy)
        container.history.checks.append(
            CheckRecord(self._epoch + self._now, report.healthy, report.passed, report.times, report.reason)
        )
        if container.state is not _S.CHECKING:
            return
        if report.healthy:
            self._publish(events.CHECKED, container)
            self._free(container)
        else:
            container.failures += 1
            self._counters.health_check_failures += 1
            self._publish(events.CHECK_FAILED, container, reason=report.reason)
            self._quarantine(container, f"health check: {report.reason}")

    def _free(self, container: SimulatedContainer) -> None:
        leaving = container.leaving or ("the pool drains" if self._phase is not PoolPhase.RUNNING else "")
        if leaving or self._live() > self._max_size:
            self._retire(container, leaving or "above max_size")
        else:
            container.move(_S.AVAILABLE, self._now)
        self._balance()

    def _retire(self, container: SimulatedContainer, reason: str) -> None:
        container.move(_S.DESTROYING, self._now, reason)
        self._publish(events.RETIRED, container, reason=reason)
        self._later(self._rng.uniform(0.3, 0.9), lambda: self._gone(container, reason, expected=True))

    def _quarantine(self, container: SimulatedContainer, reason: str) -> None:
        container.move(_S.UNHEALTHY, self._now, reason)
        self._publish(events.QUARANTINED, container, reason=reason)

        def destroy() -> None:
            container.move(_S.DESTROYING, self._now)
            self._later(0.8, lambda: self._gone(container, reason, expected=False))

        self._later(1.2, destroy)

    def _gone(self, container: SimulatedContainer, reason: str, expected: bool) -> None:
        if container not in self._containers:
            return
        container.move(_S.GONE, self._now)
        self._containers.remove(container)
        self._counters.destroyed += 1
        death = Obituary(
            container.id, self._epoch + self._now, reason, expected, self._now - container.created_at, container.runs
        )
        self._graves.append(container.detail(self._now, death))
        self._publish(events.DESTROYED, container)
        self._balance()

    def _stop_leasing(self, phase: PoolPhase) -> None:
        self._phase, self._leaving_from = phase, self._leaving_from or len(self._containers)
        self._counters.acquires_refused += len(self._waiting)
        self._waiting.clear()
        for container in [*self._in_state(_S.AVAILABLE), *self._in_state(_S.STARTING)]:
            self._retire(container, "the pool drains")
        self._balance()

    # Finding.

    def _in_state(self, state: ContainerState) -> list[SimulatedContainer]:
        return [container for container in self._containers if container.state is state]

    def _live(self) -> int:
        return sum(container.state in _LIVE for container in self._containers)

    def _find(self, prefix: str) -> SimulatedContainer:
        for container in self._containers:
            if prefix and container.id.startswith(prefix):
                return container
        raise UnknownContainer(f"no container's id begins with {prefix!r}")

    def _find_available(self, prefix: str) -> SimulatedContainer:
        container = self._find(prefix)
        if container.state is not _S.AVAILABLE:
            raise PoolError(f"container {container.id[:12]} is {container.state.replace('_', ' ')}")
        return container

    def _snapshot(self) -> PoolSnapshot:
        recording = self._recorder.recording(Window.FIVE_MINUTES)
        return PoolSnapshot(
            pool_id=self._id,
            phase=self._phase,
            backend="simulated",
            isolation="SIMULATED" if self._scenario.isolated else "UNISOLATED",
            isolated=self._scenario.isolated,
            image=self._spec.image,
            spec=self._spec,
            min_size=self._min_size,
            max_size=self._max_size,
            waiting=len(self._waiting),
            containers=tuple(container.snapshot(self._now) for container in self._containers),
            dead=tuple(detail.death for detail in self._graves if detail.death is not None),
            leaving_from=self._leaving_from,
            counters=replace(self._counters),
            acquire=recording.percentiles(Kind.ACQUIRE),
            run=recording.percentiles(Kind.RUN),
            scrub=recording.percentiles(Kind.SCRUB),
            creation=recording.percentiles(Kind.CREATION),
            executions_per_second=self._recorder.rate(),
            reset_failure_rate=self._reset_verdicts.rate(),
            health_failure_rate=self._check_verdicts.rate(),
            creation_error=self._scenario.creation_error,
            alerts=tuple(self._alerts.active.values()),
            events_dropped=0,
            subscriber_failures=0,
            uptime=self._now,
            taken_at=self._epoch + self._now,
        )

    # Events.

    def _publish(self, name: str, container: SimulatedContainer | None = None, **data: Any) -> None:
        about = container.id if container is not None else None
        self._news.append(events.Event(name, self._id, self._epoch + self._now, about, data))

    def _tell(self) -> None:
        with self._lock:
            news, self._news = self._news, []
        for event in news:
            for subscriber in self._subscribers:
                subscriber(event)
