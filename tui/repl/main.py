"""`pooldeck repl`: the REPL that fits where it is run."""

from __future__ import annotations

import io
import os
import sys
from typing import Any

from engine.cells import Mode


def open_repl(settings: dict[str, Any], mode: str) -> int:
    """Run a REPL until it is left; return the status to exit with."""
    _spare_encodings()
    if sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown"):
        from tui.repl.terminal.loop import TerminalRepl

        return TerminalRepl(settings, Mode(mode)).run()
    from tui.repl.plain import PlainRepl

    return PlainRepl(settings, Mode(mode)).run()


def _spare_encodings() -> None:
    """Have no character end the REPL: what a program prints and a pipe brings need not fit the encoding."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="surrogateescape" if stream is sys.stdin else "backslashreplace")
