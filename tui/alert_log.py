"""Alerts as the screen shows them: active, acknowledged, over."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from engine.alerts import Alert, Severity


@dataclass(frozen=True, slots=True)
class AlertEntry:
    """One alert of the list."""

    alert: Alert
    ended_at: float | None = None
    """When it was cleared, seconds since the epoch; None while it holds."""
    acknowledged: bool = False

    @property
    def key(self) -> tuple[str, float]:
        """What tells it from others, also from an earlier one of the same rule."""
        return self.alert.name, self.alert.since


class AlertLog:
    """Follows the alerts from snapshot to snapshot. Belongs to the app's thread."""

    def __init__(self) -> None:
        self._active: dict[tuple[str, float], Alert] = {}
        self._acknowledged: set[tuple[str, float]] = set()
        self._over: deque[AlertEntry] = deque(maxlen=100)

    def update(self, alerts: tuple[Alert, ...], now: float) -> list[Alert]:
        """Note what a snapshot says; return the alerts that are new."""
        found = {(alert.name, alert.since): alert for alert in alerts}
        for key, alert in self._active.items():
            if key not in found:
                self._over.appendleft(AlertEntry(alert, now, key in self._acknowledged))
        new = [alert for key, alert in found.items() if key not in self._active]
        self._active = found
        return new

    def acknowledge(self, key: tuple[str, float]) -> None:
        """Note that somebody has seen it."""
        self._acknowledged.add(key)

    @property
    def unacknowledged(self) -> list[Alert]:
        """Those that hold and that nobody has seen to, the most severe first."""
        return [entry.alert for entry in self.entries() if entry.ended_at is None and not entry.acknowledged]

    def entries(self) -> list[AlertEntry]:
        """All: those that hold, by severity and age; then those that are over, the latest first."""
        active = [AlertEntry(alert, None, key in self._acknowledged) for key, alert in self._active.items()]
        active.sort(
            key=lambda entry: (entry.acknowledged, entry.alert.severity is not Severity.CRITICAL, entry.alert.since)
        )
        return [*active, *self._over]
