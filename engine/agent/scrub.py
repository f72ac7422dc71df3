"""The scrub: kill what is left of a run, empty every place, look whether it worked."""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, Optional, Set, Tuple

from engine.agent import kernel
from engine.agent.places import Place, leftovers


class Tenant:
    """The user that programs run as, and the processes that are theirs.

    Three situations, told apart once: a pid namespace and a user of its own (containers;
    bubblewrap as root), a pid namespace with one user (bubblewrap as an ordinary user),
    neither (plain processes, where the descendants of the agent are meant).
    """

    def __init__(self, uid: Optional[int]) -> None:
        self.uid = uid
        self._has_namespace = os.getpid() == 1

    @contextmanager
    def identity(self) -> Iterator[None]:
        """Act with the tenant's rights, and with no more, on files and System V objects."""
        if self.uid is None:
            yield
            return
        os.setegid(self.uid)
        os.seteuid(self.uid)
        try:
            yield
        finally:
            os.seteuid(0)
            os.setegid(0)

    def kill_all(self, spared: Set[int]) -> None:
        """Send SIGKILL to every process of the tenant, stopped or forking as they may be.

        With a user of its own, kill(-1) does it in one step under the kernel's own lock, so
        that no fork can slip through; PID 1 cannot be hit in its own namespace. Otherwise
        processes are killed as they are found, and the caller looks again.
        """
        if self._has_namespace and self.uid is not None:
            os.setresuid(self.uid, self.uid, 0)
            try:
                os.kill(-1, signal.SIGKILL)
            except ProcessLookupError:
                pass
            finally:
                os.setresuid(0, 0, 0)
            return
        for pid in self.processes(spared):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def processes(self, spared: Set[int]) -> List[int]:
        """The pids, as /proc lists them, of all but the agent and the spared ones."""
        pids = all_processes()
        if not self._has_namespace:
            pids = descendants(os.getpid(), pids)
        return sorted(pids - spared - {os.getpid()})


def all_processes() -> Set[int]:
    """The pids that /proc lists."""
    return {int(name) for name in os.listdir("/proc") if name.isdigit()}


def descendants(root: int, pids: Set[int]) -> Set[int]:
    """Those of `pids` that `root` has started, directly or not, and that nobody else has adopted."""
    parents = {}
    for pid in pids:
        try:
            with open("/proc/%d/stat" % pid, "rb") as file:
                parents[pid] = int(file.read().rpartition(b")")[2].split()[1])
        except OSError:
            continue
    found: Set[int] = set()
    frontier = {root}
    while frontier:
        frontier = {pid for pid, parent in parents.items() if parent in frontier} - found
        found |= frontier
    return found


def reap() -> None:
    """Collect every orphan that has ended and was inherited by the agent."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


class Steps:
    """The six reset steps, each with its time in seconds, and the first that failed."""

    def __init__(self) -> None:
        self.times: Dict[str, float] = {}
        self.failed: Optional[str] = None
        self.reason = ""

    def run(self, name: str, step: Callable[[], Optional[str]]) -> None:
        """Take one step unless an earlier one failed; a step returns what is wrong, or None."""
        if self.failed is not None:
            return
        began = time.monotonic()
        try:
            problem = step()
        except Exception as error:
            problem = "%s: %s" % (type(error).__name__, error)
        self.times[name] = time.monotonic() - began
        if problem:
            self.failed, self.reason = name, problem

    def report(self) -> Dict[str, Any]:
        """The sixth step: the fields of SCRUBBED."""
        return {"clean": self.failed is None, "steps": self.times, "failed": self.failed, "reason": self.reason}


def end_processes(tenant: Tenant, spared: Set[int], woken: int, deadline: float) -> Optional[str]:
    """Kill until no process is left; return what is wrong at the deadline."""
    poller = select.poll()
    poller.register(woken, select.POLLIN)
    while True:
        reap()
        left = tenant.processes(spared)
        if not left:
            return None
        if time.monotonic() > deadline:
            return "%d processes survive SIGKILL: %s" % (len(left), left[:5])
        tenant.kill_all(spared)
        poller.poll(20)  # until an orphan ends; a process that is not our child sends nothing
        try:
            os.read(woken, 4096)
        except BlockingIOError:
            pass


def empty_places(tenant: Tenant, places: List[Place], tables: Tuple[str, ...], deadline: float) -> Optional[str]:
    """Empty every place and remove all System V objects, with the tenant's own rights."""
    with tenant.identity():
        for place in places:
            place.empty(deadline)
        for table in tables:
            for object_id in kernel.system_v_objects(table):
                kernel.remove_system_v_object(table, object_id)
    return None


def verify_places(places: List[Place], tables: Tuple[str, ...]) -> Optional[str]:
    """Return which places or System V tables still hold something."""
    found = leftovers(places)
    if found:
        return "not empty: %s" % found
    for table in tables:
        if kernel.system_v_objects(table):
            return "System V %s objects remain" % table
    return None
