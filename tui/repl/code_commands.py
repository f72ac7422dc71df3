"""The commands that run code: %time, %timeit, %run, %load."""

from __future__ import annotations

import json
import math

from engine.execution import Outcome
from tui.repl.console import Console, Kind
from tui.repl.mistakes import CommandMistake, read_local, words
from tui.repl.summary import duration

_MARK = "\x00pooldeck-timeit "
"""Begins our line in the output; a line of text does not hold a NUL by chance."""

# Run by `exec` with names of its own, so that it leaves nothing in the session, not even `_`.
_TIMEIT = """
import json, timeit
timer = timeit.Timer(code, globals=names)
number, took = timer.autorange()
times = [took / number] + [seconds / number for seconds in timer.repeat(6, number)]
print()
print(mark + json.dumps([number, times]))
"""


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
    program = f"exec({_TIMEIT!r}, {{'code': {code.strip()!r}, 'mark': {_MARK!r}, 'names': globals()}})"
    result = console.evaluate(program)
    before, mark, line = result.stdout.rpartition(_MARK)
    if result.outcome is not Outcome.OK or not mark:
        console.write(result.stderr.strip() or result.reason or result.outcome.value, Kind.ERROR)
        return
    if before.strip():
        console.write(f"what it printed is left out: {len(before.strip())} characters", Kind.NOTE)
    number, times = json.loads(line)
    mean, spread = statistics.fmean(times), statistics.pstdev(times)
    console.write(
        f"{_short(mean)} ± {_short(spread)} a loop, best {_short(min(times))}"
        f"  ({len(times)} runs of {number:,} {'loop' if number == 1 else 'loops'})"
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
