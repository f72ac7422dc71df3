"""What the dashboard does at a key, on a simulated pool."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.pilot import Pilot
from textual.widgets import Button

from engine.container import ContainerState
from engine.errors import PoolClosed
from engine.stats import PoolPhase
from tests.tui.conftest import Stage
from tests.tui.test_pictures import until
from tui.screens.confirm import Confirm
from tui.screens.container import ContainerScreen
from tui.screens.main import Layout, MainScreen, Room, panes_shown, room_for
from tui.screens.resize import Resize
from tui.widgets.alerts import AlertsPane
from tui.widgets.code_input import CodeInput
from tui.widgets.containers import ContainersPane
from tui.widgets.events import EventsPane
from tui.widgets.rows import Rows
from tui.widgets.tiles import TileGrid

Make = Callable[..., Stage]
QUIET = {"arrivals": 0.01}


def states(scene: Stage) -> list[ContainerState]:
    return [container.state for container in scene.pool.snapshot().containers]


async def shown(pilot: Pilot[int], scene: Stage) -> None:
    """Let the app paint what there is now."""
    scene.app.tick()
    await pilot.pause()


# Steering.


async def test_drain_asks_with_cancel_first_and_can_be_undone(stage: Make) -> None:
    scene = stage(**QUIET)
    async with scene.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("d")
        assert isinstance(scene.app.screen, Confirm)
        assert isinstance(scene.app.focused, Button)
        assert scene.app.focused.id == "cancel"
        await pilot.press("enter")
        assert scene.pool.snapshot().phase is PoolPhase.RUNNING
        await pilot.press("d", "tab", "enter")
        await until(pilot, lambda: scene.pool.snapshot().phase is PoolPhase.DRAINING)
        await shown(pilot, scene)
        await pilot.press("r")
        await until(pilot, lambda: scene.pool.snapshot().phase is PoolPhase.RUNNING)


async def test_what_destroys_says_what_it_will_touch(stage: Make) -> None:
    scene = stage(**QUIET)
    async with scene.app.run_test(size=(120, 40)) as pilot:
        await shown(pilot, scene)
        await pilot.press("asterisk", "k")
        screen = scene.app.screen
        assert isinstance(screen, Confirm)
        count = len(states(scene))
        assert f"replace: {count} containers, 0 in use" in str(screen.query_one(".question").render())
        await pilot.press("tab", "enter")
        await until(pilot, lambda: ContainerState.DESTROYING in states(scene))


async def test_reset_and_check_act_on_the_selected_container_without_asking(stage: Make) -> None:
    scene = stage(**QUIET)
    async with scene.app.run_test(size=(120, 40)) as pilot:
        await shown(pilot, scene)
        await pilot.press("w")
        await until(pilot, lambda: ContainerState.RESETTING in states(scene))
        await pilot.press("right", "c")
        await until(pilot, lambda: ContainerState.CHECKING in states(scene))


async def test_grow_does_not_ask_and_shrink_does(stage: Make) -> None:
    scene = stage(**QUIET)
    async with scene.app.run_test(size=(120, 40)) as pilot:
        before = len(states(scene))
        await pilot.press("plus")
        await until(pilot, lambda: len(states(scene)) == before + 1)
        await shown(pilot, scene)
        await pilot.press("minus")
        assert isinstance(scene.app.screen, Confirm)


async def test_resize_dialog_refuses_bounds_that_do_not_agree(stage: Make) -> None:
    scene = stage(**QUIET)
    async with scene.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("equals_sign")
        screen = scene.app.screen
        assert isinstance(screen, Resize)
        await pilot.press("end", "9", "9", "enter")
        assert scene.app.screen is screen, "699 is more than 24"
        assert screen.query_one("#confirm", Button).disabled
        await pilot.press("backspace", "backspace", "enter")
        assert isinstance(scene.app.screen, MainScreen)


async def test_read_only_changes_nothing_whatever_is_pressed(stage: Make) -> None:
    scene = stage(settings={"read_only": True}, **QUIET)
    async with scene.app.run_test(size=(120, 40)) as pilot:
        before = scene.pool.snapshot()
        await pilot.press("d", "r", "plus", "minus", "equals_sign", "c", "w", "k", "5", "i", "3", "enter")
        await shown(pilot, scene)
        assert isinstance(scene.app.screen, MainScreen)
        assert not scene.app.screen.query(CodeInput)
        after = scene.pool.snapshot()
        assert (after.phase, after.max_size, states(scene)) == (
            before.phase,
            before.max_size,
            [container.state for container in before.containers],
        )


async def test_quit_of_an_idle_pool_shuts_it_down(stage: Make) -> None:
    scene = stage(**QUIET)
    async with scene.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("q")
        await until(pilot, lambda: not scene.app.is_running)
    with pytest.raises(PoolClosed):
        scene.pool.resume()


# Looking.


async def test_selection_survives_sorting_filtering_and_another_size(stage: Make) -> None:
    scene = stage()
    async with scene.app.run_test(size=(200, 60)) as pilot:
        await shown(pilot, scene)
        await pilot.press("right", "right", "down")
        grid = scene.app.screen.query_one(TileGrid)
        chosen = grid.selected
        await pilot.press("s", "S", "v")
        await pilot.resize_terminal(80, 24)
        await pilot.resize_terminal(120, 40)
        await shown(pilot, scene)
        assert grid.selected == chosen
        assert grid.has_focus


async def test_filter_shows_what_contains_a_text_and_escape_shows_all(stage: Make) -> None:
    scene = stage(**QUIET)
    async with scene.app.run_test(size=(120, 40)) as pilot:
        await shown(pilot, scene)
        pane = scene.app.screen.query_one(ContainersPane)
        wanted = scene.pool.snapshot().containers[3].short_id
        await pilot.press("slash", *wanted[:6])
        await pilot.pause()
        assert f"1 of {len(states(scene))}" in str(pane.border_title)
        await pilot.press("escape")
        await pilot.pause()
        assert "of" not in str(pane.border_title)
        assert scene.app.screen.query_one(TileGrid).has_focus


async def test_enter_opens_the_container_and_escape_comes_back(stage: Make) -> None:
    scene = stage()
    async with scene.app.run_test(size=(120, 40)) as pilot:
        await shown(pilot, scene)
        await pilot.press("enter")
        assert isinstance(scene.app.screen, ContainerScreen)
        await pilot.press("escape")
        assert isinstance(scene.app.screen, MainScreen)


async def test_mouse_selects_and_opens(stage: Make) -> None:
    scene = stage()
    async with scene.app.run_test(size=(120, 40)) as pilot:
        await shown(pilot, scene)
        grid = scene.app.screen.query_one(TileGrid)
        first = grid.selected
        await pilot.click(TileGrid, offset=(45, 1))
        assert grid.selected != first
        await pilot.click(TileGrid, offset=(45, 1), times=2)
        await pilot.pause()
        assert isinstance(scene.app.screen, ContainerScreen)


async def test_pause_freezes_the_screen_and_not_the_pool(stage: Make) -> None:
    scene = stage()
    async with scene.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("p")
        before = scene.app.store.snapshot
        scene.now += 10
        await shown(pilot, scene)
        assert scene.app.store.snapshot is before
        await pilot.press("p")
        assert scene.app.store.snapshot.counters.executions > before.counters.executions


async def test_alert_offers_its_remedy_and_can_be_acknowledged(stage: Make) -> None:
    scene = stage(30, arrivals=40.0, swing=0.0, max_size=8, dirty=0.0)
    async with scene.app.run_test(size=(120, 40)) as pilot:
        await shown(pilot, scene)
        await pilot.press("3")
        pane = scene.app.screen.query_one(AlertsPane)
        assert "alarmed" in pane.classes
        await pilot.press("enter")
        await until(pilot, lambda: scene.pool.snapshot().max_size == 9)
        active = len(scene.app.store.alerts.unacknowledged)
        await pilot.press("a")
        assert len(scene.app.store.alerts.unacknowledged) == active - 1


async def test_events_are_filtered_held_and_copied(stage: Make) -> None:
    scene = stage()
    async with scene.app.run_test(size=(120, 40)) as pilot:
        await shown(pilot, scene)
        await pilot.press("4", "f")
        rows = scene.app.screen.query_one(EventsPane).query_one(Rows)
        await shown(pilot, scene)
        warnings = len(rows._rows)
        await pilot.press("f", "space")
        await shown(pilot, scene)
        everything = len(rows._rows)
        assert everything > warnings
        scene.advance(5)
        await shown(pilot, scene)
        assert len(rows._rows) == everything, "held still"
        await pilot.press("y")
        assert scene.app.clipboard.count("\n") == everything - 1


@pytest.mark.parametrize(
    ("size", "room"),
    [
        ((80, 24), Room.SMALL),
        ((20, 5), Room.SMALL),
        ((300, 30), Room.SMALL),
        ((120, 40), Room.MEDIUM),
        ((200, 60), Room.LARGE),
    ],
)
def test_every_size_has_its_room(size: tuple[int, int], room: Room) -> None:
    assert room_for(*size) is room


@pytest.mark.parametrize("room", list(Room))
@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize("active", range(1, 7))
def test_the_pane_with_the_focus_is_always_seen(room: Room, layout: Layout, active: int) -> None:
    for zoomed in (False, True):
        assert active in panes_shown(room, layout, active, 6, zoomed)


async def test_keymap_of_the_settings_changes_the_key(stage: Make) -> None:
    scene = stage(settings={"keymap": {"drain": "D"}}, **QUIET)
    async with scene.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("d")
        assert isinstance(scene.app.screen, MainScreen)
        await pilot.press("D")
        assert isinstance(scene.app.screen, Confirm)


async def test_smallest_terminal_is_not_refused(stage: Make) -> None:
    scene = stage()
    async with scene.app.run_test(size=(20, 6)) as pilot:
        await shown(pilot, scene)
        for key in ("2", "3", "4", "5", "escape", "6", "1", "enter"):
            await pilot.press(key)
