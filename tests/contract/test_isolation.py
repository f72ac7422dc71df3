"""What a program cannot do, on every backend that promises it."""

from __future__ import annotations

from engine.backends.base import Guarantee
from tests.contract.conftest import Bench


def test_user_has_no_capabilities_and_none_to_gain(bench: Bench) -> None:
    bench.require(Guarantee.USER)
    status = bench.run("print(open('/proc/self/status').read())").stdout
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert set(fields["Uid"].split()) != {"0"}
    assert fields["CapEff"].strip("0") == fields["CapPrm"].strip("0") == ""
    assert fields["NoNewPrivs"] == "1"
    assert fields["Groups"].strip() == ""


def test_agent_cannot_be_signalled_read_or_traced(bench: Bench) -> None:
    bench.require(Guarantee.USER)
    code = (
        "import os, ctypes\n"
        "pids = [int(p) for p in os.listdir('/proc') if p.isdigit() and int(p) != os.getpid()]\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "for pid in pids:\n"
        "    for what in (lambda: os.kill(pid, 9), lambda: os.kill(pid, 19), lambda: open(f'/proc/{pid}/mem', 'rb'),\n"
        "                 lambda: open(f'/proc/{pid}/environ').read(), lambda: os.listdir(f'/proc/{pid}/fd')):\n"
        "        try:\n            what()\n            print('reached', pid)\n"
        "        except PermissionError:\n            pass\n"
        "    if libc.ptrace(16, pid, 0, 0) == 0: print('traced', pid)\n"
        "print(sorted(pids)[0])"
    )
    assert bench.run(code).output == "1\n"


def test_program_has_none_of_the_agents_descriptors(bench: Bench) -> None:
    code = (
        "import os, stat\nfor fd in os.listdir('/proc/self/fd'):\n"
        " try: print(fd, os.readlink(f'/proc/self/fd/{fd}').split(':')[0])\n except OSError: pass"
    )
    found = dict(line.split() for line in bench.run(code).stdout.splitlines())
    assert found.pop("0") == "/dev/null"
    assert found.pop("1") == found.pop("2") == "pipe"
    assert list(found.values()) in (["socket"], ["socket", "/proc"]), "only the stream of this one program"


def test_stdout_can_be_opened_by_name(bench: Bench) -> None:
    assert bench.run("open('/dev/stdout', 'w').write('named')").stdout == "named"


def test_there_is_no_network(bench: Bench) -> None:
    bench.require(Guarantee.NETWORK)
    code = "import socket\ntry:\n socket.create_connection(('192.0.2.1', 80), 3)\nexcept OSError as e: print(e.errno)"
    assert bench.run(code).stdout.strip() in ("101", "99")


def test_root_cannot_be_written(bench: Bench) -> None:
    bench.require(Guarantee.FILESYSTEM)
    code = (
        "import os\nfor top, dirs, names in os.walk('/'):\n"
        " dirs[:] = [d for d in dirs if d not in ('proc', 'sys')]\n"
        " try:\n"
        "  path = os.path.join(top, '.probe')\n  open(path, 'w').close()\n"
        "  os.unlink(path)\n  print(top)\n except OSError: pass"
    )
    writable = set(bench.run(code, timeout=60).stdout.split())
    assert writable == {"/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/workspace"}


def test_number_of_processes_is_bounded(bench: Bench) -> None:
    bench.require(Guarantee.PIDS)
    code = "import os, time\nn = 0\ntry:\n while os.fork() or time.sleep(9): n += 1\nexcept OSError: print(n)"
    assert 5 < int(bench.run(code).stdout) < 40
    assert bench.run("print('next')").stdout == "next\n"


def test_disk_is_bounded_in_sum(bench: Bench) -> None:
    bench.require(Guarantee.DISK)
    for place in ("/tmp", "/var/tmp", "/dev/shm", "."):
        fill = f"for n in range(9): open('{place}/%d' % n, 'wb').write(bytes(2 << 20))"
        code = f"try:\n {fill}\nexcept OSError as e: print(e.errno)"
        assert bench.run(code).stdout == "28\n"


def test_no_core_dump_and_few_descriptors(bench: Bench) -> None:
    code = "from resource import *\nfor n in (RLIMIT_CORE, RLIMIT_NOFILE, RLIMIT_FSIZE): print(getrlimit(n), end=' ')"
    assert bench.run(code).stdout == "(0, 0) (1024, 1024) (8388608, 8388608) "


def test_what_is_not_promised_is_named(bench: Bench) -> None:
    """Each backend lists what it lacks, with a reason; the isolating ones lack no essential."""
    assert all(bench.backend.missing.values())
    essential = {Guarantee.NETWORK, Guarantee.FILESYSTEM, Guarantee.PROCESSES, Guarantee.IPC, Guarantee.PIDS}
    if bench.backend.name == "process":
        assert essential <= set(bench.backend.missing)
    else:
        assert not essential & set(bench.backend.missing)


def test_key_rings_of_the_host_and_of_others_are_out_of_reach(bench: Bench) -> None:
    """One session key ring would be everybody's: a way from the host in, and from one program to the next."""
    bench.require(Guarantee.KEYRINGS)
    code = (
        "import ctypes, platform\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "add, ctl = {'x86_64': (248, 250), 'aarch64': (217, 219)}[platform.machine()]\n"
        "print(libc.syscall(add, b'user', b'left', b'secret', 6, -3), libc.syscall(ctl, 0, -3, 0))"
    )
    assert bench.run(code).stdout == "-1 -1\n"


def test_namespaces_cannot_be_made(bench: Bench) -> None:
    bench.require(Guarantee.SECCOMP)
    code = (
        "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "print(libc.unshare(0x10000000), ctypes.get_errno(), libc.mount(b'a', b'/tmp', b'tmpfs', 0, None))"
    )
    assert bench.run(code).stdout == "-1 1 -1\n"


def test_tcp_ports_of_one_program_are_free_for_the_next(bench: Bench) -> None:
    """A closed connection is remembered for a minute: it would be seen, and its port be missed."""
    bench.require(Guarantee.NETWORK)
    bench.run(
        "import socket\nserver = socket.create_server(('127.0.0.1', 8000))\n"
        "client = socket.create_connection(('127.0.0.1', 8000))\nother, _ = server.accept()\n"
        "other.close()\nclient.close()"
    )
    code = "import socket\nsocket.socket().bind(('127.0.0.1', 8000))\nprint(open('/proc/net/tcp').read().count('1F40'))"
    assert bench.run(code).output == "0\n"
