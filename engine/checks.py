"""The five health checks and the six reset steps: their names and their verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic

from engine.agent.channel import AgentChannel, ResetReport
from engine.backends.base import Backend, Guarantee
from engine.errors import PooldeckError

RESET_STEPS = ("kill", "empty", "respond", "verify", "processes", "report")
"""Kill every process; empty every writable place; does the agent's next child answer; are
the places empty; is no process left; report. The agent takes them, `scrub.py` and
`places.py` in its folder are the code."""

HEALTH_CHECKS = ("running", "responsive", "memory", "processes", "read_only")

MEMORY_LIMIT = 0.9
"""Share of the memory limit from which an idle container is unhealthy."""

PROCESS_LIMIT = 50
"""Number of processes from which an idle container is unhealthy."""


@dataclass(frozen=True, slots=True)
class HealthReport:
    """What the five checks found."""

    passed: Mapping[str, bool]
    times: Mapping[str, float] = field(default_factory=dict)
    """Seconds each took; the agent's three answers come with one question."""
    reason: str = ""

    @property
    def healthy(self) -> bool:
        """Whether all five passed."""
        return all(self.passed.get(name, False) for name in HEALTH_CHECKS)


def check_health(backend: Backend, container_id: str, channel: AgentChannel, timeout: float) -> HealthReport:
    """Look at a container that nobody else uses meanwhile. Never raises for what it finds.

    Args:
        timeout: seconds the agent may take.
    """
    passed: dict[str, bool] = {}
    times: dict[str, float] = {}
    began = monotonic()
    try:
        look = backend.look(container_id)
    except Exception as error:
        return HealthReport({"running": False}, {"running": monotonic() - began}, _told(error))
    times["running"] = monotonic() - began
    passed["running"] = look.running
    if not look.running:
        return HealthReport(passed, times, f"the container is {look.state}")
    began = monotonic()
    try:
        fields = channel.check(timeout)
    except Exception as error:
        passed["responsive"] = False
        return HealthReport(passed, times, _told(error))
    times["responsive"] = monotonic() - began
    passed["responsive"] = True
    memory, limit = fields["memory"], fields["memory_limit"]
    passed["memory"] = memory is None or limit is None or memory < MEMORY_LIMIT * limit
    passed["processes"] = fields["processes"] < PROCESS_LIMIT
    passed["read_only"] = fields["read_only"] or Guarantee.FILESYSTEM in backend.missing
    reasons = []
    if not passed["memory"]:
        reasons.append(f"memory at {memory} of {limit} bytes")
    if not passed["processes"]:
        reasons.append(f"{fields['processes']} processes")
    if not passed["read_only"]:
        reasons.append("the root can be written to")
    return HealthReport(passed, times, ", ".join(reasons))


def reset(channel: AgentChannel, timeout: float) -> ResetReport:
    """Scrub a container that nobody else uses meanwhile. Never raises for what it finds.

    Args:
        timeout: seconds the agent may take; it is asked to give up by itself before.
    """
    try:
        return channel.reset(timeout + 1.0)
    except Exception as error:
        return ResetReport(False, {}, "respond", _told(error))


def _told(error: Exception) -> str:
    """What went wrong: our own errors say it, of others the kind matters."""
    return str(error) if isinstance(error, PooldeckError) else f"{type(error).__name__}: {error}"
