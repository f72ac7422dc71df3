"""The agent's side of an interactive interpreter: cells, questions, completions, files.

The interpreter is a child like any other, so its messages are bounded here and passed on
as what they are: a tenant's words. Only a cell's end means something to the agent.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional

from engine.agent import fetch, frames, interpreter
from engine.agent.children import Child
from engine.agent.gauges import Gauges
from engine.agent.run import Run

if TYPE_CHECKING:
    from engine.agent.agent import Agent

_LONGEST_MESSAGE = 1 << 20
"""Bytes of one message from the interpreter; more is taken for an attack."""

_OUTCOMES = {
    interpreter.OK: "ok",
    interpreter.ERROR: "error",
    interpreter.INTERRUPTED: "cancelled",
    interpreter.OUT_OF_MEMORY: "out_of_memory",
}


class Cell(Run):
    """One cell that runs."""

    keeps_child = True

    def __init__(self, request: int, child: Child, fields: Dict[str, Any], gauges: Gauges) -> None:
        super().__init__(request, child, fields, gauges)
        self.interrupted = False
        self.asking = False
        """Whether a question of the cell's has not been answered."""
        child.mark()

    def end(self, body: bytes) -> None:
        """Note what the interpreter says of the cell's end."""
        if len(body) >= interpreter.STATUS.size:
            status, self.code = interpreter.STATUS.unpack_from(body)
            self.outcome = self.outcome or _OUTCOMES.get(status, "error")
            self.said = body[interpreter.STATUS.size :]
            self.over = True


class Interactive:
    """The interpreter of a container, if one is open, and the frames about it."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self.child: Optional[Child] = None
        self._reader = frames.FrameReader(_LONGEST_MESSAGE)
        self._outbox = bytearray()
        self._asked = 0
        self._why = ""
        """What was wrong with an interpreter that was killed between cells."""
        self._files: fetch.Marks = {}
        self.handlers: Dict[int, Callable[[frames.Frame], None]] = {
            frames.OPEN: self._open,
            frames.CELL: self._cell,
            frames.INPUT: self._answer,
            frames.COMPLETE: self._forward,
            frames.INTERRUPT: self._interrupt,
            frames.FILES: self._send_files,
        }

    # From the host.

    def _open(self, frame: frames.Frame) -> None:
        agent = self._agent
        if self.child is not None:
            self.forget()
            agent.kill_everything()  # and bury it: what the last interpreter has started ends with it
            agent.drop_past()
        child = agent.take_child()
        child.send_request(None, b"", None)
        self.child, self._reader = child, frames.FrameReader(_LONGEST_MESSAGE)
        self._outbox.clear()
        self._files = fetch.marks(agent.workdir)
        agent.listen_to(child)
        agent.send(frames.OPENED, frame.request, {})

    def _cell(self, frame: frames.Frame) -> None:
        fields, _ = frames.decode_message(frame.body)
        child = self.child
        if child is None or agent_knows_end(self._agent, child):
            reason = "it had not begun" if child is None else self._why or how_it_ended(child)
            self._why = ""
            self._agent.send(frames.REFUSED, frame.request, {"reason": "the interpreter was gone: %s" % reason})
            self.forget()
            return
        self._agent.begin(Cell(frame.request, child, fields, self._agent.gauges))
        self._forward(frame)

    def _forward(self, frame: frames.Frame) -> None:
        if self.child is None or (frame.kind == frames.COMPLETE and self._outbox):
            return  # one that does not read now has no time for completions
        if frame.kind == frames.COMPLETE:
            self._asked = frame.request
        self._outbox += frames.encode(frame.kind, frame.request, frame.body)
        self.write()

    def _answer(self, frame: frames.Frame) -> None:
        cell = self._agent.running
        if isinstance(cell, Cell) and cell.request == frame.request and cell.asking:
            cell.asking = False
            self._forward(frame)

    def _interrupt(self, frame: frames.Frame) -> None:
        cell = self._agent.running
        if not isinstance(cell, Cell) or cell.request != frame.request:
            return
        if cell.interrupted:
            self._agent.stop(cell, "cancelled")
            return
        cell.interrupted, cell.asking = True, False  # one that catches it may ask again
        try:
            os.killpg(cell.child.pid, signal.SIGINT)  # as Ctrl+C at a terminal: also what it has started
        except ProcessLookupError:
            pass
        self._forward(frame)

    def _send_files(self, frame: frames.Frame) -> None:
        agent = self._agent
        fields, _ = frames.decode_message(frame.body)
        with agent.tenant.identity():
            found = fetch.marks(agent.workdir)
            fetch.send_files(
                frame.request, agent.workdir, fields["paths"], fields["max_fetch"], agent.out, agent.flush_all
            )
        self._files = found
        agent.send(frames.LISTED, frame.request, {"files": fetch.listed(found), "refused": agent.take_refusal()})

    # From the interpreter.

    def read(self) -> None:
        """Take what the interpreter says; one that says what it may not is killed."""
        child = self.child
        if child is None:
            return
        try:
            data = child.control.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._agent.unlisten(child)  # it is ending, or has closed the stream: nothing more can come of it
            self._spoiled("it has closed its stream")
            return
        try:
            for message in self._reader.feed(data):
                self._take(message)
        except frames.FrameError:
            self._spoiled("it has spoiled its stream")

    def _take(self, message: frames.Frame) -> None:
        agent, cell = self._agent, self._agent.running
        if message.kind == frames.COMPLETED and message.request == self._asked:
            self._asked = 0
            agent.pass_on(message)
        elif not isinstance(cell, Cell) or message.request != cell.request or cell.over:
            pass  # late
        elif message.kind == frames.INPUT_WANTED:
            if cell.asking:
                raise frames.FrameError("a second question before the first was answered")
            cell.asking = True
            cell.drain(agent.out)  # what was printed before the question comes before it
            agent.pass_on(message)
        elif message.kind == interpreter.DONE:
            cell.end(message.body)

    def _spoiled(self, reason: str) -> None:
        cell = self._agent.running
        if isinstance(cell, Cell) and cell.child is self.child:
            if not self._agent.await_end(cell.child, 0.2):
                cell.reason = reason
                self._agent.stop(cell, "killed")
        elif self.child is not None and not self._agent.await_end(self.child, 0.2):
            self._why = reason
            self._agent.kill_everything()

    def write(self) -> None:
        """Send the interpreter as much as it takes."""
        if self.child is None:
            return
        try:
            while self._outbox:
                del self._outbox[: self.child.control.send(self._outbox[: 1 << 16])]
        except BlockingIOError:
            pass
        except OSError:
            self._outbox.clear()
        if not self._agent.congested:
            self._agent.listen_to(self.child, writing=bool(self._outbox))

    def new_files(self) -> Any:
        """Files made or changed since the last look: paths and sizes."""
        with self._agent.tenant.identity():
            now = fetch.marks(self._agent.workdir)
        before, self._files = self._files, now
        return fetch.listed({path: mark for path, mark in now.items() if before.get(path) != mark})

    def forget(self) -> None:
        """Let go of the interpreter; killing it is the caller's."""
        child, self.child = self.child, None
        if child is not None:
            self._agent.unlisten(child)
            self._agent.dismiss(child)


def agent_knows_end(agent: Agent, child: Child) -> bool:
    """Whether a child has ended; notes how."""
    child.ending = agent.ended.get(child.pid)
    return child.ending is not None


def how_it_ended(child: Child) -> str:
    """In words."""
    if child.ending is None:
        return "it does not answer"
    status = child.ending.status
    if os.WIFSIGNALED(status):
        return "signal %d ended it" % os.WTERMSIG(status)
    return "it exited with status %d" % os.WEXITSTATUS(status)
