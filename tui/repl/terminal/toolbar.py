"""The line below the prompt: which mode, which pool, and the signature of the call being typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prompt_toolkit.formatted_text import StyleAndTextTuples

from engine.cells import Mode

if TYPE_CHECKING:
    from engine.stats import PoolSnapshot

_HINT = "F2 editor  %help commands  Ctrl+D leaves"
_GAP = "  "


def toolbar(mode: Mode, pool: PoolSnapshot | None, waiting: str, signature: str, *, columns: int) -> StyleAndTextTuples:
    """Return the line's fragments, no wider than the terminal.

    Args:
        waiting: what a cell would have to wait for now; empty for nothing.
        signature: of the call being typed, safe for a terminal; empty if there is none.
    """
    fragments: StyleAndTextTuples = [
        ("class:toolbar.oneshot" if mode is Mode.ONESHOT else "class:toolbar.mode", mode.value)
    ]
    fragments += _pool(pool) if pool is not None else [("class:toolbar.warning", f"{_GAP}{waiting}")]
    room = columns - sum(len(fragment[1]) for fragment in fragments) - 2 * len(_GAP)
    text = signature or _HINT
    if len(text) > room:
        text = f"{text[: room - 1]}…" if signature and room > len(_HINT) // 2 else ""
    if text:
        fragments += [("", _GAP * 2), ("class:toolbar.signature" if signature else "", text)]
    return fragments


def _pool(pool: PoolSnapshot) -> StyleAndTextTuples:
    fragments: StyleAndTextTuples = [("", _GAP)]
    if pool.isolated:
        fragments.append(("", pool.backend))
    else:
        fragments.append(("class:toolbar.bad", f" {pool.backend}: {pool.isolation} "))
    for count, word in ((pool.available, "available"), (pool.in_use, "in use"), (pool.total, f"of {pool.max_size}")):
        fragments += [("", _GAP), ("class:toolbar.count", str(count)), ("", f" {word}")]
    if pool.phase.value != "running":
        fragments.append(("class:toolbar.warning", f"{_GAP}{pool.phase.value}"))
    elif pool.creation_error:
        fragments.append(("class:toolbar.bad", f"{_GAP}no container can be made"))
    return fragments
