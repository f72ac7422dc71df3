"""System calls that Python's `os` does not offer, through the C library."""

from __future__ import annotations

import ctypes
import os
import resource
import time
from typing import Any, List, Tuple

_libc = ctypes.CDLL(None, use_errno=True)

_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_IPC_RMID = 0

_LIMITS = [getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")]

SYSV_TABLES = ("shm", "sem", "msg")


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, "prctl(%d): %s" % (option, os.strerror(number)))


def set_dumpable(on: bool) -> None:
    """Let processes of the same user trace this one and read its memory, or not (prctl(2))."""
    _prctl(_PR_SET_DUMPABLE, int(on))


def set_no_new_privileges() -> None:
    """Make set-user-id programs powerless for this process and all it starts."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends, as PID 1 is anyway."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def process_cpu_time(pid: int) -> float:
    """Return the CPU seconds that all threads of `pid` have used.

    The clock id is made as clock_getcpuclockid(3) does: one call, nanosecond steps,
    where /proc/PID/stat counts in hundredths of a second.

    Raises:
        OSError: if there is no such process.
    """
    return time.clock_gettime(((~pid) << 3) | 2)


def read_file(path: str) -> bytes:
    """Return the content of a small kernel file, at most 64 KiB, with three system calls.

    Raises:
        OSError: if it cannot be read.
    """
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(file, 1 << 16)
    finally:
        os.close(file)


def scheduling(pid: int) -> Tuple[Any, ...]:
    """Priority, policy, processors and limits of a process; 0 is this one."""
    limits = tuple(resource.prlimit(pid, limit) for limit in _LIMITS)
    priority, policy = os.getpriority(os.PRIO_PROCESS, pid), os.sched_getscheduler(pid)
    return priority, policy, frozenset(os.sched_getaffinity(pid)), limits


def tcp_ports_taken() -> bool:
    """Whether this network namespace has any TCP socket, if only one that is closed but remembered.

    From the counts of /proc/net/sockstat: the list in /proc/net/tcp costs milliseconds, since the
    kernel walks the table of all namespaces for it.
    """
    for table in ("/proc/net/sockstat", "/proc/net/sockstat6"):
        try:
            lines = read_file(table).split(b"\n")
        except OSError:
            continue  # no IPv6, or a kernel that does not tell
        for line in lines:
            words = line.split()
            if words and words[0] in (b"TCP:", b"TCP6:"):
                counts = dict(zip(words[1::2], words[2::2]))
                if counts.get(b"inuse", b"0") != b"0" or counts.get(b"tw", b"0") != b"0":
                    return True
    return False


def system_v_objects(table: str) -> List[int]:
    """Return the ids in /proc/sysvipc/TABLE, where TABLE is one of `SYSV_TABLES`."""
    try:
        with open("/proc/sysvipc/" + table, "rb") as lines:
            return [int(line.split()[1]) for line in lines.read().splitlines()[1:]]
    except FileNotFoundError:
        return []


def remove_system_v_object(table: str, object_id: int) -> None:
    """Remove one shared memory segment, semaphore set or message queue.

    Raises:
        OSError: if the kernel refuses; an object that is already gone is fine.
    """
    if table == "shm":
        failed = _libc.shmctl(object_id, _IPC_RMID, None)
    elif table == "sem":
        failed = _libc.semctl(object_id, 0, _IPC_RMID, None)
    else:
        failed = _libc.msgctl(object_id, _IPC_RMID, None)
    if failed:
        number = ctypes.get_errno()
        if number not in (22, 43):  # EINVAL, EIDRM: gone between listing and removal
            raise OSError(number, "%sctl(%d): %s" % (table, object_id, os.strerror(number)))
