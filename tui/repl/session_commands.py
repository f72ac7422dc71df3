"""The commands that look at and set the session: %reset, %mode, %timeout, %stats, %history, %save."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cells import Mode
from tui.repl.console import Console, Kind
from tui.repl.export import as_notebook, as_script
from tui.repl.mistakes import CommandMistake, words, write_local
from tui.repl.summary import duration

if TYPE_CHECKING:
    from engine.metrics import Percentiles
    from engine.stats import PoolSnapshot

_SHOWN = 20
"""Entries that %history shows if no number is given."""


def reset(console: Console, _argument: str) -> None:
    """%reset: begin with a fresh interpreter."""
    console.session.reset()
    console.write("a fresh interpreter; files stay", Kind.NOTE)


def mode(console: Console, argument: str) -> None:
    """%mode [session|oneshot]: say what is kept between cells, or set it."""
    if not argument:
        console.write(_explained(console.session.mode))
        return
    try:
        wanted = Mode(argument)
    except ValueError:
        raise CommandMistake(f"there is no mode {argument!r}", "%mode session, or %mode oneshot") from None
    lost = console.session.alive and wanted is not console.session.mode
    if wanted is not console.session.mode:
        console.session.mode = wanted
    console.write(_explained(wanted) + ("; the interpreter's state is gone" if lost else ""), Kind.NOTE)


def _explained(mode: Mode) -> str:
    kept = {
        Mode.SESSION: "one interpreter keeps everything from cell to cell",
        Mode.ONESHOT: "each cell runs in any free container, and nothing is kept",
    }
    return f"{mode.value}: {kept[mode]}"


def mode_names(_console: Console, begun: str) -> Iterable[str]:
    """Complete a mode."""
    return [each.value for each in Mode if each.value.startswith(begun)]


def timeout(console: Console, argument: str) -> None:
    """%timeout [N|default]: say or set the deadline of cells."""
    if argument == "default":
        console.timeout = None
    elif argument:
        try:
            seconds = float(argument)
        except ValueError:
            seconds = 0.0
        if not 0 < seconds < 1e9:
            raise CommandMistake(f"{argument!r} is not a number of seconds above 0", "%timeout 60, or %timeout default")
        console.timeout = seconds
    limit = "the pool's setting" if console.timeout is None else f"{console.timeout:g} s"
    console.write(f"cells are killed after {limit}", Kind.NOTE if argument else Kind.TEXT)


def timeout_words(_console: Console, begun: str) -> Iterable[str]:
    """Complete the one word that is no number."""
    return [word for word in ("default",) if word.startswith(begun)]


def stats(console: Console, _argument: str) -> None:
    """%stats: the pool in figures."""
    pool = console.pool()
    if pool is None:
        console.write("the pool is not there yet", Kind.NOTE)
        return
    console.write("\n".join(_figures(pool)))


def _figures(pool: PoolSnapshot) -> Iterable[str]:
    counters = pool.counters
    yield f"pool {pool.pool_id}: {pool.phase}, {pool.backend} ({pool.isolation}), {pool.image}"
    bounds = f"{pool.total} of {pool.min_size} to {pool.max_size}"
    yield f"containers  {pool.available} available, {pool.in_use} in use, {bounds}"
    yield f"made {counters.created}, destroyed {counters.destroyed}, failed {counters.creation_failures}"
    yield f"runs {counters.executions}, scrubs {counters.resets}, not clean {counters.reset_failures}"
    for name, figures in (
        ("acquire", pool.acquire),
        ("run", pool.run),
        ("scrub", pool.scrub),
        ("create", pool.creation),
    ):
        if figures.count:
            yield f"{name.ljust(8)}{_percentiles(figures)}"
    for alert in pool.alerts:
        yield f"! {alert.message}: {alert.action}"


def _percentiles(figures: Percentiles) -> str:
    return f"p50 {duration(figures.p50)}, p95 {duration(figures.p95)}, p99 {duration(figures.p99)} of {figures.count}"


def history(console: Console, argument: str) -> None:
    """%history [N|TEXT]: entries of this and earlier runs, the newest last."""
    entries = list(enumerate(console.history.entries(), 1))
    if argument and not argument.isdecimal():
        entries = [(number, entry) for number, entry in entries if argument in entry]
    shown = entries[-max(1, int(argument)) :] if argument.isdecimal() else entries[-_SHOWN:]
    if not shown:
        console.write("nothing", Kind.NOTE)
        return
    width = len(str(shown[-1][0]))
    console.write("\n".join(f"{number:>{width}}  {_indented(entry, width + 2)}" for number, entry in shown))


def _indented(text: str, width: int) -> str:
    return text.replace("\n", "\n" + " " * width)


def save(console: Console, argument: str) -> None:
    """%save FILE: the cells of this run, as a script or a notebook."""
    (name,) = words(argument, "%save FILE.py, or %save FILE.ipynb", 1, 1)
    if not len(console.transcript):
        raise CommandMistake("there is no cell to save yet", "run one first")
    path = Path(name).expanduser()
    text = as_notebook(console.transcript) if path.suffix == ".ipynb" else as_script(console.transcript)
    if path.exists() and not console.confirm(f"{path} is there already: replace it?"):
        raise CommandMistake(f"{path} is there already", "give another name")
    # Half of a pair of surrogates, which UTF-8 has no bytes for, is written as JSON and Python both write it.
    write_local(path, text.encode("utf-8", "backslashreplace"))
    count = len(console.transcript)
    console.write(f"{path}  {count} {'cell' if count == 1 else 'cells'}", Kind.NOTE)
