"""The alert rules: pure functions of a pool's snapshot, raised and cleared with hysteresis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.stats import PoolSnapshot


class Severity(StrEnum):
    """How much an alert matters."""

    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Alert:
    """Something an operator should know, and what to do about it."""

    name: str
    severity: Severity
    message: str
    action: str
    since: float
    """When it was raised, seconds since the epoch."""
    remedy: str = ""
    """The operator's action that helps, where one does: grow, or resume."""

    def as_document(self) -> dict[str, Any]:
        """Return the alert as a JSON-ready document."""
        return {
            "name": self.name,
            "severity": self.severity.value,
            "message": self.message,
            "action": self.action,
            "since": self.since,
        }


@dataclass(frozen=True, slots=True)
class Rule:
    """One alert: when it holds, and how long it must hold or not hold before it changes."""

    name: str
    severity: Severity
    action: str
    holds: Callable[[PoolSnapshot], str]
    """What is wrong, with the figure and its limit; empty if nothing is."""
    remedy: str = ""
    raise_after: float = 0.0
    """Seconds the condition must hold without a break."""
    clear_after: float = 10.0
    """Seconds it must not hold without a break."""


def _exhausted(pool: PoolSnapshot) -> str:
    if pool.available == 0 and pool.total >= pool.max_size and pool.in_use > 0:
        return f"no container available, {pool.in_use} in use of at most {pool.max_size}, {pool.waiting} waiting"
    return ""


def _unhealthy(pool: PoolSnapshot) -> str:
    rate = pool.health_failure_rate
    return f"{rate:.0%} of health checks failed (limit 5%)" if rate > 0.05 else ""


def _slow(pool: PoolSnapshot) -> str:
    slow = pool.acquire.p99
    return f"an acquisition took {slow:.1f} s (limit 1 s)" if slow > 1.0 else ""


def _dirty(pool: PoolSnapshot) -> str:
    rate = pool.reset_failure_rate
    return f"{rate:.1%} of resets failed (limit 1%)" if rate > 0.01 else ""


def _cannot_create(pool: PoolSnapshot) -> str:
    return f"containers cannot be created: {pool.creation_error}" if pool.creation_error else ""


def _unisolated(pool: PoolSnapshot) -> str:
    return "" if pool.isolated else "programs run UNISOLATED, as plain processes of this machine"


RULES = (
    Rule("pool_exhausted", Severity.WARNING, "grow the pool", _exhausted, "grow", raise_after=2.0),
    Rule("health_check_failures", Severity.CRITICAL, "look at the engine: pooldeck doctor", _unhealthy),
    Rule("slow_acquisition", Severity.WARNING, "grow the pool", _slow, "grow"),
    Rule("reset_failures", Severity.CRITICAL, "look at the quarantined containers' events", _dirty),
    Rule("creation_failing", Severity.CRITICAL, "mend the cause; creation is tried again", _cannot_create),
    Rule("unisolated", Severity.CRITICAL, "start a Docker engine or install bubblewrap", _unisolated),
)


class AlertBoard:
    """Remembers which rules hold since when. Used by one thread at a time."""

    def __init__(self, rules: tuple[Rule, ...] = RULES) -> None:
        self._rules = rules
        self._holding_since: dict[str, float] = {}
        self._quiet_since: dict[str, float] = {}
        self.active: dict[str, Alert] = {}

    def evaluate(self, pool: PoolSnapshot) -> tuple[list[Alert], list[Alert]]:
        """Look at a snapshot; return the alerts newly raised and those newly cleared."""
        now = pool.taken_at
        raised, cleared = [], []
        for rule in self._rules:
            message = rule.holds(pool)
            if message:
                self._quiet_since.pop(rule.name, None)
                since = self._holding_since.setdefault(rule.name, now)
                known = self.active.get(rule.name)
                if known is not None:
                    self.active[rule.name] = replace(known, message=message)
                elif now - since >= rule.raise_after:
                    alert = Alert(rule.name, rule.severity, message, rule.action, now, rule.remedy)
                    self.active[rule.name] = alert
                    raised.append(alert)
                continue
            self._holding_since.pop(rule.name, None)
            if rule.name in self.active:
                quiet = self._quiet_since.setdefault(rule.name, now)
                if now - quiet >= rule.clear_after:
                    cleared.append(self.active.pop(rule.name))
                    del self._quiet_since[rule.name]
        return raised, cleared
