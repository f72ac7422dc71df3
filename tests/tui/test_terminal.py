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

_RAISING = """
import sys
from tui.app import PooldeckApp
from tui.dashboard import open_dashboard

def raising(self):
    raise RuntimeError("something in the app is wrong")

PooldeckApp.action_pause = raising
sys.exit(open_dashboard({"backend": sys.argv[1]}, {}))
"""

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
    terminal.until(r"6 Details \w{12}")
    shown = re.findall(r"● available +(?:» )?(\w{12})", terminal.text)
    terminal.press("\x1b[D\x1b[D\x1b[C")  # to the first, whichever was selected, and on to the second
    selected = shown[1]
    terminal.until(f"6 Details {selected}")
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


def in_repl(terminal: Terminal, text: str) -> None:
    terminal.until(r"3 available")
    terminal.press("i")
    terminal.until(r"Esc Leave")
    terminal.press(text)


def test_session_keeps_its_state_and_offers_what_it_knows(terminal: Terminal) -> None:
    in_repl(terminal, "kept = {'Ada': 1815}\r")
    terminal.until(r"✓ ok")
    terminal.press("kept['Ada'] + 1\r")
    terminal.until(r"\n│ 1816 +│[\s\S]*✓ ok[\s\S]*\[3\] >>>")
    terminal.press("kept.po")
    terminal.until(r"pop +function[\s\S]*popitem +function")
    terminal.press("\x1b[B\x1b[B\r()")
    terminal.until(r">>> kept\.popitem\(\)")
    terminal.press("\r")
    terminal.until(r"\('Ada', 1815\)")
    terminal.press("print(")
    terminal.until(r"print\(\*args, sep=' '")
    terminal.press("\x03")
    terminal.press("x = = 1\r")
    terminal.until(r"invalid syntax \(Ctrl\+J sends it as it is\)")
    terminal.press("\x03")
    leave(terminal)


def test_completions_appear_while_a_cell_runs(terminal: Terminal) -> None:
    in_repl(terminal, "import time; tick = 1; print('on'); time.sleep(60)\r")
    terminal.until(r"│ on +│")
    terminal.press("time.slee")
    terminal.until(r"sleep +function")
    terminal.press("\x03")
    terminal.until(without(r"sleep +function"))
    terminal.press("\x03")
    terminal.until(r"■ interrupted")
    terminal.press("tick\r")
    terminal.until(r"\n│ 1 +│")
    leave(terminal)


def test_second_interrupt_kills_and_says_that_the_state_is_lost(terminal: Terminal) -> None:
    in_repl(terminal, "kept = 1\r")
    terminal.until(r"✓ ok")
    terminal.press("\x1b[200~while True:\n    try:\n        print('in'); time.sleep(60)\n")
    terminal.press("    except BaseException: import time; print('no')\n\x1b[201~\n")
    terminal.until(r"│ no +│[\s\S]*│ in +│")
    terminal.press("\x03")
    terminal.until(r"■ interrupting Ctrl\+C kills it")
    terminal.until(r"(│ no +│[\s\S]*│ in +│[\s\S]*){2}")
    terminal.press("\x03")
    terminal.until(r"the interpreter's state is lost")
    terminal.press("'kept' in globals()\r")
    terminal.until(r"│ False +│")
    leave(terminal)


def test_one_shot_mode_keeps_nothing(terminal: Terminal) -> None:
    in_repl(terminal, "kept = 1\r")
    terminal.until(r"2 available  1 in use")
    terminal.press("%mode oneshot\r")
    terminal.until(r" one-shot ")
    terminal.until(r"3 available  0 in use")
    terminal.press("'kept' in globals()\r")
    terminal.until(r"│ False +│[\s\S]*✓ ok")
    terminal.press("\x1bOQ")  # F2
    terminal.until(r"%mode session[\s\S]* session ")
    terminal.press("\x11")
    assert terminal.wait() == 0


def test_files_are_listed_and_fetched(opened: Opener, tmp_path: Path) -> None:
    terminal = opened()
    in_repl(terminal, "open('plot.png', 'wb').write(b'picture')\r")
    terminal.until(r"plot\.png  7 B  image/png  %get plot\.png fetches it")
    terminal.press("%files\r")
    terminal.until(r"%files +│[\s\S]*plot\.png  7 B")
    terminal.press(f"%get plot.png {tmp_path}/mine.png\r")
    terminal.until(r"mine\.png  7 B")
    assert (tmp_path / "mine.png").read_bytes() == b"picture"
    leave(terminal)


def test_program_asks_in_the_pane_and_a_secret_is_shown_nowhere(terminal: Terminal, tmp_path: Path) -> None:
    in_repl(terminal, "import getpass; name, key = input('Name? '), getpass.getpass('Key? ')\r")
    terminal.until(r"│ Name\?")
    terminal.until(r"the program asks for input")
    terminal.press("Ada\r")
    terminal.until(r"│ Key\?")
    terminal.press("hunter2\r")
    terminal.until(r"Key\? •+[\s\S]*✓ ok")
    assert "hunter2" not in terminal.text
    terminal.press("name, key[::-1]\r")
    terminal.until(r"\('Ada', '2retnuh'\)")
    leave(terminal)
    history = (tmp_path / "state" / "pooldeck" / "history.jsonl").read_text()
    assert "getpass" in history
    assert "hunter2" not in history


def test_container_killed_under_a_session_is_told_and_replaced_by_itself(opened: Opener, backend: str) -> None:
    terminal = opened(POOLDECK_MIN_SIZE="3")
    pool = terminal.until(_POOL)[1]
    in_repl(terminal, "import os; print('pid', os.getpid())\r")
    held = terminal.until(r"✓ ok .*  ([0-9a-f]{12}) +│")[1]
    if backend == "docker":
        victim = next(each for each in owned_by(pool) if each.startswith(held))
        with contextlib.closing(client()) as api:
            api.kill(victim)
    else:
        for agent in agents_of(terminal):
            os.kill(agent, signal.SIGKILL)
    terminal.until(r"died ")
    terminal.press("1 + 1\r")
    terminal.until(r">>> 1 \+ 1 [\s\S]*│ .*(container|137|killed).*│")
    terminal.press("1 + 1\r")
    terminal.until(r"\n│ 2 +│")
    terminal.until(r"2 available  1 in use  3 of 3")
    leave(terminal)


def test_drain_tells_the_session(terminal: Terminal) -> None:
    in_repl(terminal, "kept = 1\r")
    terminal.until(r"2 available  1 in use")
    terminal.press("\x1b")
    terminal.until(r"d Drain")
    terminal.press("d")
    terminal.until(r"drain: 3 containers, 1 in use")
    terminal.press("\t\r")
    terminal.until(r"│ the pool drains: this session ends in 30 s")
    terminal.until(r"\A(?![\s\S]*drain: 3 containers)[\s\S]*r Resume")  # the question is gone, and keys are the pool's
    terminal.press("r")
    terminal.until(r"│ this session goes on")
    terminal.press("i")
    terminal.until(r"Esc Leave")
    terminal.press("kept + 1\r")
    terminal.until(r"\n│ 2 +│")
    leave(terminal)


def test_exception_in_the_app_leaves_no_container(backend: str, tmp_path: Path) -> None:
    program = tmp_path / "raising.py"
    program.write_text(_RAISING)
    terminal = Terminal([sys.executable, str(program), backend], columns=130, lines=42)
    try:
        pool = terminal.until(_POOL)[1]
        in_repl(terminal, "kept = 1\r")
        terminal.until(r"2 available  1 in use")
        terminal.press("\x1b")
        terminal.until(r"p Pause|d Drain")
        terminal.press("p")
        assert terminal.wait() == 1
        assert gone(terminal, backend, pool)
    finally:
        terminal.close()


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
