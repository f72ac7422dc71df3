"""One run of a program as the agent sees it: its output, its deadline, its end."""

from __future__ import annotations

import os
import time
from typing import Any, Dict, List, Optional

from engine.agent import frames, program
from engine.agent.children import Child, waiting_bytes
from engine.agent.gauges import Gauges


class Run:
    """The state of the running request."""

    keeps_child = False
    """Whether the child serves on when the request is over."""

    def __init__(self, request: int, child: Child, fields: Dict[str, Any], gauges: Gauges) -> None:
        self.request = request
        self.child = child
        self.began = time.monotonic()
        self.deadline = self.began + fields["timeout"]
        self.fetch: List[str] = fields.get("fetch", [])
        self.fetch_limit: int = fields.get("max_fetch", 0)
        self.last: bool = fields.get("last", False)
        self.watched = False
        """Whether its pipes are read as it writes."""
        self.outcome: Optional[str] = None
        self.reason = ""
        self.said = b""
        """What an interpreter says of its cell's end."""
        self.over = False
        self.open_pipes = {child.stdout, child.stderr}
        self._kinds = {child.stdout: frames.STDOUT, child.stderr: frames.STDERR}
        self._left = {child.stdout: fields["max_output"], child.stderr: fields["max_output"]}
        self._truncated = {child.stdout: False, child.stderr: False}
        self.code = 0
        self.starved = False
        self._gauges = gauges
        self._kills_before = gauges.out_of_memory_kills()
        self._peak_before = gauges.memory_peak()

    def forward(self, descriptor: int, out: bytearray, limit: int = frames.CHUNK) -> bool:
        """Move what the program has written on one pipe to `out`; False at its end."""
        try:
            data = os.read(descriptor, limit)
        except BlockingIOError:
            return True
        if not data:
            self.open_pipes.discard(descriptor)
            return False
        kept = data[: self._left[descriptor]]
        if len(kept) < len(data):
            self._truncated[descriptor] = True
        if kept:
            self._left[descriptor] -= len(kept)
            out += frames.encode(self._kinds[descriptor], self.request, kept)
        return True

    def drain(self, out: bytearray) -> None:
        """Take what the pipes hold now, and no more: a daemon may write for ever."""
        for descriptor in sorted(self.open_pipes):
            waiting = waiting_bytes(descriptor)
            while waiting > 0:
                self.forward(descriptor, out, min(waiting, frames.CHUNK))
                waiting -= frames.CHUNK

    def listen(self) -> bool:
        """Read the child's last word; False if it closed its end instead."""
        try:
            data = self.child.control.recv(64)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not data:
            return False
        if len(data) == program.DONE.size and data[:1] in (b"D", b"F"):
            kind, self.code, starved = program.DONE.unpack(data)
            if kind == b"F":
                self.reason, self.code = "the program cannot be written: %s" % os.strerror(self.code), 1
            self.code &= 0xFF
            self.starved = bool(starved)
            self.over = True
        return True

    def result(self) -> Dict[str, Any]:
        """The fields of RESULT: outcome, exit code or signal, figures, what was cut."""
        wall = time.monotonic() - self.began
        code: Optional[int] = self.code
        signal_number: Optional[int] = None
        if not self.over and self.child.ending is not None:
            status = self.child.ending.status
            if os.WIFSIGNALED(status):
                code, signal_number = None, os.WTERMSIG(status)
            else:
                code = os.WEXITSTATUS(status)
        outcome = self.outcome
        if outcome is None:
            out_of_memory = self._gauges.out_of_memory_kills() > self._kills_before
            if self.starved or (signal_number is not None and out_of_memory):
                outcome = "out_of_memory"
            elif signal_number is not None:
                outcome = "killed"
            else:
                outcome = "ok" if code == 0 else "error"
        fields = self.child.figures()
        peak, before = self._gauges.memory_peak(), self._peak_before
        if peak is not None and before is not None and peak > before:
            fields["peak_memory"] = max(peak, fields["peak_memory"] or 0)
        fields.update(
            outcome=outcome,
            exit_code=code,
            signal=signal_number,
            reason=self.reason,
            wall_time=wall,
            truncated=[
                name
                for name, descriptor in (("stdout", self.child.stdout), ("stderr", self.child.stderr))
                if self._truncated[descriptor]
            ],
        )
        return fields
