"""Make the pictures of this folder from the real app on real containers, SVG and PNG.

Usage: python -m screenshots.make [BACKEND [PICTURE ...]]

PNG needs Chromium on the PATH; without it only SVG is made. The pictures with many
containers start up to 24 of them.
"""

from __future__ import annotations

import asyncio
import random
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click
from textual.pilot import Pilot

from engine.backends import choose_backend
from engine.config import load_config
from engine.container import ContainerState
from engine.errors import PoolError
from engine.pool import ContainerPool
from tui.app import PooldeckApp
from tui.settings import DashboardSettings
from tui.widgets.code_input import CodeInput
from tui.widgets.containers import ContainersPane
from tui.widgets.transcript import Transcript

_HERE = Path(__file__).parent
_CLIENTS = 11
_PROGRAMS = (
    "total = sum(n * n for n in range({n}00_000))",
    "primes = [n for n in range(2, {n}00) if all(n % d for d in range(2, n))]",
    "import json; blob = json.dumps(list(range({n}0_000)))",
    "words = sorted(str(n)[::-1] for n in range({n}0_000))",
    "import hashlib; hashlib.sha256(b'x' * {n}_000_000).hexdigest()",
    "import time; time.sleep({n} / 4)  # wait for nobody",
    "data = bytearray({n}_000_000); import time; time.sleep({n} / 8)",
)
_STATISTICS = """\
from statistics import mean, stdev
sample = [4, 8, 15, 16, 23, 42]
print(f'mean {mean(sample)}, deviation {stdev(sample):.2f}')"""
_CELLS = (
    _STATISTICS,
    "import os, sys\nprint(sys.version.split()[0], os.getuid() != 0, os.listdir('.'))",
    "open('/etc/passwd', 'a')",
)

Scene = Callable[[Pilot[int], PooldeckApp], Awaitable[None]]


@contextmanager
def load(pool: ContainerPool, clients: int) -> Iterator[None]:
    """Keep the pool busy with programs of all lengths."""
    over = threading.Event()

    def client(number: int) -> None:
        choose = random.Random(number)
        while not over.is_set():
            with suppress(PoolError):  # while it is drained
                pool.execute(choose.choice(_PROGRAMS).format(n=choose.randint(1, 9)))
            over.wait(choose.expovariate(3.0))

    threads = [threading.Thread(target=client, args=(number,), daemon=True) for number in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


async def _until(pilot: Pilot[int], condition: Callable[[], object], tries: int = 600) -> None:
    for _ in range(tries):
        if condition():
            return
        await pilot.pause(0.05)
    raise TimeoutError("the scene did not come about")


async def _watch(pilot: Pilot[int], app: PooldeckApp) -> None:
    await _until(pilot, lambda: app.pool.uptime > 45, 2000)
    await pilot.press("right", "down")
    await pilot.pause(0.5)


async def _soon(pilot: Pilot[int], app: PooldeckApp) -> None:
    await _until(pilot, lambda: app.pool.uptime > 20 and app.pool.in_use > 3, 2000)
    await pilot.pause(1.0)


async def _repl(pilot: Pilot[int], app: PooldeckApp) -> None:
    await _soon(pilot, app)
    await pilot.press("i")
    code, transcript = app.screen.query_one(CodeInput), app.screen.query_one(Transcript)
    for number, cell in enumerate(_CELLS, 1):
        code.insert(cell)
        await pilot.press("ctrl+j")
        await _until(pilot, lambda number=number: len(re.findall(r"^[✓✗] ", transcript.text, re.M)) == number)  # type: ignore[misc]
    code.insert("for number in range(3):\n    print(number, number ** 2)  # and so on")
    code.cursor_blink = False
    await pilot.pause(0.5)


async def _large(pilot: Pilot[int], app: PooldeckApp) -> None:
    await _watch(pilot, app)
    await _repl(pilot, app)


async def _alert(pilot: Pilot[int], app: PooldeckApp) -> None:
    await _until(pilot, lambda: app.pool.uptime > 20, 2000)
    await _until(pilot, lambda: any(alert.name == "pool_exhausted" for alert in app.pool.alerts), 2000)
    await pilot.press("3")
    await pilot.pause(0.5)


async def _drain(pilot: Pilot[int], app: PooldeckApp) -> None:
    await _soon(pilot, app)
    await pilot.press("d")
    await pilot.pause(0.3)


async def _draining(pilot: Pilot[int], app: PooldeckApp) -> None:
    await _drain(pilot, app)
    await pilot.press("tab", "enter")
    await _until(pilot, lambda: app.pool.leaving_from)
    await pilot.pause(0.3)


async def _container(pilot: Pilot[int], app: PooldeckApp) -> None:
    await _until(pilot, lambda: app.pool.uptime > 20, 2000)
    busiest = max(app.pool.containers, key=lambda each: (each.state is ContainerState.AVAILABLE, each.execution_count))
    await asyncio.to_thread(app.steering.check, [busiest], lambda: None)
    app.screen.post_message(ContainersPane.Open(busiest.id))
    await pilot.pause(1.0)


_PICTURES: tuple[tuple[str, tuple[int, int], str, Scene, int, int], ...] = (
    ("large", (200, 60), "pooldeck-dark", _large, 20, _CLIENTS),
    ("medium", (120, 40), "pooldeck-dark", _soon, 12, _CLIENTS),
    ("small", (80, 24), "pooldeck-dark", _soon, 12, _CLIENTS),
    ("light", (120, 40), "pooldeck-light", _soon, 12, _CLIENTS),
    ("repl", (120, 40), "pooldeck-dark", _repl, 12, 4),
    ("alert", (120, 40), "pooldeck-dark", _alert, 12, 40),
    ("drain", (120, 40), "pooldeck-dark", _drain, 12, _CLIENTS),
    ("draining", (120, 40), "pooldeck-dark", _draining, 12, _CLIENTS),
    ("container", (120, 40), "pooldeck-dark", _container, 12, _CLIENTS),
)
"""Name, size, theme, what is done, how many containers and clients."""


async def _take(
    backend: str, name: str, size: tuple[int, int], theme: str, scene: Scene, containers: int, clients: int
) -> None:
    """Take one picture on a pool of its own."""
    config = load_config(backend=backend, initial_size=containers, min_size=8, max_size=containers + 4)
    pool = ContainerPool(config, backend=choose_backend(config).backend)
    try:
        app = PooldeckApp(pool, lambda on_notice: pool.session(on_notice=on_notice), DashboardSettings(theme=theme))
        with load(pool, clients):
            async with app.run_test(size=size) as pilot:
                await scene(pilot, app)
                app.save_screenshot(f"{name}.svg", str(_HERE))
            await asyncio.to_thread(app.close_session)
            await asyncio.to_thread(pool.shutdown, 0)
    finally:
        await asyncio.to_thread(pool.shutdown, 0)


def _rasterise(svg: Path) -> None:
    """Make a PNG of the same name."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        return
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg.read_text())
    if found is None:
        raise ValueError(f"{svg} has no viewBox")
    width, height = (int(float(edge)) + 1 for edge in found.groups())
    png = svg.with_suffix(".png")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    subprocess.run(
        [
            chromium,
            *options,
            f"--screenshot={png}",
            f"--window-size={width},{height}",
            svg.as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )


def main() -> None:
    """Take all pictures, or those that are named after the backend."""
    backend = sys.argv[1] if len(sys.argv) > 1 else "docker"
    for picture in _PICTURES:
        if not sys.argv[2:] or picture[0] in sys.argv[2:]:
            click.echo(picture[0])
            asyncio.run(_take(backend, *picture))
            _rasterise(_HERE / f"{picture[0]}.svg")


if __name__ == "__main__":
    main()
