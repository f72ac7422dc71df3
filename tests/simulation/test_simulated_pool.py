"""The simulated pool: seeded, and steered like a real one."""

from __future__ import annotations

from collections import Counter

import pytest

from engine.container import ContainerState
from engine.control import PoolControl
from engine.errors import PoolClosed, PoolDraining
from engine.metrics import Window
from engine.simulation import Scenario, SimulatedPool
from engine.stats import PoolPhase

_S = ContainerState


class Simulation:
    """A simulated pool and the clock that moves it."""

    def __init__(self, **scenario: object) -> None:
        self.now = 0.0
        self.pool = SimulatedPool(
            Scenario(**scenario),  # type: ignore[arg-type]
            clock=lambda: self.now,
            epoch=1e9,
            pause=self.advance,
        )

    def advance(self, seconds: float) -> None:
        self.now += seconds


def test_it_is_what_a_console_needs() -> None:
    pool: PoolControl = Simulation().pool
    assert pool.snapshot().total == 10


def test_same_seed_same_history() -> None:
    runs = [Simulation(seed=3), Simulation(seed=3), Simulation(seed=4)]
    for each in runs:
        each.advance(60)
    first, second, other = (each.pool.snapshot() for each in runs)
    assert first == second
    assert first != other


def test_load_keeps_it_busy_and_everything_is_counted() -> None:
    simulation = Simulation()
    names: Counter[str] = Counter()
    simulation.pool.subscribe(lambda event: names.update([event.name]))
    simulation.advance(120)
    snapshot = simulation.pool.snapshot()
    assert snapshot.in_use > 0
    assert names["container_executed"] == snapshot.counters.executions > 500
    assert simulation.pool.metrics(Window.FIVE_MINUTES).run.count == snapshot.counters.executions
    assert snapshot.counters.created - snapshot.counters.destroyed <= snapshot.total <= snapshot.max_size


def test_exhaustion_raises_the_same_alert_as_on_a_real_pool() -> None:
    simulation = Simulation(arrivals=60.0, swing=0.0, max_size=8)
    for _ in range(10):
        simulation.advance(1)
        simulation.pool.snapshot()
    assert "pool_exhausted" in [alert.name for alert in simulation.pool.snapshot().alerts]


def test_drain_empties_it_and_resume_fills_it() -> None:
    simulation = Simulation()
    simulation.advance(10)
    assert simulation.pool.drain(60)
    assert simulation.pool.snapshot().phase is PoolPhase.DRAINED
    with pytest.raises(PoolDraining):
        simulation.pool.execute("print(1)")
    simulation.pool.resume()
    simulation.advance(2)
    assert simulation.pool.snapshot().total >= 6


def test_dead_containers_can_be_inspected() -> None:
    simulation = Simulation(deaths=0.2)
    simulation.advance(30)
    death = simulation.pool.snapshot().dead[0]
    assert death.reason == "died: out of memory"
    assert simulation.pool.inspect(death.short_id).death == death


def test_reset_check_and_replace_move_the_container() -> None:
    simulation = Simulation(arrivals=0.01)
    simulation.advance(0.7)
    first, second, third, *_ = (container.id for container in simulation.pool.snapshot().containers)
    assert simulation.pool.reset(first).clean
    assert simulation.pool.check(second).healthy
    simulation.pool.replace(third)
    states = {container.id: container.state for container in simulation.pool.snapshot().containers}
    assert (states[first], states[second], states[third]) == (_S.RESETTING, _S.CHECKING, _S.DESTROYING)
    simulation.advance(1.5)
    states = {container.id: container.state for container in simulation.pool.snapshot().containers}
    assert (states[first], states[second], third in states) == (_S.AVAILABLE, _S.AVAILABLE, False)


def test_execute_prints_what_stands_there_and_runs_nothing() -> None:
    simulation = Simulation(arrivals=0.01)
    simulation.advance(1)
    assert simulation.pool.execute("print('a', 1)\nprint(2)").stdout == "a 1\n2\n"
    assert "no code is run" in simulation.pool.execute("open('/etc/passwd').read()").stdout


def test_shutdown_leaves_nothing_and_refuses_everybody() -> None:
    simulation = Simulation()
    simulation.advance(10)
    simulation.pool.shutdown()
    assert simulation.pool.snapshot().total == 0
    with pytest.raises(PoolClosed):
        simulation.pool.resume()
