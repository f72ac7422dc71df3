"""The registry of what a person can do: keys, footer, palette, help and README come from here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import click
from textual.binding import Binding, BindingType


class Context(StrEnum):
    """Where a key means something. What is meant everywhere is never meant differently in a pane."""

    EVERYWHERE = "Everywhere"
    CONTAINERS = "Containers"
    ALERTS = "Alerts"
    EVENTS = "Events"
    DETAIL = "Container screen"
    REPL = "REPL"
    OUTPUT = "REPL output"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing the dashboard does at a key."""

    name: str
    """The method is `action_NAME`."""
    keys: tuple[str, ...]
    """As Textual names them; the first is the one that is shown."""
    label: str
    """For the footer: a word or two."""
    help: str
    """For the palette, the help screen and the README: a sentence."""
    context: Context = Context.EVERYWHERE
    steers: bool = False
    """Whether it changes the pool; with `--read-only` it has no key."""


_C = Context
ACTIONS = (
    # Seeing.
    Action("help", ("question_mark", "f1"), "Help", "All keys"),
    Action("command_palette", ("ctrl+p",), "Palette", "Find an action by its name"),
    Action("pane(1)", ("1",), "Containers", "Go to the containers"),
    Action("pane(2)", ("2",), "Metrics", "Go to the metrics"),
    Action("pane(3)", ("3",), "Alerts", "Go to the alerts"),
    Action("pane(4)", ("4",), "Events", "Go to the events"),
    Action("pane(5)", ("5", "i"), "REPL", "Go to the REPL and type Python", steers=True),
    Action("pane(6)", ("6",), "Details", "Go to the details of the selected container"),
    Action("zoom", ("z",), "Zoom", "Give one pane the whole screen, and back"),
    Action("layout", ("l",), "Layout", "Cycle through layouts: balanced, containers, REPL"),
    Action("window", ("m",), "Window", "Metrics over 1, 5 or 30 minutes"),
    Action("pause", ("p",), "Pause", "Freeze the screen, not the pool; and go on"),
    Action("theme", ("t",), "Theme", "Cycle through dark, light and ANSI"),
    # Steering.
    Action("drain", ("d",), "Drain", "Give no more leases, let those in use finish, destroy the rest", steers=True),
    Action("resume", ("r",), "Resume", "Lease again and refill, also in the middle of a drain", steers=True),
    Action("grow", ("plus",), "Grow", "One container more", steers=True),
    Action("shrink", ("minus",), "Shrink", "One container fewer", steers=True),
    Action("resize", ("equals_sign",), "Resize", "Set the smallest and the greatest size", steers=True),
    Action("check", ("c",), "Check", "Check the health of the selected or marked containers", steers=True),
    Action("reset", ("w",), "Reset", "Scrub the selected or marked containers", steers=True),
    Action("replace", ("k",), "Replace", "Replace the selected or marked containers by new ones", steers=True),
    Action("quit", ("q",), "Quit", "Shut the pool down and leave; again: leave at once"),
    Action("quit_typing", ("ctrl+q",), "Quit", "The same, also while text is typed"),
    # In panes.
    Action("open", ("enter",), "Details", "Open the selected container", _C.CONTAINERS),
    Action("filter", ("slash",), "Filter", "Show containers whose id, state or program contains a text", _C.CONTAINERS),
    Action("sort", ("s",), "Sort", "Sort by the next column", _C.CONTAINERS),
    Action("reverse", ("S",), "Reverse", "Sort the other way round", _C.CONTAINERS),
    Action("view", ("v",), "View", "Tiles or a table", _C.CONTAINERS),
    Action("graves", ("g",), "Dead", "Show the latest that are no more, and hide them", _C.CONTAINERS),
    Action("mark", ("space",), "Mark", "Mark the selected container, or not", _C.CONTAINERS),
    Action("mark_all", ("asterisk",), "Mark all", "Mark all that are shown, or none", _C.CONTAINERS),
    Action("remedy", ("enter",), "Do it", "Do what helps against the selected alert", _C.ALERTS, steers=True),
    Action("acknowledge", ("a",), "Acknowledge", "Acknowledge the selected alert", _C.ALERTS),
    Action("open", ("enter",), "Container", "Open the container of the selected event", _C.EVENTS),
    Action("filter", ("slash",), "Filter", "Show events that contain a text, an id or a kind", _C.EVENTS),
    Action("kind", ("f",), "Kind", "All events, those that matter, or warnings alone", _C.EVENTS),
    Action("hold", ("space",), "Hold", "Hold the log still, and follow it again", _C.EVENTS),
    Action("copy", ("y",), "Copy", "Copy the events that are shown", _C.EVENTS),
    Action("leave", ("escape",), "Back", "Back to the pool", _C.DETAIL),
    Action("submit_complete", ("enter",), "Run", "Run a complete input, or go on in a new line", _C.REPL),
    Action("submit", ("ctrl+j", "alt+enter"), "Run now", "Run the input as it is", _C.REPL),
    Action("interrupt", ("ctrl+c",), "Interrupt", "Clear the input; interrupt the cell; again: kill it", _C.REPL),
    Action("complete", ("tab",), "Complete", "Complete a name, or indent", _C.REPL),
    Action("earlier", ("up",), "Earlier", "The entry before that begins with what is typed", _C.REPL),
    Action("later", ("down",), "Later", "The entry after; or into the completions", _C.REPL),
    Action("mode", ("f2",), "Mode", "Session or one-shot: keep one interpreter, or give each cell a clean container",
           _C.REPL),
    Action("end", ("ctrl+d",), "End", "End of file for a program that asks; leave, where nothing is typed", _C.REPL),
    Action("output", ("f3",), "Output", "Go to the output: scroll, search, copy", _C.REPL),
    Action("leave", ("escape",), "Leave", "Leave the REPL; keys belong to the dashboard again", _C.REPL),
    Action("find", ("slash",), "Search", "Search the output, latest first", _C.OUTPUT),
    Action("find_next", ("n",), "Next", "The next match before", _C.OUTPUT),
    Action("choose", ("enter",), "Container", "Point at the container of the last cell that is seen", _C.OUTPUT),
    Action("copy", ("y",), "Copy", "Copy the output", _C.OUTPUT),
    Action("clear", ("x",), "Clear", "Clear the output", _C.OUTPUT),
)  # fmt: skip

_FOOTER = frozenset(
    [
        "help",
        "pane5",
        "drain",
        "resume",
        "grow",
        "shrink",
        "replace",
        "quit",
        "containers.open",
        "containers.filter",
        "alerts.remedy",
        "alerts.acknowledge",
        "events.open",
        "events.filter",
        "events.kind",
        "detail.leave",
        "repl.submit_complete",
        "repl.interrupt",
        "repl.complete",
        "repl.output",
        "repl.leave",
        "output.find",
        "output.find_next",
        "output.copy",
        "output.clear",
    ]
)
"""What the footer has room for; the rest is in the help."""

_SHOWN = {
    "question_mark": "?",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
    "slash": "/",
    "asterisk": "*",
    "space": "Space",
    "enter": "Enter",
    "escape": "Esc",
    "tab": "Tab",
    "up": "↑",
    "down": "↓",
}


def identity(action: Action) -> str:
    """What the settings' keymap calls an action: `drain`, `containers.filter`, `pane1`."""
    name = action.name.replace("(", "").replace(")", "")
    place = action.context.name.lower()
    return name if action.context is Context.EVERYWHERE else f"{place}.{name}"


def key_name(key: str) -> str:
    """A key as people write it."""
    if key.startswith(("ctrl+", "alt+")):
        modifier, _, rest = key.partition("+")
        return f"{modifier.capitalize()}+{_SHOWN.get(rest, rest.upper())}"
    return _SHOWN.get(key, key.upper() if key[0] == "f" and key[1:].isdigit() else key)


def keys_shown(action: Action, keymap: Mapping[str, str]) -> str:
    """All keys of an action, as people write them."""
    return " ".join(map(key_name, keys_of(action, keymap)))


def keys_of(action: Action, keymap: Mapping[str, str]) -> tuple[str, ...]:
    """The keys of an action, as Textual names them."""
    changed = keymap.get(identity(action))
    return action.keys if changed is None else tuple(key.strip() for key in changed.split(","))


def bindings(context: Context) -> list[BindingType]:
    """The key bindings of the app or of a widget.

    Those of the whole app have priority, so that it decides on each key before it looks at
    the next one: what is typed right after `i` must reach the REPL, and never be taken for an
    action. Those of the REPL must not: it takes them itself, in the order in which they come
    among the text.
    """
    return [
        Binding(
            ",".join(action.keys),
            action.name,
            action.label,
            show=identity(action) in _FOOTER,
            key_display=key_name(action.keys[0]),
            tooltip=action.help,
            priority=context is Context.EVERYWHERE,
            id=identity(action),
        )
        for action in actions(context)
    ]


def actions(context: Context, *, read_only: bool = False) -> Iterator[Action]:
    """The actions of one place; without those that steer, where nobody may."""
    return (action for action in ACTIONS if action.context is context and not (read_only and action.steers))


def key_table() -> str:
    """All keys as a Markdown table, for the README."""
    lines = ["| where | key | what it does |", "| --- | --- | --- |"]
    for context in Context:
        for number, action in enumerate(actions(context)):
            where = context.value if number == 0 else ""
            keys = " ".join(f"`{key_name(key)}`" for key in action.keys)
            lines.append(f"| {where} | {keys} | {action.help} |")
    return "\n".join(lines)


if __name__ == "__main__":
    click.echo(key_table())
