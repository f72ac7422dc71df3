"""What the dashboard costs: 100 containers at 5 Hz in a real terminal of 200x60.

Usage: python -m benchmarks.dashboard [SECONDS]

The pool is a real one whose containers exist only in memory, a third of them in use at any
time, so that the figures are the screen's and not an engine's. Printed as one JSON line.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import random
import select
import struct
import subprocess
import sys
import termios
import threading
from pathlib import Path
from statistics import quantiles
from time import monotonic

import click

_CONTAINERS, _BUSY = 100, 33
_COLUMNS, _LINES = 200, 60
_KEYS = 60


def _dashboard() -> None:
    """Run the app on a busy pool; in a process of its own."""
    from engine.backends.memory import MemoryBackend
    from engine.pool import ContainerPool
    from tui.app import PooldeckApp

    pool = ContainerPool(backend=MemoryBackend(), initial_size=_CONTAINERS, min_size=_CONTAINERS, max_size=_CONTAINERS)
    over = threading.Event()

    def client(number: int) -> None:
        pause = random.Random(number)
        while not over.is_set():
            with pool.lease() as container:
                container.run(f"work({number})")
                over.wait(pause.uniform(0.2, 3.0))

    clients = [threading.Thread(target=client, args=(number,), daemon=True) for number in range(_BUSY)]
    for thread in clients:
        thread.start()
    try:
        PooldeckApp(pool, lambda on_notice: pool.session(on_notice=on_notice)).run()
    finally:
        over.set()
        pool.shutdown(0)


class _Screen:
    """The terminal's end of it: bytes only; an emulator would cost more than the app."""

    def __init__(self) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", _LINES, _COLUMNS, 0, 0))
        self.began = monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.dashboard", "--child"],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
        )
        os.close(slave)

    def read(self, seconds: float) -> bytes:
        """What is written first within `seconds`."""
        ready, _, _ = select.select([self.master], [], [], max(0.0, seconds))
        return os.read(self.master, 1 << 18) if ready else b""

    def until(self, wanted: bytes, seconds: float = 20.0) -> float:
        """Read until something was written; return the seconds that it took."""
        began, seen = monotonic(), b""
        while wanted not in seen:
            left = began + seconds - monotonic()
            if left <= 0:
                raise TimeoutError(f"{wanted!r} was never written")
            seen = seen[-1000:] + self.read(left)
        return monotonic() - began

    def rest(self, seconds: float) -> None:
        """Read for a while."""
        until = monotonic() + seconds
        while monotonic() < until:
            self.read(until - monotonic())

    def cpu_time(self) -> float:
        """CPU seconds of the app so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def press(self, keys: str) -> None:
        """Send keys."""
        os.write(self.master, keys.encode())


def measure(seconds: float) -> dict[str, float]:
    """Return first paint, CPU and key-to-echo times, in seconds and shares of a core."""
    screen = _Screen()
    try:
        screen.until(b"Containers")
        first_paint = monotonic() - screen.began
        screen.rest(5.0)
        before = screen.cpu_time()
        screen.rest(seconds)
        cpu = (screen.cpu_time() - before) / seconds
        moves = []
        for number in range(_KEYS):
            screen.press("\x1b[C" if number % 20 < 10 else "\x1b[D")
            moves.append(screen.until("┃".encode()))
            screen.rest(random.uniform(0.05, 0.25))
        screen.press("i")
        screen.until(b"Interrupt")
        echoes = []
        for _ in range(_KEYS):
            screen.press("~")
            echoes.append(screen.until(b"~"))
            screen.rest(random.uniform(0.05, 0.25))
        return {
            "first_paint_s": round(first_paint, 3),
            "cpu_share_of_a_core": round(cpu, 4),
            **_spread("move", moves),
            **_spread("echo", echoes),
        }
    finally:
        screen.process.kill()
        screen.process.wait()
        os.close(screen.master)


def _spread(name: str, times: list[float]) -> dict[str, float]:
    cuts = quantiles(times, n=20)
    return {f"{name}_p50_ms": round(cuts[9] * 1e3, 1), f"{name}_p95_ms": round(cuts[18] * 1e3, 1)}


if __name__ == "__main__":
    if "--child" in sys.argv:
        _dashboard()
    else:
        click.echo(json.dumps(measure(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0)))
