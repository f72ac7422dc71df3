"""What a container has been through: its latest runs, scrubs, checks and states.

Too much for every snapshot of the pool; it is asked for by a container's id.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.execution import Outcome, Timing

if TYPE_CHECKING:
    from engine.container import ContainerSnapshot, ContainerState

_KEPT = 50
"""Records of each kind that a container keeps."""


@dataclass(frozen=True, slots=True)
class StateChange:
    """A container came to a state. Times of day are seconds since the epoch, here and below."""

    at: float
    state: ContainerState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One execution."""

    at: float
    """When it ended."""
    code: str
    """First line of the program."""
    outcome: Outcome
    timing: Timing
    exit_code: int | None = None
    cpu_time: float | None = None
    peak_memory: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ResetRecord:
    """One scrub, step by step."""

    at: float
    clean: bool
    steps: Mapping[str, float]
    """Step to seconds, in the order taken."""
    failed: str | None = None
    """The step that failed."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CheckRecord:
    """One health check, question by question."""

    at: float
    healthy: bool
    passed: Mapping[str, bool]
    times: Mapping[str, float]
    """Seconds."""
    reason: str = ""


@dataclass(slots=True)
class ContainerHistory:
    """The latest records of one container. Belongs to the pool's lock."""

    states: deque[StateChange] = field(default_factory=lambda: deque(maxlen=_KEPT))
    runs: deque[RunRecord] = field(default_factory=lambda: deque(maxlen=_KEPT))
    resets: deque[ResetRecord] = field(default_factory=lambda: deque(maxlen=_KEPT))
    checks: deque[CheckRecord] = field(default_factory=lambda: deque(maxlen=_KEPT))


@dataclass(frozen=True, slots=True)
class ContainerDetail:
    """A container, alive or dead, with its history; each kind with the oldest first."""

    container: ContainerSnapshot
    states: tuple[StateChange, ...]
    runs: tuple[RunRecord, ...]
    resets: tuple[ResetRecord, ...]
    checks: tuple[CheckRecord, ...]
    death: Obituary | None = None
    """How it ended; None while it lives."""


@dataclass(frozen=True, slots=True)
class Obituary:
    """Why a container is no more."""

    id: str
    at: float
    reason: str
    expected: bool
    """Whether the pool had it go: idle, old, drained. False if it died or was not fit for use."""
    lived: float
    """Seconds."""
    executions: int

    @property
    def short_id(self) -> str:
        """The first twelve characters, as Docker shows them."""
        return self.id[:12]
