"""Figures of a pool: counters, failure rates, and the immutable snapshot of it all."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from time import time
from typing import Any

from engine.alerts import Alert
from engine.backends.base import ContainerSpec
from engine.container import ContainerSnapshot, ContainerState
from engine.events import iso_time
from engine.history import Obituary
from engine.metrics import Percentiles

WINDOW = 300.0
"""Seconds over which failure rates are taken."""


@dataclass(slots=True)
class Counters:
    """What has happened since the pool began. Belongs to the pool's lock."""

    created: int = 0
    destroyed: int = 0
    creation_failures: int = 0
    executions: int = 0
    acquires: int = 0
    """Leases given."""
    acquires_warm: int = 0
    """Leases given at once, from what was available."""
    acquire_timeouts: int = 0
    acquires_refused: int = 0
    """Callers turned away: draining, saturated, nothing can be created."""
    resets: int = 0
    """Scrubs verified clean."""
    reset_failures: int = 0
    health_checks: int = 0
    health_check_failures: int = 0
    deaths: int = 0
    """Containers that ended by themselves or by another's hand."""
    leases_expired: int = 0
    stale_returns: int = 0
    maintenance_failures: int = 0
    """Exceptions that a background thread survived."""


class FailureWindow:
    """The latest verdicts of one kind, for a rate. Belongs to the pool's lock."""

    def __init__(self, clock: Callable[[], float], size: int = 1000) -> None:
        self._clock = clock
        self._verdicts: deque[tuple[float, bool]] = deque(maxlen=size)

    def add(self, ok: bool) -> None:
        """Note one verdict."""
        self._verdicts.append((self._clock(), ok))

    def rate(self) -> float:
        """The share of failures in the window, 0 to 1."""
        since = self._clock() - WINDOW
        while self._verdicts and self._verdicts[0][0] < since:
            self._verdicts.popleft()
        if not self._verdicts:
            return 0.0
        return sum(not ok for _, ok in self._verdicts) / len(self._verdicts)


class PoolPhase(StrEnum):
    """What the pool as a whole is doing."""

    RUNNING = "running"
    DRAINING = "draining"
    """No new leases; those in use finish."""
    DRAINED = "drained"
    """Empty until it is resumed."""
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class PoolSnapshot:
    """A pool at one moment, immutable. Times of day are seconds since the epoch."""

    pool_id: str
    phase: PoolPhase
    backend: str
    isolation: str
    isolated: bool
    image: str
    spec: ContainerSpec
    """What every container of the pool is, with its limits."""
    min_size: int
    max_size: int
    waiting: int
    containers: tuple[ContainerSnapshot, ...]
    dead: tuple[Obituary, ...]
    """The latest that are no more, the oldest first."""
    leaving_from: int
    """How many containers there were when the drain or the shutdown began; 0 while it runs."""
    counters: Counters
    acquire: Percentiles
    """Over the last five minutes, as the three after it."""
    run: Percentiles
    scrub: Percentiles
    creation: Percentiles
    executions_per_second: float
    """Over the last ten seconds."""
    reset_failure_rate: float
    health_failure_rate: float
    creation_error: str
    """Why containers cannot be made; empty while they can."""
    alerts: tuple[Alert, ...]
    events_dropped: int
    """Events lost because subscribers were too slow."""
    subscriber_failures: int
    """Events on which a subscriber raised an exception."""
    uptime: float
    taken_at: float

    def count(self, *states: ContainerState) -> int:
        """How many containers are in one of the states."""
        return sum(container.state in states for container in self.containers)

    @property
    def available(self) -> int:
        """Containers that would be leased at once."""
        return self.count(ContainerState.AVAILABLE)

    @property
    def in_use(self) -> int:
        """Leased containers."""
        return self.count(ContainerState.IN_USE)

    @property
    def live(self) -> int:
        """Containers that serve or will serve; those being destroyed do not."""
        return self.total - self.count(ContainerState.UNHEALTHY, ContainerState.DESTROYING)

    @property
    def total(self) -> int:
        """Containers that exist or are being made."""
        return len(self.containers)

    def as_document(self) -> dict[str, Any]:
        """Return the statistics document: the seed's keys, and beside them what else is known."""
        counters = self.counters
        return {
            "pool_enabled": True,
            "pool_id": self.pool_id,
            "status": self.phase.value,
            "backend": self.backend,
            "isolation": self.isolation,
            "image": self.image,
            "available_containers": self.available,
            "in_use_containers": self.in_use,
            "starting_containers": self.count(ContainerState.STARTING),
            "resetting_containers": self.count(ContainerState.RESETTING),
            "total_containers": self.total,
            "waiting": self.waiting,
            "max_size": self.max_size,
            "min_size": self.min_size,
            "total_created": counters.created,
            "total_destroyed": counters.destroyed,
            "total_executions": counters.executions,
            "total_resets": counters.resets,
            "reset_failures": counters.reset_failures,
            "health_checks": counters.health_checks,
            "health_check_failures": counters.health_check_failures,
            "creation_failures": counters.creation_failures,
            "acquire_timeouts": counters.acquire_timeouts,
            "maintenance_failures": counters.maintenance_failures,
            "events_dropped": self.events_dropped,
            "subscriber_failures": self.subscriber_failures,
            "latency_s": {
                name: asdict(figures)
                for name, figures in (
                    ("acquire", self.acquire),
                    ("run", self.run),
                    ("reset", self.scrub),
                    ("creation", self.creation),
                )
            },
            "creation_error": self.creation_error,
            "alerts": [alert.as_document() for alert in self.alerts],
            "containers": [container.as_document() for container in self.containers],
            "timestamp": iso_time(self.taken_at),
        }


def document_without_pool() -> dict[str, Any]:
    """Return the statistics document of a sandbox that has no pool: the promised keys, all at nothing."""
    counts = (
        *("available_containers", "in_use_containers", "total_containers", "max_size", "min_size", "total_created"),
        *("total_destroyed", "total_executions", "total_resets", "health_check_failures"),
    )
    return {
        "pool_enabled": False,
        "pool_id": None,
        **dict.fromkeys(counts, 0),
        "containers": [],
        "timestamp": iso_time(time()),
    }
