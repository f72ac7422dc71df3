"""What a pool does for itself from time to time: look after idle, old and lost containers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from engine import events
from engine.alerts import AlertBoard
from engine.container import ContainerState
from engine.core import PoolCore
from engine.errors import BackendError, ContainerLost
from engine.stats import PoolSnapshot

_S = ContainerState


class Upkeep:
    """The passes that the background threads make. Each pass is for one thread at a time."""

    def __init__(self, core: PoolCore, snapshot: Callable[[], PoolSnapshot]) -> None:
        self._core = core
        self._snapshot = snapshot
        self.alerts = AlertBoard()

    def health_pass(self) -> None:
        """Have every container that is available now checked, one after the other.

        Each is taken out of `available` before it is looked at, and only just before, so that
        a pass over a large pool does not leave callers without containers.
        """
        core = self._core
        with core.lock:
            candidates = core.roster.in_state(_S.AVAILABLE)
        for container in candidates:
            with core.lock:
                if container.state is not _S.AVAILABLE:
                    continue  # leased since; it is looked at when it is scrubbed
                core.set_aside_locked(container)
            core.finish_check(container)

    def idle_pass(self) -> None:
        """Retire the idle and the old, reclaim forgotten leases, retry, evaluate alerts."""
        self._core.sessions.end_due(self._core.config.session_timeout)
        self._reclaim_leases()
        self._ask_for_gauges()
        self._retire()
        self._core.submit(self._core.forgotten_work())
        self._core.rebalance()
        self.evaluate_alerts()
        self._bury_the_undead()  # last: an engine that does not answer takes its time

    def evaluate_alerts(self) -> None:
        """Raise and clear alerts, and say so as events."""
        raised, cleared = self.alerts.evaluate(self._snapshot())
        for alert in raised:
            self._core.events.publish(
                events.ALERT_RAISED, alert=alert.name, severity=alert.severity.value, reason=alert.message
            )
        for alert in cleared:
            self._core.events.publish(events.ALERT_CLEARED, alert=alert.name)

    def remove_orphans(self) -> None:
        """Remove containers that dead engines have left."""
        try:
            removed = self._core.backend.remove_orphans()
        except BackendError:
            return  # no engine yet; creation says so
        if removed:
            self._core.events.publish(events.ORPHANS_REMOVED, containers=removed)

    def _reclaim_leases(self) -> None:
        core = self._core
        with core.lock:
            since = core.clock() - core.config.lease_timeout
            late = [
                (container, container.lease_token)
                for container in core.roster.in_state(_S.IN_USE)
                if container.lease_taken_at < since
            ]
        for container, token in late:
            core.reclaim(container, token, "lease_timeout")

    def _ask_for_gauges(self) -> None:
        """Have containers in use say how they do; the others have just said it, after their scrub."""
        with self._core.lock:
            channels = [container.agent() for container in self._core.roster.in_state(_S.IN_USE)]
        for channel in channels:
            with suppress(ContainerLost):  # whoever holds it finds out
                channel.request_gauges()

    def _retire(self) -> None:
        core = self._core
        with core.lock:
            now = core.clock()
            work = []
            for container in core.roster.in_state(_S.AVAILABLE):
                reason = core.why_leaving_locked(container)
                if not reason and core.surplus_locked() and now - container.state_since >= core.config.idle_timeout:
                    reason = "idle_timeout"
                if reason:
                    work.append(core.retire_locked(container, reason))
        core.submit(work)

    def _bury_the_undead(self) -> None:
        core = self._core
        with core.lock:
            undead, core.undead = core.undead, []
        for position, container_id in enumerate(undead):
            try:
                core.backend.destroy(container_id)
            except Exception as error:
                with core.lock:
                    core.undead += undead[position:]
                if not isinstance(error, BackendError):
                    core.note_failure("destroying what was left over", error)
                return
