"""The queue of callers that wait for a container: first come, first served."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.errors import PoolError
    from engine.lease import Lease


class Waiter:
    """A one-slot mailbox.

    It is filled under the pool's lock, so a caller that stops waiting takes the lock and
    sees whether it has been filled in that instant.
    """

    __slots__ = ("asked_at", "error", "lease", "ready")

    def __init__(self, asked_at: float) -> None:
        self.asked_at = asked_at
        self.lease: Lease | None = None
        self.error: PoolError | None = None
        self.ready = threading.Event()

    def give(self, lease: Lease) -> None:
        """Hand over a container."""
        self.lease = lease
        self.ready.set()

    def refuse(self, error: PoolError) -> None:
        """Tell that there will be none."""
        self.error = error
        self.ready.set()


class WaitingQueue:
    """Waiters in the order in which they came. Belongs to the pool's lock."""

    def __init__(self) -> None:
        self._waiters: deque[Waiter] = deque()

    def __len__(self) -> int:
        return len(self._waiters)

    def join(self, asked_at: float) -> Waiter:
        """Queue up."""
        waiter = Waiter(asked_at)
        self._waiters.append(waiter)
        return waiter

    def next(self) -> Waiter:
        """Take the one who came first."""
        return self._waiters.popleft()

    def leave(self, waiter: Waiter) -> None:
        """Stop waiting; fine for one who has been served or refused."""
        if waiter in self._waiters:
            self._waiters.remove(waiter)

    def refuse_all(self, error: PoolError) -> int:
        """Tell everybody that there will be no container; return how many they were."""
        count = len(self._waiters)
        while self._waiters:
            self._waiters.popleft().refuse(error)
        return count
