"""A fixed number of threads that do a pool's input and output. They know only their queue."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from time import monotonic
from typing import Protocol

from engine.events import FailureCallback

Job = Callable[[], None]


class JobRunner(Protocol):
    """Runs jobs, now or later, in any thread."""

    def submit(self, job: Job) -> None:
        """Have `job` run; never waits for it."""

    def close(self, deadline: float) -> None:
        """Take no more jobs, finish those that are queued, and end by `deadline`."""


class Workers:
    """Threads with a common queue."""

    def __init__(self, name: str, count: int, on_failure: FailureCallback) -> None:
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._on_failure = on_failure
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True) for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, job: Job) -> None:
        """Queue `job`; one that comes after `close` runs in no thread and is dropped."""
        self._queue.put(job)

    def close(self, deadline: float) -> None:
        """End the threads once the queue is empty, waiting until `deadline` (monotonic)."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - monotonic()))

    def _work(self) -> None:
        while True:
            job = self._queue.get()
            if job is None:
                return
            try:
                job()
            except Exception as error:
                self._on_failure(threading.current_thread().name, error)
            del job  # a worker that waits must not keep a pool alive
