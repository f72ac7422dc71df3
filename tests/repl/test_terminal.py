"""The REPL in a real terminal on real containers: keys in, screen out."""

from __future__ import annotations

import os
import signal
import socket
import stat
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest

from tests.conftest import need
from tests.terminal import Terminal

REPL = [sys.executable, "-m", "tui.cli", "repl", "--backend"]
OK = r"✓ ok  [\d.]+ (ms|s) \(wait [\d.]+, run [\d.]+, answer [\d.]+\)  cpu [\d.]+ ms  peak [\d.]+ MiB  \w+"

Opener = Callable[..., Terminal]


@pytest.fixture(params=["docker", "bubblewrap"])
def backend(request: pytest.FixtureRequest) -> str:
    need(request.param)
    return str(request.param)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opener]:
    terminals = []

    def start(backend: str, *arguments: str, **options: str) -> Terminal:
        options.setdefault("XDG_STATE_HOME", str(tmp_path / "state"))
        terminal = Terminal([*REPL, backend, *arguments], **options)
        terminals.append(terminal)
        return terminal

    yield start
    for terminal in terminals:
        terminal.close()


@pytest.fixture
def repl(backend: str, opened: Opener) -> Terminal:
    """A REPL with its prompt."""
    terminal = opened(backend)
    terminal.until(r"\[1\] >>>")
    return terminal


def test_values_state_errors_and_leaving(repl: Terminal) -> None:
    repl.press("x = [1, 'a']\r")
    repl.until(rf"x = \[1, 'a'\]\n(.*\n)?{OK}\n\[2\] >>>")
    repl.press("x\r")
    repl.until(rf"\[2\] >>> x\n\[1, 'a'\]\n{OK}\n\[3\]")
    assert repl.colours("'a']", last=True) == {"green", "default"}
    repl.press("_[0] / 0\r")
    repl.until(r"Cell 3, line 1\n    _\[0\] / 0\n.*\nZeroDivisionError: division by zero\n✗ error")
    assert repl.colours("ZeroDivisionError") == {"red"}
    repl.press("exit\r")
    assert repl.wait() == 0


def test_enter_goes_on_indents_and_runs(repl: Terminal) -> None:
    repl.press("def f(n):\r")
    repl.until(r"\n +\.\.\.")
    repl.press("if n:\rreturn 'yes'\rreturn 'no'\r")
    repl.press("\rf(1), f(0)\r")
    repl.until(r"    \.\.\.     if n:\n    \.\.\.         return 'yes'\n    \.\.\.     return 'no'\n")
    repl.until(r"\('yes', 'no'\)\n✓ ok")


def test_pasted_text_stands_as_it_was(repl: Terminal) -> None:
    repl.press("\x1b[200~def g():\n    a = 1\n\n    return a + 1\n\ng()\x1b[201~")
    repl.until(r"\.\.\. g\(\)")
    repl.press("\r")
    repl.until(r"\n2\n✓ ok")


def test_a_mistake_is_marked_and_nothing_is_sent(repl: Terminal) -> None:
    repl.press("x = = 1\r")
    repl.until(r"invalid syntax \(Alt\+Enter sends it as it is\)")
    row = next(row for row, line in enumerate(repl.screen.display) if ">>> x" in line)
    column = repl.screen.display[row].index("= = 1") + 2
    while (repl.screen.cursor.y, repl.screen.cursor.x) != (row, column):  # it goes there last
        assert repl.read(20), "the cursor does not go to the mistake"
    assert repl.screen.buffer[row][column].bg == "red"
    repl.press("\x03")
    repl.until(r"\[1\] >>>\n")
    repl.press("x = = 1\x1b\r")
    repl.until(r"SyntaxError: invalid syntax\n✗ error")
    repl.press("y = = 1\n")
    repl.until(r"SyntaxError: invalid syntax\n✗ error[\s\S]*SyntaxError: invalid syntax\n✗ error")


def test_interrupt_keeps_the_state_and_a_second_one_kills(repl: Terminal) -> None:
    repl.press("kept = 41\rimport time\rprint('on'); time.sleep(60)\r")
    repl.until(r"\non\n")
    repl.press("\x03")
    repl.until(r"KeyboardInterrupt\n■ interrupted")
    repl.press("kept + 1\r")
    repl.until(r"\n42\n✓ ok")
    repl.press("while True:\rtry:\rprint('in'); time.sleep(60)\r\x7fexcept BaseException: print('no')\r\r")
    repl.until(r"\nin\n")
    repl.press("\x03")
    repl.until(r"\nno\nin\n")
    repl.press("\x03")
    repl.until(r"the interpreter's state is lost: the next cell starts in a fresh one\n■ interrupted")
    repl.press("'kept' in globals()\r")
    repl.until(r"\nFalse\n✓ ok")


def test_input_is_asked_at_the_prompt_hidden_if_secret_and_kept_nowhere(repl: Terminal, tmp_path: Path) -> None:
    repl.press("print('Your', end=' '); n = input('name? ')\r")
    repl.until(r"\nYour name\?")
    repl.press("Ada\r")
    repl.until(r"Your name\? Ada\n✓ ok")
    repl.press("import getpass; s = getpass.getpass('Key: ')\r")
    repl.until(r"\nKey:")
    repl.press("hunter2\r")
    repl.until(r"Key: \*+\n✓ ok")
    assert "hunter2" not in repl.text
    repl.press("n, s[::-1]\r")
    repl.until(r"\('Ada', '2retnuh'\)")
    repl.press("input('more? ')\r")
    repl.until(r"\nmore\?")
    repl.press("\x04")
    repl.until(r"EOFError")
    repl.press("\x04")
    assert repl.wait() == 0
    kept = (tmp_path / "state" / "pooldeck" / "history.jsonl").read_text()
    assert "input('name? ')" in kept
    assert "Ada" not in kept
    assert "hunter2" not in kept


def test_a_question_on_a_line_that_was_wrapped_stands_once(repl: Terminal) -> None:
    repl.press("print('x' * 250, end=''); n = input('? ')\r")
    repl.until(r"x\?")
    repl.press("Ada\r")
    repl.until(r"x\? Ada\n✓ ok")
    assert repl.text.replace("\n", "").count("x" * 250) == 1
    assert "x" * 251 not in repl.text.replace("\n", "")


def test_a_signal_ends_a_question_too(opened: Opener) -> None:
    need("bubblewrap")
    repl = opened("bubblewrap")
    before = termios.tcgetattr(repl._master)
    repl.until(r"\[1\] >>>")
    repl.press("input('more? ')\r")
    repl.until(r"\nmore\?")
    repl.process.send_signal(signal.SIGTERM)
    assert repl.wait() == 143
    assert termios.tcgetattr(repl._master)[3] == before[3]


def test_a_very_small_window(tmp_path: Path) -> None:
    need("bubblewrap")
    repl = Terminal([*REPL, "bubblewrap"], columns=20, lines=5, XDG_STATE_HOME=str(tmp_path))
    try:
        repl.until(r"\[1\] >>>")
        repl.press("'\u6f22' * 20\r")
        repl.until(r"\[2\] >>>")
        repl.press("print('\u6f22' * 12, end=''); input('? ')\r")
        repl.until(r"\u6f22\s*\?")
        repl.press("y\r")
        repl.until(r"\[3\] >>>")
        repl.press("\x04")
        assert repl.wait() == 0
    finally:
        repl.close()


@pytest.mark.parametrize("name", ["QUIT", "USR1", "ALRM"])
def test_the_terminal_is_left_as_it_was(opened: Opener, name: str) -> None:
    need("bubblewrap")
    repl = opened("bubblewrap")
    before = termios.tcgetattr(repl._master)
    repl.until(r"\[1\] >>>")
    repl.press("import time; print('on'); time.sleep(60)\r")
    repl.until(r"\non\n")
    number = getattr(signal, f"SIG{name}")
    if name == "QUIT":
        repl.press("\x1c")
    else:
        repl.process.send_signal(number)
    assert repl.wait() == 128 + number
    assert termios.tcgetattr(repl._master)[3] == before[3]
    assert "Traceback" not in repl.text


def test_output_streams_in_colour_and_harms_nothing(repl: Terminal) -> None:
    repl.press(
        r"import sys; print('\x1b[34mblue\x1b[0m \x1b]0;stolen\x07\x1b[2J\x1b[Hplain'); print('aside', file=sys.stderr)"
        "\r"
    )
    repl.until(r"\nblue plain\naside\n✓ ok")
    assert repl.colours("blue plain") == {"blue", "default"}
    assert repl.colours("aside", last=True) == {"red"}
    assert repl.screen.title_set == ""
    repl.press("import time\r")
    repl.until(r"\[3\] >>>")
    repl.press("for n in (10, 20): print(f'\\r{n} %', end='', flush=True)\r")
    repl.until(r"\n20 %\n✓ ok")
    repl.press("print('first', flush=True); time.sleep(60)\r")
    repl.until(r"\nfirst\n")
    repl.press("\x03")
    repl.until("interrupted")


def test_completion_signature_and_documentation(repl: Terminal) -> None:
    repl.press("def greet(name, *, loud=False):\r'Say hello.'\r\r")
    repl.until(OK)
    repl.press("gre")
    repl.until(r"\n +greet +function")
    repl.press("\t")
    repl.until(r">>> greet")
    repl.press("(")
    repl.until(r"greet\(name, \*, loud=False\)\s*$")
    repl.press("lo")
    repl.until(r"loud= +argument")
    repl.press("\x03")
    repl.press("d = {'alpha': 1}\r")
    repl.until(r"\[3\] >>>")
    repl.press("d['")
    repl.until(r"alpha +key")
    repl.press("\x03greet?\r")
    repl.until(r"\ngreet\(name, \*, loud=False\)\nSay hello\.\n")


def test_history_is_private_and_there_in_the_next_run(backend: str, opened: Opener, tmp_path: Path) -> None:
    first = opened(backend)
    first.until(r"\[1\] >>>")
    for entry in ("alpha = 1", "beta = 2", "alpha + 1"):
        first.press(f"{entry}\r")
        first.until(rf"{entry.replace('+', '.')}\n[\s\S]*✓ ok[\s\S]*\] >>>\n")
    first.press("\x04")
    assert first.wait() == 0
    assert stat.S_IMODE((tmp_path / "state" / "pooldeck" / "history.jsonl").stat().st_mode) == 0o600

    second = opened(backend)
    second.until(r"\[1\] >>>")
    second.press("al")
    second.until(r">>> alpha \+ 1")  # the suggestion
    second.press("\x1b[A")
    second.until(r">>> alpha \+ 1\n")
    second.press("\x1b[A")
    second.until(r">>> alpha = 1\n")
    second.press("\x03\x12bet")
    second.until(r"beta = 2")
    second.press("\r\x03%history 2\r")
    second.until(r"beta = 2\n\d  alpha \+ 1\n|alpha \+ 1\n\d  %history 2\n")


def test_editor_edits_the_input(backend: str, opened: Opener, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i s/before/after/ "$1"\n')
    editor.chmod(0o755)
    repl = opened(backend, EDITOR=str(editor), VISUAL=str(editor))
    repl.until(r"\[1\] >>>")
    repl.press("'before'\x1bOQ")
    repl.until(r">>> 'after'")
    repl.press("\r")
    repl.until(r"\n'after'\n✓ ok")


def test_files_and_pictures(repl: Terminal) -> None:
    Path("data.txt").write_text("from here")
    repl.press("%put data.txt\r")
    repl.until(r"data\.txt  9 B\n")
    repl.press("open('data.txt').read()\r")
    repl.until(r"'from here'")
    repl.press("n = open('plot.svg', 'w').write('<svg/>')\r")
    repl.until(r"plot\.svg  6 B  image/svg\+xml  %get plot\.svg fetches it\n✓ ok")
    repl.press("%files\r")
    repl.until(r"%files\n[\s\S]*plot\.svg  6 B  image/svg\+xml\n\[3\]")
    repl.press("%get plot.svg\r")
    repl.until(r"%get plot\.svg\nplot\.svg  6 B\n")
    assert Path("plot.svg").read_text() == "<svg/>"


def test_commands_in_one_go(repl: Terminal) -> None:
    Path("script.py").write_text("ran = 'by %run'\nran\n")
    repl.press("%run script.py\r")
    repl.until(r"\n'by %run'\n✓ ok")
    repl.press("%load script.py\r")
    repl.until(r"\[2\] >>> ran = 'by %run'\n +\.\.\. ran")
    repl.press("\x03%time ran\r")
    repl.until(r"wall [\d.]+ ms\n  wait ")
    repl.press("%timeit len(ran)\r")
    repl.until(r"± [\d.]+ ns a loop, best [\d.]+ ns  \(7 runs of [\d,]+ loops\)")
    repl.press("%timeout 0.5\r")
    repl.until(r"cells are killed after 0.5 s")
    repl.press("while True: pass\r")
    repl.until(r"the interpreter's state is lost[^\n]*\n◷ timeout")
    repl.press("%timeout default\r%mode oneshot\r")
    repl.until(r"oneshot \[\d+\] >>>[\s\S]*\noneshot  ")
    repl.press("y = 1\r")
    repl.until(r"✓ ok  [^\n]*scrub [\d.]+ ms")
    repl.press("y\r")
    repl.until(r"NameError: name 'y' is not defined")
    repl.press("%mode session\r%reset\r%stats\r")
    repl.until(r"pool \w+: running, (docker|bubblewrap)[\s\S]*acquire")
    repl.press("%save all.ipynb\r%save all.py\r")
    repl.until(r"all\.ipynb  \d cells[\s\S]*all\.py  \d cells")
    assert "ran = 'by %run'" in Path("all.py").read_text()
    repl.press("%halp\r")
    repl.until(r"there is no %halp\n%help, perhaps\?")


def test_toolbar_counts_the_pool(repl: Terminal) -> None:
    repl.until(r"session  (docker|bubblewrap)  \d available  0 in use")
    repl.press("1\r")
    repl.until(r"1 in use  \d of 10")


def test_no_color_has_no_colour(backend: str, opened: Opener) -> None:
    repl = opened(backend, NO_COLOR="1")
    repl.until(r"\[1\] >>>")
    repl.press(r"print('\x1b[34mblue')" + "\r")
    repl.until(r"\nblue\n✓ ok")
    everything = {cell.fg for row in repl.screen.buffer.values() for cell in row.values()}
    assert everything == {"default"}


def test_unisolated_is_red(opened: Opener) -> None:
    repl = opened("process")
    repl.until(r"process: UNISOLATED")
    row = next(row for row, line in enumerate(repl.screen.display) if "process: UNISOLATED" in line)
    column = repl.screen.display[row].index("process: UNISOLATED")
    assert repl.screen.buffer[row][column].bg == "red"


def test_dumb_terminal_has_a_plain_prompt(backend: str, opened: Opener) -> None:
    repl = opened(backend, TERM="dumb")
    repl.until(r"\[1\] >>>")
    repl.press("for n in range(2):\n    print(n)\n\n")
    repl.until(r"\n0\n1\n# ok  [^\n]*\n\[2\] >>>")
    repl.press("import time; print('on'); time.sleep(60)\n")
    repl.until(r"\non\n")
    repl.press("\x03")
    repl.until(r"KeyboardInterrupt\n# interrupted")
    repl.press("\x04")
    assert repl.wait() == 0


def test_prompt_does_not_wait_for_the_pool_but_the_first_cell_does(opened: Opener, tmp_path: Path) -> None:
    need("bubblewrap")
    began = monotonic()
    repl = opened("bubblewrap")
    repl.press("6 * 7\r")
    repl.until(r"\[1\] >>>")
    assert monotonic() - began < 3, "far above the budget of 0.5 s, which a shared machine cannot be held to"
    repl.until(r"waiting for [\s\S]*\n42\n✓ ok")


def test_waiting_for_an_engine_that_hangs_can_be_given_up(opened: Opener, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(str(tmp_path / "sock"))
        engine.listen()
        repl = opened("auto", DOCKER_HOST=f"unix://{tmp_path}/sock")
        repl.until(r"\[1\] >>>")
        repl.press("1\r")
        repl.until(r"\nwaiting for the pool to start\n")
        repl.press("\x03")
        repl.until(r"\ninterrupted\n\[1\] >>>")
        began = monotonic()
        repl.press("\x04")
        assert repl.wait() == 0
        assert monotonic() - began < 4, "sooner than the engine is given up"


def test_mistake_in_a_setting_ends_it_with_a_line(opened: Opener) -> None:
    repl = opened("bubblewrap", "--memory", "3x")
    assert repl.wait() == 2
    assert "pooldeck: memory = '3x' (from the arguments): must be" in repl.text


def _pool_id(log: Path) -> str:
    import json

    return str(json.loads(log.read_text().splitlines()[0])["pool_id"]) if log.exists() and log.read_text() else ""


@pytest.mark.docker
@pytest.mark.parametrize("moment", ["at once", "prompt", "cell"])
@pytest.mark.parametrize("way", ["ctrl-d", "term", "hang-up", "kill"])
def test_leaving_at_any_moment_leaves_nothing(opened: Opener, tmp_path: Path, way: str, moment: str) -> None:
    from engine.backends.docker import DockerBackend
    from tests.docker.engine import owned_by
    from tests.waiting import eventually

    log = tmp_path / "events.jsonl"
    repl = opened("docker", "--log-file", str(log))
    if moment != "at once":
        repl.until(r"1 available")
    if moment == "cell":
        repl.press("import time; print('on'); time.sleep(600)\r")
        repl.until(r"\non\n")
    else:
        repl.until(r"\[1\] >>>")
    if way == "ctrl-d":
        repl.press("\x03\x04" if moment != "cell" else "\x03")
        if moment == "cell":
            repl.until("interrupted[\\s\\S]*>>>")
            repl.press("\x04")
        assert repl.wait() == 0
    elif way == "term":
        repl.process.send_signal(signal.SIGTERM)
        assert repl.wait() == 143
        assert "Traceback" not in repl.text.replace("Traceback (most recent call last):\n  Cell", "")
    elif way == "hang-up":
        repl.hang_up()
        repl.process.wait(20)
    else:
        os.kill(repl.process.pid, signal.SIGKILL)
        repl.process.wait()
        DockerBackend().remove_orphans()  # as the next start does, for one that was created but not started
    pool = _pool_id(log)
    if pool:
        eventually(lambda: owned_by(pool) == [])
    else:
        assert moment == "at once"
