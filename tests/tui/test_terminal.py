"""The dashboard in a real terminal, on real containers: keys in, screen out."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import need
from tests.docker.engine import client, owned_by
from tests.terminal import Terminal
from tests.waiting import eventually

Opener = Callable[..., Terminal]

_POOL = r"Pooldeck\s+(\w{8})"


@pytest.fixture(params=["docker", "bubblewrap"])
def backend(request: pytest.FixtureRequest) -> str:
    need(request.param)
    return str(request.param)


@pytest.fixture
def opened(backend: str, tmp_path: Path) -> Iterator[Opener]:
    terminals = []

    def start(*arguments: str, **env: str) -> Terminal:
        env.setdefault("XDG_STATE_HOME", str(tmp_path / "state"))
        command = [sys.executable, "-m", "tui.cli", "--backend", backend, *arguments]
        terminals.append(Terminal(command, columns=130, lines=42, **env))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


@pytest.fixture
def terminal(opened: Opener) -> Terminal:
    return opened()


def without(text: str) -> str:
    """A pattern that matches a screen in which `text` is nowhere."""
    return rf"\A(?![\s\S]*{text})"


def agents_of(terminal: Terminal) -> list[int]:
    """Processes that the dashboard has started and that live: bubblewrap's containers."""
    task = Path(f"/proc/{terminal.process.pid}/task")
    found: list[int] = []
    for children in task.glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(pid) for pid in children.read_text().split()]
    return found


def gone(terminal: Terminal, backend: str, pool: str) -> bool:
    """Whether nothing is left of a pool whose dashboard has ended."""
    return owned_by(pool) == [] if backend == "docker" else agents_of(terminal) == []


def leave(terminal: Terminal) -> None:
    """Quit while the text has the focus and the session holds a container."""
    terminal.press("\x11")
    terminal.until(r"quit: \d+ containers?, 1 in use")
    terminal.until(r"The REPL's session ends with its state")
    terminal.press("\t\r")
    assert terminal.wait() == 0


def test_watch_run_steer_and_quit(terminal: Terminal, backend: str) -> None:
    found = terminal.until(_POOL)
    terminal.until(rf"{backend} · ")
    terminal.until(r"3 available  0 in use  3 of 1 to 10")
    terminal.until(r"(● available[\s\S]*){4}")  # three tiles, and the details of the first

    terminal.press("i")
    terminal.until(r"5 REPL")
    terminal.press("import time; print('from the pool', 6 * 7); time.sleep(3)\r")
    terminal.until(r"from the pool 42")
    terminal.until(r"▶ in use · session +» ")
    terminal.until(r"2 available  1 in use")
    terminal.until(r"held by the REPL's session[\s\S]*✓ ok  3\.\d+ s \(wait ")
    terminal.press("1/0\r")
    terminal.until(r"ZeroDivisionError: division by zero[\s\S]*✗ error")
    terminal.press("%mode oneshot\r")  # the session lets its container go
    terminal.until(r"3 available  0 in use")
    terminal.until(r"Esc Leave")  # else what is on the screen is still the footer before it
    terminal.press("\x1b")
    terminal.until(r"d Drain")

    terminal.press("+")
    terminal.until(r"4 available")
    terminal.press("-")
    terminal.until(r"resize to 3 to 3: 4 containers, 0 in use")
    terminal.press("\t\r")
    terminal.until(r"3 available")

    terminal.press("d")
    terminal.until(r"drain: 3 containers, 0 in use")
    terminal.press("\r\r")  # Cancel comes first, and a key pressed twice is one answer
    terminal.until(without("drain: 3 containers"))
    terminal.until(r"● running")
    terminal.press("d")
    terminal.until(r"drain: 3 containers, 0 in use")
    terminal.press("\t\r")
    terminal.until(r"■ drained")
    terminal.until(r"the pool is drained\s[\s\S]*r resumes it")
    terminal.press("r")
    terminal.until(r"3 available")

    terminal.press("q")
    assert terminal.wait() == 0
    if backend == "docker":
        assert owned_by(found[1]) == []
    else:
        assert agents_of(terminal) == []


def test_container_killed_from_outside_is_healed_and_remembered(terminal: Terminal, backend: str) -> None:
    found = terminal.until(_POOL)
    terminal.until(r"3 available")
    if backend == "docker":
        victim = owned_by(found[1])[0]
        with contextlib.closing(client()) as api:
            api.kill(victim)
        terminal.until(rf"{victim[:8]} died  exit code 137")
    else:
        os.kill(agents_of(terminal)[0], signal.SIGKILL)
        terminal.until(r"died ")
    # What died is not replaced below what the pool must have; an operator's `+` makes it whole.
    terminal.until(r"2 available")
    terminal.press("+")
    terminal.until(r"3 available")
    terminal.press("g")  # the dead
    terminal.until(r"○ gone[\s\S]*died: ")
    terminal.press("q")
    assert terminal.wait() == 0


def test_resizing_the_window_changes_the_layout_and_keeps_the_selection(terminal: Terminal) -> None:
    terminal.until(r"3 available")
    first = terminal.until(r"6 Details (\w{12})")[1]
    terminal.press("\x1b[C")
    selected = terminal.until(rf"6 Details (?!{first})(\w{{12}})")[1]
    terminal.resize(80, 24)
    terminal.until(r"container +state +for")
    assert "Metrics" not in terminal.text
    terminal.resize(200, 60)
    terminal.until(rf"6 Details {selected}[\s\S]* session ")
    terminal.press("q")
    assert terminal.wait() == 0


def test_keys_in_the_repl_belong_to_the_text(terminal: Terminal) -> None:
    terminal.until(r"3 available")
    terminal.press("i")
    terminal.press("print('quid', 'r+-')\r")
    terminal.until(r"quid r\+-\s")
    assert "● running" in terminal.text
    leave(terminal)


def test_several_lines_and_the_keys_that_submit(terminal: Terminal) -> None:
    terminal.until(r"3 available")
    terminal.press("i")
    terminal.press("for n in range(2):\r")
    terminal.press("print('n is', n)\n")  # Ctrl+J runs it as it is
    terminal.until(r"n is 0\s[\s\S]*n is 1\s")
    terminal.press("print('alt')")
    terminal.press("\x1b\r")
    terminal.until(r">>> print\('alt'\)[\s\S]*\n.*\balt\s[\s\S]*✓ ok")
    terminal.press("import time; time.sleep(60)\r")
    terminal.until(r"▶ running")
    terminal.press("\x03")
    terminal.until(r"KeyboardInterrupt[\s\S]*■ interrupted")
    leave(terminal)


def test_quit_asks_while_programs_run_and_a_second_quit_leaves_nothing(terminal: Terminal, backend: str) -> None:
    pool = terminal.until(_POOL)[1]
    terminal.until(r"3 available")
    terminal.press("i")
    terminal.press("import time; time.sleep(60)\r")
    terminal.until(r"1 in use")
    terminal.until(r"Esc Leave")  # else what is on the screen is still the footer before it
    terminal.press("\x1b")
    terminal.until(r"q Quit")
    terminal.press("q")
    terminal.until(r"quit: 3 containers, 1 in use")
    terminal.press("\t\r")
    terminal.until(r"Shutting down")
    terminal.press("q")
    assert terminal.wait() == 0
    if backend == "docker":
        assert owned_by(pool) == []
    else:
        assert agents_of(terminal) == []


def test_killed_dashboard_leaves_nothing(terminal: Terminal, backend: str) -> None:
    pool = terminal.until(_POOL)[1]
    terminal.until(r"3 available")
    terminal.process.send_signal(signal.SIGKILL)
    terminal.process.wait()
    if backend == "docker":
        eventually(lambda: owned_by(pool) == [])


def test_unisolated_pool_says_so() -> None:
    terminal = Terminal([sys.executable, "-m", "tui.cli", "--backend", "process"])
    try:
        terminal.until(r"UNISOLATED")
        terminal.until(r"programs run UNISOLATED")
        terminal.press("q")
        assert terminal.wait() == 0
    finally:
        terminal.close()


def test_demo_needs_no_engine_and_says_what_it_is() -> None:
    terminal = Terminal([sys.executable, "-m", "tui.cli", "demo", "--seed", "3"], DOCKER_HOST="unix:///nowhere.sock")
    try:
        terminal.until(r"SIMULATED")
        terminal.until(r"[1-9]\d* in use")
        terminal.press("q")
        terminal.until(r"quit: \d+ containers")
        terminal.press("\t\r")
        assert terminal.wait(40) == 0
    finally:
        terminal.close()


def test_read_only_dashboard_has_no_key_that_changes_the_pool() -> None:
    terminal = Terminal([sys.executable, "-m", "tui.cli", "demo", "--read-only"])
    try:
        terminal.until(r"READ ONLY")
        terminal.until(r"q Quit")
        assert not re.search(r"Drain|Grow|Shrink|Replace|REPL", terminal.text)
        terminal.press("d+k?")
        terminal.until(r"All keys")
        assert not re.search(r"Drain|destroy", terminal.text)
    finally:
        terminal.close()


def test_no_color_is_respected() -> None:
    terminal = Terminal([sys.executable, "-m", "tui.cli", "demo"], NO_COLOR="1")
    try:
        terminal.until(r"▶ in use")
        colours = {cell.fg for line in terminal.screen.buffer.values() for cell in line.values()} - {"default"}
        assert all(colour[:2] == colour[2:4] == colour[4:] for colour in colours), f"not grey: {colours}"
    finally:
        terminal.close()
