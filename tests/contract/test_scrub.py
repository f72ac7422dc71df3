"""Nothing of one run reaches the next, on every backend."""

from __future__ import annotations

import pytest

from engine import events
from engine.backends.base import Guarantee
from engine.checks import HEALTH_CHECKS
from engine.execution import Outcome
from tests.contract.conftest import Bench

LOOK = """
import os
places = [p for p in ('/tmp', '/var/tmp', '/dev/shm', '/dev/mqueue', '/run/lock') if PRIVATE and os.path.isdir(p)] + ['.']
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

LEAVERS = {
    "files everywhere": "for p in PLACES:\n open(p + '/left', 'w').write('x'); open(p + '/.hidden', 'w').write('x')",
    "hostile names": "for p in PLACES:\n for n in ('-rf', '*', ' ', '\\n', '\\x1b[2J', 'x' * 255, '\\udcff', '.scrub-1', '..x'):\n  open(os.path.join(p, n), 'w')",
    "unreadable trees": "for p in PLACES:\n os.makedirs(p + '/a/b/c'); open(p + '/a/b/c/f', 'w'); os.chmod(p + '/a/b', 0); os.chmod(p + '/a', 0)",
    "deep tree": "for _ in range(3000):\n os.mkdir('d'); os.chdir('d')\nopen('f', 'w')",
    "directories named as the scrub names them": "for n in range(1, 9):\n os.makedirs(f'.scrub-{n}/x/y'); open(f'.scrub-{n}/x/f', 'w')",
    "sticky and set-id directories": "os.makedirs('s/t'); open('s/t/f', 'w'); os.chmod('s', 0o7777); os.chmod('s/t', 0o1000)",
    "links": "os.symlink('/etc', 'e'); os.symlink('/', 'r'); os.symlink('nowhere', 'n'); os.mkdir('d'); os.symlink('..', 'd/up')",
    "special files": "os.mkfifo('fifo')\nimport socket\ns = socket.socket(socket.AF_UNIX); s.bind('sock'); s.listen()",
    "ten thousand files": "for n in range(10000): open(str(n), 'w').close()",
    "environment and umask": "os.environ['LEFT'] = '1'; os.umask(0o777); os.chdir('/')",
    "daemon": "if not os.fork():\n os.setsid()\n if not os.fork():\n  os.closerange(0, 99)\n  time.sleep(100)\n os._exit(0)\nos.wait()",
    "stopped processes": "for _ in range(3):\n pid = os.fork()\n if not pid: time.sleep(100)\n os.kill(pid, 19)",
    "processes that ignore everything": "for s in range(1, 65):\n try: signal.signal(s, signal.SIG_IGN)\n except (OSError, ValueError): pass\nfor _ in range(5):\n if not os.fork(): time.sleep(100)",
    "a traced process": "pid = os.fork()\nif not pid: time.sleep(100)\nimport ctypes\nctypes.CDLL(None).ptrace(16, pid, 0, 0)\nif not os.fork(): time.sleep(100)",
    "a race of forks": "os.fork(); os.fork()\nend = time.time() + 0.3\nwhile time.time() < end or os.getpid() != ME:\n try:\n  if os.fork() == 0 and os.fork() == 0: pass\n except OSError: time.sleep(0.001)\n if os.getpid() == ME: break",
    "renamed processes": "import ctypes\nfor name in (b'python', b'agent', b'init'):\n if not os.fork():\n  ctypes.CDLL(None).prctl(15, name); time.sleep(100)",
    "limits and priority": "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (10, 10)); os.nice(19)",
}  # fmt: skip

IPC_LEAVERS = {
    "System V objects": "import ctypes\nl = ctypes.CDLL(None)\nfor k in range(1, 6): print(min(l.shmget(k, 4096, 0o1666), l.semget(k, 2, 0o1666), l.msgget(k, 0o1666)))",
    "attached removed segment": "import ctypes\nl = ctypes.CDLL(None)\nl.shmat.restype = ctypes.c_void_p\ni = l.shmget(7, 1 << 20, 0o1000)\nl.shmat(i, None, 0)\nif not os.fork(): time.sleep(100)",
    "POSIX objects": "from multiprocessing import shared_memory\ns = shared_memory.SharedMemory('left', True, 4096)\nimport ctypes\nl = ctypes.CDLL(None)\nprint(l.mq_open(b'/left', os.O_CREAT | os.O_RDWR, 0o600, None), l.sem_open)\nfrom multiprocessing import resource_tracker\nresource_tracker.unregister('/left', 'shared_memory')",
}  # fmt: skip


def _private(bench: Bench) -> bool:
    return bench.promises(Guarantee.FILESYSTEM)


def _leave(bench: Bench, code: str) -> None:
    places = ["/tmp", "/var/tmp", "/dev/shm", "."] if _private(bench) else ["."]
    bench.run(f"import os, sys, time, signal\nPLACES = {places!r}\nME = os.getpid()\n{code}", timeout=15)


def _look(bench: Bench) -> str:
    result = bench.run(f"PRIVATE = {_private(bench)}\n{LOOK}")
    assert result.outcome is Outcome.OK, result
    return result.stdout


@pytest.mark.parametrize("what", LEAVERS)
def test_nothing_is_left(bench: Bench, what: str) -> None:
    """The same container serves again, and shows nothing of what was left in it."""
    before = bench.pool.snapshot().containers[0].id
    _leave(bench, LEAVERS[what])
    assert _look(bench) == "True 0o22 []\n"
    assert bench.pool.snapshot().containers[0].id == before, "it was cleaned, not replaced"


@pytest.mark.parametrize("what", IPC_LEAVERS)
def test_no_shared_object_is_left(bench: Bench, what: str) -> None:
    bench.require(Guarantee.IPC)
    before = bench.pool.snapshot().containers[0].id
    _leave(bench, IPC_LEAVERS[what])
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
