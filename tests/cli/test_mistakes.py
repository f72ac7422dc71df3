"""What a person can do wrong on the command line, and what can go wrong around it, is said in a line."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_cli import POOLDECK, pooldeck
from tests.conftest import need


@pytest.mark.parametrize(
    "arguments", [["-c", "print(1)", "--tiemout", "1"], ["--tiemout", "1", "script.py"], ["--tiemout", "-"]]
)
def test_misspelt_option_is_refused_with_what_was_meant(arguments: list[str]) -> None:
    done = pooldeck("run", *arguments)
    assert (done.stdout, done.returncode) == ("", 2)
    assert "No such option '--tiemout'" in done.stderr
    assert "'--timeout'" in done.stderr


def test_what_follows_the_program_is_the_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    need("bubblewrap")
    monkeypatch.setenv("POOLDECK_BACKEND", "bubblewrap")
    code = "import sys; print(sys.argv[1:])"
    Path("show.py").write_text(code)
    assert pooldeck("run", "show.py", "--tiemout", "-x").stdout == "['--tiemout', '-x']\n"
    assert pooldeck("run", "-c", code, "--", "--tiemout", "-x").stdout == "['--tiemout', '-x']\n"
    assert pooldeck("run", "-c", code, "a", "-x").stdout == "['a', '-x']\n"


@pytest.mark.parametrize("command", [["--help"], ["config"], ["run", "--backend", "bubblewrap", "-c", "print(1)"]])
def test_full_disk_is_one_line(command: list[str]) -> None:
    need("bubblewrap")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*POOLDECK, *command], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (74, "pooldeck: the output cannot be written: No space left on device\n")


def test_dashboard_without_a_terminal_is_refused() -> None:
    done = pooldeck()
    assert done.returncode == 2
    assert "the dashboard needs a terminal" in done.stderr


INTERRUPTED_IN_AN_IMPORT = """
import os, signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == MODULE:
            os.kill(os.getpid(), signal.SIGINT)
MODULE = sys.argv[1]
sys.meta_path.insert(0, Finder())
from tui.entry import main
sys.argv[1:] = ["run", "-c", "1"]
main()
"""


@pytest.mark.parametrize("module", ["click", "pydantic"])
def test_interrupt_while_the_command_is_being_imported_is_quiet(module: str) -> None:
    command = [sys.executable, "-c", INTERRUPTED_IN_AN_IMPORT, module]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


@pytest.mark.parametrize(
    ("arguments", "outcome", "said"),
    [
        (["absent.py"], "refused", "cannot read absent.py: No such file"),
        (["-c", "1", "--memory", "1k"], "refused", "memory = '1k'"),
        (["-c", "1", "--env", "A"], "refused", "--env 'A' has no '='"),
        (["-c", "1", "--backend", "docker"], "infrastructure", "no Docker engine answers at unix:///nowhere.sock"),
    ],
)
def test_run_that_could_not_be_made_is_a_document_too(arguments: list[str], outcome: str, said: str) -> None:
    done = pooldeck("run", "--json", *arguments, DOCKER_HOST="unix:///nowhere.sock", POOLDECK_ACQUIRE_TIMEOUT="5")
    document = json.loads(done.stdout)
    assert (document["success"], document["outcome"]) == (False, outcome)
    assert said in document["reason"]
    assert done.returncode in (2, 69)


def test_end_by_a_signal_and_cut_output_are_named() -> None:
    need("bubblewrap")
    code = "import os, sys; print('x' * 99); sys.stdout.flush(); os.abort()"
    done = pooldeck("run", "--backend", "bubblewrap", "--max-output", "10", "-c", code)
    assert (done.stdout, done.returncode) == ("x" * 10, 134)
    assert done.stderr == "pooldeck: the program was ended by SIGABRT\npooldeck: stdout cut at 10 (max_output)\n"


def test_files_and_variables_go_in_and_files_come_out() -> None:
    need("bubblewrap")
    Path("in.txt").write_text("from here")
    code = "import os; os.mkdir('d'); open('d/out.txt', 'w').write(open('in.txt').read() + os.environ['A'])"
    options = ["--put", "in.txt", "--env", "A= and there", "--fetch", "d/*.txt", "--into", "results"]
    done = pooldeck("run", "--backend", "bubblewrap", *options, "-c", code)
    assert (done.stderr, done.returncode) == ("", 0)
    assert Path("results/d/out.txt").read_text() == "from here and there"


def test_fetched_files_replace_nothing_and_follow_no_link() -> None:
    need("bubblewrap")
    Path("mine.txt").write_text("mine")
    Path("elsewhere").mkdir()
    Path("linked").symlink_to("elsewhere")
    Path("out").mkdir()
    Path("out/linked").symlink_to("../elsewhere")
    code = "import os; os.mkdir('linked'); open('mine.txt', 'w'); open('linked/x', 'w').write('x')"
    done = pooldeck("run", "--backend", "bubblewrap", "--fetch", "mine.txt", "-c", code)
    assert (done.returncode, done.stderr) == (74, "pooldeck: mine.txt is not fetched: File exists\n")
    assert Path("mine.txt").read_text() == "mine"
    done = pooldeck("run", "--backend", "bubblewrap", "--fetch", "linked/*", "--into", "out", "-c", code)
    assert done.returncode == 74
    assert not list(Path("elsewhere").iterdir())


def test_settings_in_force_are_listed_with_where_they_came_from() -> None:
    Path("pooldeck.toml").write_text("max_size = 20\n")
    done = pooldeck("config", "--memory", "1g", "--json", POOLDECK_TIMEOUT="5")
    found = {each["name"]: (each["value"], each["origin"]) for each in json.loads(done.stdout)}
    assert found["max_size"] == ("20", "pooldeck.toml")
    assert found["memory"] == ("1g", "the arguments")
    assert found["timeout"] == ("5", "POOLDECK_TIMEOUT")
    assert found["disk"] == ("64m", "the default")
    text = pooldeck("config").stdout
    assert all(f"\n{name} " in "\n" + text for name in found)


def test_endless_and_silent_input_hold_up_nobody() -> None:
    need("bubblewrap")
    command = [*POOLDECK, "run", "--backend", "bubblewrap", "-c", "print(1)"]
    with Path("/dev/zero").open("rb") as endless:
        assert subprocess.run(command, stdin=endless, capture_output=True, timeout=60).stdout == b"1\n"
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as silent:
        assert silent.wait(60) == 0


def test_terminal_is_not_read() -> None:
    """A person who types `pooldeck run -c ...` is not asked for a standard input."""
    need("bubblewrap")
    master, slave = pty.openpty()
    try:
        command = [*POOLDECK, "run", "--backend", "bubblewrap", "-c", "import sys; print(repr(sys.stdin.read()))"]
        done = subprocess.run(command, stdin=slave, capture_output=True, text=True, timeout=60)
    finally:
        os.close(master)
        os.close(slave)
    assert done.stdout == "''\n"
