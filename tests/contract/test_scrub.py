"""Nothing of one run reaches the next, on every backend."""

from __future__ import annotations

import pytest

from engine import events
from engine.backends.base import Guarantee
from engine.checks import HEALTH_CHECKS
from engine.execution import ExecutionResult, Outcome
from tests.contract.conftest import Bench
from tests.programs import programs

LOOK = """
import os
places = ('/tmp', '/var/tmp', '/dev/shm', '/dev/mqueue', '.') if PRIVATE else ('.',)
for place in places:
    names = [n for n in os.listdir(place) if n != 'main.py']
    if names: print(place, sorted(names)[:5])
if PRIVATE:
    for table in ('shm', 'sem', 'msg'):
        lines = open('/proc/sysvipc/' + table).read().splitlines()[1:]
        if lines: print(table, lines)
    pids = [int(p) for p in os.listdir('/proc') if p.isdigit()]
    if len(pids) > 3: print('processes', pids)
print(os.getcwd() == os.path.realpath('.'), oct(os.umask(0)), [k for k in os.environ if 'LEFT' in k])
"""


def _private(bench: Bench) -> bool:
    return bench.promises(Guarantee.FILESYSTEM)


WAYS = pytest.mark.parametrize("way", ["program", "session"])
"""How the one who leaves something was run."""


def _leave(bench: Bench, code: str, way: str) -> None:
    places = ":".join(["/tmp", "/var/tmp", "/dev/shm", "."] if _private(bench) else ["."])
    if way == "program":
        result: ExecutionResult = bench.run(code, env={"PLACES": places}, timeout=15)
    else:
        with bench.pool.session() as session:
            session.run(f"import os\nos.environ['PLACES'] = {places!r}", wait=20)
            result = session.run(code, timeout=15)
    assert "Error" not in result.stderr.replace("BlockingIOError", ""), result.stderr


def _look(bench: Bench) -> str:
    result = bench.run(f"PRIVATE = {_private(bench)}\n{LOOK}")
    assert result.outcome is Outcome.OK, result
    return result.stdout


@WAYS
@pytest.mark.parametrize("program", programs("leave_behind"))
def test_nothing_is_left(bench: Bench, program: str, way: str) -> None:
    """The same container serves again, and shows nothing of what was left in it."""
    before = bench.pool.snapshot().containers[0].id
    _leave(bench, program, way)
    assert _look(bench) == "True 0o22 []\n"
    assert bench.pool.snapshot().containers[0].id == before, "it was cleaned, not replaced"


@WAYS
@pytest.mark.parametrize("program", programs("leave_shared"))
def test_no_shared_object_is_left(bench: Bench, program: str, way: str) -> None:
    bench.require(Guarantee.IPC)
    before = bench.pool.snapshot().containers[0].id
    _leave(bench, program, way)
    assert _look(bench) == "True 0o22 []\n"
    assert bench.pool.snapshot().containers[0].id == before, "it was cleaned, not replaced"


def test_limits_and_priority_are_fresh(bench: Bench) -> None:
    look = "import os, resource\nprint(resource.getrlimit(resource.RLIMIT_NOFILE)[0], os.nice(0))"
    before = bench.run(look).stdout
    bench.run("import os, resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (9, 9))\nos.nice(5)")
    assert bench.run(look).stdout == before


def test_modules_changed_in_place_are_fresh(bench: Bench) -> None:
    bench.run("import json, builtins\njson.dumps = None\nbuiltins.print = None\nbuiltins.LEFT = 1")
    assert bench.run("import json, builtins\nprint(json.dumps([]), hasattr(builtins, 'LEFT'))").stdout == "[] False\n"


def test_memory_of_a_child_holds_nothing_of_earlier_requests(bench: Bench) -> None:
    """Children come from a process that never sees a request."""
    secret = "-".join(["correct", "horse", "battery"])
    bench.run(f"print('{secret}')", stdin=secret, env={"SECRET": secret})
    code = (
        "needle = '-'.join(['correct', 'horse']).encode()\nfound = 0\n"
        "for line in open('/proc/self/maps'):\n"
        " span, mode = line.split()[:2]\n"
        " if 'r' not in mode or 'vvar' in line or 'vsyscall' in line: continue\n"
        " low, high = (int(x, 16) for x in span.split('-'))\n"
        " with open('/proc/self/mem', 'rb', 0) as mem:\n"
        "  try:\n   mem.seek(low)\n   data = mem.read(high - low)\n  except OSError: continue\n"
        " found += data.count(needle + b'-bat')\n"
        "print(found)"
    )
    assert bench.run(code).stdout == "0\n"


def test_scrub_and_health_are_told_step_by_step(bench: Bench) -> None:
    seen: list[events.Event] = []
    unsubscribe = bench.pool.subscribe(seen.append)
    bench.run("print(1)")
    bench.pool.get_container(20).release()
    container = bench.pool.get_container(20)
    container.release()
    bench.run("print(2)")
    unsubscribe()
    assert bench.pool.events.flush(5)
    reset = next(event for event in seen if event.name == events.RESET_COMPLETED)
    assert list(reset.data["steps"]) == ["kill_ms", "empty_ms", "respond_ms", "verify_ms", "processes_ms"]
    assert reset.data["reset_time_ms"] > 0


def test_five_health_checks_pass(bench: Bench) -> None:
    from tests.waiting import eventually

    eventually(lambda: bench.pool.snapshot().available)
    report = bench.pool.check(bench.pool.snapshot().containers[0].id)
    assert report.healthy, report
    assert tuple(report.passed) == HEALTH_CHECKS
