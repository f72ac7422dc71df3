"""The command line as people use it, in processes of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest

import engine
from engine.backends.base import Guarantee
from engine.probes import PROBES
from tests.conftest import need
from tests.started import started

POOLDECK = [sys.executable, "-m", "tui.cli"]


def pooldeck(*arguments: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    """Run `pooldeck` to its end."""
    return subprocess.run(
        [*POOLDECK, *arguments], input=stdin, capture_output=True, text=True, timeout=60, env={**os.environ, **env}
    )


@pytest.fixture(params=["docker", "bubblewrap"])
def backend(request: pytest.FixtureRequest) -> str:
    need(request.param)
    return str(request.param)


def test_run_prints_hello(backend: str) -> None:
    done = pooldeck("run", "--backend", backend, "-c", "print('Hello')")
    assert (done.stdout, done.stderr, done.returncode) == ("Hello\n", "", 0)


def test_without_an_engine_it_says_which_backend_and_why() -> None:
    need("bubblewrap")
    done = pooldeck("run", "-c", "print('Hello')", DOCKER_HOST="unix:///nowhere.sock")
    assert (done.stdout, done.returncode) == ("Hello\n", 0)
    assert done.stderr == (
        "pooldeck: running in bubblewrap (namespaces): no Docker engine answers at unix:///nowhere.sock: "
        "[Errno 2] No such file or directory\n"
    )


def test_file_arguments_and_stdin(backend: str) -> None:
    Path("add.py").write_text("import sys\nprint(sys.argv, sum(map(int, sys.stdin)))\n")
    done = pooldeck("run", "--backend", backend, "add.py", "-x", "--json", stdin="1\n2\n")
    assert done.stdout == "['/workspace/add.py', '-x', '--json'] 3\n"


def test_program_from_stdin(backend: str) -> None:
    assert pooldeck("run", "--backend", backend, "-", stdin="print(6 * 7)").stdout == "42\n"


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("raise SystemExit(3)", 3, ""),
        ("1/0", 1, "ZeroDivisionError: division by zero\n"),
        ("import os; os.kill(os.getpid(), 15)", 143, ""),
        ("while True: pass", 124, "pooldeck: the program was killed at its deadline\n"),
        ("x = b'x' * 10**9", 137, "pooldeck: the program ran out of memory\n"),
        ("raise MemoryError", 137, "pooldeck: the program ran out of memory\n"),
    ],
)
def test_exit_status_is_the_programs(backend: str, code: str, status: int, said: str) -> None:
    done = pooldeck("run", "--backend", backend, "--timeout", "2", "-c", code)
    assert done.returncode == status
    assert done.stderr.endswith(said)
    assert "engine/" not in done.stderr


def test_json_has_everything(backend: str) -> None:
    done = pooldeck("run", "--backend", backend, "--json", "-c", "import sys\nprint(1)\nprint(2, file=sys.stderr)")
    document = json.loads(done.stdout)
    assert done.stderr == ""
    assert (document["success"], document["outcome"]) == (True, "ok")
    assert (document["stdout"], document["stderr"]) == ("1\n", "2\n")
    assert document["timing"]["run"] > 0


def test_time_says_where_it_went(backend: str) -> None:
    done = pooldeck("run", "--backend", backend, "--time", "-c", "pass")
    phases = r"\(wait [\d.]+, run [\d.]+, answer [\d.]+\)"
    assert re.match(rf"ok  [\d.]+ ms {phases}  cpu .* ms  peak .* MiB  \w+$", done.stderr)


def test_memory_limit_is_taken(backend: str) -> None:
    done = pooldeck("run", "--backend", backend, "--memory", "64m", "-c", "x = b'x' * (80 << 20)")
    assert done.returncode == 137
    assert "ran out of memory" in done.stderr


def test_interrupt_cancels_the_program(backend: str) -> None:
    with started(
        [*POOLDECK, "run", "--backend", backend, "-c", "print('on')\nwhile True: pass"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "on\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert (process.returncode, said) == (130, "pooldeck: the program was cancelled\n")


INTERRUPTED_AT_THE_START = """
import os, signal
from engine.core import PoolCore
PoolCore.note_run_started = lambda *_: os.kill(os.getpid(), signal.SIGINT)
from tui.cli import main
main()
"""


def test_interrupt_between_lease_and_program_is_not_lost(backend: str) -> None:
    arguments = ["run", "--backend", backend, "--timeout", "20", "-c", "while True: pass"]
    command = [sys.executable, "-c", INTERRUPTED_AT_THE_START, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stderr) == (130, "pooldeck: the program was cancelled\n")


def test_unisolated_run_says_so_also_when_it_was_asked_for() -> None:
    done = pooldeck("run", "--backend", "process", "-c", "print(1)")
    assert (done.stdout, done.returncode) == ("1\n", 0)
    assert done.stderr == "pooldeck: running in process (UNISOLATED): asked for\n"


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["run"], 2, "nothing to run"),
        (["run", "absent.py"], 2, "cannot read absent.py: No such file"),
        (["run", "--memory", "3x", "-c", "1"], 2, "memory = '3x' (from the arguments): must be 32m to 1t"),
        (["run", "--timeout", "inf", "-c", "1"], 2, "timeout = 'inf' (from the arguments): must be above 0"),
        (["run", "--backend", "vm", "-c", "1"], 2, "'vm' is not one of"),
        (["--max-size", "3", "run", "-c", "1"], 2, "must come after the command"),
        (["frobnicate"], 2, "No such command"),
    ],
)
def test_mistakes_are_one_line_and_a_hint(arguments: list[str], status: int, said: str) -> None:
    done = pooldeck(*arguments)
    assert done.returncode == status
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.docker
def test_missing_image_says_what_to_do() -> None:
    done = pooldeck("run", "--image", "pooldeck-no-such-image:1", "-c", "1")
    assert done.returncode == 69
    assert "cannot be pulled" in done.stderr
    assert "hint: pull or load it yourself" in done.stderr
    assert "Traceback" not in done.stderr


def test_version_and_help_come_quickly() -> None:
    assert pooldeck("--version").stdout == f"pooldeck, version {engine.__version__}\n"
    began = monotonic()
    assert "dashboard" in pooldeck("--help").stdout
    assert monotonic() - began < 2, "far above the budget of 0.3 s, which a shared machine cannot be held to"
    code = "import sys, tui.cli\nprint([n for n in ('textual', 'docker', 'pydantic', 'structlog') if n in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_doctor_tries_every_limit(backend: str) -> None:
    done = pooldeck("doctor", "--backend", backend, "--json")
    findings = json.loads(done.stdout)
    assert done.returncode == 0, findings
    held = {finding["subject"] for finding in findings if finding["detail"] == "tried, and it holds"}
    named = {finding["subject"] for finding in findings if finding["detail"].startswith("not promised")}
    assert held | named >= {*Guarantee, *(probe.subject for probe in PROBES), "output bounded"}
    assert not held & named
    assert not [finding for finding in findings if finding["verdict"] == "failed"]


def test_doctor_fails_without_isolation_and_names_what_is_missing() -> None:
    done = pooldeck("doctor", "--backend", "process")
    assert done.returncode == 1
    assert "UNISOLATED" in done.stdout
    assert "not promised by process" in done.stdout
    assert "start a Docker engine" not in done.stdout or "✓ docker" not in done.stdout


def test_doctor_calls_a_backend_that_was_asked_for_and_does_not_work_a_failure() -> None:
    done = pooldeck("doctor", "--backend", "docker", DOCKER_HOST="unix:///nowhere.sock")
    assert done.returncode == 1
    assert "✗ docker engine: no Docker engine answers at unix:///nowhere.sock" in done.stdout
    assert "✗ backend: docker: asked for, and does not work here" in done.stdout
    assert "✓ backend" not in done.stdout


def test_host_that_speaks_ascii_only_makes_containers(backend: str) -> None:
    done = pooldeck(
        *("run", "--backend", backend, "-c", "print('on')"), LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"
    )
    assert (done.stdout, done.returncode) == ("on\n", 0)
