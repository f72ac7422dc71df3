"""The agent runs on every Python from 3.8, whatever the host's: on as many as this machine has."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.execution import ExecutionRequest, Outcome
from engine.pool import ContainerPool

_VERSIONS = [f"3.{minor}" for minor in range(8, 16)]


def _interpreter(version: str) -> str:
    """The path of this version's interpreter, pyenv's too; the test is left out where there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    for candidate in (shutil.which(f"python{version}"), *pyenv.glob(f"{version}.*/bin/python{version}")):
        if candidate is not None:
            command = [str(candidate), "-c", "import sys; print(sys.executable)"]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode == 0:
                return done.stdout.strip()
    pytest.skip(f"there is no python{version} here")


@pytest.mark.parametrize("version", _VERSIONS)
def test_agent_serves_programs_and_cells(version: str) -> None:
    with ContainerPool(backend="process", python=_interpreter(version), initial_size=1, max_size=1) as pool:
        pool.wait(30)
        said = pool.execute("import sys\nprint('%d.%d' % sys.version_info[:2])")
        assert (said.stdout, said.stderr) == (f"{version}\n", "")
        failed = pool.execute("def f():\n    1/0\nf()")
        assert failed.outcome is Outcome.ERROR
        assert failed.stderr.endswith("ZeroDivisionError: division by zero\n")
        assert "engine" not in failed.stderr
        files = pool.execute(
            ExecutionRequest("open('b', 'w').write(open('a').read())", files={"a": b"x"}, fetch=("b",))
        )
        assert files.files == {"b": b"x"}
        with pool.session() as session:
            assert session.run("import asyncio\nawait asyncio.sleep(0, 40) + 2").value == "42"
            assert session.run("input()", on_input=lambda _: "told").value == "'told'"
            wrong = session.run("def g():\n    1/0\ng()")
            assert "Cell 3, line 2, in g" in wrong.stderr
            assert "engine" not in wrong.stderr
            assert [item.text for item in session.complete("asyncio.slee", 12, timeout=5).items] == ["sleep"]
            interrupted = session.run("print('on')\nwhile True: pass", on_output=lambda *_: session.interrupt())
            assert interrupted.outcome is Outcome.CANCELLED
        assert pool.execute("print('next')").stdout == "next\n"


def test_this_one_is_among_them() -> None:
    assert f"{sys.version_info[0]}.{sys.version_info[1]}" in _VERSIONS
