"""Piped input, on real containers: statements in, their output out, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import need


def repl(backend: str, stdin: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = raw(backend, stdin.encode(), *arguments)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def raw(backend: str, stdin: bytes, *arguments: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "tui.cli", "repl", "--backend", backend, *arguments],
        input=stdin,
        capture_output=True,
        timeout=60,
        env={**os.environ, **env},
    )


@pytest.fixture(params=["docker", "bubblewrap"])
def backend(request: pytest.FixtureRequest) -> str:
    need(request.param)
    return str(request.param)


def test_output_and_values_without_any_noise(backend: str) -> None:
    done = repl(backend, "print(1)\n1 + 1\nx = 'a'\nx\n")
    assert (done.stdout, done.stderr, done.returncode) == ("1\n2\n'a'\n", "", 0)


def test_a_script_is_taken_as_it_is(backend: str) -> None:
    script = (
        "def f(n):\n    if n:\n\n        return 'yes'\n    else:\n        return 'no'\nf(1)\n"
        "# why\nfor n in (1, 2):\n    n\n\nif 0: 1\nelse: print('else')\nelse_ = 3\nelse_"
    )
    done = repl(backend, script)
    assert (done.stdout, done.stderr, done.returncode) == ("'yes'\nelse\n3\n", "", 0)


def test_nothing_that_is_piped_in_ends_it(backend: str) -> None:
    script = "if 0:\n    1\nelif(1==1):\n    print(2)\n:\nlen?\n'on'\n"
    done = repl(backend, script)
    assert done.stdout.startswith("2\nlen(obj, /)\n")
    assert done.stdout.endswith("\n'on'\n")
    assert "SyntaxError" in done.stderr
    assert "tui" not in done.stderr


def test_bytes_of_any_kind(backend: str) -> None:
    done = raw(backend, b"\xef\xbb\xbfx = 1\r\nif x:\r\n    print('yes')\r\n\r\n'\xff'\r\nx\r\n")
    assert done.stdout == b"yes\n1\n"
    assert b"surrogates not allowed" in done.stderr
    assert b"Traceback" not in done.stderr


def test_an_encoding_that_lacks_a_character(backend: str) -> None:
    done = raw(backend, b"print(chr(0x2713))\nchr(0x2713)\n1/0 if 1 else chr(2)\n3\n", PYTHONIOENCODING="latin-1")
    assert done.stdout == b"\\u2713\n'\\u2713'\n3\n"


def test_a_failed_cell_is_told_and_the_rest_goes_on(backend: str) -> None:
    done = repl(backend, "1/0\nprint('on')\n")
    assert done.stdout == "on\n"
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")
    assert done.returncode == 1


def test_a_mistake_in_the_source_fails(backend: str) -> None:
    done = repl(backend, "x = = 1\nprint('on')")
    assert done.stdout == "on\n"
    assert "SyntaxError: invalid syntax" in done.stderr
    assert done.returncode == 1


def test_input_reads_the_following_line(backend: str) -> None:
    done = repl(backend, "x = input('? ')\nan answer\nx\n")
    assert done.stdout == "? 'an answer'\n"


def test_commands_work_and_exit_leaves(backend: str) -> None:
    Path("data.txt").write_text("abc")
    done = repl(backend, "%put data.txt\nopen('data.txt').read()\nexit()\nprint('never')\n")
    assert (done.stdout, done.stderr, done.returncode) == ("'abc'\n", "", 0)
    done = repl(backend, "%nope\n")
    assert done.stderr == "pooldeck: there is no %nope\n  hint: %help lists them all\n"
    assert done.returncode == 1


def test_nobody_is_asked_and_nothing_is_replaced(backend: str) -> None:
    Path("kept.py").write_text("mine")
    done = repl(backend, "x = 1\n%save kept.py\nx\n")
    assert done.stdout == "1\n"
    assert "kept.py is there already" in done.stderr
    assert Path("kept.py").read_text() == "mine"


def test_oneshot_keeps_nothing(backend: str) -> None:
    done = repl(backend, "x = 1\nx\n", "--mode", "oneshot")
    assert "NameError" in done.stderr


def test_a_harmful_sequence_does_not_pass(backend: str) -> None:
    assert repl(backend, r"print('\x1b]0;title\x07\x1b[31mred\x1b[0m')").stdout == "\x1b[31mred\x1b[0m\n"


def test_a_statement_is_run_before_the_next_is_there(backend: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tui.cli", "repl", "--backend", backend],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("6 * 7\n")
    process.stdin.flush()
    assert process.stdout.readline() == "42\n"
    process.communicate(timeout=20)
    assert process.returncode == 0


def test_errors_of_the_pool_are_one_line_and_a_hint() -> None:
    need("docker")
    done = repl("docker", "1", "--image", "pooldeck-no-such-image:1")
    assert "cannot be pulled" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 1
