"""A pseudo-terminal with a program in it, and the screen that a person would see."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
from time import monotonic

import pyte

# Answers to the terminal's queries are not a person's business.
_QUERIES = re.compile(rb"\x1b\[[<>=?][\d;]*[a-zA-Z$]+[a-zA-Z]?")


class Terminal:
    """Keys in, screen out."""

    def __init__(self, command: list[str], size: tuple[int, int] = (130, 42), **env: str) -> None:
        """Args: size: columns and lines."""
        self._master, slave = pty.openpty()
        self._screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._screen)
        self.resize(*size)
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **env},
        )
        os.close(slave)

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display)

    def resize(self, columns: int, lines: int) -> None:
        """Make the window another size; the program is told."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._screen.resize(lines, columns)
        if hasattr(self, "process"):
            self.process.send_signal(signal.SIGWINCH)

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def read(self, timeout: float) -> int:
        """Show what has been written within `timeout` seconds; return how many bytes it was.

        Raises:
            EOFError: if the program has ended.
        """
        ready, _, _ = select.select([self._master], [], [], max(0.0, timeout))
        if not ready:
            return 0
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:
            raise EOFError from None
        self._stream.feed(_QUERIES.sub(b"", data))
        return len(data)

    def until(self, pattern: str, timeout: float = 20.0) -> re.Match[str]:
        """Read until the screen shows `pattern`; fail with the screen if it never does."""
        deadline = monotonic() + timeout
        while True:
            found = re.search(pattern, self.text)
            if found:
                return found
            try:
                assert self.read(deadline - monotonic()) or monotonic() < deadline, (
                    f"never saw {pattern!r} in\n{self.text}"
                )
            except EOFError:
                raise AssertionError(f"the program ended before {pattern!r} was seen:\n{self.text}") from None

    def wait(self, timeout: float = 20.0) -> int:
        """Read until the program ends; return its status."""
        deadline = monotonic() + timeout
        while self.process.poll() is None:
            assert monotonic() < deadline, f"it does not end:\n{self.text}"
            try:
                self.read(0.1)
            except EOFError:
                break
        return self.process.wait(max(0.1, deadline - monotonic()))

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self._master)
