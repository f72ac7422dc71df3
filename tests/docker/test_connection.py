"""The ways to an engine: docker contexts, and ssh."""

from __future__ import annotations

import json
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from docker.context import ContextAPI

from engine.backends.docker_connect import _SshAdapter, connect
from engine.errors import BackendUnavailable
from engine.execution import Outcome
from engine.pool import ContainerPool
from tests.docker.engine import Detour, owned_by
from tests.waiting import eventually

pytestmark = pytest.mark.docker


def test_current_docker_context_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    detour = Detour(tmp_path / "engine.sock")
    detour.open()
    try:
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.delenv("DOCKER_HOST", raising=False)
        config = tmp_path / ".docker" / "config.json"
        config.parent.mkdir()
        config.write_text(json.dumps({"currentContext": "elsewhere"}))
        ContextAPI.create_context("elsewhere", host=detour.url)
        client = connect()
        assert client.ping()
        client.close()
    finally:
        detour.close()
    with pytest.raises(BackendUnavailable, match=r"engine\.sock"):
        connect()


@pytest.mark.parametrize("by", ["variable", "configuration"])
def test_context_that_is_not_there_is_an_error_and_no_other_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    if by == "variable":
        monkeypatch.setenv("DOCKER_CONTEXT", "prod")
    else:
        (tmp_path / ".docker").mkdir()
        (tmp_path / ".docker" / "config.json").write_text(json.dumps({"currentContext": "prod"}))
    with pytest.raises(BackendUnavailable, match="there is no docker context 'prod'"):
        connect()


def test_broken_context_is_an_error_and_no_other_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_CONTEXT", "prod")
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text("{}")
    ContextAPI.create_context("prod", host="unix:///nowhere.sock")
    (meta,) = (tmp_path / ".docker" / "contexts" / "meta").glob("*/meta.json")
    meta.write_text("{")
    with pytest.raises(BackendUnavailable, match="docker context 'prod' cannot be read"):
        connect()


def test_socket_that_may_not_be_used_is_told_from_an_engine_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setenv("DOCKER_HOST", "unix:///var/run/docker.sock")
    monkeypatch.setattr("docker.transport.unixconn.UnixHTTPConnection.connect", refuse)
    with pytest.raises(BackendUnavailable, match="Permission denied") as caught:
        connect()
    assert "usermod -aG docker" in caught.value.hint


def test_engine_over_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An `ssh` that goes nowhere: what it would run on the other machine it runs here."""
    if shutil.which("docker") is None:
        pytest.fail("the docker command is part of what CI installs, and of what ssh needs at the other end")
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/bin/sh\nunset DOCKER_HOST\nfor last; do :; done\nexec $last\n")
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/local/bin:/usr/bin:/bin")
    monkeypatch.setenv("DOCKER_HOST", "ssh://someone@somewhere")
    with ContainerPool(backend="docker", initial_size=1, min_size=1, max_size=1) as pool:
        pool.wait(60)
        assert pool.execute("print('far away')").stdout == "far away\n"
        assert pool.execute("import sys\nprint(len(sys.stdin.read()))").stdout == "0\n"
        lease = pool.get_container()
        result = lease.run("print('on')\nwhile True: pass", on_output=lambda *_: lease.cancel())
        assert result.outcome is Outcome.CANCELLED
        lease.release()
    monkeypatch.delenv("DOCKER_HOST")
    eventually(lambda: owned_by(pool.id) == [])


def test_dials_at_the_same_time_lose_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that noted its `ssh` while another filtered the list was forgotten by it, and never waited for."""
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/bin/sh\nexec cat\n")
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    adapter = _SshAdapter("ssh://someone@somewhere", 5)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as workers:
            connections = list(workers.map(lambda _: adapter.dial(), range(64)))
    finally:
        sys.setswitchinterval(interval)
    assert len(adapter._processes) == 64
    for connection in connections:
        connection.close()
    adapter.close()


def test_ssh_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/bin/sh\necho 'Permission denied (publickey).' >&2\nexit 255\n")
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("DOCKER_HOST", "ssh://someone@somewhere")
    with pytest.raises(BackendUnavailable, match=r"Permission denied \(publickey\)"):
        connect()
