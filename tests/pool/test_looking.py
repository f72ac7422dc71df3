"""What a console can learn of a pool, and the operator's acts that came with it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from engine.container import ContainerState
from engine.control import PoolControl
from engine.errors import PoolError, UnknownContainer
from engine.metrics import Kind, Levels, Recorder, Window
from tests.pool.manual import Clock, ManualPool
from tests.waiting import eventually

_S = ContainerState


@pytest.fixture
def make() -> Iterator[Any]:
    """Return a maker of settled pools that are shut down in the end."""
    made: list[ManualPool] = []

    def maker(**settings: Any) -> ManualPool:
        manual = ManualPool(**{"initial_size": 1, "min_size": 1, "max_size": 2, **settings})
        made.append(manual)
        manual.settle()
        return manual

    yield maker
    for manual in made:
        manual.close()


def test_pool_is_what_a_console_needs(make):
    pool: PoolControl = make().pool
    assert pool.snapshot().available == 1


# History.


def test_history_tells_runs_scrubs_checks_and_states_of_a_container(make):
    manual = make()
    with manual.take() as lease:
        lease.run("first line\nsecond line")
        lease.run("again")
    manual.settle()
    manual.pool.check(lease.id)
    detail = manual.pool.inspect(lease.id[:12])
    assert [(run.code, run.outcome) for run in detail.runs] == [("first line", "ok"), ("again", "ok")]
    assert [(reset.clean, dict(reset.steps)) for reset in detail.resets] == [(True, {"kill": 0.0})]
    assert [check.healthy for check in detail.checks] == [True]
    assert [change.state for change in detail.states] == [
        *(_S.STARTING, _S.AVAILABLE, _S.IN_USE, _S.RESETTING, _S.AVAILABLE, _S.CHECKING, _S.AVAILABLE)
    ]
    assert detail.death is None
    (snapshot,) = manual.pool.snapshot().containers
    assert (snapshot.healthy, snapshot.p95_run) == (True, 0.0)


def test_wait_belongs_to_the_first_run_of_a_lease(make):
    manual = make(max_size=1)
    held = manual.take()
    late: list[Any] = []
    thread = threading.Thread(target=lambda: late.append(manual.take(5)))
    thread.start()
    eventually(lambda: manual.pool.snapshot().waiting)
    manual.clock.now += 3
    held.release()
    manual.settle()
    thread.join(5)
    late[0].run("a")
    late[0].run("b")
    assert [run.timing.wait for run in manual.pool.inspect(held.id).runs] == [3, 0]


def test_dead_container_is_remembered_with_why(make):
    manual = make()
    victim = next(iter(manual.backend.containers))
    manual.backend.kill(victim)
    manual.settle()
    (death,) = manual.pool.snapshot().dead
    assert (death.id, death.reason, death.expected) == (victim, "died: exit code 137", False)
    detail = manual.pool.inspect(victim[:12])
    assert detail.death == death
    assert [change.state for change in detail.states][-3:] == [_S.UNHEALTHY, _S.DESTROYING, _S.GONE]


def test_retired_container_is_told_from_one_that_failed(make):
    manual = make()
    manual.pool.replace(next(iter(manual.backend.containers)))
    manual.settle()
    (death,) = manual.pool.snapshot().dead
    assert (death.reason, death.expected) == ("replaced on request", True)


def test_graves_are_bounded(make):
    manual = make()
    for _ in range(60):
        manual.pool.replace(next(iter(manual.backend.containers)))
        manual.settle()
    assert len(manual.pool.snapshot().dead) == 50


def test_unknown_container_cannot_be_inspected(make):
    with pytest.raises(UnknownContainer):
        make().pool.inspect("ffff")


# An operator's acts.


def test_reset_on_request_scrubs_and_puts_back(make):
    manual = make()
    name = next(iter(manual.backend.containers))
    assert manual.pool.reset(name[:12]).clean
    (container,) = manual.pool.snapshot().containers
    assert (container.state, container.reset_count) == (_S.AVAILABLE, 1)


def test_reset_on_request_replaces_what_is_not_clean(make):
    manual = make()
    name = next(iter(manual.backend.containers))
    manual.backend.containers[name].dirty = True
    assert not manual.pool.reset(name).clean
    manual.settle()
    assert name not in manual.backend.containers
    assert manual.pool.snapshot().available == 1


def test_reset_refuses_what_is_in_use(make):
    manual = make()
    lease = manual.take()
    with pytest.raises(PoolError, match=r"is in use \(only an available one is reset\)"):
        manual.pool.reset(lease.id)


def test_cancel_never_reaches_the_next_execution_in_the_same_container(make):
    manual = make(max_size=1)
    ids: list[str] = []
    manual.pool.execute("x", on_start=ids.append)
    manual.settle()
    second = manual.take()
    assert ids[0].startswith(second.id)
    assert not manual.pool.cancel(ids[0])
    assert manual.pool.cancel(f"{second.id}/{second.token}")
    assert not manual.pool.cancel("nonsense")


def test_drain_says_how_many_there_were_when_it_began(make):
    manual = make(initial_size=3, max_size=3)
    lease = manual.take()
    manual.pool.drain(0)
    manual.settle()
    snapshot = manual.pool.snapshot()
    assert (snapshot.total, snapshot.leaving_from) == (1, 3)
    manual.pool.resume()
    assert manual.pool.snapshot().leaving_from == 0
    lease.release()


def test_containers_in_use_are_asked_for_their_figures_and_others_are_left_alone(make):
    manual = make(initial_size=2)
    lease = manual.take()
    asked: list[str] = []
    for container in manual.pool.roster:
        container.agent().request_gauges = lambda name=container.id: asked.append(name)
    manual.pool.upkeep.idle_pass()
    assert asked == [lease.id]


# Figures over time.


def test_percentiles_are_right_to_four_per_cent():
    recorder = Recorder(Clock())
    for number in range(1, 1001):
        recorder.took(Kind.RUN, number / 1000)
    found = recorder.recording(Window.MINUTE).percentiles(Kind.RUN)
    assert found.count == 1000
    assert found.maximum == 1.0
    for share, value in ((0.5, found.p50), (0.95, found.p95), (0.99, found.p99)):
        assert value == pytest.approx(share, rel=0.04)


def test_what_is_older_than_the_window_does_not_count():
    clock = Clock()
    recorder = Recorder(clock)
    recorder.took(Kind.ACQUIRE, 5.0)
    clock.now += 90
    recorder.took(Kind.ACQUIRE, 0.001)
    assert recorder.recording(Window.MINUTE).percentiles(Kind.ACQUIRE).maximum == 0.001
    assert recorder.recording(Window.FIVE_MINUTES).percentiles(Kind.ACQUIRE).maximum == 5.0


def test_points_lead_from_the_oldest_to_the_latest_complete_slice():
    clock = Clock()
    recorder = Recorder(clock)
    for _ in range(30):
        recorder.took(Kind.RUN, 0.01)
    recorder.level(Levels(in_use=3, size=4, waiting=2))
    recorder.level(Levels(in_use=1, size=4, waiting=0))
    clock.now += 5
    points = recorder.recording(Window.MINUTE).metrics().points
    assert len(points) == 60
    assert [point.executions_per_second for point in points[-6:]] == [0, 30, 0, 0, 0, 0]
    assert points[-5].levels == Levels(3, 4, 2), "the most there was in that second"
    assert points[-1].levels == Levels(1, 4, 0), "levels stay while nothing happens"


def test_warm_share_counts_leases_that_did_not_wait(make):
    manual = make(max_size=1)
    assert manual.pool.metrics(Window.MINUTE).warm is None
    manual.take().release()
    manual.settle()
    assert manual.pool.metrics(Window.MINUTE).warm == 1.0


def test_rate_of_a_young_pool_is_not_diluted(make):
    manual = make()
    for _ in range(4):
        manual.pool.execute("x")
        manual.settle()
    manual.clock.now += 2
    assert manual.pool.snapshot().executions_per_second == 2.0


def test_container_being_destroyed_is_counted_but_not_live(make):
    manual = make(initial_size=2)
    manual.pool.replace(next(iter(manual.backend.containers)))
    snapshot = manual.pool.snapshot()
    assert (snapshot.total, snapshot.live) == (2, 1)
