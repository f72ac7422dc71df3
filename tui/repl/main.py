"""`pooldeck repl`: the REPL that fits where it is run."""

from __future__ import annotations

import os
import sys
from typing import Any

from engine.cells import Mode


def open_repl(settings: dict[str, Any], mode: str) -> int:
    """Run a REPL until it is left; return the status to exit with."""
    if sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown"):
        from tui.repl.terminal.loop import TerminalRepl

        return TerminalRepl(settings, Mode(mode)).run()
    from tui.repl.plain import PlainRepl

    return PlainRepl(settings, Mode(mode)).run()
