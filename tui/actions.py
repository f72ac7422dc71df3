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
    Action("quit_pool", "q", "Quit", "Shut the pool down and leave"),
)


def bindings() -> list[BindingType]:
    """The app's key bindings."""
    return [Binding(action.key, action.name, action.label, tooltip=action.help) for action in ACTIONS]
