"""What goes wrong around a pool, in a caller's thread or in the backend, costs it no container for long."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from collections.abc import Callable
from types import FrameType

import pytest

from engine.backends.memory import MemoryBackend
from engine.container import ContainerState
from engine.errors import ConfigError
from engine.pool import ContainerPool
from tests.waiting import eventually


def _pool(backend: MemoryBackend, **settings: object) -> ContainerPool:
    return ContainerPool(backend=backend, **{"initial_size": 1, "min_size": 1, "max_size": 1, **settings})  # type: ignore[arg-type]


class Odd(RuntimeError):
    """What no backend is expected to raise."""


def test_backend_that_raises_anything_when_it_is_looked_at_loses_no_container(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = MemoryBackend()
    with _pool(backend) as pool:
        pool.wait(5)
        first = pool.snapshot().containers[0].id

        def look(_: str) -> None:
            raise Odd("look")

        monkeypatch.setattr(backend, "look", look)
        report = pool.check(first)
        assert (report.healthy, report.reason) == (False, "Odd: look")
        monkeypatch.undo()
        eventually(lambda: pool.snapshot().available == 1)
        assert pool.snapshot().containers[0].id != first


@pytest.mark.parametrize("what", ["reset", "close"])
def test_channel_that_raises_anything_loses_no_container(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    with _pool(MemoryBackend()) as pool:
        lease = pool.get_container(5)
        channel = lease.container.agent()

        def fail(*_: object) -> None:
            raise Odd(what)

        monkeypatch.setattr(channel, what, fail)
        if what == "close":
            pool.replace(lease.id)
        lease.release()
        eventually(lambda: pool.snapshot().available == 1)
        assert pool.snapshot().containers[0].id != lease.id


def test_container_that_could_not_be_destroyed_is_tried_again_whatever_was_raised() -> None:
    backend = MemoryBackend()
    with _pool(backend, min_size=0) as pool:
        pool.wait(5)
        undead = pool.snapshot().containers[0].id

        def fail() -> None:
            raise Odd("destroy")

        backend.before_destroy = fail
        pool.replace(undead)
        eventually(lambda: pool.undead == [undead])
        pool.upkeep.idle_pass()
        assert pool.undead == [undead]
        backend.before_destroy = lambda: None
        pool.upkeep.idle_pass()
        assert (pool.undead, undead in backend.containers) == ([], False)


class Interrupt(BaseException):
    """Ctrl+C, at a line that the test chooses."""


def _interrupt_at(line: int, call: Callable[[], object]) -> bool:
    """Call, and interrupt at the so-many-th line of the pool's decisions; whether it came to that."""
    seen = 0

    def trace(frame: FrameType, event: str, _: object) -> object:
        nonlocal seen
        if not frame.f_code.co_filename.endswith(("engine/core.py", "engine/pool.py", "engine/lease.py")):
            return None
        if frame.f_code.co_name in ("__del__", "closed"):
            return None  # Python swallows what is raised there
        if event == "line":
            seen += 1
            if seen == line:
                sys.settrace(None)
                raise Interrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type]
    try:
        call()
    except Interrupt:
        return True
    finally:
        sys.settrace(before)
    return False


@pytest.mark.parametrize("free", [True, False])
@pytest.mark.filterwarnings("ignore:lease of container:ResourceWarning")
def test_interrupt_at_any_line_of_an_acquire_costs_nothing_for_long(
    monkeypatch: pytest.MonkeyPatch, free: bool
) -> None:
    """A caller interrupted between a decision and its execution leaves nobody to carry it out."""
    monkeypatch.setattr("engine.core._SUBMITTED_AFTER", 0.0)
    line = 1
    while True:
        with _pool(MemoryBackend(), initial_size=int(free), min_size=0) as pool:
            if free:
                pool.wait(5)
            reached = _interrupt_at(line, lambda pool=pool: pool.get_container(5).release())  # type: ignore[misc]
            if pool.lock.locked():
                pool.lock.release()  # at the very line that leaves `with`: only a trace can strike there
            gc.collect()

            def leased(pool: ContainerPool = pool) -> bool:
                pool.upkeep.idle_pass()
                return pool.snapshot().in_use == 0

            eventually(leased)
            pool.get_container(5).release()
        if not reached:
            break
        line += 1
    assert line > 20


def test_second_shutdown_finishes_what_an_interrupted_one_began(monkeypatch: pytest.MonkeyPatch) -> None:
    before = threading.active_count()
    backend = MemoryBackend()
    closed: list[bool] = []
    monkeypatch.setattr(backend, "close", lambda: closed.append(True))
    pool = _pool(backend)
    pool.wait(5)
    assert _interrupt_at(12, pool.shutdown)
    pool.shutdown(0)
    assert closed == [True]
    assert threading.active_count() == before


def test_container_whose_making_outlasts_the_shutdown_is_destroyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.pool._CLOSE_GRACE", 0.2)
    backend = MemoryBackend()
    begun, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        go_on.wait(10)

    backend.before_create = hold
    pool = _pool(backend)
    assert begun.wait(5)
    pool.shutdown(0)
    go_on.set()
    eventually(lambda: backend.containers == {} and not len(pool.roster))


def test_dropped_pool_ends_its_threads() -> None:
    before = threading.active_count()
    pool = _pool(MemoryBackend())
    pool.wait(5)
    gone = weakref.ref(pool)
    del pool
    gc.collect()
    assert gone() is None
    eventually(lambda: threading.active_count() == before)


def test_wrong_log_file_starts_no_thread() -> None:
    before = threading.active_count()
    with pytest.raises(ConfigError):
        _pool(MemoryBackend(), log_file="/nowhere/at/all")
    assert threading.active_count() == before


def test_container_returned_while_a_program_runs_in_it_serves_nobody_else() -> None:
    """Its agent would have two readers: the old holder, and the scrub or the next one."""
    backend = MemoryBackend()
    with _pool(backend) as pool:
        lease = pool.get_container(5)
        backend.containers[lease.id].silent = True
        runner = threading.Thread(target=lease.run, args=("1",))
        runner.start()
        eventually(lambda: lease.running)
        lease.release()
        runner.join(10)
        eventually(lambda: pool.snapshot().count(ContainerState.AVAILABLE) == 1)
        assert pool.snapshot().containers[0].id != lease.id


def test_cancel_of_one_holder_never_reaches_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    with _pool(MemoryBackend()) as pool:
        first = pool.get_container(5)
        channel = first.container.agent()
        first.release()
        second = pool.get_container(5)
        sent: list[bytes] = []
        channel._running = (second.token, 7)
        monkeypatch.setattr(channel, "send", sent.append)
        channel.cancel(first.token)
        assert sent == []
        channel.cancel(second.token)
        assert len(sent) == 1
        channel._running = None
        monkeypatch.undo()
        second.release()
