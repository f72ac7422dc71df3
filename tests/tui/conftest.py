"""The app on a simulated pool whose clock stands still, so that every picture is the same twice."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from engine.simulation import Scenario, SimulatedPool
from tui.app import PooldeckApp
from tui.settings import DashboardSettings
from tui.simulated_session import SimulatedSession

_STEP = 0.5


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine in a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    asyncio.run(pyfuncitem.obj(**arguments))
    return True


EPOCH = 1_770_000_000.0


class Stage:
    """An app, the simulated pool under it, and the clock that moves both."""

    def __init__(self, scenario: dict[str, Any], settings: dict[str, Any]) -> None:
        self.now = 0.0
        self.pool = SimulatedPool(Scenario(**scenario), clock=lambda: self.now, epoch=EPOCH, pause=self._pass)
        self.app = PooldeckApp(self.pool, lambda _: SimulatedSession(self.pool), DashboardSettings(**settings))

    def _pass(self, seconds: float) -> None:
        self.now += seconds

    def advance(self, seconds: float) -> None:
        """Let time pass, looked at as often as it is on a screen."""
        until = self.now + seconds
        while self.now < until:
            self.now = min(until, self.now + _STEP)
            self.app.store.poll()

    def calm(self, then: Callable[[Pilot[int]], Awaitable[None]] | None = None) -> Callable[[Any], Awaitable[None]]:
        """Return what `snap_compare` does before it looks: nothing blinks, everything is painted."""

        async def run(pilot: Pilot[int]) -> None:
            app = self.app
            await pilot.pause()
            app.tick()
            if then is not None:
                await then(pilot)
            for screen in app.screen_stack:
                for blinking in (*screen.query(Input), *screen.query(TextArea)):
                    blinking.cursor_blink = False
            app.tick()
            await pilot.pause()
            await pilot.pause()

        return run


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Stage]:
    """Return a maker of stages: how long the pool has run, what it is put through, settings."""
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()

    def make(seconds: float = 75.0, settings: dict[str, Any] | None = None, **scenario: Any) -> Stage:
        made = Stage(scenario, settings or {})
        made.advance(seconds)
        return made

    return make
