"""A pool whose jobs run when the test says so, on containers that exist only in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.backends.memory import MemoryBackend
from engine.lease import Lease
from engine.pool import ContainerPool


class ManualRunner:
    """Keeps jobs until the test runs them, in any order; runs them at once after `let_go`."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], None]] = []
        self._at_once = False

    def submit(self, job: Callable[[], None]) -> None:
        if self._at_once:
            job()
        else:
            self.jobs.append(job)

    def run(self, index: int = 0) -> None:
        self.jobs.pop(index)()

    def run_all(self) -> None:
        while self.jobs:
            self.run()

    def let_go(self) -> None:
        self._at_once = True
        self.run_all()

    def end(self) -> None:
        """There are no threads."""

    def close(self, deadline: float) -> None:
        self.run_all()


class Clock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class ManualPool:
    """The pool, and everything a test steers it with."""

    def __init__(self, **settings: Any) -> None:
        self.backend = MemoryBackend()
        self.makers = ManualRunner()
        self.scrubbers = ManualRunner()
        self.clock = Clock()
        self.pool = ContainerPool(
            backend=self.backend, runners=(self.makers, self.scrubbers), clock=self.clock, **settings
        )
        self.backend.watch(self.pool.on_death)
        self._taken: list[Lease] = []

    def take(self, timeout: float | None = None) -> Lease:
        """Lease a container; the lease is not dropped before the pool is closed."""
        lease = self.pool.get_container(timeout)
        self._taken.append(lease)
        return lease

    def settle(self) -> None:
        """Run all jobs, and those that follow from them."""
        while self.makers.jobs or self.scrubbers.jobs:
            self.makers.run_all()
            self.scrubbers.run_all()

    def close(self) -> None:
        """Shut down; whatever is still to be done is done at once."""
        self.makers.let_go()
        self.scrubbers.let_go()
        self.pool.shutdown(0)
