"""What a console needs of a pool, wherever the pool is.

`ContainerPool` does it in this process; a simulation does it without containers; a client
of a service can do it over a network, for what goes in and comes out is plain: ids,
numbers, snapshots, events.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from engine.agent.channel import ResetReport
from engine.checks import HealthReport
from engine.events import Subscriber
from engine.execution import ExecutionRequest, ExecutionResult, OutputCallback
from engine.history import ContainerDetail
from engine.metrics import Metrics, Window
from engine.stats import PoolSnapshot

StartCallback = Callable[[str], None]
"""Called with an execution's id once it has its container: `CONTAINER/NUMBER`."""


class PoolControl(Protocol):
    """A pool as its operator has it. All methods may be called from any thread.

    `snapshot` and `metrics` never wait for an engine; every other method may.
    """

    def snapshot(self) -> PoolSnapshot:
        """Everything a screen shows of the pool at this moment."""

    def metrics(self, window: Window) -> Metrics:
        """Rates, levels and latencies over time."""

    def inspect(self, container_id: str) -> ContainerDetail:
        """One container with its history, also for a while after its end.

        Raises:
            UnknownContainer: if the pool knows none whose id begins so, or several.
        """

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Have every event from now on, in order; call what is returned to stop."""

    def execute(
        self,
        request: ExecutionRequest | str,
        on_output: OutputCallback | None = None,
        timeout: float | None = None,
        on_start: StartCallback | None = None,
    ) -> ExecutionResult:
        """Run a program in whichever container is free.

        Args:
            timeout: seconds to wait for a container.

        Raises:
            PoolError: if no container could be had.
            RequestError: if the request is too large.
        """

    def cancel(self, execution_id: str) -> bool:
        """End one execution, and never another one that has its container since; whether it ran."""

    def resize(self, min_size: int | None = None, max_size: int | None = None) -> None:
        """Change the bounds.

        Raises:
            ConfigError: if they do not agree.
        """

    def drain(self, timeout: float | None = None) -> bool:
        """Give no more leases and empty the pool; wait `timeout` seconds for it to be empty."""

    def resume(self) -> None:
        """Lease again, also in the middle of a drain."""

    def check(self, container_id: str) -> HealthReport:
        """Check one available container's health now."""

    def reset(self, container_id: str) -> ResetReport:
        """Scrub one available container now."""

    def replace(self, container_id: str) -> None:
        """Have a container replaced: now if it is free, else when it is returned."""

    def shutdown(self, timeout: float | None = None) -> None:
        """End the pool; with 0 without waiting for programs."""
