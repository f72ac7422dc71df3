"""Latency windows."""

from __future__ import annotations

from engine.stats import LatencyWindow
from tests.pool.manual import Clock


def test_looking_at_a_short_window_forgets_nothing_of_the_long_one() -> None:
    clock = Clock()
    window = LatencyWindow(clock)
    window.add(1.0)
    clock.now += 60
    window.add(2.0)
    assert window.samples(10.0) == [2.0]
    assert window.samples() == [1.0, 2.0]
    clock.now += 250
    assert window.samples() == [2.0]
