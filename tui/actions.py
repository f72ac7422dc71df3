"""The registry of what a person can do: keys, words and help come from here alone."""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding, BindingType


@dataclass(frozen=True, slots=True)
class Action:
    """One thing the dashboard does at a key."""

    name: str
    """The app's method is `action_NAME`."""
    key: str
    label: str
    """For the footer: a word or two."""
    help: str
    """For the palette and the help screen: a sentence."""


ACTIONS = (
    Action("drain", "d", "Drain", "Give no more leases; let those in use finish; destroy the rest"),
    Action("resume", "r", "Resume", "Lease again, and refill the pool"),
    Action("grow", "plus", "Grow", "Raise the maximum and the minimum size by one"),
    Action("shrink", "minus", "Shrink", "Lower the minimum and the maximum size by one"),
    Action("repl", "i", "REPL", "Type code to run in a pooled container; Escape leaves"),
    Action("leave_repl", "escape", "Leave", "Leave the REPL line"),
    Action("quit_pool", "q", "Quit", "Shut the pool down and leave"),
)


IN_REPL = frozenset(["leave_repl"])
"""What can be done while the REPL line has the focus; all other keys belong to the text."""


def bindings() -> list[BindingType]:
    """The app's key bindings.

    They have priority, so that the app decides on each key before it looks at the next one:
    what is typed right after `i` must reach the REPL line, and never be taken for an action.
    """
    return [Binding(action.key, action.name, action.label, tooltip=action.help, priority=True) for action in ACTIONS]
