"""A container of the pool: its states, their legal moves, and what is known of it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from time import time
from typing import TYPE_CHECKING

from engine.agent.channel import AgentChannel, Gauges
from engine.backends.base import PostMortem
from engine.history import ContainerHistory, StateChange
from engine.workers import Job, JobRunner

if TYPE_CHECKING:
    from engine.lease import Lease


class ContainerState(StrEnum):
    """Where a container stands."""

    STARTING = "starting"
    """Room is reserved for it; a worker makes it."""
    AVAILABLE = "available"
    """Warm, clean, free."""
    IN_USE = "in_use"
    """Leased."""
    RESETTING = "resetting"
    """Back from a lease, being scrubbed."""
    CHECKING = "checking"
    """Taken aside for a health check."""
    UNHEALTHY = "unhealthy"
    """Never to be used again: dead, or not verified clean."""
    DESTROYING = "destroying"
    """A worker removes it; it still counts."""
    GONE = "gone"
    """Removed; it counts no more."""


_S = ContainerState
LEGAL_MOVES: dict[ContainerState, frozenset[ContainerState]] = {
    # A healthy container that retires goes straight to `destroying`.
    _S.STARTING: frozenset([_S.AVAILABLE, _S.UNHEALTHY, _S.DESTROYING, _S.GONE]),
    # `available → resetting` is an operator's wish.
    _S.AVAILABLE: frozenset([_S.IN_USE, _S.RESETTING, _S.CHECKING, _S.UNHEALTHY, _S.DESTROYING]),
    _S.IN_USE: frozenset([_S.RESETTING, _S.UNHEALTHY, _S.DESTROYING]),
    _S.RESETTING: frozenset([_S.AVAILABLE, _S.UNHEALTHY, _S.DESTROYING]),
    _S.CHECKING: frozenset([_S.AVAILABLE, _S.UNHEALTHY, _S.DESTROYING]),
    _S.UNHEALTHY: frozenset([_S.DESTROYING]),
    _S.DESTROYING: frozenset([_S.GONE]),
    _S.GONE: frozenset(),
}


class IllegalMove(AssertionError):
    """A container was moved where the table does not let it go: a bug of the pool."""


@dataclass(frozen=True, slots=True)
class ContainerMetadata:
    """What does not change in a container's life."""

    image: str
    backend: str
    isolation: str
    python: str = ""
    places: tuple[str, ...] = ()
    """The directories programs can write to."""


@dataclass(frozen=True, slots=True)
class ContainerSnapshot:
    """A container at one moment. Times of day are seconds since the epoch."""

    id: str
    state: ContainerState
    metadata: ContainerMetadata
    created_at: float
    last_used_at: float
    state_for: float
    """Seconds in the present state."""
    execution_count: int
    reset_count: int
    health_check_failures: int
    last_run: float | None
    """Seconds the last program took."""
    p95_run: float | None
    """Seconds; of its latest programs."""
    healthy: bool | None
    """What its latest health check said; None before the first."""
    gauges: Gauges
    doing: str
    """First line of the running program."""
    leaving: str
    """Why it goes as soon as it is free; empty if it stays."""

    @property
    def short_id(self) -> str:
        """The first twelve characters, as Docker shows them: for screens and messages."""
        return self.id[:12]

    def as_document(self) -> dict[str, object]:
        """The entry of the statistics document."""
        return {
            "id": self.id,
            "status": self.state.value,
            "created_at": self.created_at,
            "last_used_at": self.last_used_at,
            "execution_count": self.execution_count,
            "reset_count": self.reset_count,
            "health_check_failures": self.health_check_failures,
        }


@dataclass(slots=True, eq=False)
class PooledContainer:
    """The pool's record of one container. All but `channel` and `died` belong to the pool's lock."""

    id: str
    metadata: ContainerMetadata
    generation: int
    """Which filling of the pool it was made for; a drain begins a new one."""
    state: ContainerState = ContainerState.STARTING
    expires_at: float = 0.0
    """When its lifetime ends, by the pool's clock."""
    pending: tuple[JobRunner, Job] | None = None
    """What is to be done with it next, until somebody begins."""
    channel: AgentChannel | None = None
    created_at: float = field(default_factory=time)
    last_used_at: float = field(default_factory=time)
    state_since: float = 0.0
    """When it came to its state, by the pool's monotonic clock."""
    lease_token: int = 0
    """The token of the present lease; 0 while there is none."""
    lease: Callable[[], Lease | None] = lambda: None
    """The present lease, or the latest; held weakly: one that is dropped is reclaimed."""
    lease_taken_at: float = 0.0
    lease_taken_by: Callable[[], str] = str
    last_lease: int = 0
    """The token of the lease that was returned last."""
    last_scrub: float | None = None
    """Seconds that its latest scrub took."""
    last_scrub_of: int = 0
    """The token of the lease after which that was."""
    uses: int = 0
    execution_count: int = 0
    reset_count: int = 0
    health_check_failures: int = 0
    last_run: float | None = None
    run_times: deque[float] = field(default_factory=lambda: deque(maxlen=100))
    """Seconds that its latest programs took."""
    doing: str = ""
    leaving: str = ""
    """Why it is to be replaced as soon as it is free; empty if it is not."""
    end_reason: str = ""
    """Why it was taken out of the pool; empty while it is in it."""
    history: ContainerHistory = field(default_factory=ContainerHistory)
    died: threading.Event = field(default_factory=threading.Event)
    post_mortem: PostMortem | None = None

    def move(self, to: ContainerState, now: float, reason: str = "") -> None:
        """Change the state; the caller holds the pool's lock.

        Args:
            now: the pool's monotonic clock.
            reason: why, where the state alone does not say it.

        Raises:
            IllegalMove: if the table has no such move.
        """
        if to not in LEGAL_MOVES[self.state]:
            raise IllegalMove(f"container {self.id[:12]} cannot go from {self.state} to {to}")
        self.state = to
        self.state_since = now
        self.history.states.append(StateChange(time(), to, reason))

    def agent(self) -> AgentChannel:
        """The channel; only a container that has not started has none."""
        if self.channel is None:
            raise IllegalMove(f"container {self.id[:12]} has no agent while it is {self.state}")
        return self.channel

    def snapshot(self, now: float) -> ContainerSnapshot:
        """An immutable copy; the caller holds the pool's lock, and works out `p95_run` after it."""
        return ContainerSnapshot(
            id=self.id,
            state=self.state,
            metadata=self.metadata,
            created_at=self.created_at,
            last_used_at=self.last_used_at,
            state_for=now - self.state_since,
            execution_count=self.execution_count,
            reset_count=self.reset_count,
            health_check_failures=self.health_check_failures,
            last_run=self.last_run,
            p95_run=None,
            healthy=self.history.checks[-1].healthy if self.history.checks else None,
            gauges=self.channel.gauges if self.channel is not None else Gauges(),
            doing=self.doing,
            leaving=self.leaving,
        )


def with_p95(snapshot: ContainerSnapshot, run_times: tuple[float, ...]) -> ContainerSnapshot:
    """Complete a snapshot: sorting is not for the pool's lock."""
    if not run_times:
        return snapshot
    ordered = sorted(run_times)
    return replace(snapshot, p95_run=ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))])
