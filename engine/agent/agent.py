"""The agent: PID 1 of a container, between the host's frames and the tenant's programs.

One thread, one poll loop. The host's frames come in on descriptor 0 and go out on 1.
While a program runs the agent stays at hand: cancel, status and the deadline do not
wait for it. Nothing the program does can block the agent: its pipes are read without
blocking, and what it sends on its control stream is at most believed to be its own end.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from typing import Any, Callable, Dict, List, NoReturn, Optional, Set, Tuple

from engine.agent import fetch, frames, kernel, scrub
from engine.agent.cells import Interactive, how_it_ended
from engine.agent.children import Child, Ending, Zygote, ZygoteLost
from engine.agent.gauges import Gauges
from engine.agent.inflow import Inflow
from engine.agent.places import Place, matching_files, open_beneath, writable_mounts
from engine.agent.run import Run

_BACKLOG = 256 << 10
"""Unsent bytes at which the program's pipes are left unread, so that it waits for the host."""

_UNWATCHED = 0.001
"""Seconds from a program's begin in which its output is left in the pipes: most are over by then, and
their output goes to the host with their result, in one piece that wakes everybody on the way once."""

_READ = 1 << 16
"""Bytes read of the host's stream at once: larger buffers are mapped anew, page by page, each time."""

_GAUGE_PERIOD = 0.5
"""Seconds between unasked GAUGES frames while a program runs."""


class Agent:
    """The supervisor of one container."""

    def __init__(self) -> None:
        self.out = bytearray()
        """Frames that the host has not taken yet."""
        self.gauges = Gauges("")
        self.running: Optional[Run] = None
        self.ended: Dict[int, Ending] = {}
        """How children have ended that nobody has buried yet, by process id."""
        self._reader = frames.FrameReader()
        self._poller = select.poll()
        self._spare: Optional[Child] = None
        self._past: List[Child] = []
        self._interactive = Interactive(self)
        self._stdin: Optional[int] = None
        self._past_stdin: Optional[int] = None
        self._inflow: Optional[Inflow] = None
        self._ipc_tables: Tuple[str, ...] = ()  # the host's own objects are not ours to remove
        self._refusal = ""
        self._cancelled = 0
        self._next_gauges = 0.0
        self.congested = False
        """Whether the host has fallen behind, so that nobody is listened to who would add to it."""
        self._awaiting_host = False
        self._zygote_link = -1
        self._handlers: Dict[int, Callable[[frames.Frame], None]] = {
            frames.HELLO: self._hello,
            frames.PUT: self._put,
            frames.STDIN: self._take_stdin,
            frames.RUN: self._start,
            frames.FEED: self._feed,
            frames.CANCEL: self._cancel,
            frames.STATUS: self._status,
            frames.RESET: self._reset,
            frames.CHECK: self._check,
            **self._interactive.handlers,
        }

    def serve(self, first: bytes) -> NoReturn:
        """Handle frames until the host is gone, then take the whole container along."""
        self._woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        # As PID 1 the agent is immune to every signal from inside that has its default effect. It
        # must be: while it kills as the tenant it has the tenant's uid, and could be signalled.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        os.set_blocking(0, False)
        os.set_blocking(1, False)
        kernel.set_dumpable(False)
        self._poller.register(0, select.POLLIN)
        self._poller.register(self._woken, select.POLLIN)
        for frame in self._reader.feed(first):
            self._handle(frame)
        while True:
            self._flush()
            ready = dict(self._poller.poll(self._patience()))
            if self._woken in ready:
                os.read(self._woken, 4096)
                scrub.reap()
            if 0 in ready:
                self._read_host()
            if self._zygote_link in ready:
                self._zygote.read(self.ended, wait=False)
            self._tend_interpreter(ready)
            if self._inflow is not None and self._inflow.write_end in ready:
                self._pour(self._inflow)
            if self.running is not None:
                self._tend(self.running, ready)

    # The host's stream.

    def _read_host(self) -> None:
        try:
            data = os.read(0, _READ)
        except BlockingIOError:
            return
        if not data:
            self._exit(0)
        for frame in self._reader.feed(data):
            self._handle(frame)

    def _handle(self, frame: frames.Frame) -> None:
        handler = self._handlers.get(frame.kind)
        if handler is None:
            raise frames.FrameError("no frame of kind %d comes from a host" % frame.kind)
        handler(frame)

    def send(self, kind: int, request: int, fields: Dict[str, Any], blob: bytes = b"") -> None:
        """Queue a message for the host."""
        self.out += frames.encode_message(kind, request, fields, blob)

    def pass_on(self, message: frames.Frame) -> None:
        """Queue for the host what an interpreter has said."""
        self.out += frames.encode(message.kind, message.request, message.body)

    def _flush(self) -> None:
        if self.out:
            try:
                del self.out[: os.write(1, self.out)]
            except BlockingIOError:
                pass
            except BrokenPipeError:
                self._exit(0)
        if bool(self.out) != self._awaiting_host:
            self._awaiting_host = bool(self.out)
            if self._awaiting_host:
                self._poller.register(1, select.POLLOUT)
            else:
                self._poller.unregister(1)

    def flush_all(self) -> None:
        """Send everything before going on; only ever while no program runs."""
        poller = select.poll()
        poller.register(1, select.POLLOUT)
        while self.out:
            self._flush()
            if self.out:
                poller.poll()

    def _exit(self, status: int) -> NoReturn:
        try:
            self.tenant.kill_all(set())
        except (AttributeError, OSError):
            pass  # before HELLO there is no tenant
        os._exit(status)

    # Requests.

    def _hello(self, frame: frames.Frame) -> None:
        plan, _ = frames.decode_message(frame.body)
        if plan["protocol"] != frames.PROTOCOL:
            self._fail(frame, "protocol", "host speaks protocol %s, agent %d" % (plan["protocol"], frames.PROTOCOL))
        self._plan = plan
        if plan["uid"] is not None:
            os.setgroups([])
        self.workdir: str = plan["workdir"]
        self.tenant = scrub.Tenant(plan["uid"])
        if os.getpid() != 1:
            kernel.adopt_orphans()
        places = writable_mounts(plan["uid"] or os.getuid()) if plan["own_mounts"] else [plan["workdir"]]
        if plan["own_mounts"]:
            self.gauges = Gauges("/sys/fs/cgroup")
            self._ipc_tables = kernel.SYSV_TABLES
        self._places = [Place(path, places) for path in places]
        occupied = {place.path: place.entries()[:3] for place in self._places if place.entries()}
        if occupied:
            self._fail(frame, "places", "writable and not empty before the first run: %s" % occupied)
        self._zygote = Zygote(plan, self.tenant)
        self._zygote_link = self._zygote.link.fileno()
        self._poller.register(self._zygote_link, select.POLLIN)
        problem = self._zygote.wait_preloaded()
        if problem:
            self._fail(frame, "preload", problem)
        self._spare = self._zygote.fork(self.ended)
        if not self._spare.wait_ready(30):
            self._fail(frame, "child", "the first child did not become ready")
        self._found_supervisors = self._supervisors()
        self.send(
            frames.READY,
            frame.request,
            {
                "protocol": frames.PROTOCOL,
                "python": "%d.%d.%d" % sys.version_info[:3],
                "places": places,
                "gauges": self.gauges.read(),
            },
        )

    def _fail(self, frame: frames.Frame, kind: str, reason: str) -> NoReturn:
        self.send(frames.FAILED, frame.request, {"kind": kind, "reason": reason})
        self.flush_all()
        self._exit(1)

    def _put(self, frame: frames.Frame) -> None:
        fields, data = frames.decode_message(frame.body)
        flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if fields["append"] else os.O_TRUNC)
        try:
            with self.tenant.identity():
                file = open_beneath(self.workdir, fields["path"], flags)
                with os.fdopen(file, "wb") as stream:
                    stream.write(data)
        except (OSError, ValueError) as error:
            self._refusal = self._refusal or "cannot put %s: %s" % (fields["path"], error)

    def _take_stdin(self, frame: frames.Frame) -> None:
        if self._stdin is None:
            self._stdin = os.memfd_create("stdin")
        try:
            with os.fdopen(os.dup(self._stdin), "wb") as stream:
                stream.write(frame.body)
        except OSError as error:
            self._refusal = self._refusal or "cannot take standard input: %s" % error

    def take_refusal(self) -> str:
        """Why a file could not be put since the last look; empty if none was refused."""
        refusal, self._refusal = self._refusal, ""
        return refusal

    def _start(self, frame: frames.Frame) -> None:
        fields, source = frames.decode_message(frame.body)
        self.drop_past()
        refusal = self.take_refusal()
        stdin = self._take_back_stdin()
        if refusal:
            self.send(frames.REFUSED, frame.request, {"reason": refusal})
            return
        child = self.take_child()
        if fields["feed"]:
            with self.tenant.identity():
                self._inflow = Inflow()
            stdin = self._inflow.read_end
        child.send_request(
            {"filename": fields["filename"], "args": fields["args"], "env": fields["env"]},
            source,
            stdin,
        )
        if self._inflow is not None:
            os.close(self._inflow.read_end)
        self.listen_to(child)
        self.begin(Run(frame.request, child, fields, self.gauges))

    def take_child(self) -> Child:
        """The child that was forked ahead, or a new one."""
        child, self._spare = self._spare, None
        if child is not None and child.pid in self.ended:
            self.dismiss(child)  # the kernel took it while it waited
            child = None
        if child is None:
            child = self._zygote.fork(self.ended)
            if not child.wait_ready(10):
                raise ZygoteLost("a child did not become ready")
        return child

    def begin(self, run: Run) -> None:
        """Tend a run whose child has been told what to do."""
        self.running = run
        self._next_gauges = time.monotonic() + _GAUGE_PERIOD
        if run.request == self._cancelled:
            self.stop(run, "cancelled")

    def listen_to(self, child: Child, writing: bool = False) -> None:
        """Be woken by what a child says, and with `writing` when it can be told more."""
        self._poller.register(child.control, select.POLLIN | (select.POLLOUT if writing else 0))

    def unlisten(self, child: Child) -> None:
        """Be woken by a child no more."""
        try:
            self._poller.unregister(child.control)
        except KeyError:
            pass  # it had closed its end, and nobody listened any more

    def dismiss(self, child: Child) -> None:
        """Have a child's process, if it still runs, end before the next program begins."""
        self._past.append(child)

    def _take_back_stdin(self) -> Optional[int]:
        """The collected standard input, rewound, its descriptor closed at the next scrub."""
        stdin, self._stdin = self._stdin, None
        if stdin is not None:
            os.lseek(stdin, 0, os.SEEK_SET)
            self._close_past_stdin()
            self._past_stdin = stdin
        return stdin

    def _feed(self, frame: frames.Frame) -> None:
        if self._inflow is not None and self.running is not None and self.running.request == frame.request:
            self._inflow.take(frame.body)
            self._pour(self._inflow)

    def _pour(self, inflow: Inflow) -> None:
        """Move input into the program's pipe, and be woken when there is room for the rest."""
        if not inflow.open or self.running is None:
            return
        size = inflow.pour()
        if inflow.waiting:
            self._poller.register(inflow.write_end, select.POLLOUT)
        else:
            self._unlisten_inflow(inflow)
        if size or not inflow.open:
            self.send(frames.FED, self.running.request, {"size": size, "more": inflow.open})

    def _end_inflow(self) -> None:
        inflow, self._inflow = self._inflow, None
        if inflow is not None:
            self._unlisten_inflow(inflow)
            inflow.close()

    def _unlisten_inflow(self, inflow: Inflow) -> None:
        try:
            self._poller.unregister(inflow.write_end)
        except KeyError:
            pass  # there was room for all of it

    def _cancel(self, frame: frames.Frame) -> None:
        self._cancelled = frame.request  # it may overtake its RUN
        if self.running is not None and self.running.request == frame.request:
            self.stop(self.running, "cancelled")

    def _status(self, frame: frames.Frame) -> None:
        self.send(frames.GAUGES, frame.request, self.gauges.read())

    # A running program.

    def _patience(self) -> Optional[float]:
        """Milliseconds until something is due, or None."""
        if self.running is None:
            return None
        due: float = min(self.running.deadline, self._next_gauges)
        if not self.running.watched:
            due = self.running.began + _UNWATCHED
        return max(0.0, due - time.monotonic()) * 1000 + 0.5

    def _tend(self, run: Run, ready: Dict[int, int]) -> None:
        child = run.child
        if not run.watched and time.monotonic() - run.began >= _UNWATCHED:
            self._watch_pipes(run)
        for descriptor in (child.stdout, child.stderr):
            if descriptor in ready and not run.forward(descriptor, self.out):
                self._poller.unregister(descriptor)
        self._balance(run)
        child.ending = self.ended.get(child.pid)
        if not run.keeps_child and child.control.fileno() in ready and not run.listen():
            self.unlisten(child)
        if run.over or child.ending is not None:
            self._finish(run)
            return
        now = time.monotonic()
        if now >= run.deadline:
            self.stop(run, "timeout")
        elif now >= self._next_gauges:
            self._next_gauges = now + _GAUGE_PERIOD
            self.send(frames.GAUGES, run.request, self.gauges.read())

    def _watch_pipes(self, run: Run) -> None:
        run.watched = True
        if not self.congested:
            for descriptor in run.open_pipes:
                self._poller.register(descriptor, select.POLLIN)

    def _tend_interpreter(self, ready: Dict[int, int]) -> None:
        interpreter = self._interactive
        if interpreter.child is None:
            return
        events = ready.get(interpreter.child.control.fileno(), 0)
        if events & select.POLLOUT:
            interpreter.write()
        if events & ~select.POLLOUT:
            interpreter.read()

    def _balance(self, run: Run) -> None:
        """Stop or resume reading the program's pipes as the host falls behind or catches up."""
        if (len(self.out) >= _BACKLOG) == self.congested:
            return
        self.congested = not self.congested
        for descriptor in run.open_pipes if run.watched else ():
            if self.congested:
                self._poller.unregister(descriptor)
            else:
                self._poller.register(descriptor, select.POLLIN)
        if run.child is self._interactive.child:
            if self.congested:
                self.unlisten(run.child)
            else:
                self.listen_to(run.child)

    def stop(self, run: Run, outcome: str) -> None:
        """End a run by killing everything that it may have started."""
        run.outcome = outcome
        self.kill_everything()
        self.await_end(run.child, 1)  # what survives that is found by the scrub: the answer must not wait
        self._finish(run)

    def kill_everything(self) -> None:
        """Kill all processes but the zygote: whatever of the tenant's runs, the spare child too."""
        self.tenant.kill_all({self._zygote.pid})
        if self._spare is not None:
            self.dismiss(self._spare)
            self._spare = None

    def await_end(self, child: Child, timeout: float) -> bool:
        """Wait until a child is reaped, and note how it ended; False after `timeout` seconds."""
        found = self._zygote.wait_ended(child.pid, self.ended, time.monotonic() + timeout)
        child.ending = self.ended.get(child.pid)
        return found

    def _finish(self, run: Run) -> None:
        self.running = None
        self._end_inflow()
        if run.watched and not self.congested:
            for descriptor in run.open_pipes:
                self._poller.unregister(descriptor)
        self.congested = False
        run.drain(self.out)
        if run.child is self._interactive.child:
            self._finish_cell(run)
            return
        self.unlisten(run.child)
        self.dismiss(run.child)
        result = run.result()
        if run.fetch:
            with self.tenant.identity():
                paths = matching_files(self.workdir, run.fetch)
                fetch.send_files(run.request, self.workdir, paths, run.fetch_limit, self.out, self.flush_all)
        self.send(frames.RESULT, run.request, result)
        if run.last:
            self._flush()  # the answer first
            self._scrub(run.request)

    def _finish_cell(self, cell: Run) -> None:
        result = cell.result()
        result["new_files"] = self._interactive.new_files()
        result["state_lost"] = cell.child.ending is not None
        if result["state_lost"]:
            result["reason"] = result["reason"] or "the interpreter ended: %s" % how_it_ended(cell.child)
            self._interactive.forget()
        else:
            self._interactive.write()  # and listen to it again, if the host had fallen behind
        self.send(frames.RESULT, cell.request, result, cell.said)

    # Between programs.

    def drop_past(self) -> None:
        """Kill children that have said their last word; they wait only for this."""
        for child in self._past:
            if child.pid not in self.ended:
                try:
                    os.kill(child.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass  # it has been reaped, and the word of it is on its way
                self._zygote.wait_ended(child.pid, self.ended, time.monotonic() + 5)
            child.close()
            self.ended.pop(child.pid, None)
        self._past.clear()
        self._close_past_stdin()

    def _close_past_stdin(self) -> None:
        stdin, self._past_stdin = self._past_stdin, None
        if stdin is not None:
            os.close(stdin)

    def _spared(self) -> Set[int]:
        return {self._zygote.pid} | ({self._spare.pid} if self._spare is not None else set())

    def _reset(self, frame: frames.Frame) -> None:
        self._scrub(frame.request)

    def _scrub(self, request: int) -> None:
        deadline = time.monotonic() + self._plan["reset_timeout"]
        if self.running is not None:
            self.stop(self.running, "cancelled")
        self._interactive.forget()
        self._take_back_stdin()
        self._refusal = ""
        steps = scrub.Steps()
        steps.run("kill", lambda: self._kill(deadline))
        steps.run("empty", lambda: scrub.empty_places(self.tenant, self._places, self._ipc_tables, deadline))
        steps.run("respond", self._renew)
        steps.run("verify", self._verify)
        steps.run("processes", self._count)
        report = steps.report()
        report["gauges"] = self.gauges.read()
        self.send(frames.SCRUBBED, request, report)

    def _kill(self, deadline: float) -> Optional[str]:
        self.kill_everything()
        for child in self._past:
            if not self._zygote.wait_ended(child.pid, self.ended, deadline):
                return "process %d survives SIGKILL" % child.pid
        self.drop_past()
        return scrub.end_processes(self.tenant, {self._zygote.pid}, self._woken, deadline)

    def _renew(self) -> Optional[str]:
        self._spare = self._zygote.fork(self.ended)
        return None if self._spare.wait_ready(10) else "the next child did not become ready"

    def _verify(self) -> Optional[str]:
        problem = scrub.verify_places(self._places, self._ipc_tables)
        if problem is None and self._plan["own_network"] and kernel.tcp_ports_taken():
            problem = "TCP ports are still taken"
        if problem is None and self._supervisors() != self._found_supervisors:
            problem = "priority, processors or limits of the agent were changed"
        return problem

    def _supervisors(self) -> Any:
        """What a program could change of the agent and the zygote where it has the same user id."""
        if self.tenant.uid is not None:
            return None
        return [kernel.scheduling(pid) for pid in (0, self._zygote.pid)]

    def _count(self) -> Optional[str]:
        found = self.tenant.processes(self._spared())
        return "processes remain: %s" % found[:5] if found else None

    def _check(self, frame: frames.Frame) -> None:
        probe = "/.pooldeck-probe"
        try:
            os.close(os.open(probe, os.O_CREAT | os.O_WRONLY))
            os.unlink(probe)
            read_only = False
        except OSError:
            read_only = True
        fields = self.gauges.read()
        fields["processes"] = len(self.tenant.processes(set())) + 1
        fields["read_only"] = read_only
        self.send(frames.CHECKED, frame.request, fields)


def main(first: bytes) -> NoReturn:
    """Serve the host; `first` is what has been read of its stream already."""
    agent = Agent()
    try:
        agent.serve(first)
    except (ZygoteLost, frames.FrameError, OSError) as error:
        os.write(2, ("agent: %s: %s\n" % (type(error).__name__, error)).encode())
        agent._exit(1)
