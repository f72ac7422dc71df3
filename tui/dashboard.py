"""`pooldeck` without a command: a pool of its own, and the app on it; `pooldeck demo`: a simulated one."""

from __future__ import annotations

from typing import Any

from engine.backends import choose_backend
from engine.config import load_config
from engine.control import PoolControl
from engine.pool import ContainerPool
from engine.simulation import Scenario, SimulatedPool
from tui.app import PooldeckApp
from tui.cells import OneShotCells
from tui.run_once import show_pull
from tui.settings import DashboardSettings, dashboard_settings


def open_dashboard(settings: dict[str, Any], screen: dict[str, Any]) -> int:
    """Run the dashboard until it is left; nothing of the pool outlives it.

    Args:
        settings: the pool's.
        screen: the dashboard's own.
    """
    config = load_config(**settings)
    looks = dashboard_settings(config.dashboard, **screen)
    return _run(ContainerPool(config, backend=choose_backend(config, show_pull).backend), looks)


def open_demo(scenario: dict[str, Any], screen: dict[str, Any]) -> int:
    """Run the dashboard on a simulated pool."""
    looks = dashboard_settings(load_config().dashboard, **screen)
    return _run(SimulatedPool(Scenario(**scenario)), looks)


def _run(pool: PoolControl, looks: DashboardSettings) -> int:
    try:
        return PooldeckApp(pool, OneShotCells(pool), looks).run() or 0
    finally:
        pool.shutdown(0)
