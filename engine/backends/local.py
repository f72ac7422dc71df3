"""What the backends have in common whose containers are child processes of this one."""

from __future__ import annotations

import os
import secrets
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from engine.agent.scrub import all_processes, descendants
from engine.backends.base import ContainerLook, DeathCallback, PostMortem
from engine.errors import BackendError

_REMEMBERED = 2000
_LEAVE = 1.0
"""Seconds for an agent whose stream was closed to end what it has started, and then itself."""

_KILL_WAIT = 5.0
"""Seconds for a process to be gone after SIGKILL."""


class LocalStream:
    """The host's end of a socket pair whose other end is an agent's stdin and stdout."""

    def __init__(self, connection: socket.socket, errors: IO[bytes]) -> None:
        self._connection = connection
        self._errors = errors

    @property
    def complaint(self) -> bytes:
        """The end of what the process has written to stderr."""
        if self._errors.closed:
            return b""
        size = os.fstat(self._errors.fileno()).st_size
        return os.pread(self._errors.fileno(), _REMEMBERED, max(0, size - _REMEMBERED))

    def send(self, data: bytes) -> None:
        """Write all of `data`."""
        self._connection.sendall(data)

    def receive(self, size: int) -> bytes:
        """Read; nothing at the end."""
        return self._connection.recv(size)

    def set_timeout(self, seconds: float | None) -> None:
        """Bound the waiting of `send` and `receive`."""
        self._connection.settimeout(seconds)

    def close(self) -> None:
        """Hang up; a thread that reads is woken."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self.release()

    def release(self) -> None:
        """Close our descriptor."""
        self._connection.close()


@dataclass(eq=False)
class LocalContainer:
    """A running child process, and the folder that goes with it."""

    process: subprocess.Popen[bytes]
    errors: IO[bytes]
    folder: Path | None = None
    ended: threading.Event = field(default_factory=threading.Event)


class LocalContainers:
    """Child processes by id, and the one thread that waits for the end of each."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._containers: dict[str, LocalContainer] = {}
        self._dead: dict[str, PostMortem] = {}
        self._on_death: DeathCallback | None = None
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._closed = False
        self._thread: threading.Thread | None = None

    def spawn(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        folder: Path | None = None,
        inherited: Sequence[int] = (),
    ) -> tuple[str, LocalStream]:
        """Start a process whose stdin and stdout are one stream; return its id and our end.

        Args:
            inherited: descriptors that the process gets beside these.

        Raises:
            BackendError: if it cannot be started.
        """
        ours, theirs = socket.socketpair()
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the container
        try:
            process = subprocess.Popen(
                command,
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=errors,
                env=dict(env),
                cwd="/",
                pass_fds=inherited,
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            errors.close()
            raise BackendError(f"cannot start {command[0]}: {error}") from error
        finally:
            theirs.close()
        container_id = secrets.token_hex(16)
        with self._lock:
            self._containers[container_id] = LocalContainer(process, errors, folder)
            if self._thread is None:
                self._thread = threading.Thread(target=self._wait_for_ends, name=f"pooldeck-{self._name}", daemon=True)
                self._thread.start()
        os.eventfd_write(self._wake, 1)
        return container_id, LocalStream(ours, errors)

    def look(self, container_id: str) -> ContainerLook:
        """Whether the process runs and is not stopped."""
        with self._lock:
            container = self._containers.get(container_id)
        if container is None or container.ended.is_set():
            return ContainerLook(False, "gone")
        try:
            state = Path(f"/proc/{container.process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return ContainerLook(False, "gone")
        return ContainerLook(state not in "TtZX", "paused" if state in "Tt" else "running")

    def destroy(self, container_id: str) -> None:
        """Kill the process, wait for its end, remove its folder.

        Raises:
            BackendError: if it does not end.
        """
        with self._lock:
            container = self._containers.get(container_id)
        if container is None:
            return
        if not container.ended.wait(_LEAVE):  # it ends by itself, and all its programs with it, when its stream does
            _kill_tree(container.process.pid)
        if not container.ended.wait(_KILL_WAIT):
            raise BackendError(f"process {container.process.pid} survives SIGKILL")
        if container.folder is not None:
            shutil.rmtree(container.folder, ignore_errors=True)
        with self._lock:
            self._containers.pop(container_id, None)
        container.errors.close()

    def post_mortem(self, container_id: str) -> PostMortem | None:
        """How a process ended, once."""
        with self._lock:
            return self._dead.pop(container_id, None)

    def watch(self, on_death: DeathCallback) -> None:
        """Have `on_death` called for each end."""
        self._on_death = on_death

    def close(self) -> None:
        """End the thread."""
        if self._closed:
            return
        self._closed = True
        os.eventfd_write(self._wake, 1)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(2)
            if self._thread.is_alive():
                return  # it still waits on the descriptor
        os.close(self._wake)

    def _wait_for_ends(self) -> None:
        poller = select.poll()
        poller.register(self._wake, select.POLLIN)
        watched: dict[int, str] = {}
        known: set[str] = set()
        while True:
            for descriptor, _ in poller.poll():
                if descriptor == self._wake:
                    os.eventfd_read(self._wake)
                    continue
                poller.unregister(descriptor)
                os.close(descriptor)
                self._note_end(watched.pop(descriptor))
            with self._lock:
                new = {name: container for name, container in self._containers.items() if name not in known}
                if self._closed and not watched and not new:
                    return
            for name, container in new.items():
                known.add(name)
                descriptor = os.pidfd_open(container.process.pid)
                watched[descriptor] = name
                poller.register(descriptor, select.POLLIN)

    def _note_end(self, container_id: str) -> None:
        with self._lock:
            container = self._containers[container_id]
            code = container.process.wait()
            end = PostMortem(128 - code if code < 0 else code)
            self._dead[container_id] = end
            while len(self._dead) > 1000:
                del self._dead[next(iter(self._dead))]
        container.ended.set()
        if self._on_death is not None:
            self._on_death(container_id, end)


def _kill_tree(root: int) -> None:
    """Kill a process and its descendants; stopped first, so that none can have another meanwhile."""
    stopped: set[int] = set()
    while found := ({root} | descendants(root, all_processes())) - stopped:
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGSTOP)
        stopped |= found
    for pid in stopped:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
