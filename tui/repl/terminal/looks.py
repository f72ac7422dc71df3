"""Colours: of the sixteen that a person's terminal theme has, so that they fit light and dark ones."""

from __future__ import annotations

from prompt_toolkit.styles import BaseStyle, Style

from tui.repl.console import Kind
from tui.repl.summary import Tone

KINDS: dict[Kind, str] = {
    Kind.NOTE: "ansibrightblack",
    Kind.WARNING: "ansiyellow",
    Kind.ERROR: "ansired",
    Kind.HINT: "ansibrightblack",
    Kind.TEXT: "",
    Kind.VALUE: "",
}

TONES: dict[Tone, str] = {Tone.GOOD: "ansigreen", Tone.BAD: "ansired", Tone.STOPPED: "ansiyellow"}

QUIET = "ansibrightblack"

STDERR = "\x1b[31m"
"""SGR, since a program's own colours stand between."""


def style() -> BaseStyle:
    """All of the prompt's styles."""
    return Style.from_dict(
        {
            "prompt": "ansigreen bold",
            "prompt.oneshot": "ansimagenta bold",
            "continuation": QUIET,
            "command": "ansicyan bold",
            "mistake": "bg:ansired ansiwhite",
            "bottom-toolbar": f"noreverse {QUIET}",
            "validation-toolbar": "noreverse bg:default ansired",
            "toolbar.mode": "ansigreen",
            "toolbar.oneshot": "ansimagenta",
            "toolbar.bad": "bg:ansired ansiwhite bold",
            "toolbar.warning": "ansiyellow",
            "toolbar.count": "ansidefault bold",
            "toolbar.signature": "ansicyan",
            "auto-suggestion": QUIET,
            "matching-bracket.cursor": "ansicyan bold underline",
            "matching-bracket.other": "ansicyan bold underline",
            "completion-menu": "bg:ansibrightblack ansiwhite",
            "completion-menu.completion": "bg:ansibrightblack ansiwhite",
            "completion-menu.completion.current": "noreverse bg:ansiblue ansiwhite bold",
            "completion-menu.meta.completion": "bg:ansibrightblack ansigray",
            "completion-menu.meta.completion.current": "bg:ansiblue ansiwhite",
            "pygments.keyword": "ansiblue bold",
            "pygments.keyword.constant": "ansimagenta",
            "pygments.literal.string": "ansigreen",
            "pygments.literal.number": "ansicyan",
            "pygments.comment": QUIET,
            "pygments.operator.word": "ansiblue bold",
            "pygments.name.builtin": "ansicyan",
            "pygments.name.builtin.pseudo": "ansimagenta",
            "pygments.name.decorator": "ansimagenta",
            "pygments.name.exception": "ansired",
            "pygments.name.function": "bold",
            "pygments.name.class": "bold",
        }
    )
