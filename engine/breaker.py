"""The circuit breaker of container creation: when to try again, when to stop trying."""

from __future__ import annotations

import random
from collections.abc import Callable

from engine.errors import BackendError

_FIRST_DELAY = 0.5
_LONGEST_DELAY = 30.0
_PERMANENT_DELAY = 60.0
"""Seconds between tries when the cause will not go away by itself: an image without Python."""
_OPEN_AFTER = 3


class CreationBreaker:
    """Counts failures without a success between them. Belongs to the pool's lock."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._retry_at = 0.0
        self.cause: BaseException | None = None
        """The latest failure; None after a success."""

    @property
    def is_open(self) -> bool:
        """Whether callers should be told the cause at once instead of waiting."""
        permanent = isinstance(self.cause, BackendError) and self.cause.permanent
        return self.cause is not None and (permanent or self._failures >= _OPEN_AFTER)

    @property
    def retry_in(self) -> float:
        """Seconds until creation may be tried; 0 if it may be tried now."""
        return max(0.0, self._retry_at - self._clock()) if self.cause is not None else 0.0

    def succeeded(self) -> bool:
        """Note a success; return whether the breaker was open."""
        was_open = self.is_open
        self._failures, self._retry_at, self.cause = 0, 0.0, None
        return was_open

    def failed(self, cause: BaseException) -> bool:
        """Note a failure; return whether this opened the breaker.

        The delay doubles, with jitter, so that pools on one engine do not try in step. Failures
        of creations that began together count once.
        """
        was_open = self.is_open
        if self.cause is None or self.retry_in == 0.0:
            self._failures += 1
        self.cause = cause
        if isinstance(cause, BackendError) and cause.permanent:
            delay = _PERMANENT_DELAY
        else:
            delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2 ** (self._failures - 1)) * random.uniform(0.8, 1.2)
        self._retry_at = self._clock() + delay
        return self.is_open and not was_open

    def forget(self) -> None:
        """Let the next creation be tried at once: an operator asked for it."""
        self._retry_at = 0.0
