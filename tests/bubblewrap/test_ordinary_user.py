"""The suite that every backend passes, once more as an ordinary user.

When the tests run as root they see bubblewrap as root only. Here they are run again, by
nobody. What nobody needs to read (the interpreter, the packages, this repository) may lie
below a closed home directory; so they run where that directory is open.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.backends.bubblewrap import _bwrap
from tests.conftest import need

_NOBODY = 65534
_REPOSITORY = Path(__file__).parents[2]
_BECOME_NOBODY = (
    f"import os, sys; os.setgroups([]); os.setgid({_NOBODY}); os.setuid({_NOBODY}); os.execv(sys.argv[1], sys.argv[1:])"
)


def _with_open_parents() -> list[str]:
    """Arguments for a view of this machine in which the needed folders can be reached by anyone."""
    needed = {Path(sys.prefix), Path(sys.base_prefix), _REPOSITORY}
    closed = {
        parent
        for path in needed
        for parent in path.parents
        if not parent.stat().st_mode & 0o001 and parent.parent == Path("/")
    }
    arguments = ["--dev-bind", "/", "/"]
    for parent in closed:
        arguments += ["--perms", "0755", "--tmpfs", str(parent)]
        for path in needed:
            if parent in path.parents:
                for folder in reversed(path.parents[:-2]):
                    arguments += ["--perms", "0755", "--dir", str(folder)]
                arguments += ["--ro-bind", str(path), str(path)]
    return arguments


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests have shown it: they run as an ordinary user")
@pytest.mark.timeout(300)
def test_contract_holds_for_an_ordinary_user(tmp_path: Path) -> None:
    need("bubblewrap")
    tests = ["tests/contract", "tests/cli", "-k", "bubblewrap", "-p", "no:cacheprovider", "--rootdir", str(_REPOSITORY)]
    command = [_bwrap(), *_with_open_parents(), "--chdir", str(_REPOSITORY)]
    command += [sys.executable, "-c", _BECOME_NOBODY, sys.executable, "-B", "-m", "pytest", *tests]
    environment = {"PATH": os.environ["PATH"], "HOME": "/tmp", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
