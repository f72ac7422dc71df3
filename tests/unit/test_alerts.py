"""The alert rules, and their hysteresis."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.alerts import AlertBoard
from engine.metrics import Percentiles
from engine.stats import PoolSnapshot
from tests.pool.manual import ManualPool


@pytest.fixture
def quiet() -> PoolSnapshot:
    manual = ManualPool(initial_size=1, max_size=1, min_size=0)
    manual.settle()
    snapshot = replace(manual.pool.snapshot(), taken_at=1000.0)
    manual.close()
    return snapshot


def busy(snapshot: PoolSnapshot) -> PoolSnapshot:
    from engine.container import ContainerState

    return replace(snapshot, containers=tuple(replace(c, state=ContainerState.IN_USE) for c in snapshot.containers))


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("health_check_failures", {"health_failure_rate": 0.06}, "6% of health checks failed"),
        ("slow_acquisition", {"acquire": Percentiles(10, 0.1, 0.5, 1.5, 1.5)}, "1.5 s"),
        ("reset_failures", {"reset_failure_rate": 0.02}, "2.0% of resets failed"),
        ("creation_failing", {"creation_error": "no engine"}, "no engine"),
        ("unisolated", {"isolated": False}, "UNISOLATED"),
    ],
)
def test_each_rule_raises_with_its_figure(quiet: PoolSnapshot, name: str, change: dict[str, object], said: str) -> None:
    board = AlertBoard()
    assert board.evaluate(quiet) == ([], [])
    (alert,), _ = board.evaluate(replace(quiet, **change))  # type: ignore[arg-type]
    assert (alert.name, said in alert.message, bool(alert.action)) == (name, True, True)


def test_exhaustion_must_last_before_it_is_raised(quiet: PoolSnapshot) -> None:
    board = AlertBoard()
    full = busy(quiet)
    assert board.evaluate(full) == ([], [])
    assert board.evaluate(replace(quiet, taken_at=1001.0)) == ([], [])
    assert board.evaluate(replace(full, taken_at=1002.0)) == ([], [])
    (alert,), _ = board.evaluate(replace(full, taken_at=1004.0))
    assert "1 in use of at most 1" in alert.message


def test_alert_clears_only_after_a_quiet_time(quiet: PoolSnapshot) -> None:
    board = AlertBoard()
    board.evaluate(replace(quiet, creation_error="x"))
    assert board.evaluate(replace(quiet, taken_at=1005.0)) == ([], [])
    assert board.evaluate(replace(quiet, taken_at=1008.0, creation_error="x")) == ([], [])
    assert board.evaluate(replace(quiet, taken_at=1012.0)) == ([], [])
    _, (cleared,) = board.evaluate(replace(quiet, taken_at=1022.0))
    assert (cleared.name, cleared.since) == ("creation_failing", 1000.0)
