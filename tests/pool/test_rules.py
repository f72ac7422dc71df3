"""The pool's rules, each on a pool whose jobs run when the test says so."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from engine import events
from engine.container import ContainerState, IllegalMove
from engine.errors import (
    BackendUnavailable,
    ConfigError,
    CreationFailed,
    ImageUnusable,
    LeaseExpired,
    PoolClosed,
    PoolDraining,
    PoolError,
    PoolSaturated,
    PoolTimeout,
    RequestError,
    UnknownContainer,
)
from engine.execution import ExecutionRequest, Outcome
from engine.stats import PoolPhase
from tests.pool.manual import ManualPool
from tests.waiting import eventually

_S = ContainerState


@pytest.fixture
def make() -> Iterator[Any]:
    """Return a maker of settled pools that are shut down in the end."""
    made: list[ManualPool] = []

    def maker(settle: bool = True, **settings: Any) -> ManualPool:
        manual = ManualPool(**{"initial_size": 1, "min_size": 0, "max_size": 2, **settings})
        made.append(manual)
        if settle:
            manual.settle()
        return manual

    yield maker
    for manual in made:
        manual.close()
        assert not manual.backend.containers, "containers are left after shutdown"


class Caller:
    """Somebody who waits for a container in a thread of their own."""

    def __init__(self, manual: ManualPool, timeout: float = 10.0) -> None:
        self.lease: Any = None
        self.error: Exception | None = None
        waiting = manual.pool.snapshot().waiting
        self._thread = threading.Thread(target=self._ask, args=(manual, timeout))
        self._thread.start()
        eventually(lambda: manual.pool.snapshot().waiting > waiting or not self._thread.is_alive())

    def _ask(self, manual: ManualPool, timeout: float) -> None:
        try:
            self.lease = manual.take(timeout)
        except PoolError as error:
            self.error = error

    def join(self) -> Caller:
        self._thread.join(10)
        assert not self._thread.is_alive()
        return self


def test_initial_size_is_made_and_announced_once(make):
    manual = make(settle=False, initial_size=2)
    seen = []
    manual.pool.subscribe(seen.append)
    assert len(manual.makers.jobs) == 2
    manual.settle()
    manual.pool.wait(0)
    assert manual.pool.snapshot().available == 2
    assert manual.pool.events.flush(5)
    initialized = [event for event in seen if event.name == events.POOL_INITIALIZED]
    assert [event.data["available_containers"] for event in initialized] == [2]


def test_statistics_document_has_the_promised_keys(make):
    stats = make().pool.get_stats()
    assert stats.keys() >= {
        "pool_enabled", "pool_id", "available_containers", "in_use_containers", "total_containers", "max_size",
        "min_size", "total_created", "total_destroyed", "total_executions", "total_resets",
        "health_check_failures", "containers", "timestamp",
    }  # fmt: skip
    assert stats["starting_containers"] == stats["resetting_containers"] == stats["subscriber_failures"] == 0
    assert stats["latency_s"]["creation"].keys() == {"count", "p50", "p95", "p99", "maximum"}
    assert stats["latency_s"]["creation"]["count"] == 1
    assert stats["containers"][0].keys() == {
        "id", "status", "created_at", "last_used_at", "execution_count", "reset_count", "health_check_failures",
    }  # fmt: skip


def test_pool_is_initialised_with_what_was_made_though_a_caller_has_it_already(make):
    manual = make(settle=False, initial_size=2)
    seen = []
    manual.pool.subscribe(seen.append)
    caller = Caller(manual)
    manual.settle()
    assert caller.join().lease is not None
    assert manual.pool.events.flush(5)
    initialized = [event for event in seen if event.name == events.POOL_INITIALIZED]
    assert [event.data["available_containers"] for event in initialized] == [2]


def test_container_has_one_id_wherever_it_is_named(make):
    manual = make()
    result = manual.pool.execute("x")
    assert [entry["id"] for entry in manual.pool.get_stats()["containers"]] == [result.container_id]


def test_what_is_no_request_and_no_subscriber_is_refused(make):
    manual = make()
    with pytest.raises(RequestError, match="code is None"):
        manual.take().run(None)
    with pytest.raises(RequestError, match="subscriber 5 cannot be called"):
        manual.pool.subscribe(5)


def test_failing_subscriber_is_counted_and_told_once(make):
    manual = make()
    seen = []

    def fail(event):
        seen.append(event)
        raise RuntimeError("mine")

    manual.pool.subscribe(fail)
    manual.pool.resize(0, 3)
    eventually(lambda: len(seen) == 2)
    assert manual.pool.events.flush(5)
    assert [event.name for event in seen] == [events.POOL_RESIZED, events.MAINTENANCE_FAILED]
    assert "mine" in seen[1].data["error"]
    stats = manual.pool.get_stats()
    assert (stats["subscriber_failures"], stats["maintenance_failures"], stats["events_dropped"]) == (2, 1, 0)


@pytest.mark.parametrize("bounds", [{"min_size": "a"}, {"max_size": 10**6}, {"max_size": 1.5}, {"min_size": True}])
def test_resize_takes_only_what_the_settings_take(make, bounds):
    manual = make()
    with pytest.raises(ConfigError, match="must be"):
        manual.pool.resize(**bounds)
    assert (manual.pool.snapshot().min_size, manual.pool.snapshot().max_size) == (0, 2)


def test_resize_of_a_pool_that_is_shut_down_is_refused(make):
    manual = make()
    manual.close()
    with pytest.raises(PoolClosed):
        manual.pool.resize(1, 2)


def test_returned_container_is_scrubbed_before_anyone_gets_it(make):
    manual = make(max_size=1)
    lease = manual.take()
    lease.run("x")
    lease.release()
    assert manual.pool.snapshot().count(_S.RESETTING) == 1
    with pytest.raises(PoolTimeout):
        manual.take(0)
    manual.scrubbers.run_all()
    assert manual.take(0).run("y").stdout == "y"
    assert next(iter(manual.backend.containers.values())).tenants == 1


def test_second_return_is_refused_and_changes_nothing(make):
    manual = make(max_size=1)
    lease = manual.take()
    lease.release()
    manual.settle()
    other = manual.take()
    with pytest.raises(LeaseExpired):
        manual.pool.return_container(lease)
    assert other.active
    assert manual.pool.snapshot().in_use == 1


def test_stale_lease_runs_nothing(make):
    manual = make(max_size=1)
    lease = manual.take()
    lease.release()
    manual.settle()
    other = manual.take()
    with pytest.raises(LeaseExpired):
        lease.run("stolen")
    assert other.run("mine").stdout == "mine"


def test_cancel_before_the_first_program_is_kept_for_it(make):
    lease = make().take()
    lease.cancel()
    assert (lease.run("x").outcome, lease.run("y").outcome) == (Outcome.CANCELLED, Outcome.OK)


def test_cancel_while_a_program_is_being_started_is_not_lost(make, monkeypatch):
    manual = make()
    lease = manual.take()
    lease.run("x")
    monkeypatch.setattr(manual.pool, "note_run_started", lambda *_: lease.cancel())
    assert lease.run("y").outcome is Outcome.CANCELLED


def test_cancel_between_two_programs_changes_nothing(make):
    lease = make().take()
    lease.run("x")
    lease.cancel()
    assert lease.run("y").outcome is Outcome.OK


def test_cancel_of_a_lease_that_is_over_is_refused(make):
    lease = make().take()
    lease.release()
    with pytest.raises(LeaseExpired):
        lease.cancel()


def test_waiters_are_served_in_the_order_they_came(make):
    manual = make(max_size=1)
    lease = manual.take()
    callers = [Caller(manual) for _ in range(3)]
    for caller in callers:
        assert all(other.lease is None for other in callers[callers.index(caller) :])
        lease.release()
        manual.settle()
        lease = caller.join().lease
    lease.release()


def test_lazy_creation_up_to_max_size_when_all_are_taken(make):
    manual = make(max_size=2)
    first = manual.take()
    caller = Caller(manual)
    assert len(manual.makers.jobs) == 1
    manual.makers.run()
    assert caller.join().lease.id != first.id
    third = Caller(manual, timeout=0.05)
    assert not manual.makers.jobs
    assert isinstance(third.join().error, PoolTimeout)


def test_creation_is_abandoned_when_the_need_is_gone(make):
    manual = make(max_size=2)
    first = manual.take()
    caller = Caller(manual)
    first.release()
    manual.scrubbers.run_all()
    assert caller.join().lease is not None
    caller.lease.release()
    manual.scrubbers.run_all()
    manual.makers.run_all()
    assert manual.pool.counters.created == 1


def test_burst_of_callers_does_not_overshoot_max_size(make):
    manual = make(max_size=3)
    callers = [Caller(manual) for _ in range(8)]
    manual.settle()
    assert len(manual.backend.containers) == 3
    for caller in callers:
        caller.join().lease.release()
        manual.settle()
    assert manual.backend.most == 3


def test_timed_out_waiter_does_not_swallow_container(make):
    manual = make(max_size=1)
    lease = manual.take()
    late = Caller(manual, timeout=0.01).join()
    assert isinstance(late.error, PoolTimeout)
    assert manual.pool.snapshot().waiting == 0
    lease.release()
    manual.settle()
    assert manual.pool.snapshot().available == 1


def test_interrupted_waiter_passes_on_what_it_was_given(make, monkeypatch):
    manual = make(max_size=1)
    lease = manual.take()

    def interrupted(self: threading.Event, timeout: float | None = None) -> bool:
        monkeypatch.undo()
        lease.release()
        manual.settle()  # hands the container over in the very instant of the interrupt
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Event, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        manual.take(5)
    manual.settle()
    assert manual.pool.snapshot().available == 1
    assert manual.pool.snapshot().waiting == 0


def test_timeout_message_says_what_the_pool_held(make):
    manual = make(max_size=1)
    manual.take()
    with pytest.raises(PoolTimeout, match=r"1 in use of at most 1, 0 others wait"):
        manual.take(0)


def test_max_waiting_refuses_at_once(make):
    manual = make(max_size=1, max_waiting=1)
    lease = manual.take()
    caller = Caller(manual)
    with pytest.raises(PoolSaturated):
        manual.take(5)
    lease.release()
    manual.settle()
    caller.join().lease.release()


def test_retiring_return_still_serves_the_waiter(make):
    manual = make(max_size=1, max_uses=1)
    lease = manual.take()
    caller = Caller(manual)
    lease.release()
    manual.settle()
    assert caller.join().lease.id != lease.id


def test_reuse_never_gives_each_lease_a_container_of_its_own(make):
    manual = make(max_size=1, reuse="never")
    ids = set()
    for _ in range(3):
        caller = Caller(manual)
        manual.settle()
        ids.add(caller.join().lease.id)
        caller.lease.release()
        manual.settle()
    assert len(ids) == 3
    assert manual.pool.counters.resets == 0


def test_dirty_container_is_quarantined_and_replaced(make):
    manual = make(max_size=1, min_size=1)
    lease = manual.take()
    manual.backend.containers[lease.id].dirty = True
    seen = []
    manual.pool.subscribe(seen.append)
    lease.release()
    manual.settle()
    assert manual.pool.snapshot().available == 1
    assert lease.id not in manual.backend.containers
    assert manual.pool.events.flush(5)
    reasons = [event.data["reason"] for event in seen if event.name == events.QUARANTINED]
    assert reasons == ["not verified clean: verify: told so"]
    assert manual.pool.counters.reset_failures == 1


def test_spare_containers_are_made_ahead_of_demand(make):
    manual = make(initial_size=2, max_size=4, spare=2)
    manual.take()
    manual.settle()
    assert manual.pool.snapshot().available == 2


def test_idle_containers_beyond_min_size_are_retired(make):
    manual = make(initial_size=3, min_size=1, max_size=3, idle_timeout=60)
    manual.clock.now += 61
    manual.pool.upkeep.idle_pass()
    manual.settle()
    assert manual.pool.snapshot().total == 1


def test_old_containers_are_replaced_at_different_times(make):
    manual = make(initial_size=20, min_size=20, max_size=20, max_lifetime=1000, idle_timeout=1e6)
    manual.clock.now += 1000
    manual.pool.upkeep.idle_pass()
    manual.settle()
    assert 20 < manual.pool.counters.created < 40
    assert manual.pool.snapshot().available == 20


def test_health_pass_never_looks_at_a_container_in_use(make):
    manual = make(initial_size=2, max_size=2)
    lease = manual.take()
    manual.backend.containers[lease.id].unhealthy = True
    manual.pool.upkeep.health_pass()
    assert manual.pool.counters.health_checks == 1
    assert lease.run("x").success


def test_nobody_is_given_a_container_that_is_being_checked(make):
    manual = make(initial_size=1, max_size=1)
    container = next(iter(manual.pool.roster))
    with manual.pool.lock:
        manual.pool.set_aside_locked(container)
    caller = Caller(manual)
    assert caller.lease is None
    assert manual.pool.finish_check(container).healthy
    assert caller.join().lease.id == container.id


def test_unhealthy_container_is_replaced(make):
    manual = make(initial_size=1, min_size=1, max_size=1)
    sick = next(iter(manual.backend.containers))
    manual.backend.containers[sick].unhealthy = True
    report = manual.pool.check(sick[:12])
    assert (report.healthy, report.reason) == (False, "the root can be written to")
    manual.settle()
    assert sick not in manual.backend.containers
    assert manual.pool.snapshot().available == 1


def test_container_is_found_by_its_whole_id_or_an_unambiguous_beginning(make):
    manual = make(settle=False, initial_size=12, max_size=12)
    assert manual.pool.roster.find("starting-1").id == "starting-1", "although starting-10 begins so too"
    assert manual.pool.roster.find("starting-12").id == "starting-12"
    with pytest.raises(UnknownContainer, match="12 containers' ids begin"):
        manual.pool.roster.find("start")


def test_check_refuses_what_is_in_use_or_unknown(make):
    manual = make()
    lease = manual.take()
    with pytest.raises(PoolError, match="is in use"):
        manual.pool.check(lease.id)
    with pytest.raises(UnknownContainer):
        manual.pool.check("ffff")


def test_dead_idle_container_is_replaced_at_once(make):
    manual = make(initial_size=1, min_size=1, max_size=1)
    victim = next(iter(manual.backend.containers))
    manual.backend.kill(victim)
    manual.settle()
    assert manual.pool.snapshot().available == 1
    assert manual.pool.counters.deaths == 1


def test_container_that_dies_in_use_gives_a_typed_result(make):
    manual = make(initial_size=1, min_size=1, max_size=1)
    lease = manual.take()
    manual.backend.kill(lease.id)
    result = lease.run("x")
    assert result.outcome == "infrastructure"
    assert "exit code 137" in result.reason
    lease.release()
    manual.settle()
    assert manual.pool.snapshot().available == 1


def test_lease_held_too_long_is_reclaimed_with_where_it_was_taken(make):
    manual = make(initial_size=1, min_size=1, max_size=1, lease_timeout=60)
    seen = []
    manual.pool.subscribe(seen.append)
    lease = manual.take()
    manual.clock.now += 61
    manual.pool.upkeep.idle_pass()
    manual.settle()
    assert not lease.active
    with pytest.raises(LeaseExpired):
        lease.release()
    assert manual.pool.snapshot().available == 1
    assert manual.pool.events.flush(5)
    expired = next(event for event in seen if event.name == events.LEASE_EXPIRED)
    assert "test_lease_held_too_long" in expired.data["taken_by"]


def test_dropped_lease_warns_and_is_reclaimed(make):
    manual = make(initial_size=1, min_size=1, max_size=1)
    lease = manual.pool.get_container()
    with pytest.warns(ResourceWarning, match="was never returned"):
        del lease
    eventually(lambda: manual.pool.snapshot().in_use == 0)
    manual.settle()
    assert manual.pool.snapshot().available == 1


def test_creation_failures_back_off_and_waiters_get_the_cause(make):
    manual = make(settle=False, max_size=2)
    cause = BackendUnavailable("no engine")

    def fail() -> None:
        raise cause

    manual.backend.before_create = fail
    manual.settle()
    assert manual.pool.counters.creation_failures == 1
    caller = Caller(manual)
    for _ in range(2):
        assert not manual.makers.jobs, "creation is not tried again before its time"
        manual.clock.now += 60
        manual.pool.upkeep.idle_pass()
        manual.settle()
    error = caller.join().error
    assert isinstance(error, CreationFailed)
    assert error.__cause__ is cause
    with pytest.raises(CreationFailed):
        manual.take(5)


def test_pool_heals_when_the_engine_comes_back(make):
    manual = make(settle=False, initial_size=2, min_size=2)

    def fail() -> None:
        raise BackendUnavailable("no engine")

    manual.backend.before_create = fail
    manual.settle()
    manual.backend.before_create = lambda: None
    manual.clock.now += 60
    manual.pool.upkeep.idle_pass()
    manual.settle()
    assert manual.pool.snapshot().available == 2
    assert manual.pool.snapshot().creation_error == ""


def test_permanent_failure_is_told_at_once_and_not_repeated(make):
    manual = make(settle=False, initial_size=3, max_size=3)
    tries = []

    def fail() -> None:
        tries.append(1)
        raise ImageUnusable("image x has no python3")

    manual.backend.before_create = fail
    manual.makers.run()
    manual.makers.run_all()
    with pytest.raises(CreationFailed, match="has no python3"):
        manual.pool.wait(0)
    for _ in range(10):
        manual.clock.now += 1
        manual.pool.upkeep.idle_pass()
        manual.settle()
    assert len(tries) == 3, "only the creations that had begun together"


def test_engine_lost_while_destroying_is_tried_again(make):
    manual = make(initial_size=1, max_size=1)
    lease = manual.take()

    def fail() -> None:
        raise BackendUnavailable("no engine")

    manual.backend.before_destroy = fail
    manual.pool.replace(lease.id)
    lease.release()
    manual.makers.run_all()
    assert lease.id in manual.backend.containers
    manual.backend.before_destroy = lambda: None
    manual.pool.upkeep.idle_pass()
    assert lease.id not in manual.backend.containers


def test_resize_grows_and_shrinks_live(make):
    manual = make(initial_size=2, min_size=2, max_size=4)
    manual.pool.resize(min_size=4, max_size=4)
    manual.settle()
    assert manual.pool.snapshot().total == 4
    leases = [manual.take() for _ in range(3)]
    manual.pool.resize(min_size=1, max_size=2)
    manual.settle()
    assert manual.pool.snapshot().total == 3, "what is in use stays until it is returned"
    for lease in leases:
        lease.release()
        manual.settle()
    assert manual.pool.snapshot().total == 2


def test_grown_then_resized_to_its_size_makes_no_more(make):
    manual = make(initial_size=4, min_size=4, max_size=4)
    manual.pool.resize(4, 4)
    manual.settle()
    assert manual.pool.counters.created == 4


def test_resize_refuses_bounds_that_do_not_agree(make):
    manual = make()
    with pytest.raises(ConfigError):
        manual.pool.resize(min_size=3, max_size=2)
    with pytest.raises(ConfigError):
        manual.pool.resize(max_size=0)
    assert (manual.pool.snapshot().min_size, manual.pool.snapshot().max_size) == (0, 2)


def test_drain_lets_those_in_use_finish_and_refuses_others(make):
    manual = make(initial_size=2, max_size=2)
    lease = manual.take()
    assert manual.pool.drain(0) is False
    manual.settle()
    with pytest.raises(PoolDraining):
        manual.take(0)
    assert lease.run("still").success
    lease.release()
    manual.settle()
    assert manual.pool.drain(0) is True
    assert manual.pool.snapshot().phase is PoolPhase.DRAINED
    assert not manual.backend.containers


def test_drain_tells_those_who_wait(make):
    manual = make(max_size=1)
    lease = manual.take()
    caller = Caller(manual)
    manual.pool.drain(0)
    assert isinstance(caller.join().error, PoolDraining)
    lease.release()


def test_creation_in_flight_at_a_drain_does_not_join_the_pool(make):
    manual = make(settle=False, initial_size=1, max_size=1)
    drained = []
    manual.backend.before_create = lambda: drained.append(manual.pool.drain(0))
    manual.makers.run()
    manual.settle()
    assert not manual.backend.containers
    assert manual.pool.snapshot().phase is PoolPhase.DRAINED


def test_creation_from_before_a_drain_does_not_join_the_resumed_pool(make):
    manual = make(settle=False, initial_size=1, max_size=1, min_size=1)

    def drain_and_resume() -> None:
        manual.backend.before_create = lambda: None
        manual.pool.drain(0)
        manual.pool.resume()

    manual.backend.before_create = drain_and_resume
    manual.settle()
    manual.settle()
    assert manual.backend.most == 1
    assert manual.pool.snapshot().available == 1


def test_drain_can_be_undone_while_it_runs(make):
    manual = make(initial_size=2, max_size=2)
    lease = manual.take()
    manual.pool.drain(0)
    manual.pool.resume()
    manual.settle()
    lease.release()
    manual.settle()
    assert manual.pool.snapshot().phase is PoolPhase.RUNNING
    assert manual.pool.snapshot().available == 2


def test_shutdown_destroys_what_is_still_in_use_and_refuses_everybody(make):
    manual = make(max_size=1)
    lease = manual.take()
    caller = Caller(manual)
    manual.close()
    assert isinstance(caller.join().error, PoolClosed)
    assert not lease.active
    with pytest.raises(PoolClosed):
        manual.take(0)
    with pytest.raises(PoolClosed):
        manual.pool.resume()


def test_statistics_do_not_wait_for_a_creation(make):
    manual = make(settle=False)
    looked = []
    manual.backend.before_create = lambda: looked.append(manual.pool.get_stats()["total_containers"])
    manual.settle()
    assert looked == [1]


def test_illegal_move_is_loud(make):
    manual = make()
    container = next(iter(manual.pool.roster))
    with pytest.raises(IllegalMove, match="cannot go from available to gone"):
        manual.pool.roster.move(container, _S.GONE)


def test_request_larger_than_allowed_is_refused_before_it_is_sent(make):
    manual = make(max_file_bytes=10)
    with pytest.raises(RequestError, match="files of 11 bytes is more than 10"):
        manual.pool.execute(ExecutionRequest("x", files={"a": b"x" * 11}))
    manual.settle()
    assert manual.pool.snapshot().available == 1
