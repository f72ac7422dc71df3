"""The two background threads: one for health, one for idle and lifetime.

They hold the pool weakly: a pool that is dropped without shutdown ends its threads.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.pool import ContainerPool

_IDLE_PERIOD = 1.0


class PeriodicThread:
    """Makes one pass after the other, `period` seconds apart, and survives any exception."""

    def __init__(
        self, pool: ContainerPool, name: str, period: float, one_pass: Callable[[ContainerPool], None]
    ) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=_repeat,
            args=(weakref.ref(pool), self._stop, period, one_pass),
            name=f"pool-{pool.id}-{name}",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        """Begin no further pass."""
        self._stop.set()

    def join(self, timeout: float) -> None:
        """Wait for the end of the pass that is on."""
        if self._thread is not threading.current_thread():
            self._thread.join(timeout)


def _repeat(
    reference: weakref.ref[ContainerPool],
    stop: threading.Event,
    period: float,
    one_pass: Callable[[ContainerPool], None],
) -> None:
    while not stop.wait(period):
        pool = reference()
        if pool is None:
            return
        try:
            one_pass(pool)
        except Exception as error:
            pool.note_failure(threading.current_thread().name, error)
        del pool  # while it waits, the thread must not keep the pool alive


def health_thread(pool: ContainerPool) -> PeriodicThread:
    """Start the thread that checks available containers."""
    return PeriodicThread(pool, "health", pool.config.health_check_interval, lambda pool: pool.upkeep.health_pass())


def idle_thread(pool: ContainerPool) -> PeriodicThread:
    """Start the thread that retires, reclaims, retries and alerts."""
    return PeriodicThread(pool, "idle", _IDLE_PERIOD, lambda pool: pool.upkeep.idle_pass())
