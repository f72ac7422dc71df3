"""What all tests share: which backends are here, and that nothing is left behind."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from functools import cache
from time import monotonic

import pytest

from engine.backends.bubblewrap import BubblewrapBackend
from engine.backends.docker import connect
from engine.errors import PooldeckError

REQUIRE_DOCKER = os.environ.get("POOLDECK_TESTS_REQUIRE_DOCKER") == "1"
"""Set by CI: without an engine the run fails instead of leaving tests out."""

_left_out: dict[str, str] = {}


@cache
def why_no_docker() -> str:
    """Why Docker tests cannot run here; empty if they can."""
    try:
        client = connect(timeout=5)
        try:
            client.inspect_image("python:3.11-slim")
        finally:
            client.close()
    except PooldeckError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - whatever docker-py raises, it is the reason
        return f"{error}: make the image with .ci/make-image"
    return ""


@cache
def why_no_bubblewrap() -> str:
    """Why bubblewrap tests cannot run here; empty if they can."""
    try:
        BubblewrapBackend.probe()
    except PooldeckError as error:
        return str(error)
    return ""


def need(backend: str) -> None:
    """Leave the test out if the backend does not work here; it is named at the end of the run."""
    why = {"docker": why_no_docker, "bubblewrap": why_no_bubblewrap}.get(backend, lambda: "")()
    if why:
        if REQUIRE_DOCKER and backend == "docker":
            pytest.fail(f"Docker is required but does not work: {why}")
        _left_out[backend] = why
        pytest.skip(f"{backend} does not work here: {why}")


@pytest.fixture(autouse=True)
def _docker_marker(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("docker"):
        need("docker")


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test sees the settings of the person who runs it."""
    for name in os.environ:
        if name.startswith("POOLDECK_") and not name.startswith("POOLDECK_TESTS_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path_factory.mktemp("cwd"))


@pytest.fixture(autouse=True)
def _no_threads_left() -> Iterator[None]:
    """Every thread a test starts has ended when it ends."""
    before = set(threading.enumerate())
    yield
    deadline = monotonic() + 5
    for thread in set(threading.enumerate()) - before:
        thread.join(max(0.0, deadline - monotonic()))
    left = [thread.name for thread in set(threading.enumerate()) - before]
    assert not left, f"threads are left: {left}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end what was not run, and why."""
    for backend, why in _left_out.items():
        terminalreporter.write_line(f"NOT RUN: the tests on {backend}: {why}", yellow=True)
