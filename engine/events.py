"""What happens in a pool, as events, and the bus that carries them.

Publishing never waits and never runs a subscriber's code: events go into a bounded queue
that one thread empties. What does not fit is dropped and counted, so that a slow log
cannot slow the pool.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import time
from typing import Any

POOL_INITIALIZED = "container_pool_initialized"
POOL_RESIZED = "pool_resized"
POOL_DRAINING = "pool_draining"
POOL_DRAINED = "pool_drained"
POOL_RESUMED = "pool_resumed"
POOL_SHUTDOWN = "pool_shutdown"
CREATED = "container_created"
CREATION_FAILED = "container_creation_failed"
BREAKER_OPENED = "creation_suspended"
BREAKER_CLOSED = "creation_recovered"
ACQUIRED = "container_acquired"
ACQUIRE_FAILED = "container_acquire_failed"
EXECUTED = "container_executed"
RETURNED = "container_returned"
RESET_COMPLETED = "container_reset_completed"
CHECKED = "container_checked"
CHECK_FAILED = "container_health_check_failed"
QUARANTINED = "container_quarantined"
RETIRED = "container_retired"
DIED = "container_died"
DESTROYED = "container_destroyed"
DESTROY_FAILED = "container_destroy_failed"
LEASE_EXPIRED = "lease_expired"
ORPHANS_REMOVED = "orphans_removed"
MAINTENANCE_FAILED = "maintenance_failed"
ALERT_RAISED = "alert_raised"
ALERT_CLEARED = "alert_cleared"

_WARNINGS = frozenset(
    [
        *(CREATION_FAILED, BREAKER_OPENED, CHECK_FAILED, QUARANTINED, DIED, DESTROY_FAILED, LEASE_EXPIRED),
        *(MAINTENANCE_FAILED, ALERT_RAISED, ACQUIRE_FAILED),
    ]
)

_ROUTINE = frozenset([ACQUIRED, EXECUTED, RETURNED, RESET_COMPLETED, CHECKED])

_QUEUE_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, at a moment, in a pool, perhaps to a container."""

    name: str
    pool_id: str
    time: float
    """Seconds since the epoch."""
    container_id: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def level(self) -> str:
        """How much it matters: warning for what an operator should see, debug for checks that passed."""
        if self.name in _WARNINGS:
            return "warning"
        return "debug" if self.name == CHECKED else "info"

    @property
    def routine(self) -> bool:
        """Whether it comes with every run and every check, so that among many it says little."""
        return self.name in _ROUTINE

    def as_document(self) -> dict[str, Any]:
        """Return the event as a flat JSON-ready document; the timestamp is ISO 8601 in UTC."""
        document: dict[str, Any] = {"event": self.name, "pool_id": self.pool_id}
        if self.container_id is not None:
            document["container_id"] = self.container_id
        document.update(self.data)
        document["timestamp"] = iso_time(self.time)
        return document


def iso_time(seconds: float) -> str:
    """Return seconds since the epoch as ISO 8601 in UTC, to the microsecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


Subscriber = Callable[[Event], None]

FailureCallback = Callable[[str, BaseException], None]
"""Called with where an exception was survived, and with the exception."""


class EventBus:
    """Carries events from any thread to subscribers, in order, in a thread of its own."""

    def __init__(self, pool_id: str, on_failure: FailureCallback = lambda _where, _error: None) -> None:
        """Args: on_failure: told when a subscriber raises an exception."""
        self._pool_id = pool_id
        self._on_failure = on_failure
        self._subscribers: tuple[Subscriber, ...] = ()
        self._queue: deque[Event] = deque()
        self._condition = threading.Condition()
        self._thread: threading.Thread | None = None
        self._busy = False
        self._closed = False
        self.dropped = 0
        """Events lost because subscribers were too slow."""
        self.subscriber_failures = 0
        """Events on which a subscriber raised an exception."""

    def publish(self, name: str, container_id: str | None = None, **data: Any) -> None:
        """Queue an event. Never waits; may be called under the pool's lock."""
        if not self._subscribers:
            return
        event = Event(name, self._pool_id, time(), container_id, data)
        with self._condition:
            if len(self._queue) >= _QUEUE_LIMIT:
                self.dropped += 1
                return
            self._queue.append(event)
            self._condition.notify()

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Have `subscriber` called with every event from now on; call what is returned to stop."""
        with self._condition:
            self._subscribers = (*self._subscribers, subscriber)
            if self._thread is None:
                self._thread = threading.Thread(target=self._deliver, name=f"pool-{self._pool_id}-events", daemon=True)
                self._thread.start()

        def unsubscribe() -> None:
            with self._condition:
                self._subscribers = tuple(known for known in self._subscribers if known is not subscriber)

        return unsubscribe

    def flush(self, timeout: float) -> bool:
        """Wait until all that is queued has been delivered; False at the time-out."""
        with self._condition:
            return self._condition.wait_for(lambda: not self._queue and not self._busy, timeout)

    def close(self, timeout: float) -> None:
        """Deliver what is queued, then end the thread."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def _deliver(self) -> None:
        while True:
            with self._condition:
                self._busy = False
                self._condition.notify_all()
                self._condition.wait_for(lambda: self._queue or self._closed)
                if not self._queue:
                    return
                batch = list(self._queue)
                self._queue.clear()
                self._busy = True
            for event in batch:
                for subscriber in self._subscribers:
                    try:
                        subscriber(event)
                    except Exception as error:
                        self.subscriber_failures += 1
                        # What tells of a failure may fail as well: that is counted, and not told again.
                        if event.name != MAINTENANCE_FAILED:
                            self._on_failure(f"subscriber {subscriber!r}", error)
