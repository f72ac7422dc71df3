"""The registry of actions: no clash, only keys that terminals can send, and it is what the README says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from textual.binding import Binding

import engine
from engine.errors import ConfigError
from tui.actions import ACTIONS, Context, bindings, identity, key_name, key_table
from tui.app import PooldeckApp
from tui.screens.container import ContainerScreen
from tui.settings import clash, dashboard_settings
from tui.widgets.alerts import AlertsPane
from tui.widgets.code_input import CodeInput
from tui.widgets.containers import ContainersPane
from tui.widgets.events import EventsPane
from tui.widgets.rows import Rows
from tui.widgets.tiles import TileGrid
from tui.widgets.transcript import Transcript

OWNERS = {
    Context.EVERYWHERE: PooldeckApp,
    Context.CONTAINERS: ContainersPane,
    Context.ALERTS: AlertsPane,
    Context.EVENTS: EventsPane,
    Context.DETAIL: ContainerScreen,
    Context.REPL: CodeInput,
    Context.OUTPUT: Transcript,
}

NAMED = {"enter", "escape", "tab", "space", "up", "down", "left", "right", "home", "end", "pageup", "pagedown"}
PUNCTUATION = {"question_mark", "plus", "minus", "equals_sign", "slash", "asterisk"}
SAME_AS_ANOTHER = {"ctrl+i", "ctrl+m", "ctrl+h", "ctrl+left_square_bracket", "ctrl+s"}
"""Tab, Enter, Backspace, Escape; and the key that stops a terminal's output."""


def test_no_two_actions_clash() -> None:
    assert clash({}) == ""


def test_a_clash_would_be_found() -> None:
    assert clash({"drain": "q"}) == "'q' is the key of drain and of quit"
    assert clash({"containers.sort": "q"}) == "'q' is the key of quit and of containers.sort"


@pytest.mark.parametrize("action", ACTIONS, ids=identity)
def test_every_key_is_one_that_terminals_can_send(action) -> None:
    for key in action.keys:
        sendable = (
            key in NAMED | PUNCTUATION
            or re.fullmatch(r"[A-Za-z0-9]|ctrl\+[a-z]|f([1-9]|1[0-2])|alt\+enter", key) is not None
        )
        assert sendable, f"{key} does not reach programs in most terminals"
        assert key not in SAME_AS_ANOTHER


@pytest.mark.parametrize("action", ACTIONS, ids=identity)
def test_every_action_is_there_where_it_belongs(action) -> None:
    assert hasattr(OWNERS[action.context], f"action_{action.name.partition('(')[0]}")


def test_keys_that_move_a_cursor_are_no_actions_key() -> None:
    moving = {binding.key for grid in (Rows, TileGrid) for binding in grid.BINDINGS if isinstance(binding, Binding)}
    taken = {key for action in ACTIONS if action.context is not Context.REPL for key in action.keys}
    assert not moving & taken


def test_readme_has_the_registry_as_its_key_table() -> None:
    readme = (Path(engine.__file__).parent.parent / "README.md").read_text()
    assert key_table() in readme, "paste what `python -m tui.actions` prints into the README"


def test_every_key_has_a_name_that_people_write() -> None:
    assert [key_name(key) for key in ("question_mark", "ctrl+j", "f1", "S")] == ["?", "Ctrl+J", "F1", "S"]


def test_bindings_carry_the_name_that_a_keymap_uses() -> None:
    assert "containers.filter" in {binding.id for binding in bindings(Context.CONTAINERS)}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("found", "complaint"),
    [
        ({"keymap": {"drain": "q"}}, r"dashboard\.keymap = .*: 'q' is the key of drain and of quit"),
        ({"keymap": {"explode": "x"}}, "there is no action 'explode'"),
        ({"colour": "red"}, r"dashboard\.colour = 'red'"),
    ],
)
def test_wrong_settings_are_named(found: dict[str, object], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        dashboard_settings(found)


def test_what_is_given_wins_over_what_was_found() -> None:
    settings = dashboard_settings({"theme": "a", "read_only": True}, theme="b", read_only=None)
    assert (settings.theme, settings.read_only) == ("b", True)
