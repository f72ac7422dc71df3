"""A container that exists only as its numbers."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field

from engine.agent.channel import Gauges
from engine.container import LEGAL_MOVES, ContainerMetadata, ContainerSnapshot, ContainerState, IllegalMove, with_p95
from engine.history import ContainerDetail, ContainerHistory, Obituary, StateChange

_S = ContainerState
_RESTING = 11 << 20
"""Bytes of memory of a container in which nothing runs."""


@dataclass(frozen=True, slots=True)
class Program:
    """What a simulated client runs."""

    number: int
    code: str
    asked_at: float
    seconds: float
    memory: int
    """Bytes at its peak."""
    load: float
    """Share of a CPU."""


@dataclass(slots=True, eq=False)
class SimulatedContainer:
    """One container; times are simulated seconds."""

    id: str
    metadata: ContainerMetadata
    memory_limit: int
    now: float
    epoch: float
    """Seconds since the epoch at simulated time 0."""
    state: ContainerState = _S.STARTING
    created_at: float = 0.0
    last_used_at: float = 0.0
    state_since: float = 0.0
    program: Program | None = None
    began_at: float = 0.0
    cpu_time: float = 0.05
    runs: int = 0
    resets: int = 0
    failures: int = 0
    leaving: str = ""
    end_reason: str = ""
    run_times: deque[float] = field(default_factory=lambda: deque(maxlen=100))
    history: ContainerHistory = field(default_factory=ContainerHistory)

    def __post_init__(self) -> None:
        self.created_at = self.last_used_at = self.state_since = self.now
        self.history.states.append(StateChange(self.epoch + self.now, self.state))

    def move(self, to: ContainerState, now: float, reason: str = "") -> None:
        """Change the state, along the same table as a real one's.

        Raises:
            IllegalMove: if the table has no such move.
        """
        if to not in LEGAL_MOVES[self.state]:
            raise IllegalMove(f"a simulated container cannot go from {self.state} to {to}")
        self.state, self.state_since = to, now
        self.history.states.append(StateChange(self.epoch + now, to, reason))

    def snapshot(self, now: float) -> ContainerSnapshot:
        """An immutable copy."""
        found = ContainerSnapshot(
            id=self.id,
            state=self.state,
            metadata=self.metadata,
            created_at=self.epoch + self.created_at,
            last_used_at=self.epoch + self.last_used_at,
            state_for=now - self.state_since,
            execution_count=self.runs,
            reset_count=self.resets,
            health_check_failures=self.failures,
            last_run=self.run_times[-1] if self.run_times else None,
            p95_run=None,
            healthy=self.history.checks[-1].healthy if self.history.checks else None,
            gauges=self._gauges(now),
            doing=self.program.code if self.program else "",
            leaving=self.leaving,
        )
        return with_p95(found, tuple(self.run_times))

    def detail(self, now: float, death: Obituary | None = None) -> ContainerDetail:
        """A copy with the history."""
        history = self.history
        return ContainerDetail(
            self.snapshot(now),
            tuple(history.states),
            tuple(history.runs),
            tuple(history.resets),
            tuple(history.checks),
            death,
        )

    def _gauges(self, now: float) -> Gauges:
        if self.state is _S.STARTING:
            return Gauges()
        memory, cpu_time, processes = _RESTING, self.cpu_time, 3
        if self.program is not None:
            ran = now - self.began_at
            memory += int(self.program.memory * min(1.0, ran / max(0.2, self.program.seconds * 0.6)))
            cpu_time += ran * self.program.load
            processes += 1
        return Gauges(memory, self.memory_limit, cpu_time, processes, 64, at=now)


def random_program(rng: random.Random, number: int, code: str, now: float, median: float, limit: int) -> Program:
    """Make a program up: most are short, a few are long or large."""
    return Program(
        number=number,
        code=code,
        asked_at=now,
        seconds=median * rng.lognormvariate(0.0, 1.1),
        memory=int(min(0.85, rng.lognormvariate(-2.2, 0.9)) * limit),
        load=min(1.0, rng.betavariate(4, 2)),
    )
