"""Memory, CPU and process figures of the agent's own container, from cgroup v1 or v2.

The files stay open: reading one again costs a system call, not a path walk.
"""

from __future__ import annotations

import os
from typing import Any, Dict, Optional

_UNLIMITED = 1 << 60
"""cgroup v1 writes "no limit" as a number near 2**63."""


class _Source:
    """A small kernel file, kept open and read from its start each time."""

    def __init__(self, *paths: str) -> None:
        self._fd = -1
        for path in paths:
            if not path.startswith("/sys/"):
                continue
            try:
                self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                self.read()
                return
            except OSError:
                self._fd = -1

    def read(self) -> str:
        return os.pread(self._fd, 4096, 0).decode() if self._fd >= 0 else ""

    def number(self) -> Optional[int]:
        """The file's one number, or None where there is no such file or it says `max`."""
        try:
            value = int(self.read())
        except (ValueError, OSError):
            return None
        return value if value < _UNLIMITED else None

    def field(self, name: str) -> Optional[int]:
        """The number after `name` in a file of `name value` lines, or None."""
        try:
            for line in self.read().splitlines():
                key, _, value = line.partition(" ")
                if key == name:
                    return int(value)
        except (ValueError, OSError):
            pass
        return None


class Gauges:
    """Reads the container's cgroup. Figures that the kernel does not give are None."""

    def __init__(self, root: str) -> None:
        """Args: root: where the cgroup file system is mounted; empty if there is none to read."""
        v1_memory = root + "/memory"
        self._usage = _Source(root + "/memory.current", v1_memory + "/memory.usage_in_bytes")
        self._limit = _Source(root + "/memory.max", v1_memory + "/memory.limit_in_bytes")
        self._peak = _Source(root + "/memory.peak", v1_memory + "/memory.max_usage_in_bytes")
        self._stat = _Source(root + "/memory.stat", v1_memory + "/memory.stat")
        self._oom_v2 = _Source(root + "/memory.events")
        self._oom_v1 = _Source(v1_memory + "/memory.oom_control")
        self._cpu_v2 = _Source(root + "/cpu.stat")
        self._cpu_v1 = _Source(root + "/cpuacct/cpuacct.usage", root + "/cpu,cpuacct/cpuacct.usage")
        self._processes = _Source(root + "/pids.current", root + "/pids/pids.current")
        self._process_limit = _Source(root + "/pids.max", root + "/pids/pids.max")

    def out_of_memory_kills(self) -> int:
        """How often the kernel has killed in this container for want of memory."""
        for source in (self._oom_v2, self._oom_v1):
            kills = source.field("oom_kill")
            if kills is not None:
                return kills
        return 0

    def memory_peak(self) -> Optional[int]:
        """The highest memory use since the container began, bytes."""
        return self._peak.number()

    def cpu_time(self) -> Optional[float]:
        """CPU seconds used by all processes the container ever had."""
        microseconds = self._cpu_v2.field("usage_usec")
        if microseconds is not None:
            return microseconds / 1e6
        nanoseconds = self._cpu_v1.number()
        return None if nanoseconds is None else nanoseconds / 1e9

    def read(self) -> Dict[str, Any]:
        """Return all figures: bytes, CPU seconds and counts.

        `memory` leaves out file pages the kernel would drop at need, as `docker stats` does.
        """
        usage = self._usage.number()
        if usage is not None:
            inactive = self._stat.field("total_inactive_file")
            if inactive is None:
                inactive = self._stat.field("inactive_file")
            usage = max(0, usage - (inactive or 0))
        return {
            "memory": usage,
            "memory_limit": self._limit.number(),
            "cpu_time": self.cpu_time(),
            "processes": self._processes.number(),
            "process_limit": self._process_limit.number(),
        }
