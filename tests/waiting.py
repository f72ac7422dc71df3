"""Waiting for something to come true, by looking again; for what gives no event of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic


def eventually(condition: Callable[[], object], timeout: float = 10.0) -> None:
    """Return once `condition` is true.

    Raises:
        AssertionError: if it is not in `timeout` seconds.
    """
    deadline = monotonic() + timeout
    pause = threading.Event()
    while not condition():
        assert monotonic() < deadline, "it did not come true in time"
        pause.wait(0.01)
