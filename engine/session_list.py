"""The sessions of a pool, so that it can tell them, and close those that are due."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.session import Session


class SessionList:
    """Knows the sessions weakly: one that is dropped returns its container by itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: weakref.WeakSet[Session] = weakref.WeakSet()

    def join(self, session: Session) -> None:
        """Add one."""
        with self._lock:
            self._sessions.add(session)

    def leave(self, session: Session) -> None:
        """Remove one; fine if it is not there."""
        with self._lock:
            self._sessions.discard(session)

    def warn(self, reason: str, seconds: float) -> None:
        """Tell all that they end in so many seconds."""
        for session in self._all():
            session.warn(reason, seconds)

    def spare(self) -> None:
        """Take that back."""
        for session in self._all():
            session.spare()

    def make_way(self, reason: str) -> None:
        """End all in which no cell runs."""
        for session in self._all():
            session.make_way(reason)

    def end_due(self, idle_timeout: float) -> None:
        """Close those whose time has come, and those that were idle for `idle_timeout` seconds."""
        for session in self._all():
            session.end_if_due(idle_timeout)

    def _all(self) -> list[Session]:
        with self._lock:
            return list(self._sessions)
