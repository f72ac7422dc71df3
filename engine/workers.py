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
        """Have `job` run, without waiting for it; after `close` it is run at once, by the caller."""

    def end(self) -> None:
        """Queue no more jobs, and end when those that are queued are done."""

    def close(self, deadline: float) -> None:
        """As `end`, and wait for it until `deadline` (monotonic)."""


class Workers:
    """Threads with a common queue."""

    def __init__(self, name: str, count: int, on_failure: FailureCallback) -> None:
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._on_failure = on_failure
        self._lock = threading.Lock()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True) for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, job: Job) -> None:
        """Queue `job`; or run it, if the threads end: what is destroyed last must not be dropped."""
        with self._lock:
            if not self._closed:
                self._queue.put(job)
                return
        self._run(job)

    def end(self) -> None:
        """Have the threads end once the queue is empty."""
        with self._lock:
            self._closed = True
            for _ in self._threads:
                self._queue.put(None)

    def close(self, deadline: float) -> None:
        """End the threads, waiting until `deadline` (monotonic)."""
        self.end()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - monotonic()))

    def _work(self) -> None:
        while True:
            job = self._queue.get()
            if job is None:
                return
            self._run(job)
            del job  # a worker that waits must not keep a pool alive

    def _run(self, job: Job) -> None:
        try:
            job()
        except Exception as error:
            self._on_failure(threading.current_thread().name, error)
