"""The zygote: forks the children that become programs, and sees nothing of any of them.

The agent reads requests, files and output; memory it has freed may still hold them. A
child forked from the agent could read them there. So the agent forks this process once,
before the first request, and children are forked from here: a child's memory holds the
interpreter, the preloaded packages and nothing of another's run.
"""

from __future__ import annotations

import array
import gc
import importlib
import os
import resource
import select
import signal
import socket
import struct
from typing import Any, Dict, NoReturn

from engine.agent import interpreter, program

FORK = b"F"
"""Agent to zygote, with three descriptors: stdout, stderr, control."""

STARTED = struct.Struct(">cI")
"""Zygote to agent: b"S", process id."""

ENDED = struct.Struct(">cIiQQ")
"""Zygote to agent: b"X", process id, wait status, CPU microseconds, peak memory bytes."""

PRELOADED = b"P"
"""Zygote to agent once at start: b"P", then the text of an error or nothing."""


def serve(link: socket.socket, plan: Dict[str, Any]) -> NoReturn:
    """Preload, then fork a child for each request until the agent is gone."""
    _limit_resources(plan["limits"])
    problem = _preload(plan["preload"])
    program.prepare(plan)
    gc.disable()
    gc.collect()
    gc.freeze()  # objects made so far are never visited, so never copied, by a child's collector
    link.send(PRELOADED + problem.encode())
    woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    poller = select.poll()
    poller.register(link, select.POLLIN)
    poller.register(woken, select.POLLIN)
    while True:
        for descriptor, _ in poller.poll():
            if descriptor == woken:
                os.read(woken, 4096)
                _reap(link)
                continue
            data, ancillary, _, _ = link.recvmsg(16, socket.CMSG_SPACE(3 * 4))
            if not data:
                os._exit(0)
            stdout, stderr, control = array.array("i", ancillary[0][2])
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                link.close()
                os.close(woken)
                os.close(wake)
                program.become(socket.socket(fileno=control), stdout, stderr, plan, interpreter.serve)
            link.send(STARTED.pack(b"S", pid))
            for received in (stdout, stderr, control):
                os.close(received)


def _reap(link: socket.socket) -> None:
    while True:
        try:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        microseconds = int((usage.ru_utime + usage.ru_stime) * 1e6)
        link.send(ENDED.pack(b"X", pid, status, microseconds, usage.ru_maxrss * 1024))


def _preload(names: Any) -> str:
    """Import each package; return what went wrong with the first that failed."""
    for name in names:
        try:
            importlib.import_module(name)
        except BaseException as error:
            return "cannot preload %s: %s: %s" % (name, type(error).__name__, error)
    return ""


def _limit_resources(limits: Dict[str, int]) -> None:
    """Set limits by their setrlimit(2) names in lower case; children inherit them."""
    for name, value in limits.items():
        which = getattr(resource, "RLIMIT_" + name.upper())
        _, hard = resource.getrlimit(which)
        ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (ceiling, ceiling))
