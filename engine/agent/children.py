"""The agent's dealings with the zygote and with the child it keeps ahead of need."""

from __future__ import annotations

import array
import fcntl
import marshal
import os
import select
import socket
import struct
import termios
import time
from typing import Any, Dict, NamedTuple, Optional

from engine.agent import kernel, program, zygote
from engine.agent.scrub import Tenant

_TICKS = os.sysconf("SC_CLK_TCK")


class Ending(NamedTuple):
    """How a child process ended, as the zygote's wait4(2) saw it."""

    status: int
    cpu_time: float
    peak_memory: int


class Child:
    """One forked process: its pipes, its control stream, and how it ended once it has."""

    def __init__(self, pid: int, stdout: int, stderr: int, control: socket.socket) -> None:
        self.pid = pid
        self.stdout = stdout
        self.stderr = stderr
        self.control = control
        self.ending: Optional[Ending] = None
        self._cpu_before = 0.0

    def send_request(self, request: Optional[Dict[str, Any]], source: bytes, stdin: Optional[int]) -> None:
        """Hand the child its program, or None to have it interpret cells.

        The child reads all of it before any of it runs.
        """
        header = marshal.dumps(request)
        data = program.REQUEST.pack(len(header), len(source)) + header + source
        rights = [] if stdin is None else [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [stdin]))]
        sent = self.control.sendmsg([data], rights)
        if sent < len(data):
            self.control.sendall(data[sent:])
        self.control.setblocking(False)

    def wait_ready(self, timeout: float) -> bool:
        """Wait until the child is warmed; False if it is not in time or has died."""
        poller = select.poll()
        poller.register(self.control, select.POLLIN)
        ready = bool(poller.poll(timeout * 1000)) and self.control.recv(1) == program.READY
        self.mark()  # now, while nobody waits: it does nothing more before its request
        return ready

    def mark(self) -> None:
        """Have `figures` count CPU time from now."""
        try:
            self._cpu_before = self._cpu_time()
        except OSError:
            pass  # it is dead, and counts no further

    def figures(self) -> Dict[str, Any]:
        """CPU seconds since `mark` and peak memory in bytes, of the process dead or alive."""
        if self.ending is not None:
            cpu_time = max(0.0, self.ending.cpu_time - self._cpu_before)
            return {"cpu_time": cpu_time, "peak_memory": self.ending.peak_memory}
        cpu_time, peak = 0.0, None
        try:
            cpu_time = max(0.0, self._cpu_time() - self._cpu_before)
            text = kernel.read_file("/proc/%d/status" % self.pid)
            start = text.find(b"VmHWM:")
            if start >= 0:
                peak = int(text[start + 6 : text.find(b"kB", start)]) * 1024
        except (OSError, ValueError):
            pass  # it died between its last word and this look
        return {"cpu_time": cpu_time, "peak_memory": peak}

    def _cpu_time(self) -> float:
        """CPU seconds of the process, and of the children it has waited for, to the hundredth."""
        fields = kernel.read_file("/proc/%d/stat" % self.pid).rpartition(b")")[2].split()
        return kernel.process_cpu_time(self.pid) + (int(fields[13]) + int(fields[14])) / _TICKS

    def close(self) -> None:
        """Close our ends; the process itself is the scrub's to kill."""
        self.control.close()
        os.close(self.stdout)
        os.close(self.stderr)


def waiting_bytes(descriptor: int) -> int:
    """How many bytes can be read from a pipe now."""
    answer = fcntl.ioctl(descriptor, termios.FIONREAD, b"\0" * 4)
    return int(struct.unpack("i", answer)[0])


class ZygoteLost(Exception):
    """The zygote died: killed from outside, or for want of memory. The container is spent."""


class Zygote:
    """The zygote process as the agent sees it."""

    def __init__(self, plan: Dict[str, Any], tenant: Tenant) -> None:
        self._tenant = tenant
        self.link, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.pid = os.fork()
        if self.pid == 0:
            keep = far.fileno()
            os.closerange(3, keep)
            os.closerange(keep + 1, 1024)
            null = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1, 2):
                os.dup2(null, descriptor)
            os.close(null)
            zygote.serve(far, plan)
        far.close()

    def wait_preloaded(self) -> str:
        """Wait until the packages are imported; return the error that stopped it, or nothing."""
        message = self.link.recv(1 << 16)
        if not message:
            raise ZygoteLost("the interpreter died while it imported the preloaded packages")
        return message[1:].decode()

    def fork(self, ended: Dict[int, Ending]) -> Child:
        """Fork the next child; notes of children that ended meanwhile go to `ended`."""
        with self._tenant.identity():  # whose pipe it is decides who may open /dev/stdout
            stdout, child_stdout = os.pipe2(os.O_CLOEXEC)
            stderr, child_stderr = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(stdout, False)
        os.set_blocking(stderr, False)
        control, child_control = socket.socketpair()
        rights = array.array("i", [child_stdout, child_stderr, child_control.fileno()])
        try:
            self.link.sendmsg([zygote.FORK], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        except OSError as error:
            raise ZygoteLost(str(error)) from None
        finally:
            os.close(child_stdout)
            os.close(child_stderr)
            child_control.close()
        while True:
            pid = self.read(ended)
            if pid is not None:
                return Child(pid, stdout, stderr, control)

    def read(self, ended: Dict[int, Ending], wait: bool = True) -> Optional[int]:
        """Read one message: the pid of a child that started, or an ending put into `ended`."""
        try:
            message = self.link.recv(64, 0 if wait else socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        if not message:
            raise ZygoteLost("the zygote is gone")
        if message[:1] == b"S":
            return int(zygote.STARTED.unpack(message)[1])
        _, pid, status, microseconds, peak = zygote.ENDED.unpack(message)
        ended[pid] = Ending(status, microseconds / 1e6, peak)
        return None

    def wait_ended(self, pid: int, ended: Dict[int, Ending], deadline: float) -> bool:
        """Wait until the child `pid` is reaped; False at the deadline."""
        poller = select.poll()
        poller.register(self.link, select.POLLIN)
        while pid not in ended:
            left = deadline - time.monotonic()
            if left <= 0 or not poller.poll(left * 1000):
                return False
            self.read(ended)
        return True
