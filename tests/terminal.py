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
from typing import Any

import pyte

# Questions and modes that pyte does not know, and would show as text.
_UNKNOWN = re.compile(rb"\x1b\[[<>=?][\d;]*\$?[a-zA-Z]")


class _AnsweringScreen(pyte.Screen):
    """Answers the program's questions, such as where the cursor is, as a terminal does."""

    def __init__(self, columns: int, lines: int, master: int) -> None:
        super().__init__(columns, lines)
        self._master = master
        self.title_set = ""

    def write_process_input(self, data: str) -> None:
        os.write(self._master, data.encode())

    def set_title(self, param: str) -> None:
        self.title_set = param


class Terminal:
    """Keys in, screen out."""

    def __init__(self, command: list[str], *, columns: int = 110, lines: int = 40, **env: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.screen = _AnsweringScreen(columns, lines, self._master)
        self._stream = pyte.ByteStream(self.screen)
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            preexec_fn=_own_terminal,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **env},
        )
        os.close(slave)

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    def colours(self, text: str, *, last: bool = False) -> set[str]:
        """The foreground colours of the characters of `text` where it stands on the screen first, or last."""
        rows = list(enumerate(self.screen.display))
        for row, line in reversed(rows) if last else rows:
            column = line.find(text)
            if column >= 0:
                return {self.screen.buffer[row][column + at].fg for at in range(len(text))}
        raise AssertionError(f"{text!r} is not on the screen:\n{self.text}")

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def resize(self, columns: int, lines: int) -> None:
        """Make the window another size; the program is told."""
        self.screen.resize(lines, columns)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

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
        self._stream.feed(_UNKNOWN.sub(b"", data))
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

    def wait(self, timeout: float = 30.0) -> int:
        """Read until the program ends; return its status."""
        deadline = monotonic() + timeout
        while self.process.poll() is None:
            assert monotonic() < deadline, f"it does not end:\n{self.text}"
            try:
                self.read(0.1)
            except EOFError:
                break
        return self.process.wait(max(0.1, deadline - monotonic()))

    def hang_up(self) -> None:
        """Close the terminal's window: the program gets SIGHUP, and its terminal is gone."""
        os.close(self._master)
        self._master = -1

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        if self._master >= 0:
            os.close(self._master)


def _own_terminal(*_: Any) -> None:
    """Make the pseudo-terminal the new session's own, so that it sends signals."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
