"""Any order of leases, returns, failures and operators' commands keeps the pool's promises."""

from __future__ import annotations

import threading

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, precondition, rule

from engine.container import ContainerState
from engine.errors import BackendUnavailable, LeaseExpired, PoolError
from engine.lease import Lease
from engine.stats import PoolPhase
from engine.waiting import Waiter
from tests.pool.manual import ManualPool

_S = ContainerState


class PoolMachine(RuleBasedStateMachine):
    """Steers a pool whose jobs run one by one, in an order that Hypothesis chooses."""

    leases = Bundle("leases")
    spent = Bundle("spent")

    @initialize(
        low=st.integers(0, 2), more=st.integers(0, 2), spare=st.integers(0, 2), uses=st.sampled_from([0, 0, 1, 2])
    )
    def start(self, low: int, more: int, spare: int, uses: int) -> None:
        self.manual = ManualPool(
            min_size=low,
            initial_size=low,
            max_size=max(1, low + more),
            spare=spare,
            max_uses=uses,
            idle_timeout=50,
            lease_timeout=500,
            max_lifetime=300,
        )
        self.pool = self.manual.pool
        self.max_ever = max(1, low + more)
        self.waiters: list[Waiter] = []
        self.held: dict[str, Lease] = {}

    def teardown(self) -> None:
        if hasattr(self, "manual"):
            self.manual.backend.before_create = self.manual.backend.before_destroy = lambda: None
            self.manual.close()
            self.manual.pool.upkeep._bury_the_undead()
            assert not self.manual.backend.containers, "something is left in the end"
            assert not self.pool.roster
            for waiter in self.waiters:
                assert waiter.ready.is_set(), "a waiter was lost"

    # What callers do.

    @rule(target=leases)
    def lease(self) -> Lease | None:
        try:
            lease = self.manual.take(timeout=0)
        except PoolError:
            return None
        self._note_holder(lease)
        return lease

    @rule()
    def wait_in_line(self) -> None:
        with self.pool.lock:
            if self.pool._phase is not PoolPhase.RUNNING:
                return
            waiter = self.pool._waiting.join(self.manual.clock())
            work = self.pool.balance_locked()
        self.pool.submit(work)
        self.waiters.append(waiter)

    @precondition(lambda self: any(waiter.lease for waiter in self.waiters))
    @rule(target=leases)
    def be_served(self) -> Lease:
        waiter = next(waiter for waiter in self.waiters if waiter.lease)
        self.waiters.remove(waiter)
        assert waiter.lease is not None
        if waiter.lease.active:
            self._note_holder(waiter.lease)
        return waiter.lease

    @precondition(lambda self: self.waiters)
    @rule(index=st.integers(0, 9))
    def stop_waiting(self, index: int) -> None:
        waiter = self.waiters.pop(index % len(self.waiters))
        with self.pool.lock:
            self.pool._waiting.leave(waiter)
        if waiter.lease is not None and waiter.lease.active:
            waiter.lease.release()

    @rule(lease=leases)
    def run(self, lease: Lease | None) -> None:
        if lease is None:
            return
        container = self.manual.backend.containers.get(lease.id)
        if not lease.active:
            with pytest.raises(LeaseExpired):
                lease.run("x")
        elif lease.run("x").success:
            assert container is not None
            assert container.tenants >= 1

    @rule(target=spent, lease=consumes(leases), dirty=st.booleans())
    def give_back(self, lease: Lease | None, dirty: bool) -> Lease | None:
        if lease is None:
            return None
        container = self.manual.backend.containers.get(lease.id)
        if lease.active:
            if dirty and container is not None:
                container.dirty = True
            self.held.pop(lease.id, None)
            lease.release()
        return lease

    @rule(lease=spent)
    def give_back_twice(self, lease: Lease | None) -> None:
        if lease is not None:
            before = self.pool.get_stats()["containers"]
            with pytest.raises(LeaseExpired):
                lease.release()
            assert self.pool.get_stats()["containers"] == before

    # What workers, time and fate do.

    @rule(index=st.integers(0, 9))
    def work(self, index: int) -> None:
        for runner in (self.manual.makers, self.manual.scrubbers):
            if runner.jobs:
                runner.run(index % len(runner.jobs))

    @rule(seconds=st.sampled_from([1, 60, 600]))
    def time_passes(self, seconds: int) -> None:
        self.manual.clock.now += seconds
        self.pool.upkeep.idle_pass()

    @rule()
    def look_after_health(self) -> None:
        self.pool.upkeep.health_pass()

    @precondition(lambda self: self.manual.backend.containers)
    @rule(index=st.integers(0, 9))
    def kill(self, index: int) -> None:
        ids = sorted(self.manual.backend.containers)
        self.manual.backend.kill(ids[index % len(ids)])

    @rule(broken=st.booleans())
    def engine_goes_or_comes(self, broken: bool) -> None:
        def fail() -> None:
            raise BackendUnavailable("no engine")

        self.manual.backend.before_create = fail if broken else lambda: None

    # What operators do.

    @rule(low=st.integers(0, 4), more=st.integers(0, 3))
    def resize(self, low: int, more: int) -> None:
        self.max_ever = max(self.max_ever, max(1, low + more))
        self.pool.resize(low, max(1, low + more))

    @rule()
    def drain(self) -> None:
        self.pool.drain(0)

    @rule()
    def resume(self) -> None:
        self.pool.resume()

    @precondition(lambda self: len(self.pool.roster))
    @rule(index=st.integers(0, 9))
    def replace(self, index: int) -> None:
        containers = list(self.pool.roster)
        self.pool.replace(containers[index % len(containers)].id)

    @precondition(lambda self: self.pool.snapshot().available)
    @rule()
    def reset(self) -> None:
        self.pool.reset(self.pool.roster.in_state(_S.AVAILABLE)[0].id)

    # What must always hold.

    @invariant()
    def promises_hold(self) -> None:
        if not hasattr(self, "pool"):
            return
        snapshot = self.pool.snapshot()
        assert snapshot.total <= self.max_ever, "more containers than max_size ever allowed"
        assert self.manual.backend.most <= self.max_ever
        leased = [c for c in self.pool.roster if c.state is _S.IN_USE]
        tokens = [c.lease_token for c in leased]
        assert all(tokens), "a container in use has no holder"
        assert len(set(tokens)) == len(tokens), "one lease, two containers"
        assert all(c.lease_token == 0 for c in self.pool.roster if c.state is not _S.IN_USE)
        if snapshot.available and snapshot.phase is PoolPhase.RUNNING:
            assert snapshot.waiting == 0, "somebody waits although a container is free"
        for state in _S:
            assert self.pool.roster.count(state) == sum(c.state is state for c in self.pool.roster)

    def _note_holder(self, lease: Lease) -> None:
        other = self.held.get(lease.id)
        assert other is None or not other.active, "one container, two holders"
        self.held[lease.id] = lease


PoolMachine.TestCase.settings = settings(
    max_examples=300, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestPool = PoolMachine.TestCase


def test_many_clients_on_real_threads_lose_nothing() -> None:
    """Clients, an operator and failing scrubs at once, on workers of their own."""
    from engine.backends.memory import MemoryBackend
    from engine.pool import ContainerPool

    backend = MemoryBackend()
    done: list[str] = []
    with ContainerPool(backend=backend, initial_size=2, min_size=1, max_size=5, health_check_interval=0.01) as pool:

        def client(number: int) -> None:
            for turn in range(50):
                with pool.lease(timeout=30) as container:
                    if turn % 17 == 0:
                        backend.containers[container.id].dirty = True
                    done.append(container.run(f"{number}.{turn}").stdout)

        clients = [threading.Thread(target=client, args=(number,)) for number in range(20)]
        for thread in clients:
            thread.start()
        for size in (2, 5, 1, 3, 5) * 5:
            pool.resize(min_size=1, max_size=size)
        for thread in clients:
            thread.join(60)
        assert pool.counters.maintenance_failures == 0
        assert pool.snapshot().waiting == 0
    assert sorted(done) == sorted(f"{number}.{turn}" for number in range(20) for turn in range(50))
    assert backend.most <= 5
    assert not backend.containers
