"""What a session costs: a cell against the stream's bare round trip, completion, and the first key of the REPL.

Usage: python -m benchmarks.session [BACKEND]

A cell and a bare round trip (the agent's figures, asked for and given) take turns on one
stream, so that both see the same machine. Printed as one JSON line, times in milliseconds.
"""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
from collections.abc import Callable
from statistics import quantiles
from time import monotonic
from typing import Literal, cast

import click

from engine.pool import ContainerPool

_TURNS = 400
_STARTS = 9

BUDGETS_MS = {"cell_over_round_trip_p50": 1.0, "completion_p95": 30.0, "first_key_p50": 500.0}


def _timed(work: Callable[[], object]) -> float:
    began = monotonic()
    work()
    return (monotonic() - began) * 1e3


def _spread(samples: list[float]) -> dict[str, float]:
    cuts = quantiles(samples, n=100, method="inclusive")
    return {name: round(cuts[rank - 1], 3) for name, rank in (("p50", 50), ("p95", 95), ("p99", 99))}


def measure_session(backend: Literal["docker", "bubblewrap", "process"]) -> dict[str, dict[str, float]]:
    """Return the spread of a cell, a bare round trip and a completion, in milliseconds."""
    with ContainerPool(backend=backend, initial_size=1, max_size=1) as pool, pool.session() as session:
        session.run("import os\nx = 1")
        channel = pool.roster.in_state(next(iter(pool.snapshot().containers)).state)[0].agent()
        cells, trips, completions = [], [], []
        for turn in range(_TURNS + 50):
            cell = _timed(lambda: session.run("x + 1"))
            trip = _timed(lambda: channel.check(5.0))
            completion = _timed(lambda: session.complete("os.pa", 5))
            if turn >= 50:  # the first ones find everything cold
                cells.append(cell)
                trips.append(trip)
                completions.append(completion)
    return {"cell": _spread(cells), "round_trip": _spread(trips), "completion": _spread(completions)}


def _first_key(backend: str) -> float:
    """Milliseconds from the start of `pooldeck repl` to the echo of a key that was typed at once."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color"}
    began = monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "tui.entry", "repl", "--backend", backend],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env=environment,
        start_new_session=True,
    )
    os.close(follower)
    try:
        os.write(leader, b"q")
        seen = b""
        while b">>> " not in seen or b"q" not in seen.rpartition(b">>> ")[2]:
            if not select.select([leader], [], [], 20)[0]:
                raise TimeoutError(f"no prompt: {seen[-200:]!r}")
            seen += os.read(leader, 1 << 16)
            if b"\x1b[6n" in seen:  # where is the cursor? A terminal answers.
                os.write(leader, b"\x1b[1;1R")
                seen = seen.replace(b"\x1b[6n", b"")
        return (monotonic() - began) * 1e3
    finally:
        process.terminate()
        process.wait(20)
        os.close(leader)


@click.command()
@click.argument("backend", default="docker", type=click.Choice(["docker", "bubblewrap", "process"]))
def main(backend: str) -> None:
    """Measure, print, and fail if a budget is not met."""
    found = measure_session(cast("Literal['docker', 'bubblewrap', 'process']", backend))
    starts = [_first_key(backend) for _ in range(_STARTS)]
    found["first_key"] = _spread(starts)
    against = {
        "cell_over_round_trip_p50": round(found["cell"]["p50"] - found["round_trip"]["p50"], 3),
        "completion_p95": found["completion"]["p95"],
        "first_key_p50": found["first_key"]["p50"],
    }
    missed = [name for name, value in against.items() if value > BUDGETS_MS[name]]
    click.echo(json.dumps({"backend": backend, "turns": _TURNS, **found, "budgets": against, "missed": missed}))
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
