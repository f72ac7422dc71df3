"""The host's end of the stream to an agent: requests out, typed answers in.

A channel serves one holder at a time, who alone reads. `cancel`, `request_gauges` and
`close` may come from any thread; a lock keeps written frames whole.
"""

from __future__ import annotations

import itertools
import os
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from engine.agent import frames, handover
from engine.agent.collect import Collector, Holder
from engine.agent.feed import Feed
from engine.backends.base import ByteStream
from engine.errors import ContainerLost, ImageUnusable, RequestError
from engine.execution import ExecutionRequest, ExecutionResult, Outcome, OutputCallback

_READ = 1 << 18
_LAST_LOOK = 0.001
"""Seconds for a last look at a stream after the deadline."""

_SEND_TIMEOUT = 30.0
"""Seconds in which an agent must take what it is sent."""

GRACE = 2.0
"""Seconds past a program's deadline after which the agent itself is given up."""


@dataclass(frozen=True, slots=True)
class AgentInfo:
    """What the agent said of itself when it was ready."""

    python: str
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResetReport:
    """The scrub as the agent reports it."""

    clean: bool
    steps: Mapping[str, float] = field(default_factory=dict)
    """Step to seconds, in the order taken."""
    failed: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Gauges:
    """Figures of a container; None where the kernel gives none. Bytes, CPU seconds, counts."""

    memory: int | None = None
    memory_limit: int | None = None
    cpu_time: float | None = None
    processes: int | None = None
    process_limit: int | None = None
    at: float = 0.0
    """When they were read, by `time.monotonic`."""


_streams: weakref.WeakSet[ByteStream] = weakref.WeakSet()


def _let_go_of_streams() -> None:
    """In a forked child of this process: a stream that it held open would keep its container alive."""
    for stream in list(_streams):
        stream.release()


os.register_at_fork(after_in_child=_let_go_of_streams)


class AgentChannel:
    """One agent, from its handover to its end."""

    def __init__(self, stream: ByteStream) -> None:
        _streams.add(stream)
        self._stream = stream
        self._reader = frames.FrameReader()
        self._pending: Iterator[frames.Frame] = iter(())
        self._ids = itertools.count(1)
        self._write_lock = threading.Lock()
        self._running: tuple[int, int] | None = None
        """Whose program runs, and as which request."""
        self._scrubbing: int | None = None
        """The request after which the agent scrubs without being asked."""
        self.gauges = Gauges()

    def start(self, plan: Mapping[str, Any], timeout: float) -> AgentInfo:
        """Hand the agent over and wait until its first child is warm.

        Raises:
            ContainerLost: if it does not answer in `timeout` seconds.
            ImageUnusable: if it says that it cannot work here: a missing package, say.
        """
        deadline = monotonic() + timeout
        hello = frames.encode_message(frames.HELLO, 0, {"protocol": frames.PROTOCOL, **plan})
        self.send(handover.payload() + hello)
        frame = self._expect(0, (frames.READY, frames.FAILED), deadline)
        fields, _ = frames.decode_message(frame.body)
        if frame.kind == frames.FAILED:
            raise ImageUnusable(f"the container cannot be used: {fields['reason']}")
        self._note_gauges(fields["gauges"])
        return AgentInfo(fields["python"], tuple(fields["places"]))

    def run(
        self,
        request: ExecutionRequest,
        holder: Holder,
        *,
        timeout: float,
        max_output: int,
        max_fetch: int,
        on_output: OutputCallback | None = None,
        cancelled: Callable[[], bool] = lambda: False,
        last: bool = False,
    ) -> ExecutionResult:
        """Run one program and wait for its end.

        Args:
            timeout: seconds the program may take; enforced by the agent, and a little
                later by this end against an agent that does not answer.
            on_output: called in this thread for each piece of output. What it raises goes on;
                the run is abandoned then, and the channel must not be used again.
            cancelled: asked once `cancel` can reach the run: whether it came before.
            last: whether the holder runs nothing after it: the agent begins the scrub with the
                answer, and `reset` has only to wait for its report.

        Raises:
            ContainerLost: if the container died or did not answer; nothing is known of
                what the program did.
            RequestError: if a file could not be put.
        """
        max_output = max_output if request.max_output is None else min(request.max_output, max_output)
        collector = Collector(max_output, max_fetch, on_output, holder)
        deadline = monotonic() + timeout + GRACE
        number = self.next_id()
        self._running = (holder.token, number)
        feed = None
        try:
            if cancelled():
                return ExecutionResult(Outcome.CANCELLED, container_id=holder.container_id)
            try:
                for piece in self._request_frames(number, request, timeout, max_output, max_fetch, last):
                    self.send(piece)
            except frames.FrameError as error:  # nothing of it runs before its last frame
                raise RequestError(f"code, arguments and variables together: {error}") from error
            if request.stdin_descriptor is not None:
                feed = Feed(request.stdin_descriptor, lambda data: self.send(frames.encode(frames.FEED, number, data)))
            result = self._collect(number, collector, deadline, feed)
            self._scrubbing = number if last else None
            return result
        finally:
            self._running = None
            if feed is not None:
                feed.close()

    def cancel(self, holder: int = 0) -> None:
        """End the program that `holder` runs, if there is one; its result says `cancelled`."""
        running = self._running
        if running is not None and running[0] == holder:
            self.send(frames.encode(frames.CANCEL, running[1]))

    def request_gauges(self) -> None:
        """Ask a running program's agent for figures; they show in `gauges` when they come."""
        running = self._running
        if running is not None:
            self.send(frames.encode(frames.STATUS, running[1]))

    def reset(self, timeout: float) -> ResetReport:
        """Scrub the container and wait for the report.

        Raises:
            ContainerLost: if there is no report in `timeout` seconds.
        """
        begun, self._scrubbing = self._scrubbing, None
        if begun is None:
            fields = self._ask(frames.RESET, frames.SCRUBBED, timeout)
        else:
            report = self._expect(begun, (frames.SCRUBBED,), monotonic() + timeout)
            fields = frames.decode_message(report.body)[0]
        self._note_gauges(fields["gauges"])
        return ResetReport(fields["clean"], fields["steps"], fields["failed"], fields["reason"])

    def check(self, timeout: float) -> Mapping[str, Any]:
        """Ask the agent to look at its container: processes, memory, read-only root.

        Raises:
            ContainerLost: if there is no answer in `timeout` seconds.
        """
        fields = self._ask(frames.CHECK, frames.CHECKED, timeout)
        self._note_gauges({name: fields[name] for name in Gauges.__slots__ if name in fields})
        return fields

    def close(self) -> None:
        """Hang up, which ends the container."""
        self._stream.close()

    def _ask(self, kind: int, answer: int, timeout: float) -> dict[str, Any]:
        number = self.next_id()
        self.send(frames.encode(kind, number))
        return frames.decode_message(self._expect(number, (answer,), monotonic() + timeout).body)[0]

    def _request_frames(
        self, number: int, request: ExecutionRequest, timeout: float, max_output: int, max_fetch: int, last: bool
    ) -> Iterator[bytes]:
        for path, content in request.files.items():
            yield from put_frames(number, path, content)
        stdin = request.stdin_bytes()
        for start in range(0, len(stdin), frames.CHUNK):
            yield frames.encode(frames.STDIN, number, stdin[start : start + frames.CHUNK])
        fields = {
            "filename": request.filename,
            "args": request.args,
            "env": dict(request.env),
            "timeout": timeout,
            "max_output": max_output,
            "fetch": request.fetch,
            "max_fetch": max_fetch,
            "last": last,
            "feed": request.stdin_descriptor is not None,
        }
        yield frames.encode_message(frames.RUN, number, fields, request.source())

    def _collect(self, number: int, collector: Collector, deadline: float, feed: Feed | None) -> ExecutionResult:
        while True:
            frame = self.next_frame(deadline)
            if frame.request != number:
                continue  # the end of a run that was cancelled by a reset
            if collector.take(frame):
                continue
            if frame.kind == frames.FED and feed is not None:
                feed.poured(**frames.decode_message(frame.body)[0])
                continue
            if frame.kind != frames.RESULT:
                raise ContainerLost(f"the agent answered a run with a frame of kind {frame.kind}")
            return ExecutionResult(**collector.result(frames.decode_message(frame.body)[0]))

    def _expect(self, number: int, kinds: tuple[int, ...], deadline: float) -> frames.Frame:
        """Read until the answer to `number`; what is left of an earlier run is dropped."""
        while True:
            frame = self.next_frame(deadline)
            if frame.request == number and frame.kind in kinds:
                return frame

    def next_frame(self, deadline: float) -> frames.Frame:
        """The next frame that is not of gauges, which are noted.

        Raises:
            ContainerLost: if none comes until `deadline`, by `time.monotonic`.
        """
        frame = self.poll_frame(deadline)
        if frame is None:
            raise ContainerLost("the agent did not answer in time")
        return frame

    def poll_frame(self, deadline: float) -> frames.Frame | None:
        """As `next_frame`, but None if none comes until then.

        Raises:
            ContainerLost: if the stream has broken.
        """
        late = False
        while True:
            for frame in self._pending:
                if frame.kind != frames.GAUGES:
                    return frame
                self._note_gauges(frames.decode_message(frame.body)[0])
            left = deadline - monotonic()
            if left <= 0:
                if late:
                    return None
                left, late = _LAST_LOOK, True  # the caller may have been slow, and the answer be there
            try:
                self._stream.set_timeout(left)
                data = self._stream.receive(_READ)
            except TimeoutError:
                return None
            except OSError as error:
                raise ContainerLost(f"the stream to the agent broke: {error}") from error
            if not data:
                raise ContainerLost("the container ended")
            try:
                self._pending = iter(list(self._reader.feed(data)))
            except frames.FrameError as error:
                raise ContainerLost(f"the agent sent what is not a frame: {error}") from error

    def next_id(self) -> int:
        """A number for a request that no other has had."""
        return next(self._ids)

    def send(self, data: bytes) -> None:
        """Write whole frames.

        Raises:
            ContainerLost: if the agent does not take them.
        """
        try:
            with self._write_lock:
                self._stream.set_timeout(_SEND_TIMEOUT)
                self._stream.send(data)
        except TimeoutError:
            raise ContainerLost("the agent did not read in time") from None
        except OSError as error:
            raise ContainerLost(f"the stream to the agent broke: {error}") from error

    def _note_gauges(self, fields: Mapping[str, Any]) -> None:
        self.gauges = Gauges(**fields, at=monotonic())


def put_frames(number: int, path: str, content: bytes) -> Iterator[bytes]:
    """The frames that put one file into the working directory."""
    for start in range(0, max(1, len(content)), frames.CHUNK):
        fields = {"path": path, "append": start > 0}
        yield frames.encode_message(frames.PUT, number, fields, content[start : start + frames.CHUNK])
