"""What a backend is: it makes containers, looks at them and removes them. No more.

Everything else (run, reset, check, files) is the agent's protocol over the stream that
`Backend.create` returns, and so is the same on every backend.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Protocol

WORKDIR = "/workspace"


class ByteStream(Protocol):
    """The duplex stream to an agent. One thread reads; writers are serialised by the channel."""

    @property
    def complaint(self) -> bytes:
        """The end of what came on stderr: the last words of a loader or an agent."""

    def send(self, data: bytes) -> None:
        """Write all of `data`, waiting no longer than the time-out."""

    def receive(self, size: int) -> bytes:
        """Read up to `size` bytes; nothing means that the other end is gone."""

    def set_timeout(self, seconds: float | None) -> None:
        """How long `send` and `receive` may wait before they raise TimeoutError."""

    def close(self) -> None:
        """Hang up; the agent ends its container. Safe to call twice and from any thread."""


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """All that decides what a container is."""

    pool_id: str
    image: str
    python: str = ""
    """The interpreter's name or path inside the container; empty for the backend's own choice."""
    memory: int = 256 << 20
    """Bytes, swap included, tmpfs included."""
    cpus: float = 1.0
    max_processes: int = 64
    disk: int = 64 << 20
    """Bytes of each writable place."""
    max_files: int = 20_000
    """Inodes of each writable place."""
    max_open_files: int = 1024
    network: str = "none"
    runtime: str = ""
    """The engine's runtime, such as runsc; empty for its default."""
    preload: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    reset_timeout: float = 5.0
    """Seconds that the agent may take for a scrub."""


@dataclass(frozen=True, slots=True)
class Launched:
    """A started container: its stream leads to the loader that waits for the agent."""

    id: str
    stream: ByteStream
    plan: Mapping[str, Any]
    """What only the backend knows of the agent's settings: uid, workdir, limits, mounts."""


@dataclass(frozen=True, slots=True)
class ContainerLook:
    """What the backend says of a container."""

    running: bool
    state: str = ""
    """The backend's word: running, paused, exited, gone."""


@dataclass(frozen=True, slots=True)
class PostMortem:
    """What is known of why a container ended."""

    exit_code: int | None = None
    out_of_memory: bool = False
    detail: str = ""

    def __str__(self) -> str:
        if self.out_of_memory:
            return "out of memory"
        if self.exit_code is not None:
            return f"exit code {self.exit_code}{': ' + self.detail if self.detail else ''}"
        return self.detail or "cause unknown"


class Guarantee(StrEnum):
    """What a backend may promise of its containers."""

    NETWORK = "no network unless configured"
    FILESYSTEM = "read-only root, nothing of the host writable"
    HOST_FILES = "the host's files out of sight"
    PROCESSES = "the host's processes out of sight"
    IPC = "System V and POSIX IPC of its own"
    USER = "programs run as a user of their own, apart from the agent"
    MEMORY = "memory bounded for all processes together"
    PIDS = "number of processes bounded"
    CPU = "CPU share bounded"
    DISK = "disk bounded"
    FILES = "number of files bounded"
    SECCOMP = "system calls filtered"
    POST_MORTEM = "cause of death known"


DeathCallback = Callable[[str, PostMortem], None]
"""Called with a container's id soon after it ended; from a thread of the backend."""


class Backend(Protocol):
    """Makes, looks at and removes containers. All methods may be called from any thread."""

    name: str
    isolation: str
    """What separates a container from the host, in a word or two."""

    missing: Mapping[Guarantee, str]
    """What it cannot promise, each with the reason."""

    def create(self, spec: ContainerSpec) -> Launched:
        """Start a container. Called by the pool's creation workers.

        Raises:
            BackendError: if there is none afterwards; whatever was begun is removed.
        """

    def look(self, container_id: str) -> ContainerLook:
        """Say whether a container runs. Called by health checks.

        Raises:
            BackendUnavailable: if nobody answers.
        """

    def destroy(self, container_id: str) -> None:
        """Kill and remove a container; one that is gone already is fine.

        Raises:
            BackendUnavailable: if nobody answers.
        """

    def post_mortem(self, container_id: str) -> PostMortem | None:
        """What is known of a container's end, once."""

    def remove_orphans(self) -> list[str]:
        """Remove what engines that are no more have left, and nothing of a living one's."""

    def watch(self, on_death: DeathCallback) -> None:
        """Report the end of every container made here, until `close`."""

    def close(self) -> None:
        """Let go of connections and threads; containers must be destroyed before."""


@cache
def owner_id() -> str:
    """Name this process so that another can tell whether it still lives.

    `BOOT:PIDNS:PID:START`, where START is the process's start time in clock ticks, so that
    a reused pid is not taken for it; see proc_pid_stat(5).
    """
    return ":".join([_boot_id(), _pid_namespace(), str(os.getpid()), _start_time(os.getpid())])


def owner_is_gone(owner: str) -> bool:
    """Whether the process `owner` has surely ended; another host's or namespace's never is."""
    try:
        boot, namespace, pid, start = owner.split(":")
        if boot != _boot_id() or namespace != _pid_namespace():
            return False
        return _start_time(int(pid)) != start
    except ValueError:
        return False


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"


def _pid_namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    except OSError:
        return "unknown"


def _start_time(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def random_uid() -> int:
    """Pick the uid of one container's programs.

    Each container gets its own: the kernel counts some things (pipe pages, inotify
    watches, pending signals, key rings) by uid and across containers. The range is one
    that Debian and systemd assign to nobody, and fits user-namespace remapping.
    """
    return 30_000 + secrets.randbelow(30_000)
