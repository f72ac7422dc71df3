"""A simulated pool: seeded, steered like a real one; with a clock that stands still it stands still."""

from __future__ import annotations

import ast
from collections.abc import Callable

from engine import events
from engine.agent.channel import ResetReport
from engine.checks import HealthReport
from engine.container import ContainerState
from engine.control import StartCallback
from engine.errors import ConfigError, PoolClosed, PoolDraining, PoolTimeout
from engine.execution import ExecutionRequest, ExecutionResult, Outcome, OutputCallback, Timing
from engine.history import ContainerDetail
from engine.metrics import Metrics, Window
from engine.simulation.container import random_program
from engine.simulation.world import World
from engine.stats import PoolPhase, PoolSnapshot

_S = ContainerState
_NOTICE = b"(simulated: no code is run)\n"


class SimulatedPool(World):
    """Does what `engine.control.PoolControl` asks. All methods may be called from any thread."""

    # Looking.

    def snapshot(self) -> PoolSnapshot:
        """Everything a screen shows of the pool at this moment."""
        with self._lock:
            self._catch_up()
            found = self._snapshot()
        self._tell()
        return found

    def metrics(self, window: Window) -> Metrics:
        """Rates, levels and latencies over time."""
        with self._lock:
            self._catch_up()
            return self._recorder.recording(window).metrics()

    def inspect(self, container_id: str) -> ContainerDetail:
        """One container with its history, alive or dead.

        Raises:
            UnknownContainer: if there is none whose id begins so.
        """
        with self._lock:
            self._catch_up()
            for detail in self._graves:
                if detail.container.id.startswith(container_id):
                    return detail
            return self._find(container_id).detail(self._now)

    def subscribe(self, subscriber: events.Subscriber) -> Callable[[], None]:
        """Have every event from now on, in the thread that makes the simulation catch up."""
        self._subscribers = (*self._subscribers, subscriber)

        def unsubscribe() -> None:
            self._subscribers = tuple(known for known in self._subscribers if known is not subscriber)

        return unsubscribe

    # Steering.

    def execute(
        self,
        request: ExecutionRequest | str,
        on_output: OutputCallback | None = None,
        timeout: float | None = None,  # noqa: ARG002 - nobody waits in a simulation
        on_start: StartCallback | None = None,
    ) -> ExecutionResult:
        """Pretend to run a program; the texts it would print are printed, nothing is run.

        Raises:
            PoolError: if no container is available at this moment.
        """
        source = request if isinstance(request, str) else request.source().decode("utf-8", "replace")
        with self._lock:
            self._catch_up()
            if self._phase is PoolPhase.CLOSED:
                raise PoolClosed("the pool is shut down")
            if self._phase is not PoolPhase.RUNNING:
                raise PoolDraining("the pool gives no leases while it is drained", "resume it")
            free = self._in_state(_S.AVAILABLE)
            if not free:
                raise PoolTimeout("no container is free", "grow the pool, or try later")
            first = source.strip().partition("\n")[0]
            program = random_program(self._rng, next(self._programs), first, self._now, 0.05, self._spec.memory)
            self._lease(free[-1], program)
            container_id = free[-1].id
        if on_start is not None:
            on_start(f"{container_id}/{program.number}")
        output = _would_print(source)
        if on_output is not None:
            on_output("stdout", output)
        timing = Timing(wait=0.00004, run=program.seconds, answer=0.0003)
        self._tell()
        return ExecutionResult(
            Outcome.OK, 0, None, (("stdout", output),), timing=timing, cpu_time=program.seconds * program.load,
            peak_memory=program.memory, container_id=container_id,
        )  # fmt: skip

    def cancel(self, execution_id: str) -> bool:
        """End a program that runs."""
        container_id, _, number = execution_id.rpartition("/")
        with self._lock:
            self._catch_up()
            for container in self._in_state(_S.IN_USE):
                if container.id == container_id and container.program and str(container.program.number) == number:
                    self._finish(container, container.program, Outcome.CANCELLED)
                    return True
        return False

    def resize(self, min_size: int | None = None, max_size: int | None = None) -> None:
        """Change the bounds.

        Raises:
            ConfigError: if they do not agree.
        """
        with self._lock:
            self._catch_up()
            low = self._min_size if min_size is None else min_size
            high = self._max_size if max_size is None else max_size
            if not 0 <= low <= high or high < 1:
                raise ConfigError(f"min_size = {low} and max_size = {high} do not agree", "0 <= min_size <= max_size")
            self._min_size, self._max_size = low, high
            self._publish(events.POOL_RESIZED, min_size=low, max_size=high)
            self._balance()

    def drain(self, timeout: float | None = None) -> bool:
        """Give no more leases and empty the pool."""
        with self._lock:
            self._catch_up()
            if self._phase is PoolPhase.RUNNING:
                self._publish(events.POOL_DRAINING, in_use=len(self._in_state(_S.IN_USE)))
                self._stop_leasing(PoolPhase.DRAINING)
        return self._wait_until(lambda: self._phase is not PoolPhase.DRAINING, timeout)

    def resume(self) -> None:
        """Lease again.

        Raises:
            PoolClosed: if the pool is shut down.
        """
        with self._lock:
            self._catch_up()
            if self._phase is PoolPhase.CLOSED:
                raise PoolClosed("the pool is shut down")
            if self._phase is not PoolPhase.RUNNING:
                self._phase, self._leaving_from = PoolPhase.RUNNING, 0
                self._publish(events.POOL_RESUMED)
                self._balance()

    def check(self, container_id: str) -> HealthReport:
        """Check one available container."""
        with self._lock:
            self._catch_up()
            return self._check(self._find_available(container_id), failing=False)

    def reset(self, container_id: str) -> ResetReport:
        """Scrub one available container."""
        with self._lock:
            self._catch_up()
            container = self._find_available(container_id)
            container.move(_S.RESETTING, self._now, "on request")
            steps = self._scrub_steps()
            self._later(0.5, lambda: self._scrubbed(container, steps))
            return ResetReport(True, steps)

    def replace(self, container_id: str) -> None:
        """Have a container replaced."""
        with self._lock:
            self._catch_up()
            container = self._find(container_id)
            container.leaving = "replaced on request"
            if container.state is _S.AVAILABLE:
                self._retire(container, container.leaving)
                self._balance()

    def shutdown(self, timeout: float | None = None) -> None:
        """End the pool."""
        with self._lock:
            self._catch_up()
            if self._phase is not PoolPhase.CLOSED:
                self._stop_leasing(PoolPhase.CLOSED)
            if timeout == 0:
                self._containers.clear()
        self._wait_until(lambda: not self._containers, 30.0 if timeout is None else timeout)
        with self._lock:
            self._containers.clear()

    def _wait_until(self, condition: Callable[[], bool], timeout: float | None) -> bool:
        waited = 0.0
        while not condition():
            if timeout is not None and waited >= timeout:
                return False
            self._pause(0.05)
            waited += 0.05
            with self._lock:
                self._catch_up()
        return True


def _would_print(source: str) -> bytes:
    """The texts and numbers that a program prints as they stand; else a notice."""
    try:
        calls = [node.value for node in ast.parse(source).body if isinstance(node, ast.Expr)]
        printed = [
            " ".join(str(ast.literal_eval(argument)) for argument in call.args)
            for call in calls
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "print"
        ]
    except (SyntaxError, ValueError):
        return _NOTICE
    return "".join(f"{line}\n" for line in printed).encode() or _NOTICE
