"""Make the pictures of this folder from the real app on a real pool.

Usage: python screenshots/make.py [BACKEND]
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from textual.widgets import Input

from engine.execution import ExecutionRequest
from engine.pool import ContainerPool
from tui.app import PooldeckApp

_HERE = Path(__file__).parent
_SAY = "print('Hello from a locked-down container', 6 * 7)"


async def _take(pool: ContainerPool) -> None:
    app = PooldeckApp(pool)
    async with app.run_test(size=(118, 34)) as pilot:
        await asyncio.to_thread(pool.wait, 30)
        for number in range(12):
            await asyncio.to_thread(pool.execute, f"print(sum(range({number}00000)))")
        busy = pool.get_container()
        running = asyncio.create_task(
            asyncio.to_thread(busy.run, ExecutionRequest("import time\ntime.sleep(60)", timeout=60))
        )
        await pilot.press("i")
        app.query_one(Input).value = _SAY
        await pilot.press("enter")
        while "ok" not in "".join(app.query_one("#output").lines):  # type: ignore[attr-defined]
            await pilot.pause(0.1)
        await pilot.press("escape")
        await pilot.pause(0.5)
        app.save_screenshot("dashboard.svg", str(_HERE))
        busy.cancel()
        await running
        busy.release()


def main() -> None:
    """Take all pictures."""
    backend = sys.argv[1] if len(sys.argv) > 1 else "docker"
    with ContainerPool(backend=backend, initial_size=5, min_size=5, max_size=8) as pool:  # type: ignore[arg-type]
        asyncio.run(_take(pool))


if __name__ == "__main__":
    main()
