"""The process backend: a plain process with limits. No isolation; the last resort.

The agent, its protocol and its scrub are the same, but programs run as the user who
runs the engine, and reach whatever that user reaches.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from engine.agent import handover
from engine.backends.base import ContainerLook, ContainerSpec, DeathCallback, Guarantee, Launched, PostMortem
from engine.backends.local import LocalContainers

_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")


class ProcessBackend:
    """Plain processes."""

    name = "process"
    isolation = "UNISOLATED"

    def __init__(self) -> None:
        self._containers = LocalContainers(self.name)
        nothing = "a plain process has no namespaces"
        self.missing: Mapping[Guarantee, str] = {
            Guarantee.NETWORK: nothing,
            Guarantee.FILESYSTEM: nothing,
            Guarantee.HOST_FILES: nothing,
            Guarantee.PROCESSES: nothing,
            Guarantee.IPC: nothing,
            Guarantee.USER: "programs run as the user who runs the engine",
            Guarantee.MEMORY: "each process is bounded by RLIMIT_AS, not all together",
            Guarantee.PIDS: "no cgroup and no user of its own",
            Guarantee.CPU: "no cgroup: programs share the CPU with the host",
            Guarantee.DISK: "files are bounded one by one, not in sum",
            Guarantee.FILES: "directories are the host's",
            Guarantee.SECCOMP: "no filter: the kernel's whole interface is in reach",
            Guarantee.FILES: nothing,
            Guarantee.ACTIVITY: nothing,
            Guarantee.KEYRINGS: "programs have the engine's session key ring",
            Guarantee.POST_MORTEM: "an exit code only",
        }

    def create(self, spec: ContainerSpec) -> Launched:
        """Start one process in an empty folder; see `Backend.create`."""
        folder = Path(tempfile.mkdtemp(prefix="pooldeck-"))
        environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        container_id, stream = self._containers.spawn(
            handover.command(spec.python or sys.executable), environment, folder
        )
        limits = {"core": 0, "nofile": spec.max_open_files, "fsize": spec.disk, "as": spec.memory}
        plan = {
            "uid": None,
            "workdir": str(folder.resolve()),
            "own_mounts": False,
            "own_network": False,
            "limits": limits,
        }
        return Launched(container_id, stream, plan)

    def look(self, container_id: str) -> ContainerLook:
        """Whether the agent runs."""
        return self._containers.look(container_id)

    def destroy(self, container_id: str) -> None:
        """Kill the agent's process group; the agent itself ends its programs when its stream does."""
        self._containers.destroy(container_id)

    def post_mortem(self, container_id: str) -> PostMortem | None:
        """How the agent ended."""
        return self._containers.post_mortem(container_id)

    def remove_orphans(self) -> list[str]:
        """None are left: an agent ends with its stream."""
        return []

    def watch(self, on_death: DeathCallback) -> None:
        """Report ends."""
        self._containers.watch(on_death)

    def close(self) -> None:
        """End the watching thread."""
        self._containers.close()
