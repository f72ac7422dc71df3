"""What a pool on a real engine must survive: each ends in a typed error or a healed pool."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import pytest

from engine import events
from engine.backends.docker import DockerBackend
from engine.config import PoolConfig
from engine.container import ContainerState
from engine.errors import BackendError, CreationFailed, ImageUnavailable, ImageUnusable, PoolTimeout
from engine.execution import ExecutionRequest, Outcome
from engine.pool import ContainerPool
from tests.docker.engine import Detour, all_of_ours, client, owned_by
from tests.programs import programs
from tests.started import started
from tests.waiting import eventually

pytestmark = pytest.mark.docker


def _pool(**settings: object) -> ContainerPool:
    return ContainerPool(backend="docker", **{"initial_size": 2, "min_size": 2, "max_size": 2, **settings})  # type: ignore[arg-type]


@pytest.fixture
def pool() -> Iterator[ContainerPool]:
    with _pool() as pool:
        pool.wait(30)
        yield pool
    assert owned_by(pool.id) == []


def _assert_healed(pool: ContainerPool, size: int = 2) -> None:
    eventually(lambda: pool.snapshot().available == size, 20)
    assert pool.execute("print('healed')", timeout=10).stdout == "healed\n"


def _host_pid(container_id: str) -> int:
    with contextlib.closing(client()) as api:
        return int(api.inspect_container(container_id)["State"]["Pid"])


def test_container_is_locked_down_as_promised(pool: ContainerPool) -> None:
    with contextlib.closing(client()) as api:
        config = api.inspect_container(pool.snapshot().containers[0].id)
    host = config["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert {name.removeprefix("CAP_") for name in host["CapAdd"]} == {"SETUID", "SETGID", "KILL", "DAC_OVERRIDE"}
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert (host["ReadonlyRootfs"], host["NetworkMode"], host["IpcMode"]) == (True, "none", "private")
    assert (host["AutoRemove"], host["LogConfig"]["Type"], host["Privileged"]) == (True, "none", False)
    assert host["Memory"] == host["MemorySwap"] == 256 << 20
    assert (host["PidsLimit"], host["NanoCpus"], host["Binds"]) == (64, 1_000_000_000, None)
    assert (config["Config"]["StdinOnce"], config["Config"]["OpenStdin"]) == (True, True)
    assert not config["Mounts"]


def test_idle_container_killed_by_hand_is_replaced(pool: ContainerPool) -> None:
    victim = pool.snapshot().containers[0].id
    seen: list[events.Event] = []
    pool.subscribe(seen.append)
    with contextlib.closing(client()) as api:
        api.kill(victim)
    eventually(lambda: victim not in [c.id for c in pool.snapshot().containers])
    _assert_healed(pool)
    assert pool.events.flush(5)
    died = next(event for event in seen if event.name == events.DIED)
    assert (died.container_id, died.data["exit_code"]) == (victim, 137)


def test_busy_container_killed_by_hand_is_a_typed_loss(pool: ContainerPool) -> None:
    lease = pool.get_container()

    def kill(*_: object) -> None:
        with contextlib.closing(client()) as api:
            api.kill(lease.id)

    result = lease.run(ExecutionRequest("print('on')\nwhile True: pass"), on_output=kill)
    lease.release()
    assert result.outcome is Outcome.INFRASTRUCTURE
    assert "exit code 137" in result.reason
    _assert_healed(pool)


def test_stopped_agent_is_given_up_while_busy_and_found_while_idle() -> None:
    with _pool(check_timeout=0.5) as pool:
        pool.wait(30)
        lease = pool.get_container()
        os.kill(_host_pid(lease.id), signal.SIGSTOP)
        result = lease.run(ExecutionRequest("print(1)", timeout=0.5))
        lease.release()
        assert (result.outcome, result.stdout) == (Outcome.INFRASTRUCTURE, "")
        _assert_healed(pool)
        idle = pool.snapshot().containers[0].id
        os.kill(_host_pid(idle), signal.SIGSTOP)
        report = pool.check(idle)
        assert (report.passed["running"], report.passed["responsive"]) == (True, False)
        _assert_healed(pool)
    assert owned_by(pool.id) == []


def test_paused_container_fails_its_check(pool: ContainerPool) -> None:
    victim = pool.snapshot().containers[0].id
    with contextlib.closing(client()) as api:
        api.pause(victim)
    assert "paused" in pool.check(victim).reason
    _assert_healed(pool)


def test_agent_flooded_with_frames_goes_on(pool: ContainerPool) -> None:
    with pool.lease() as lease:
        channel = lease.container.agent()

        def flood(*_: object) -> None:
            for _ in range(2000):
                channel.request_gauges()

        result = lease.run(ExecutionRequest("print('on')\nimport time\ntime.sleep(0.3)\nprint('off')"), on_output=flood)
    assert result.stdout == "on\noff\n"
    _assert_healed(pool)


@pytest.mark.parametrize("program", programs("hostile"))
def test_hostile_program_gets_a_typed_end_and_the_pool_heals(pool: ContainerPool, program: str) -> None:
    began = monotonic()
    result = pool.execute(ExecutionRequest(program, timeout=1.5))
    assert result.outcome is not Outcome.INFRASTRUCTURE, result.reason
    assert monotonic() - began < 15
    assert len(result.stdout_bytes) <= 1 << 20
    _assert_healed(pool)
    assert pool.counters.maintenance_failures == 0


def test_engine_absent_at_start_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    detour = Detour(tmp_path / "engine.sock")
    monkeypatch.setenv("DOCKER_HOST", detour.url)
    with _pool() as pool:
        with pytest.raises((CreationFailed, PoolTimeout)) as caught:
            pool.get_container(0.3)
        assert "no Docker engine answers" in str(caught.value)
        monkeypatch.delenv("DOCKER_HOST")
        detour.open()
        monkeypatch.setenv("DOCKER_HOST", detour.url)
        try:
            _assert_healed(pool)
            pool.shutdown(1)
        finally:
            detour.close()
    monkeypatch.delenv("DOCKER_HOST")
    assert owned_by(pool.id) == []


def test_engine_that_goes_away_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    detour = Detour(tmp_path / "engine.sock")
    detour.open()
    monkeypatch.setenv("DOCKER_HOST", detour.url)
    try:
        with _pool(health_check_interval=0.2, create_timeout=5.0) as pool:
            pool.wait(30)
            lease = pool.get_container()
            outcome: list[Outcome] = []
            started = threading.Event()
            runner = threading.Thread(
                target=lambda: outcome.append(
                    lease.run("print('on')\nwhile True: pass", on_output=lambda *_: started.set()).outcome
                )
            )
            runner.start()
            assert started.wait(10)
            detour.close()
            runner.join(20)
            assert outcome == [Outcome.INFRASTRUCTURE]
            lease.release()
            eventually(lambda: pool.snapshot().creation_error, 20)
            assert pool.get_stats()["available_containers"] == 0
            detour.open()
            eventually(lambda: pool.snapshot().available == 2, 60)
            assert pool.execute("print('back')").stdout == "back\n"
            pool.shutdown(1)
    finally:
        detour.close()
    monkeypatch.delenv("DOCKER_HOST")
    eventually(lambda: owned_by(pool.id) == [])


@pytest.fixture
def image_without_python() -> Iterator[str]:
    name = "pooldeck-test-empty:latest"
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        folder = tarfile.TarInfo("etc")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(folder)
    with contextlib.closing(client()) as api:
        api.import_image_from_data(archive.getvalue(), repository="pooldeck-test-empty", tag="latest")
        yield name
        api.remove_image(name, force=True)


def test_image_without_python_is_one_clear_error_and_no_storm(image_without_python: str) -> None:
    before = all_of_ours()
    with _pool(image=image_without_python, initial_size=3, max_size=3) as pool:
        with pytest.raises(CreationFailed, match="has no python3"):
            pool.wait(20)
        began = monotonic()
        with pytest.raises(CreationFailed) as caught:
            pool.get_container(20)
        assert monotonic() - began < 2, "it does not wait for what cannot come"
        assert isinstance(caught.value.__cause__, ImageUnusable)
        for _ in range(20):
            pool.upkeep.idle_pass()
        assert pool.counters.creation_failures <= 3
    assert all_of_ours() == before


def test_image_that_cannot_be_pulled_says_what_to_do() -> None:
    with _pool(image="pooldeck-no-such-image:1") as pool:
        with pytest.raises(CreationFailed, match="cannot be pulled") as caught:
            pool.wait(60)
        assert isinstance(caught.value.__cause__, ImageUnavailable)
        assert "pull or load it yourself" in caught.value.__cause__.hint


def test_missing_preload_is_an_error_at_start_that_names_it() -> None:
    expected = pytest.raises(CreationFailed, match="cannot preload no_such_package: ModuleNotFoundError")
    with _pool(preload=("json", "no_such_package")) as pool, expected:
        pool.wait(20)


def test_preloaded_package_is_there_before_the_program_begins() -> None:
    with _pool(preload=("decimal",)) as pool:
        assert (
            pool.execute("import sys\nprint('decimal' in sys.modules, 'sqlite3' in sys.modules)").stdout
            == "True False\n"
        )


def test_destroyed_container_is_listed_no_more_whoever_else_removes_it() -> None:
    """An engine that removes it already, by itself or for another, says so at once and goes on removing."""
    backend = DockerBackend()
    try:
        for _ in range(5):
            launched = backend.create(PoolConfig().container_spec("destroyed"))
            launched.stream.close()

            def destroy(container_id: str = launched.id) -> bool:
                backend.destroy(container_id)
                return container_id in owned_by("destroyed")

            with ThreadPoolExecutor(4) as several:
                left = [each.result() for each in [several.submit(destroy) for _ in range(4)]]
            assert not any(left)
    finally:
        backend.close()


@pytest.mark.parametrize(
    ("settings", "said", "hint"),
    [
        ({"image": "UPPER CASE"}, "invalid reference format", "in lower case"),
        ({"runtime": "nosuch"}, "nosuch", "lists the engine's runtimes"),
        ({"network": "nosuch"}, "network nosuch not found", "docker network ls"),
        ({"image": "registry.invalid/nosuch:1"}, "no such host", "pull or load it yourself"),
    ],
)
def test_engines_refusal_is_quoted_with_what_to_do(settings: dict[str, str], said: str, hint: str) -> None:
    backend = DockerBackend()
    try:
        with pytest.raises(BackendError) as caught:
            backend.create(PoolConfig(**settings).container_spec("refused"))
    finally:
        backend.close()
    assert said in caught.value.message
    assert hint in caught.value.hint


ENGINE = """
import sys
from engine.pool import ContainerPool
pool = ContainerPool(backend=sys.argv[1], initial_size=3, max_size=3)
pool.wait(30)
lease = pool.get_container()
print(pool.id, flush=True)
program = "import os, time\\nfor _ in range(3): os.fork()\\nprint('on')\\nwhile True: time.sleep(1)"
lease.run(program, lambda *_: print('busy', flush=True))
"""


def test_killed_engine_leaves_nothing() -> None:
    """`kill -9` closes the streams; the agents end, and their containers with them."""
    with started([sys.executable, "-c", ENGINE, "docker"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        pool_id = process.stdout.readline().strip()
        assert process.stdout.readline() == "busy\n"
        assert len(owned_by(pool_id)) == 3
        process.kill()
        process.wait()
    eventually(lambda: owned_by(pool_id) == [], 10)


def test_orphans_of_the_dead_are_removed_and_those_of_the_living_are_not(pool: ContainerPool) -> None:
    """A container that was created but not started when its engine died has no stream to lose."""
    dead = subprocess.run(
        [sys.executable, "-c", "from engine.backends.base import owner_id; print(owner_id())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    with contextlib.closing(client()) as api:
        orphan = api.create_container(
            "python:3.11-slim", ["true"], labels={"pooldeck.owner": dead, "pooldeck.pool": "x"}
        )
        living = {container.id for container in pool.snapshot().containers}
        with _pool(initial_size=1, min_size=0) as other:
            other.wait(30)
            eventually(lambda: orphan["Id"] not in all_of_ours())
            assert living <= all_of_ours()
    _assert_healed(pool)


def test_two_pools_on_one_engine_do_not_meet(pool: ContainerPool) -> None:
    with _pool() as other:
        other.wait(30)
        assert not {c.id for c in pool.snapshot().containers} & {c.id for c in other.snapshot().containers}
        assert other.execute("print(2)").stdout == "2\n"
    _assert_healed(pool)


def test_interrupt_at_any_moment_leaves_nothing() -> None:
    before = all_of_ours()
    for delay in (0.05, 0.15, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.8):
        with started(
            [sys.executable, "-m", "tui.entry", "run", "-c", "print('x')\nwhile True: pass"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        ) as process:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(delay)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=20)
        assert process.returncode in (130, -signal.SIGINT), said
        if delay > 0.2:  # before its first line the interpreter itself may be interrupted
            assert "Traceback" not in said, (delay, said)
    eventually(lambda: all_of_ours() <= before)


def test_nothing_leaks_over_many_runs_and_replacements() -> None:
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    with _pool() as pool:
        pool.wait(30)
        for turn in range(400):
            assert pool.execute("print(1)").success
            if turn % 10 == 0:
                pool.replace(pool.snapshot().containers[0].id)
            if turn == 200:  # docker-py keeps up to 25 connections
                _assert_healed(pool)
                threads, before = threading.active_count(), descriptors()
        _assert_healed(pool)
        eventually(lambda: descriptors() <= before + 2)
        assert threading.active_count() == threads
        snapshot = pool.snapshot()
        assert snapshot.counters.executions >= 400
        assert snapshot.counters.created - snapshot.counters.destroyed == snapshot.total
        pool.resize(max_size=8, min_size=8)
        eventually(lambda: pool.snapshot().count(ContainerState.AVAILABLE) == 8, 20)
        assert threading.active_count() == threads, "threads do not grow with containers"


def test_dropped_backend_client_is_closed() -> None:
    backend = DockerBackend()
    assert backend.describe()["ServerVersion"]
    backend.close()
