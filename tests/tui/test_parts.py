"""The parts under the screen: figures, plots, alerts, the store."""

from __future__ import annotations

import pytest

from engine.alerts import Alert, Severity
from engine.container import ContainerState
from engine.simulation import Scenario, SimulatedPool
from tui import format as fmt
from tui.alert_log import AlertLog
from tui.looks import OUTCOMES, PALETTE, PHASES, SEVERITIES, STATES
from tui.store import Store
from tui.widgets import plot
from tui.widgets.tile_text import COLUMNS, TileView, small_tile, table_columns, table_head, table_row, tile


def test_every_state_has_a_glyph_a_word_and_a_colour_of_its_own() -> None:
    for looks in (STATES, PHASES, SEVERITIES, OUTCOMES):
        assert all(len(look.glyph) == 1 and look.word and look.colour in PALETTE for look in looks.values())
        assert len({str(look) for look in looks.values()}) == len(looks)
    assert set(STATES) == set(ContainerState)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (fmt.duration(0.42), "0.4 s"),
        (fmt.duration(59.4), "59 s"),
        (fmt.duration(300), "5 min"),
        (fmt.duration(7560), "2.1 h"),
        (fmt.latency(0.00004), "0.04 ms"),
        (fmt.latency(0.0031), "3.1 ms"),
        (fmt.latency(0.99996), "1.00 s"),
        (fmt.size(256 << 20), "256 MiB"),
        (fmt.size(3 << 30), "3.0 GiB"),
        (fmt.share(0.375), "38 %"),
        (fmt.share(None), "?"),
        (fmt.plural(1, "container"), "1 container"),
        (fmt.plural(2000, "container"), "2,000 containers"),
        (fmt.bar(0.5, 4), "██  "),
        (fmt.bar(7.0, 2), "██"),
        (fmt.fit("abcdef", 4), "abc…"),
        (fmt.fit("ab", 4), "ab  "),
        (fmt.plain("a\x1b]0;title\x07b\nc"), "a·]0;title·b·c"),
    ],
)
def test_figures_as_people_read_them(said: str, expected: str) -> None:
    assert said == expected


def test_plot_has_a_fixed_domain() -> None:
    flat_low, flat_high = plot.columns([0.01] * 4, 4, 2, 1.0), plot.columns([0.99] * 4, 4, 2, 1.0)
    assert flat_low == ["    ", "▁▁▁▁"]
    assert flat_high == ["████", "████"]


def test_plot_keeps_peaks_where_values_share_a_column() -> None:
    assert plot.spread([0, 0, 9, 0, 0, 0], 3) == [0, 9, 0]
    assert plot.spread([1, 2], 4) == [1, 1, 2, 2]


def test_lines_are_drawn_on_a_logarithmic_domain() -> None:
    rows = plot.lines([[0.001] * 8, [1.0] * 8], 4, 3, 0.001, 1.0)
    assert {who for _, who in rows[0]} == {1}
    assert {who for _, who in rows[1]} == {None}
    assert {who for _, who in rows[2]} == {0}


@pytest.mark.parametrize(("value", "top"), [(0, 1), (1.2, 2), (3, 5), (7, 10), (101, 200)])
def test_domain_of_a_rate_seldom_changes(value: float, top: float) -> None:
    assert plot.nice_top(value) == top


def alert(name: str, severity: Severity, since: float) -> Alert:
    return Alert(name, severity, "message", "action", since)


def test_alerts_that_hold_come_first_then_the_severe_then_the_acknowledged() -> None:
    log = AlertLog()
    slow, dirty, full = (
        alert("slow", Severity.WARNING, 1.0),
        alert("dirty", Severity.CRITICAL, 2.0),
        alert("full", Severity.WARNING, 0.5),
    )
    assert log.update((slow, dirty, full), 3.0) == [slow, dirty, full]
    assert log.update((slow, dirty), 4.0) == []
    assert [entry.alert.name for entry in log.entries()] == ["dirty", "slow", "full"]
    log.acknowledge(("dirty", 2.0))
    assert [entry.alert.name for entry in log.entries()] == ["slow", "dirty", "full"]
    assert log.unacknowledged == [slow]
    assert log.entries()[-1].ended_at == 4.0


def test_alert_that_comes_again_is_new() -> None:
    log = AlertLog()
    log.update((alert("slow", Severity.WARNING, 1.0),), 1.0)
    log.acknowledge(("slow", 1.0))
    log.update((), 2.0)
    again = alert("slow", Severity.WARNING, 3.0)
    assert log.update((again,), 3.0) == [again]
    assert log.unacknowledged == [again]


def simulated(seconds: float) -> tuple[Store, list[float]]:
    now = [0.0]
    store = Store(SimulatedPool(Scenario(deaths=0.05), clock=lambda: now[0], epoch=0.0))
    while now[0] < seconds:
        now[0] += 0.5
        store.poll()
    return store, now


def test_store_works_out_cpu_from_two_readings() -> None:
    store, _ = simulated(20)
    shares = [reading.cpu for readings in store.readings.values() for reading in readings if reading.cpu is not None]
    assert shares
    assert all(0 <= share <= 1.01 for share in shares)


def test_store_keeps_ghosts_for_a_moment_and_forgets_their_readings() -> None:
    store, now = simulated(30)
    deaths = {death.id for death in store.snapshot.dead}
    assert deaths
    assert not deaths & store.readings.keys()
    for _ in range(100):
        now[0] += 0.2
        store.poll()
        if store.ghosts:
            break
    ghost, (since, snapshot) = next(iter(store.ghosts.items()))
    assert snapshot.state is ContainerState.GONE
    now[0] += 3
    store.poll()
    assert ghost not in store.ghosts
    assert since < now[0]


@pytest.mark.parametrize("width", [29, 32, 40, 60])
def test_tiles_are_exactly_as_wide_as_they_must_be(width: int) -> None:
    store, _ = simulated(30)
    for container in store.snapshot.containers:
        view = TileView(container, store.reading(container.id), store.snapshot.taken_at, marked=True, mine=True)
        for lines in (tile(view, width), small_tile(view, width)):
            for line in lines:
                text = "".join(part for part, _ in line)
                assert len(text) == width, text


@pytest.mark.parametrize("width", [60, 76, 120, 190])
def test_table_is_exactly_as_wide_as_it_must_be(width: int) -> None:
    store, _ = simulated(30)
    columns = table_columns(width)
    assert sum(len(part) for part, _ in table_head(columns, width, COLUMNS[0], backwards=True)) == width
    for container in store.snapshot.containers:
        view = TileView(container, store.reading(container.id), store.snapshot.taken_at)
        assert sum(len(part) for part, _ in table_row(view, columns, width)) == width
