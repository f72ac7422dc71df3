"""What comes back while something runs in a container, gathered until its result."""

from __future__ import annotations

from time import monotonic
from typing import Any, NamedTuple

from engine.agent import frames
from engine.errors import ContainerLost, RequestError
from engine.execution import Outcome, OutputCallback, Timing


class Holder(NamedTuple):
    """Who runs something in a container: told to the result, and to whoever wants to cancel."""

    token: int = 0
    """The lease's."""
    container_id: str = ""
    waited: float = 0.0
    """Seconds for the container."""


NOBODY = Holder()


class Collector:
    """The output and files of one request; handed each of its frames in turn."""

    def __init__(
        self,
        max_output: int = 0,
        max_files: int = 0,
        on_output: OutputCallback | None = None,
        holder: Holder = NOBODY,
    ) -> None:
        """Args: max_output: bytes of each stream; max_files: bytes of all files. The agent keeps to them."""
        self._holder = holder
        self._left = {"stdout": max_output, "stderr": max_output, "files": max_files}
        self._began = monotonic()
        self._on_output = on_output
        self._chunks: list[tuple[str, bytes]] = []
        self._files: dict[str, bytearray] = {}
        self.too_large: dict[str, int] = {}
        """Files that were not sent: path to size in bytes."""

    @property
    def files(self) -> dict[str, bytes]:
        """The files that were sent: path to content."""
        return {path: bytes(data) for path, data in self._files.items()}

    def take(self, frame: frames.Frame) -> bool:
        """Note a piece of output or of a file; whether the frame was one.

        Raises:
            RequestError: if the agent refuses the request.
            ContainerLost: if it sends more than it may.
        """
        if frame.kind in (frames.STDOUT, frames.STDERR):
            name = "stdout" if frame.kind == frames.STDOUT else "stderr"
            self._charge(name, len(frame.body))
            self._chunks.append((name, frame.body))
            if self._on_output is not None:
                self._on_output(name, frame.body)
            return True
        if frame.kind == frames.FILE:
            fields, data = frames.decode_message(frame.body)
            if fields["too_large"]:
                self.too_large[fields["path"]] = fields["size"]
            else:
                self._charge("files", len(data))
                self._files.setdefault(fields["path"], bytearray()).extend(data)
            return True
        if frame.kind == frames.REFUSED:
            raise RequestError(frames.decode_message(frame.body)[0]["reason"])
        return False

    def _charge(self, what: str, size: int) -> None:
        self._left[what] -= size
        if self._left[what] < 0:
            raise ContainerLost(f"the agent sent more {what} than was allowed")

    def result(self, fields: dict[str, Any]) -> dict[str, Any]:
        """The arguments of an `ExecutionResult`, from the fields of RESULT."""
        run = fields["wall_time"]
        return {
            "outcome": Outcome(fields["outcome"]),
            "exit_code": fields["exit_code"],
            "signal": fields["signal"],
            "chunks": tuple(self._chunks),
            "truncated": tuple(fields["truncated"]),
            "files": self.files,
            "files_too_large": self.too_large,
            "timing": Timing(self._holder.waited, run, max(0.0, monotonic() - self._began - run)),
            "cpu_time": fields["cpu_time"],
            "peak_memory": fields["peak_memory"],
            "container_id": self._holder.container_id,
            "reason": fields["reason"],
        }
