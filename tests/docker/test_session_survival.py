"""What a session survives: its container killed, its pool drained, its person gone."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from engine.errors import PoolDraining, SessionLost
from engine.execution import Outcome
from engine.pool import ContainerPool
from tests.conftest import need
from tests.docker.engine import client, owned_by
from tests.started import started
from tests.waiting import eventually


@pytest.fixture(params=["docker", "bubblewrap"])
def pool(request: pytest.FixtureRequest) -> Iterator[ContainerPool]:
    need(request.param)
    settings = {"initial_size": 1, "min_size": 1, "max_size": 2}
    with ContainerPool(backend=request.param, session_grace=0.5, **settings) as pool:  # type: ignore[arg-type]
        pool.wait(30)
        yield pool


def _kill(pool: ContainerPool, container_id: str) -> None:
    if pool.backend.name == "docker":
        with contextlib.closing(client()) as api:
            api.kill(container_id)
    else:
        pool.backend.destroy(container_id)


def test_container_that_dies_between_cells_is_told_with_its_cause(pool: ContainerPool) -> None:
    with pool.session() as session:
        session.run("x = 1")
        first = session.container_id
        _kill(pool, first)
        with pytest.raises(SessionLost, match=r"137|-9|ended") as caught:
            session.run("x")
        assert "starts fresh" in caught.value.hint
        assert session.run("'x' in globals()").value == "False"
        assert session.container_id != first
    eventually(lambda: pool.snapshot().available == 1)


def test_container_that_dies_under_a_cell_is_told_with_its_cause(pool: ContainerPool) -> None:
    with pool.session() as session:
        session.run("x = 1")
        with pytest.raises(SessionLost):
            session.run("print('on')\nwhile True: pass", on_output=lambda *_: _kill(pool, session.container_id))
        assert session.run("2").value == "2"


def test_idle_session_is_closed_and_its_container_scrubbed(pool: ContainerPool) -> None:
    told: list[str] = []
    with pool.session(on_notice=told.append) as session:
        session.run("x = 1")
        container = session.container_id
        for waiting in pool.sessions._all():
            waiting.end_if_due(idle_timeout=0.0)
        assert told == ["the session was closed: it was idle for more than 0 s"]
        eventually(lambda: pool.snapshot().available == 1)
        assert pool.snapshot().containers[0].id == container
        with pytest.raises(SessionLost, match="it was idle"):
            session.run("x")
        assert session.run("'x' in globals()").value == "False"


def test_drain_tells_the_session_and_gives_it_time(pool: ContainerPool) -> None:
    told: list[str] = []
    with pool.session(on_notice=told.append) as session:
        session.run("x = 1")
        assert not pool.drain(0)
        assert told == ["the pool drains: this session ends in 0 s"]
        assert session.run("x").value == "1", "it has its time of grace"
        assert pool.drain(20), "and then makes way"
        assert told[1:] == ["the session was closed: the pool made it end"]
        with pytest.raises(SessionLost):
            session.run("x")
        with pytest.raises(PoolDraining):
            session.run("x")
        pool.resume()
        assert session.run("2").value == "2"


def test_resume_spares_the_session(pool: ContainerPool) -> None:
    told: list[str] = []
    with pool.session(on_notice=told.append) as session:
        session.run("x = 1")
        assert not pool.drain(0)
        pool.resume()
        assert told[1:] == ["this session goes on"]
        pool.upkeep.idle_pass()
        assert session.run("x").value == "1"


def test_drain_ends_a_cell_that_runs_on_past_its_grace(pool: ContainerPool) -> None:
    with pool.session() as session:
        drained: list[bool] = []
        drainer = threading.Thread(target=lambda: drained.append(pool.drain(20)))
        with pytest.raises(SessionLost, match="the pool made it end"):
            session.run("print('on')\nwhile True: pass", on_output=lambda *_: drainer.start())
        drainer.join(20)
        assert drained == [True]


def test_shutdown_does_not_wait_for_an_idle_session(pool: ContainerPool) -> None:
    session = pool.session()
    session.run("x = 1")
    pool.shutdown(20)
    assert pool.snapshot().total == 0
    assert pool.snapshot().counters.leases_expired == 0, "it was returned, not taken"


def test_dropped_session_returns_its_container(pool: ContainerPool) -> None:
    session = pool.session()
    session.run("x = 1")
    with pytest.warns(ResourceWarning, match="never returned"):
        del session
    eventually(lambda: pool.snapshot().in_use == 0)
    eventually(lambda: pool.snapshot().available == 1)


PERSON = """
import sys
from engine.pool import ContainerPool
pool = ContainerPool(backend=sys.argv[1], initial_size=1, max_size=1)
session = pool.session()
session.run("x = 1")
print(pool.id, flush=True)
try:
    say = lambda name, _: name == "stdout" and print("on", flush=True)
    session.run("print('on')\\nwhile True: pass", on_output=say)
finally:
    print(session.run("x").value, flush=True)
    pool.shutdown(0)
"""


def test_interrupt_in_the_waiting_thread_goes_to_the_cell(pool: ContainerPool) -> None:
    with started([sys.executable, "-c", PERSON, pool.backend.name], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        pool_id = process.stdout.readline().strip()
        assert process.stdout.readline() == "on\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "1\n"
        assert process.wait(20) == 0
    if pool.backend.name == "docker":
        assert owned_by(pool_id) == []


def test_outcome_of_a_cell_is_counted(pool: ContainerPool) -> None:
    with pool.session() as session:
        assert session.run("1/0").outcome is Outcome.ERROR
    assert pool.snapshot().counters.executions == 1


FORGETFUL = """
import sys, warnings
warnings.simplefilter("ignore")
from engine.pool import ContainerPool
pool = ContainerPool(backend=sys.argv[1], initial_size=1, max_size=2)
session = pool.session()
session.run("x = 1")
lease = pool.get_container()
print(pool.id, flush=True)
"""


def test_process_that_ends_without_closing_anything_ends(pool: ContainerPool) -> None:
    """A lease that was collected while the interpreter ended waited for a thread that could not run."""
    done = subprocess.run(
        [sys.executable, "-c", FORGETFUL, pool.backend.name], capture_output=True, text=True, timeout=30, check=True
    )
    if pool.backend.name == "docker":
        eventually(lambda: owned_by(done.stdout.strip()) == [])
