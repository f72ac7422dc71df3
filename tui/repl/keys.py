"""What the keys of the terminal REPL do, for people: the README shows it from here."""

from __future__ import annotations

KEYS: tuple[tuple[str, str], ...] = (
    ("Enter", "run what is complete, go on with what is not; a mistake is marked before anything is sent"),
    ("Alt+Enter, Ctrl+J", "run it as it is"),
    ("Tab, Shift+Tab", "choose among the completions; in the indentation: four spaces more"),
    ("Up, Down", "earlier and later entries that begin with what is typed"),
    ("Ctrl+R", "search the history"),
    ("Right", "take the suggestion in grey"),
    ("Ctrl+C", "interrupt the running cell, a second time kill it; clear the input"),
    ("F2", "edit the input in `$EDITOR`"),
    ("Ctrl+D", "leave; so do `exit` and `quit`"),
)


def as_markdown() -> str:
    """Return the keys as the table that stands in the README."""
    rows = [f"| {', '.join(f'`{key}`' for key in keys.split(', '))} | {does} |" for keys, does in KEYS]
    return "\n".join(["| key | at the prompt |", "| --- | --- |", *rows])
