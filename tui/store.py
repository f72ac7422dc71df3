"""What the screen shows: the latest snapshot, what led to it, and nothing of the engine's threads.

The bus's thread leaves events in an inbox; `poll`, called by the app's one timer, takes
them out. Everything else belongs to the app's thread.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from engine.alerts import Alert
from engine.container import ContainerSnapshot, ContainerState
from engine.control import PoolControl
from engine.events import Event
from engine.metrics import Metrics, Window
from engine.stats import PoolSnapshot
from tui.alert_log import AlertLog

_EVENTS = 5000
_READINGS = 600
_GHOST_TIME = 2.0
"""Seconds for which a container that is gone is still shown, so that the eye can follow."""

_METRICS_PERIOD = 1.0


@dataclass(frozen=True, slots=True)
class Reading:
    """A container's resources at one moment."""

    at: float
    """By the clock of its gauges."""
    memory: float | None
    """Share of the limit."""
    cpu: float | None
    """Share of what it may use; None before a second figure is there."""


class Store:
    """The state behind all panes."""

    def __init__(self, pool: PoolControl) -> None:
        self.pool = pool
        self.snapshot: PoolSnapshot = pool.snapshot()
        self.window = Window.MINUTE
        self.metrics: Metrics = pool.metrics(self.window)
        self.events: deque[Event] = deque(maxlen=_EVENTS)
        self.events_seen = 0
        self.alerts = AlertLog()
        self.readings: dict[str, deque[Reading]] = {}
        self.ghosts: dict[str, tuple[float, ContainerSnapshot]] = {}
        self.paused = False
        self._inbox: deque[Event] = deque()
        self._cpu_times: dict[str, tuple[float, float]] = {}
        self._metrics_at = 0.0
        self._unsubscribe = pool.subscribe(self._inbox.append)

    def close(self) -> None:
        """Take no more events."""
        self._unsubscribe()

    def poll(self) -> list[Alert]:
        """Look at the pool; return the alerts that are new."""
        before, snapshot = self.snapshot, self.pool.snapshot()
        now = snapshot.taken_at
        if now - self._metrics_at >= _METRICS_PERIOD or self.metrics.window is not self.window:
            self.metrics, self._metrics_at = self.pool.metrics(self.window), now
        self._take_events()
        new = self.alerts.update(snapshot.alerts, now)
        self._read_gauges(snapshot)
        self._follow_the_gone(before, snapshot)
        self.snapshot = snapshot
        return new

    def reading(self, container_id: str) -> Reading | None:
        """The latest figures of a container's resources."""
        readings = self.readings.get(container_id)
        return readings[-1] if readings else None

    def _take_events(self) -> None:
        while self._inbox:
            self.events.append(self._inbox.popleft())
            self.events_seen += 1

    def _read_gauges(self, snapshot: PoolSnapshot) -> None:
        alive = {container.id for container in snapshot.containers}
        for gone in self.readings.keys() - alive:
            del self.readings[gone]
            self._cpu_times.pop(gone, None)
        for container in snapshot.containers:
            gauges = container.gauges
            readings = self.readings.setdefault(container.id, deque(maxlen=_READINGS))
            if not gauges.at or (readings and readings[-1].at >= gauges.at):
                continue
            memory = gauges.memory / gauges.memory_limit if gauges.memory is not None and gauges.memory_limit else None
            cpu = None
            if gauges.cpu_time is not None:
                at, spent = self._cpu_times.get(container.id, (gauges.at, gauges.cpu_time))
                if gauges.at > at:
                    cpu = max(0.0, gauges.cpu_time - spent) / (gauges.at - at) / snapshot.spec.cpus
                self._cpu_times[container.id] = (gauges.at, gauges.cpu_time)
            readings.append(Reading(gauges.at, memory, cpu))

    def _follow_the_gone(self, before: PoolSnapshot, snapshot: PoolSnapshot) -> None:
        now = snapshot.taken_at
        alive = {container.id for container in snapshot.containers}
        dead = {death.id for death in snapshot.dead}
        for container in before.containers:
            if container.id not in alive and container.id in dead:  # else it has got its own id, or was never made
                self.ghosts[container.id] = (now, replace(container, state=ContainerState.GONE, doing=""))
        for container_id, (since, _) in list(self.ghosts.items()):
            if now - since > _GHOST_TIME:
                del self.ghosts[container_id]
