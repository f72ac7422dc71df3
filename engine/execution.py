"""What is asked of a container and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, BinaryIO

from engine.errors import RequestError
from engine.validation import (
    check_bytes,
    check_environment,
    check_files,
    check_input,
    check_limit,
    check_path,
    check_strings,
    check_timeout,
)

OutputCallback = Callable[[str, bytes], None]
"""Called as output arrives, with "stdout" or "stderr" and the bytes."""


class Outcome(StrEnum):
    """How a run ended."""

    OK = "ok"
    """The program ended with status 0."""
    ERROR = "error"
    """The program's own failure: an exception, or another exit status."""
    TIMEOUT = "timeout"
    """It ran past its deadline and was killed with all it had started."""
    OUT_OF_MEMORY = "out_of_memory"
    """The kernel killed it for want of memory, or a MemoryError ended it, whoever raised that."""
    KILLED = "killed"
    """A signal that was not ours ended it."""
    CANCELLED = "cancelled"
    """The caller ended it."""
    INFRASTRUCTURE = "infrastructure"
    """Not the program's doing: the container or the engine failed. Safe to try again."""


@dataclass(frozen=True, slots=True)
class ExecutionRequest:
    """A program and what it is given.

    Raises:
        RequestError: if a part is of another type than it says, a name climbs out of the working
            directory, or a limit is out of range.
    """

    code: str | bytes
    filename: str = "main.py"
    """Name of the program's own file in the working directory, as tracebacks show it."""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    stdin: str | bytes | BinaryIO = b""
    """Standard input. A file with a descriptor (a pipe, a socket's file) is read while the program runs, by
    its descriptor: it may be endless or silent, and what was read ahead of the program is lost."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Put into the working directory first: relative path to content."""
    fetch: tuple[str, ...] = ()
    """Shell patterns of files to bring back afterwards, relative to the working directory."""
    timeout: float | None = None
    """Seconds; None for the pool's `timeout`."""
    max_output: int | None = None
    """Bytes of each of stdout and stderr; None for the pool's `max_output`."""

    def __post_init__(self) -> None:
        check_bytes("code", self.code)
        check_input(self.stdin)
        check_path("filename", self.filename)
        if "/" in self.filename:
            raise RequestError(f"file name {self.filename!r} of the program is a path", "use a plain name")
        check_files(self.files, self.filename)
        check_environment(self.env)
        for name in ("args", "fetch"):
            object.__setattr__(self, name, check_strings(name, getattr(self, name)))
        for pattern in self.fetch:
            check_path("fetch", pattern)
        check_timeout(self.timeout)
        check_limit("max_output", self.max_output)

    def source(self) -> bytes:
        """The program's source as bytes."""
        return self.code.encode("utf-8", "surrogatepass") if isinstance(self.code, str) else self.code

    def stdin_bytes(self) -> bytes:
        """Standard input as bytes, as far as it is known before the run."""
        if isinstance(self.stdin, str):
            return self.stdin.encode("utf-8", "surrogatepass")
        return self.stdin if isinstance(self.stdin, bytes) else b""

    @property
    def stdin_descriptor(self) -> int | None:
        """What standard input is read from while the program runs; None if it is known before."""
        return None if isinstance(self.stdin, str | bytes) else self.stdin.fileno()


@dataclass(frozen=True, slots=True)
class Timing:
    """Where the time of one execution went; seconds.

    The scrub comes after the answer and so is not part of `total`.
    """

    wait: float = 0.0
    """From asking for a container to having one."""
    run: float = 0.0
    """The program, as the agent measured it."""
    answer: float = 0.0
    """The rest: the way to the container and back, and reading the output."""
    scrub: float | None = None
    """The scrub after it, where somebody waited for it; see the pool's events for all others."""

    @property
    def total(self) -> float:
        """All of it."""
        return self.wait + self.run + self.answer


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """What became of a request."""

    outcome: Outcome
    exit_code: int | None = None
    """The program's status; None if a signal ended it or it never ran."""
    signal: int | None = None
    chunks: tuple[tuple[str, bytes], ...] = ()
    """Output as it arrived: ("stdout" or "stderr", bytes)."""
    truncated: tuple[str, ...] = ()
    """Which of "stdout" and "stderr" were cut at `max_output`."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    files_too_large: Mapping[str, int] = field(default_factory=dict)
    """Files that were asked for but exceeded `max_file_bytes` in sum: path to size."""
    timing: Timing = Timing()
    cpu_time: float | None = None
    """CPU seconds of the program and what it started."""
    peak_memory: int | None = None
    """Bytes."""
    container_id: str = ""
    reason: str = ""
    """For an outcome that is not the program's own: what happened."""

    @property
    def success(self) -> bool:
        """Whether the program ran and ended with status 0."""
        return self.outcome is Outcome.OK

    @property
    def stdout_bytes(self) -> bytes:
        """Everything written to stdout, as it was written."""
        return b"".join(data for name, data in self.chunks if name == "stdout")

    @property
    def stderr_bytes(self) -> bytes:
        """Everything written to stderr, as it was written."""
        return b"".join(data for name, data in self.chunks if name == "stderr")

    @property
    def stdout(self) -> str:
        """Stdout as text; bytes that are not UTF-8 are kept as surrogate escapes."""
        return self.stdout_bytes.decode("utf-8", "surrogateescape")

    @property
    def stderr(self) -> str:
        """Stderr as text; bytes that are not UTF-8 are kept as surrogate escapes."""
        return self.stderr_bytes.decode("utf-8", "surrogateescape")

    @property
    def output(self) -> str:
        """Stdout and stderr together, in the order in which they arrived."""
        return b"".join(data for _, data in self.chunks).decode("utf-8", "surrogateescape")

    def as_document(self) -> dict[str, Any]:
        """Return the result as a JSON-ready document; invalid UTF-8 becomes U+FFFD."""
        return {
            "success": self.success,
            "outcome": self.outcome.value,
            "exit_code": self.exit_code,
            "signal": self.signal,
            "stdout": self.stdout_bytes.decode("utf-8", "replace"),
            "stderr": self.stderr_bytes.decode("utf-8", "replace"),
            "truncated": list(self.truncated),
            "timing": {
                "wait": self.timing.wait,
                "run": self.timing.run,
                "answer": self.timing.answer,
                "total": self.timing.total,
            },
            "cpu_time": self.cpu_time,
            "peak_memory": self.peak_memory,
            "files": {path: len(data) for path, data in self.files.items()},
            "files_too_large": dict(self.files_too_large),
            "container_id": self.container_id,
            "reason": self.reason,
        }
