"""The ways to go on from a place in the input, for every front end.

The live interpreter knows best. Before there is one, and where there is none to ask (one-shot
mode), keywords, builtins and the standard library's modules are offered.
"""

from __future__ import annotations

import builtins
import keyword
import re
import sys

from engine.cells import Completion, CompletionKind, Completions
from tui.repl import commands
from tui.repl.console import Console

_WORD = re.compile(r"[^\W\d]\w*$")
_ATTRIBUTE = re.compile(r"\.\s*\w*$")
_IMPORT = re.compile(r"^\s*(?:from|import)\s+(?:[\w.]+\s*,\s*)*\w*$")


def complete(console: Console, text: str, cursor: int) -> Completions:
    """Return the ways to go on; none in time are none. Safe in any thread.

    Args:
        cursor: index in the text.
    """
    code, skipped = text, 0
    if commands.is_command(text):
        found = commands.complete(console, text, cursor)
        if found is not None:
            return found
        code = commands.code_of(text) or ""
        skipped = len(text) - len(code)
    if console.session.alive:
        found = console.session.complete(code, cursor - skipped)
        # The session may call a name anything; a line that is not seen must not get into the input.
        items = tuple(item for item in found.items if item.text.isprintable())
        return Completions(found.start + skipped, items)
    return _without_interpreter(text, cursor)


def _without_interpreter(text: str, cursor: int) -> Completions:
    line = text[:cursor].rpartition("\n")[2]
    word = _WORD.search(line)
    if word is None or _ATTRIBUTE.search(line):
        return Completions(cursor)
    begun = word[0]
    if _IMPORT.match(line):
        items = [(name, CompletionKind.MODULE) for name in sys.stdlib_module_names]
    else:
        items = [(name, CompletionKind.KEYWORD) for name in keyword.kwlist]
        items += [(name, CompletionKind.NAME) for name in dir(builtins)]
    shown = sorted(
        (name, kind) for name, kind in items if name.startswith(begun) and (begun.startswith("_") or name[0] != "_")
    )
    return Completions(cursor - len(begun), tuple(Completion(name, kind) for name, kind in shown))
