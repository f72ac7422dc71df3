"""A pool that starts behind the prompt."""

from __future__ import annotations

import threading

import pytest

from engine.cells import Mode
from engine.errors import ConfigError, PoolClosed
from tests.conftest import need
from tui.repl.startup import LateSession, PoolStartup


def _startup(**settings: object) -> tuple[PoolStartup, list[str]]:
    notices: list[str] = []
    return PoolStartup(dict(settings), on_change=lambda: None, on_notice=notices.append), notices


def test_one_person_gets_one_container_and_one_to_spare_unless_they_say_otherwise() -> None:
    need("bubblewrap")
    for settings, initial in (({}, 1), ({"initial_size": 2}, 2)):
        startup, _ = _startup(backend="bubblewrap", **settings)
        startup.start()
        startup.session()
        pool = startup._pool
        assert pool is not None
        assert (pool.config.initial_size, pool.config.spare) == (initial, 1)
        startup.close()


def test_everything_but_a_cell_answers_before_there_is_a_pool() -> None:
    startup, _ = _startup(backend="bubblewrap")
    session = LateSession(startup, Mode.SESSION)
    assert not session.alive
    assert not session.running
    assert session.complete("x", 1).items == ()
    assert session.help("x", 1).name == ""
    assert startup.snapshot() is None
    assert startup.waiting_for() == "waiting for the pool to start"
    session.interrupt()
    session.reset()
    session.close()


def test_the_mode_chosen_before_is_the_sessions() -> None:
    need("bubblewrap")
    startup, _ = _startup(backend="bubblewrap")
    session = LateSession(startup, Mode.SESSION)
    session.mode = Mode.ONESHOT
    startup.start()
    try:
        assert session.run("6 * 7").value == "42"
        assert startup.session().mode is Mode.ONESHOT
    finally:
        startup.close()


def test_a_wrong_setting_is_the_error_of_whoever_waits() -> None:
    startup, _ = _startup(memory="3x")
    startup.start()
    with pytest.raises(ConfigError):
        startup.session()
    assert isinstance(startup.error, ConfigError)
    startup.close()


def test_left_before_the_pool_is_made_there_will_be_none() -> None:
    startup, _ = _startup(backend="process")
    going = threading.Event()
    startup.start(first=lambda: going.wait(10) and None)
    startup.close()
    going.set()
    with pytest.raises(PoolClosed):
        startup.session()
    assert startup.snapshot() is None


def test_what_isolates_is_said_where_it_is_not_expected() -> None:
    startup, notices = _startup(backend="process")
    startup.start()
    startup.session()
    startup.close()
    assert notices == ["running in process (UNISOLATED): asked for"]
