"""The dashboard in a real terminal: keys in, screen out."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from time import monotonic

import pyte
import pytest

from tests.conftest import need

COLUMNS, LINES = 130, 40


class Terminal:
    """A pseudo-terminal with a program in it, and the screen that a person would see."""

    def __init__(self, command: list[str], **env: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self._screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self._screen)
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

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def until(self, pattern: str, timeout: float = 20.0) -> re.Match[str]:
        """Read until the screen shows `pattern`; fail with the screen if it never does."""
        deadline = monotonic() + timeout
        while True:
            found = re.search(pattern, self.text)
            if found:
                return found
            ready, _, _ = select.select([self._master], [], [], max(0.0, deadline - monotonic()))
            assert ready, f"never saw {pattern!r} in\n{self.text}"
            try:
                # Answers to the terminal's queries are not a person's business.
                self._stream.feed(re.sub(rb"\x1b\[[<>=?][\d;]*[a-zA-Z$]+[a-zA-Z]?", b"", os.read(self._master, 65536)))
            except OSError:
                raise AssertionError(f"the program ended before {pattern!r} was seen:\n{self.text}") from None

    def wait(self, timeout: float = 20.0) -> int:
        """Read until the program ends; return its status."""
        deadline = monotonic() + timeout
        while self.process.poll() is None:
            assert monotonic() < deadline, f"it does not end:\n{self.text}"
            ready, _, _ = select.select([self._master], [], [], 0.1)
            if ready:
                try:
                    os.read(self._master, 65536)
                except OSError:
                    break
        return self.process.wait(max(0.1, deadline - monotonic()))

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self._master)


@pytest.fixture(params=["docker", "bubblewrap"])
def terminal(request: pytest.FixtureRequest) -> Iterator[Terminal]:
    need(request.param)
    terminal = Terminal([sys.executable, "-m", "tui.cli", "--backend", request.param])
    yield terminal
    terminal.close()


def test_watch_run_steer_and_quit(terminal: Terminal) -> None:
    terminal.until(r"pool \w+  running  (docker|bubblewrap)")
    terminal.until(r"3 available  0 in use  3 of 1 to 10")
    assert terminal.text.count("● available") == 3

    terminal.press("i")
    terminal.press("print('from the pool', 6 * 7)\r")
    terminal.until(r">>> print\('from the pool', 6 \* 7\)\n\s*from the pool 42\n\s*# ok  [\d.]+ ms \(wait")
    terminal.press("1/0\r")
    terminal.until(r"ZeroDivisionError: division by zero\n\s*# error")
    terminal.until(r"esc Leave")
    terminal.press("\x1b")
    terminal.until(r"d Drain")

    terminal.press("+")
    terminal.until(r"4 available")
    terminal.press("-")
    terminal.until(r"3 available")

    terminal.press("d")
    terminal.until(r"drain: 3 containers, 0 in use")
    terminal.press("\r\r")  # Cancel comes first, and a key pressed twice is one answer
    terminal.until(r"^(?![\s\S]*drain: 3)[\s\S]*pool \w+  running")
    terminal.press("d")
    terminal.until(r"drain: 3 containers, 0 in use")
    terminal.press("\t\r")
    terminal.until(r"the pool is drained: r resumes it")
    terminal.press("r")
    terminal.until(r"3 available")

    terminal.press("q")
    assert terminal.wait() == 0


def test_keys_in_the_repl_line_belong_to_the_text(terminal: Terminal) -> None:
    terminal.until(r"3 available")
    terminal.press("i")
    terminal.press("'quid' + 'r+-'\r")
    terminal.until(r">>> 'quid' \+ 'r\+-'")
    assert "running" in terminal.text
    terminal.until(r"esc Leave")
    terminal.press("\x1b")
    terminal.until(r"q Quit")
    terminal.press("q")
    assert terminal.wait() == 0


def test_killed_dashboard_leaves_nothing(terminal: Terminal) -> None:
    from tests.waiting import eventually

    found = terminal.until(r"pool (\w+)  running  (\w+)[^\n]*3 available")
    terminal.process.send_signal(signal.SIGKILL)
    terminal.process.wait()
    if found[2] == "docker":
        from tests.docker.engine import owned_by

        eventually(lambda: owned_by(found[1]) == [])


def test_unisolated_pool_says_so() -> None:
    terminal = Terminal([sys.executable, "-m", "tui.cli", "--backend", "process"])
    try:
        terminal.until(r"process: UNISOLATED")
        terminal.until(r"programs run UNISOLATED")
        terminal.press("q")
        assert terminal.wait() == 0
    finally:
        terminal.close()
