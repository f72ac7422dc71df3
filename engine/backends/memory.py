"""The in-memory backend: containers that exist only as their agent's protocol.

For tests of the pool's own rules, where a real container would add time and chance. Its
agents answer every request at once, in the thread that sends it, and can be told to fail.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from engine.agent import frames, handover
from engine.backends.base import ContainerLook, ContainerSpec, DeathCallback, Guarantee, Launched, PostMortem

_GAUGES = {"memory": 1 << 20, "memory_limit": 1 << 28, "cpu_time": 0.0, "processes": 3, "process_limit": 64}


@dataclass(eq=False)
class MemoryContainer:
    """One pretended container: its agent, and how it is to misbehave."""

    id: str
    dirty: bool = False
    """Whether its next scrub finds something left."""
    unhealthy: bool = False
    """Whether its next health check finds a writable root."""
    silent: bool = False
    """Whether its agent answers no more."""
    dead: bool = False
    tenants: int = 0
    """Programs run since the last scrub; more than one lease's would be a leak."""
    _answers: bytearray = field(default_factory=bytearray)
    _reader: frames.FrameReader = field(default_factory=frames.FrameReader)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _timeout: float | None = None
    _handed_over: bool = False

    @property
    def complaint(self) -> bytes:
        """Nothing is ever said on stderr."""
        return b""

    def send(self, data: bytes) -> None:
        """Read what the host has written, and answer it."""
        with self._changed:
            if self.dead:
                raise BrokenPipeError("the container is gone")
            if not self._handed_over:
                data = data[len(handover.payload()) :]
                self._handed_over = True
            for frame in self._reader.feed(data):
                if not self.silent:
                    self._answer(frame)
            self._changed.notify_all()

    def receive(self, size: int) -> bytes:
        """Return answers; nothing once the container is gone."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._answers or self.dead, self._timeout):
                raise TimeoutError("no answer")
            data = bytes(self._answers[:size])
            del self._answers[:size]
            return data

    def set_timeout(self, seconds: float | None) -> None:
        """Bound the waiting of `receive`."""
        self._timeout = seconds

    def release(self) -> None:
        """There is no descriptor."""

    def close(self) -> None:
        """End the container."""
        with self._changed:
            self.dead = True
            self._changed.notify_all()

    def _answer(self, frame: frames.Frame) -> None:
        def say(kind: int, fields: Mapping[str, object]) -> None:
            self._answers += frames.encode_message(kind, frame.request, dict(fields))

        if frame.kind == frames.HELLO:
            say(frames.READY, {"python": "3.11.0", "places": ["/workspace"], "gauges": _GAUGES})
        elif frame.kind == frames.RUN:
            self.tenants += 1
            fields, source = frames.decode_message(frame.body)
            self._answers += frames.encode(frames.STDOUT, frame.request, source)
            result = {"outcome": "ok", "exit_code": 0, "signal": None, "wall_time": 0.0, "truncated": [], "reason": ""}
            say(frames.RESULT, {**result, "cpu_time": 0.0, "peak_memory": 0})
            if fields["last"]:
                self._answer(frames.Frame(frames.RESET, frame.request, b""))
        elif frame.kind == frames.RESET:
            clean, self.dirty = not self.dirty, False
            self.tenants = 0 if clean else self.tenants
            reason = {"failed": None, "reason": ""} if clean else {"failed": "verify", "reason": "told so"}
            say(frames.SCRUBBED, {"clean": clean, "steps": {"kill": 0.0}, "gauges": _GAUGES, **reason})
        elif frame.kind == frames.CHECK:
            say(frames.CHECKED, {**_GAUGES, "read_only": not self.unhealthy})


class MemoryBackend:
    """Makes pretended containers, and lets a test look at all of them."""

    name = "memory"
    isolation = "none needed"
    missing: Mapping[Guarantee, str] = {}

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._on_death: DeathCallback | None = None
        self.containers: dict[str, MemoryContainer] = {}
        self.most = 0
        """The largest number of containers there ever were at once."""
        self.before_create: Callable[[], None] = lambda: None
        """Called first by every `create`; may raise, or wait."""
        self.before_destroy: Callable[[], None] = lambda: None

    def create(self, spec: ContainerSpec) -> Launched:  # noqa: ARG002 - the Protocol's
        """Make one."""
        self.before_create()
        with self._lock:
            container = MemoryContainer(f"{next(self._numbers):064x}"[::-1])
            self.containers[container.id] = container
            self.most = max(self.most, len(self.containers))
        return Launched(
            container.id, container, {"uid": None, "workdir": "/workspace", "own_mounts": True, "own_network": True}
        )

    def look(self, container_id: str) -> ContainerLook:
        """Whether it is alive."""
        with self._lock:
            container = self.containers.get(container_id)
        alive = container is not None and not container.dead
        return ContainerLook(alive, "running" if alive else "gone")

    def destroy(self, container_id: str) -> None:
        """Remove one."""
        self.before_destroy()
        with self._lock:
            container = self.containers.pop(container_id, None)
        if container is not None:
            container.close()

    def kill(self, container_id: str) -> None:
        """End one from outside, and report its death as a watcher would."""
        self.containers[container_id].close()
        if self._on_death is not None:
            self._on_death(container_id, PostMortem(137))

    def post_mortem(self, container_id: str) -> PostMortem | None:  # noqa: ARG002
        """Nothing is known."""
        return None

    def remove_orphans(self) -> list[str]:
        """There are none."""
        return []

    def watch(self, on_death: DeathCallback) -> None:
        """Have `kill` report."""
        self._on_death = on_death

    def close(self) -> None:
        """Nothing to close."""
