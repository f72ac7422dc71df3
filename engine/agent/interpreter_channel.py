"""The host's end of an interactive interpreter: cells, questions, completions, files.

One thread reads the channel at a time. While a cell runs it is the cell's, which hands
completions to the threads that wait for them; else whoever waits reads for all.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any

from engine.agent import frames
from engine.agent.channel import GRACE, AgentChannel, put_frames
from engine.agent.collect import Collector
from engine.cells import CellResult, FileInfo, InputCallback, InputRequest
from engine.errors import ContainerLost, RequestError
from engine.execution import OutputCallback

_ANSWER_TIMEOUT = 10.0
"""Seconds for what the agent does without a tenant: to open an interpreter, to list files."""

_LONGEST_TEXT = 1 << 16
"""Characters of a prompt or a value that are passed on."""

_LONGEST_ANSWER = 1 << 18
"""Characters of an answer to `input`; the rest is cut off."""

_LOOKED_AT = 4000
"""Characters before the cursor that an interpreter is asked about."""

_SLICE = 0.02
"""Seconds for which a completion keeps a cell from reading."""


class InterpreterChannel:
    """An interpreter in one container. Methods may be called from any thread; one cell at a time."""

    def __init__(self, channel: AgentChannel) -> None:
        """Start the interpreter.

        Raises:
            ContainerLost: if the agent does not answer.
        """
        self._channel = channel
        self._turn = threading.Condition()
        self._reading = False
        self._waiting = 0
        """Cells that wait until a completion lets go of the channel."""
        self._completed: dict[int, Any] = {}
        self._wanted: set[int] = set()
        self._cell = 0
        self._closed = False
        self._ask(frames.encode(frames.OPEN, number := channel.next_id()), number, frames.OPENED)

    def run(
        self,
        source: bytes,
        *,
        number: int,
        timeout: float,
        max_output: int,
        on_output: OutputCallback | None,
        on_input: InputCallback | None,
    ) -> CellResult:
        """Run one cell and wait for its end; a KeyboardInterrupt in this thread goes to the cell.

        Args:
            number: how tracebacks call it.
            timeout: seconds after which the interpreter is killed. Time that a person takes for
                an answer counts.
            on_input: asked in this thread; without it there is no input.

        Raises:
            ContainerLost: if the container died or did not answer.
            RequestError: if the interpreter was gone: the cell was not run.
        """
        request = self._channel.next_id()
        fields = {"number": number, "timeout": timeout, "max_output": max_output}
        deadline = monotonic() + timeout + GRACE
        collector = Collector(max_output, on_output=on_output)
        with self._as_reader():
            self._cell = request
            try:
                self._channel.send(frames.encode_message(frames.CELL, request, fields, source))
                while True:
                    try:
                        frame = self._channel.next_frame(deadline)
                        if frame.kind == frames.RESULT and frame.request == request:
                            return _cell_result(frame.body, collector, number)
                        self._take(frame, request, collector, on_input)
                    except KeyboardInterrupt:
                        self.interrupt()  # Ctrl+C in the thread that waits is meant for the cell
            finally:
                self._cell = 0

    def _take(self, frame: frames.Frame, request: int, collector: Collector, on_input: InputCallback | None) -> None:
        if frame.kind == frames.COMPLETED:
            self._note_completion(frame)
        elif frame.request == request and not collector.take(frame):
            if frame.kind != frames.INPUT_WANTED:
                raise ContainerLost(f"the agent answered a cell with a frame of kind {frame.kind}")
            self._answer(request, frame.body, on_input)

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the running cell; a second time, kill the interpreter."""
        if self._cell:
            self._channel.send(frames.encode(frames.INTERRUPT, self._cell))

    def complete(self, code: str, cursor: int, *, about: bool, timeout: float) -> Mapping[str, Any] | None:
        """Ask for completions, or with `about` for help; None if there is no answer in time.

        Raises:
            ContainerLost: if the stream has broken.
        """
        number = self._channel.next_id()
        deadline = monotonic() + timeout
        first = max(0, cursor - _LOOKED_AT)
        fields = {"code": code[first : cursor + _LOOKED_AT // 4], "cursor": cursor - first, "help": about}
        self._wanted.add(number)
        try:
            with self._turn:
                if self._closed:
                    return None
                self._channel.send(frames.encode_message(frames.COMPLETE, number, fields))
            while number not in self._completed and monotonic() < deadline:
                with self._turn:
                    if self._closed:
                        return None
                    if self._reading or self._waiting:
                        self._turn.wait(deadline - monotonic())
                        continue
                    self._reading = True
                try:
                    frame = self._channel.poll_frame(min(deadline, monotonic() + _SLICE))
                    if frame is not None and frame.kind == frames.COMPLETED:
                        self._note_completion(frame)
                finally:
                    self._release()
            found = self._completed.pop(number, None)
            if isinstance(found, dict) and isinstance(found.get("start"), int):
                found["start"] += first
            return found if isinstance(found, dict) else None
        finally:
            self._wanted.discard(number)

    def close(self) -> None:
        """Read no more, whoever still asks for completions: the channel is to be another's."""
        with self._turn:
            self._closed = True
            self._turn.wait_for(lambda: not self._reading)

    def put(self, path: str, content: bytes) -> None:
        """Put a file into the working directory.

        Raises:
            RequestError: if the agent refuses it.
        """
        number = self._channel.next_id()
        for piece in put_frames(number, path, content):
            self._channel.send(piece)
        self.files()

    def files(self, paths: tuple[str, ...] = (), max_fetch: int = 0) -> tuple[tuple[FileInfo, ...], Collector]:
        """List the working directory, and fetch files.

        Args:
            max_fetch: bytes of all fetched files together.

        Raises:
            RequestError: if a file that was put before was refused.
        """
        number = self._channel.next_id()
        fields = {"paths": paths, "max_fetch": max_fetch}
        collector = Collector(max_files=max_fetch)
        listed = self._ask(frames.encode_message(frames.FILES, number, fields), number, frames.LISTED, collector.take)
        answer = frames.decode_message(listed.body)[0]
        if answer["refused"]:
            raise RequestError(answer["refused"])
        return _file_infos(answer["files"]), collector

    def _ask(
        self,
        data: bytes,
        number: int,
        answer: int,
        take: Callable[[frames.Frame], bool] = lambda _: False,
    ) -> frames.Frame:
        deadline = monotonic() + _ANSWER_TIMEOUT
        with self._as_reader():
            self._channel.send(data)
            while True:
                frame = self._channel.next_frame(deadline)
                if frame.kind == frames.COMPLETED:
                    self._note_completion(frame)
                elif frame.request == number and not take(frame) and frame.kind == answer:
                    return frame

    def _answer(self, request: int, question: bytes, on_input: InputCallback | None) -> None:
        asked = _json(question)
        prompt = str(asked.get("prompt", ""))[:_LONGEST_TEXT]
        text = on_input(InputRequest(prompt, asked.get("secret") is True)) if on_input is not None else None
        serial = asked.get("serial")
        fields = {
            "serial": serial if isinstance(serial, int) else 0,
            "text": text[:_LONGEST_ANSWER] if text is not None else None,
        }
        self._channel.send(frames.encode_message(frames.INPUT, request, fields))

    def _note_completion(self, frame: frames.Frame) -> None:
        with self._turn:
            if frame.request in self._wanted:
                self._completed[frame.request] = _json(frame.body)
            self._turn.notify_all()

    @contextmanager
    def _as_reader(self) -> Iterator[None]:
        with self._turn:
            self._waiting += 1
            try:
                self._turn.wait_for(lambda: not self._reading)
            finally:
                self._waiting -= 1
            self._reading = True
        try:
            yield
        finally:
            self._release()

    def _release(self) -> None:
        with self._turn:
            self._reading = False
            self._turn.notify_all()


def _cell_result(body: bytes, collector: Collector, number: int) -> CellResult:
    fields, said = frames.decode_message(body)
    value = _json(said).get("value") if said else None
    return CellResult(
        **collector.result(fields),
        number=number,
        value=value[: _LONGEST_TEXT + 100] if isinstance(value, str) else None,
        new_files=_file_infos(fields["new_files"]),
        state_lost=fields["state_lost"],
    )


def _file_infos(listed: list[tuple[str, int]]) -> tuple[FileInfo, ...]:
    return tuple(FileInfo(path, size) for path, size in listed)


def _json(text: bytes) -> dict[str, Any]:
    """A tenant's words, whatever they are, as an object."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
