"""The programs that `pooldeck doctor` runs into each limit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.backends.base import Guarantee
from engine.execution import Outcome


def _own_namespace(kind: str) -> str:
    try:
        return str(Path(f"/proc/self/ns/{kind}").readlink())
    except OSError:
        return ""  # no Linux here, and so no namespace that a container could share


@dataclass(frozen=True, slots=True)
class Probe:
    """A program that runs into one limit, and how it ends where the limit holds."""

    subject: str
    """A guarantee, or a limit that every backend holds."""
    code: str
    """Prints `held` where the limit holds."""
    also: Outcome | None = None
    """Another outcome that shows that it holds."""


PROBES = (
    Probe(
        Guarantee.MEMORY,
        "import os, time\npids = []\nfor _ in range(4):\n pid = os.fork()\n"
        " if not pid:\n  block = b'x' * (48 << 20)\n  time.sleep(0.5)\n  os._exit(0)\n pids.append(pid)\n"
        "print('held' if any(os.waitpid(pid, 0)[1] for pid in pids) else 'four times 48 MiB fit into 128')",
        Outcome.OUT_OF_MEMORY,
    ),
    Probe(
        Guarantee.PIDS,
        "import os, time\n"
        "try:\n for _ in range(400):\n  if not os.fork():\n   time.sleep(20)\n   os._exit(0)\n"
        "except BlockingIOError:\n print('held')",
    ),
    Probe(
        Guarantee.DISK,
        "try:\n for n in range(4):\n  with open(f'/tmp/{n}', 'wb') as f:\n   f.write(bytes(4 << 20))\n"
        "except OSError:\n print('held')",
    ),
    Probe(
        Guarantee.FILESYSTEM,
        "import os\nheld = True\nfor d in ('/', '/etc', '/usr', '/usr/lib'):\n"
        " try:\n  os.mkdir(d + '/pooldeck-probe')\n  os.rmdir(d + '/pooldeck-probe')\n  held = False\n"
        " except OSError:\n  pass\n"
        "if held: print('held')",
    ),
    Probe(
        Guarantee.NETWORK,
        "import socket\nnames = [name for _, name in socket.if_nameindex()]\n"
        "print('held' if names in ([], ['lo']) else names)",
    ),
    Probe(
        Guarantee.USER,
        "import os\nstatus = open('/proc/self/status').read()\n"
        "caps = int(status.split('CapEff:')[1].split()[0], 16)\n"
        "nnp = status.split('NoNewPrivs:')[1].split()[0]\n"
        "try:\n os.kill(1, 0)\n same = True\nexcept PermissionError:\n same = False\n"
        "print('held' if not caps and nnp == '1' and not same else (caps, nnp, same))",
    ),
    Probe(
        Guarantee.PROCESSES,
        "import os\npids = [p for p in os.listdir('/proc') if p.isdigit()]\n"
        "print('held' if len(pids) < 6 else f'{len(pids)} processes in sight')",
    ),
    Probe(
        Guarantee.HOST_FILES,
        "import os\nfound = os.listdir('/home') if os.path.exists('/home') else []\nprint(found or 'held')",
    ),
    Probe(
        Guarantee.IPC,
        f"import os\nprint('held' if os.readlink('/proc/self/ns/ipc') != {_own_namespace('ipc')!r} else 'shared')",
    ),
    Probe(
        Guarantee.CPU,
        "import os, time\nbegan = time.monotonic()\n"
        "for _ in range(2):\n if not os.fork():\n  while time.monotonic() < began + 1: pass\n  os._exit(0)\n"
        "used = sum(r.ru_utime + r.ru_stime for r in (os.wait3(0)[2], os.wait3(0)[2]))\n"
        "share = used / (time.monotonic() - began)\n"
        "print('held' if share < 0.75 else f'{share:.2f} CPUs used where 0.5 are allowed')",
    ),
    Probe(
        Guarantee.SECCOMP,
        "mode = open('/proc/self/status').read().split('Seccomp:')[1].split()[0]\n"
        "try:\n import ctypes\n refused = ctypes.CDLL(None).unshare(0x10000000) != 0\n"
        "except ImportError:\n refused = True\n"
        "print('held' if mode == '2' and refused else f'seccomp mode {mode}, user namespace refused: {refused}')",
    ),
    Probe(
        Guarantee.KEYRINGS,
        "import ctypes, platform\nadd = {'x86_64': 248, 'aarch64': 217}.get(platform.machine())\n"
        "done = -1 if add is None else ctypes.CDLL(None).syscall(add, b'user', b'pooldeck', b'probe', 5, -3)\n"
        "print('held' if done == -1 else 'a key was added to the session key ring')",
    ),
    Probe(
        Guarantee.ACTIVITY,
        "import ctypes, os, select\nlibc = ctypes.CDLL(None)\nwatch = libc.inotify_init()\n"
        "for place in ('/usr/bin', '/usr/lib'): libc.inotify_add_watch(watch, place.encode(), 0xfff)\n"
        "seen = select.select([watch], [], [], 0.5)[0]\n"
        "print('held' if not seen else 'a watch on /usr/bin told of something')",
    ),
    Probe(
        "open files bounded",
        "import os\ntry:\n for _ in range(2000): os.dup(1)\nexcept OSError:\n print('held')",
    ),
    Probe(
        Guarantee.FILES,
        "try:\n for n in range(30_000): open(f'/tmp/{n}', 'w').close()\nexcept OSError:\n print('held')",
    ),
    Probe("time bounded", "while True: pass", Outcome.TIMEOUT),
)
