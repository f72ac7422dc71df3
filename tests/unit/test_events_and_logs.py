"""Events reach subscribers in order, never hold up the pool, and are logged as JSON lines."""

from __future__ import annotations

import json
import threading
from datetime import datetime
from pathlib import Path

import pytest

from engine import events
from engine.errors import ConfigError
from engine.logs import EventLog
from tests.pool.manual import ManualPool


def test_log_lines_have_the_promised_keys() -> None:
    manual = ManualPool(initial_size=1, max_size=1, log_file="pool.log")
    manual.settle()
    manual.pool.execute("x")
    manual.settle()
    manual.close()
    lines = [json.loads(line) for line in Path("pool.log").read_text().splitlines()]
    by_name = {line["event"]: line for line in lines}
    for line in lines:
        assert line["pool_id"] == manual.pool.id
        assert line["timestamp"].endswith("Z")
        assert datetime.fromisoformat(line["timestamp"]).utcoffset() is not None
    assert by_name["container_pool_initialized"]["available_containers"] == 1
    assert by_name["container_acquired"]["acquisition_time_ms"] >= 0
    assert by_name["container_reset_completed"]["reset_time_ms"] >= 0
    assert by_name["container_returned"]["container_id"] == by_name["container_created"]["container_id"]
    order = [line["event"] for line in lines if line["event"].startswith("container_")]
    assert order[-6:-2] == [
        "container_acquired", "container_executed", "container_reset_completed", "container_returned",
    ]  # fmt: skip


def test_log_level_leaves_out_the_chatter() -> None:
    log = EventLog("only.log", "warning")
    log(events.Event(events.ACQUIRED, "p", 0.0, "c"))
    log(events.Event(events.QUARANTINED, "p", 0.0, "c", {"reason": "r"}))
    assert [json.loads(line)["event"] for line in Path("only.log").read_text().splitlines()] == [events.QUARANTINED]
    log.close()


def test_log_that_cannot_be_written_is_a_clear_error() -> None:
    with pytest.raises(ConfigError, match="log_file = '/no/such/place' cannot be written"):
        EventLog("/no/such/place", "info")


def test_slow_subscriber_delays_nobody_and_loses_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_QUEUE_LIMIT", 10)
    bus = events.EventBus("p")
    go, entered, seen = threading.Event(), threading.Event(), []

    def slow(event: events.Event) -> None:
        entered.set()
        go.wait(10)
        seen.append(event.name)

    bus.subscribe(slow)
    bus.publish("first")
    assert entered.wait(10)
    for number in range(15):
        bus.publish(str(number))
    go.set()
    assert bus.flush(10)
    assert seen == ["first", *map(str, range(10))]
    assert bus.dropped == 5
    bus.close(5)


def test_failing_subscriber_does_not_stop_the_others() -> None:
    bus, seen = events.EventBus("p"), []

    def fail(event: events.Event) -> None:
        raise RuntimeError("mine")

    bus.subscribe(fail)
    unsubscribe = bus.subscribe(lambda event: seen.append(event.name))
    bus.publish("a")
    assert bus.flush(10)
    unsubscribe()
    bus.publish("b")
    assert bus.flush(10)
    assert seen == ["a"]
    bus.close(5)
