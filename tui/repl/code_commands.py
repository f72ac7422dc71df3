"""The commands that run code: %time, %timeit, %run, %load."""

from __future__ import annotations

import contextlib
import json
import math
from dataclasses import dataclass

from engine.execution import Outcome
from tui.repl.console import Console, Kind
from tui.repl.mistakes import CommandMistake, read_local, words
from tui.repl.summary import duration

# Run by `exec` with names of its own, so that it leaves nothing in the session, not even `_`:
# the figures are the cell's value, which no output can be taken for or cut off.
_TIMEIT = """
import builtins, contextlib, io, sys, timeit
class Counter(io.RawIOBase):
    count = 0
    def writable(self):
        return True
    def write(self, data):
        self.count += len(data)
        return len(data)
sink = Counter()
out = io.TextIOWrapper(io.BufferedWriter(sink), "utf-8", "backslashreplace")
timer = timeit.Timer(code, globals=names)
with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
    number, took = timer.autorange()
    times = [took / number] + [seconds / number for seconds in timer.repeat(6, number)]
out.flush()
kept = {name: vars(builtins)[name] for name in ("_", "__") if name in vars(builtins)}
sys.displayhook([number, times, sink.count])
for name in ("_", "__"):
    vars(builtins).pop(name, None)
vars(builtins).update(kept)
"""
_LONGEST_FIGURES = 1000
_LONGEST_LOOP = 1e9


@dataclass(frozen=True, slots=True)
class _Figures:
    """What `_TIMEIT` has found out."""

    number: int
    times: list[float]
    """Seconds for a loop, of each run."""
    printed: int


def time_code(console: Console, code: str) -> None:
    """%time CODE: run it as a cell, and say more than the line that follows each."""
    if not code.strip():
        raise CommandMistake("there is no code to time", "%time sum(range(1000))")
    result = console.run(code)
    timing = result.timing
    lines = [
        f"wall {duration(timing.total)}",
        f"  wait    {duration(timing.wait)}  for a container",
        f"  run     {duration(timing.run)}  in the container",
        f"  answer  {duration(timing.answer)}  the way there and back",
    ]
    if result.cpu_time is not None:
        share = f"  {result.cpu_time / timing.run:.0%} of the run" if timing.run > 0 else ""
        lines.append(f"cpu  {duration(result.cpu_time)}{share}")
    console.write("\n".join(lines))


def timeit(console: Console, code: str) -> None:
    """%timeit CODE: as IPython and `python -m timeit` do, in the session's own names."""
    import statistics  # takes longer to import than the prompt has to spare

    if not code.strip():
        raise CommandMistake("there is no code to time", "%timeit sum(range(1000))")
    # Compiled first, so that a mistake in it is told as one of the code and not of timeit's.
    program = f"exec({_TIMEIT!r}, {{'code': {code.strip()!r}, 'names': globals()}})"
    result = console.evaluate(program)
    if result.outcome is not Outcome.OK:
        said = result.stderr.replace(program, f"%timeit {code.strip()}")  # the source of a frame in a traceback
        console.write(said.strip() or result.reason or result.outcome.value, Kind.ERROR)
        return
    figures = _figures(result.value)
    if figures.printed:
        console.write(f"what it printed is left out: {figures.printed:,} bytes", Kind.NOTE)
    number, times = figures.number, figures.times
    mean, spread = statistics.fmean(times), statistics.pstdev(times)
    console.write(
        f"{_short(mean)} ± {_short(spread)} a loop, best {_short(min(times))}"
        f"  ({len(times)} runs of {number:,} {'loop' if number == 1 else 'loops'})"
    )


def _figures(value: str | None) -> _Figures:
    """Read what the session says of its own times, which need not be true nor figures.

    Raises:
        CommandMistake: if it cannot be so.
    """
    if value is not None and len(value) <= _LONGEST_FIGURES:
        with contextlib.suppress(ValueError, TypeError, RecursionError):
            number, times, printed = json.loads(value)
            sound = [seconds for seconds in times if isinstance(seconds, float) and 0 <= seconds < _LONGEST_LOOP]
            if isinstance(number, int) and number > 0 and isinstance(printed, int) and 0 < len(sound) == len(times):
                return _Figures(number, sound, printed)
    raise CommandMistake(
        "the session gave no figures", "something in it has replaced timeit's parts: %reset mends that"
    )


def run_file(console: Console, argument: str) -> None:
    """%run FILE: its text as one cell."""
    (name,) = words(argument, "%run FILE", 1, 1)
    console.run(_text(name))


def load_file(console: Console, argument: str) -> None:
    """%load FILE: its text into the input."""
    (name,) = words(argument, "%load FILE", 1, 1)
    console.prefill(_text(name).rstrip("\n"))


def _text(name: str) -> str:
    data = read_local(name)
    try:
        # As Python reads a file: without a byte order mark, lines ended by newlines alone.
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        raise CommandMistake(f"{name} is not UTF-8 text", "%put copies any file into the container") from None


def _short(seconds: float) -> str:
    """Three significant digits with the unit that fits."""
    if seconds <= 0:
        return "0 ns"
    units = (("s", 1.0), ("ms", 1e3), ("µs", 1e6), ("ns", 1e9))
    unit, value = next(
        ((unit, seconds * factor) for unit, factor in units if seconds * factor >= 1), ("ns", seconds * 1e9)
    )
    return f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f} {unit}"
