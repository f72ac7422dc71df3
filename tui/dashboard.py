"""`pooldeck` without a command: a pool of its own, and the app on it."""

from __future__ import annotations

from typing import Any

from engine.backends import choose_backend
from engine.config import load_config
from engine.pool import ContainerPool
from tui.app import PooldeckApp
from tui.run_once import show_pull


def open_dashboard(settings: dict[str, Any]) -> int:
    """Run the dashboard until it is left; nothing of the pool outlives it."""
    config = load_config(**settings)
    pool = ContainerPool(config, backend=choose_backend(config, show_pull).backend)
    try:
        return PooldeckApp(pool).run() or 0
    finally:
        pool.shutdown(0)
