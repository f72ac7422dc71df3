"""Findings about this machine: what backends work here, and whether limits really hold.

A limit that is only configured may silently not be enforced (another cgroup version, a
kernel option). So each is tried by a program that runs into it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from engine.backends import choose_backend
from engine.backends.base import Backend, Guarantee
from engine.backends.bubblewrap import BubblewrapBackend
from engine.backends.docker import DockerBackend
from engine.config import PoolConfig
from engine.errors import PooldeckError
from engine.execution import ExecutionRequest, Outcome
from engine.pool import ContainerPool


class Verdict(StrEnum):
    """How a finding turned out."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    subject: str
    verdict: Verdict
    detail: str
    hint: str = ""
    """What to do; empty if nothing."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A program that runs into one limit, and how it ends where the limit holds."""

    guarantee: Guarantee
    code: str
    """Prints `held` where the limit holds."""
    also: Outcome | None = None
    """Another outcome that shows that it holds."""


_PROBES = (
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
)


def examine(config: PoolConfig) -> Iterator[Finding]:
    """Yield findings one by one, as they are made."""
    yield _examine_docker(config)
    yield _examine_bubblewrap()
    try:
        choice = choose_backend(config)
    except PooldeckError as error:
        yield Finding("backend", Verdict.FAILED, error.message, error.hint)
        return
    backend = choice.backend
    isolated = backend.name != "process"
    yield Finding(
        "backend",
        Verdict.OK if isolated else Verdict.FAILED,
        f"{backend.name} ({backend.isolation}): {choice.reason}",
        "" if isolated else "start a Docker engine, or make bubblewrap work",
    )
    yield from _examine_guarantees(config, backend)


def _examine_docker(config: PoolConfig) -> Finding:
    backend = DockerBackend(config.runtime)
    try:
        info = backend.describe()
    except PooldeckError as error:
        return Finding("docker engine", Verdict.WARNING, error.message, error.hint)
    finally:
        backend.close()
    detail = (
        f"version {info.get('ServerVersion')}, cgroup v{info.get('CgroupVersion', '1')}, "
        f"runtimes {', '.join(sorted(info.get('Runtimes') or {}))}"
    )
    if config.runtime and config.runtime not in (info.get("Runtimes") or {}):
        return Finding("docker engine", Verdict.FAILED, detail, f"it has no runtime {config.runtime!r}: install it")
    missing = [name for name in ("MemoryLimit", "PidsLimit", "CpuCfsQuota") if not info.get(name, True)]
    if missing:
        return Finding(
            "docker engine", Verdict.WARNING, f"{detail}; no {', '.join(missing)}", "enable these cgroup controllers"
        )
    return Finding("docker engine", Verdict.OK, detail)


def _examine_bubblewrap() -> Finding:
    try:
        BubblewrapBackend.probe()
    except PooldeckError as error:
        return Finding("user namespaces", Verdict.WARNING, error.message, error.hint)
    return Finding("user namespaces", Verdict.OK, "bubblewrap can make sandboxes here")


def _examine_guarantees(config: PoolConfig, backend: Backend) -> Iterator[Finding]:
    for guarantee, reason in backend.missing.items():
        yield Finding(guarantee.value, Verdict.WARNING, f"not promised by {backend.name}: {reason}")
    small = config.model_copy(
        update={
            "initial_size": 1, "min_size": 0, "max_size": 1, "reuse": "scrub", "memory": 128 << 20,
            "max_processes": 32, "disk": 8 << 20, "timeout": 10.0, "preload": (),
        }
    )  # fmt: skip
    with ContainerPool(small, backend=backend) as pool:
        try:
            pool.wait(small.create_timeout)
        except PooldeckError as error:
            cause = error.__cause__ if isinstance(error.__cause__, PooldeckError) else error
            yield Finding(f"container from {config.image}", Verdict.FAILED, cause.message, cause.hint)
            return
        python = pool.snapshot().containers[0].metadata.python
        place = f"image {config.image}" if backend.name == "docker" else "this host"
        yield Finding("container", Verdict.OK, f"Python {python} of {place}")
        for probe in _PROBES:
            if probe.guarantee not in backend.missing and not (
                probe.guarantee is Guarantee.NETWORK and config.network != "none"
            ):
                yield _try(pool, probe)


def _try(pool: ContainerPool, probe: Probe) -> Finding:
    result = pool.execute(ExecutionRequest(probe.code))
    held = result.stdout.strip() == "held" or (probe.also is not None and result.outcome is probe.also)
    if held:
        return Finding(probe.guarantee.value, Verdict.OK, "tried, and it holds")
    seen = (result.output.strip() or result.reason or result.outcome.value).splitlines()[-1][:100]
    return Finding(
        probe.guarantee.value,
        Verdict.FAILED,
        f"tried, and it does not hold: {seen}",
        "do not run untrusted code here before this is mended",
    )
