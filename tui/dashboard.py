"""`pooldeck` without a command: a pool of its own, and the app on it; `pooldeck demo`: a simulated one."""

from __future__ import annotations

from typing import Any

from engine.backends import choose_backend
from engine.config import load_config
from engine.control import PoolControl
from engine.pool import ContainerPool
from engine.simulation import Scenario, SimulatedPool
from tui.app import PooldeckApp
from tui.pane_shell import SessionOpener
from tui.repl.history import HistoryStore, default_path
from tui.run_once import show_pull
from tui.settings import DashboardSettings, dashboard_settings
from tui.simulated_session import SimulatedSession


def open_dashboard(settings: dict[str, Any], screen: dict[str, Any]) -> int:
    """Run the dashboard until it is left; nothing of the pool outlives it.

    Args:
        settings: the pool's.
        screen: the dashboard's own.
    """
    config = load_config(**settings)
    looks = dashboard_settings(config.dashboard, **screen)
    pool = ContainerPool(config, backend=choose_backend(config, show_pull).backend)
    return _run(pool, lambda on_notice: pool.session(on_notice=on_notice), looks, HistoryStore(default_path()))


def open_demo(scenario: dict[str, Any], screen: dict[str, Any]) -> int:
    """Run the dashboard on a simulated pool."""
    looks = dashboard_settings(load_config().dashboard, **screen)
    pool = SimulatedPool(Scenario(**scenario))
    return _run(pool, lambda _: SimulatedSession(pool), looks, HistoryStore(None))


def _run(pool: PoolControl, open_session: SessionOpener, looks: DashboardSettings, history: HistoryStore) -> int:
    try:
        app = PooldeckApp(pool, open_session, looks, history)
        try:
            app.run()
        finally:
            app.close_session()
        return app.return_code or 0
    finally:
        pool.shutdown(0)
