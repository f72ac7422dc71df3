"""The way to an engine: a client of whatever DOCKER_HOST or the current docker context names.

docker-py has two ways over ssh; one needs another SSH implementation installed, the other cannot
time out or leave a stream half read. Here a connection is one end of a socket pair, and the user's
own `ssh`, with its keys, agent and configuration, holds the other: a file descriptor like any other
to all that comes after, and an end that closes by itself when this process dies.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import urllib.parse
from collections.abc import Iterator
from typing import Any

import docker.errors
import requests.exceptions
from docker import APIClient
from docker.constants import MINIMUM_DOCKER_API_VERSION
from docker.context import ContextAPI
from docker.context.config import get_current_context_name
from docker.transport import UnixHTTPAdapter
from docker.transport.unixconn import UnixHTTPConnection, UnixHTTPConnectionPool

from engine.errors import BackendUnavailable

_LEAVE = 5.0
"""Seconds that an `ssh` whose connection was closed has to end by itself."""


def connect(timeout: float = 30.0) -> APIClient:
    """Return a client of the engine that DOCKER_HOST or the current docker context names.

    Raises:
        BackendUnavailable: if no engine answers there.
    """
    address: str | None = os.environ.get("DOCKER_HOST") or None
    tls: Any = False
    if address is None:
        address, tls = _context()
    try:
        if address is not None and address.startswith("ssh://"):
            return _connect_over_ssh(address, int(timeout))
        if os.environ.get("DOCKER_HOST"):
            return docker.from_env(version="auto", timeout=int(timeout)).api
        return APIClient(base_url=address, version="auto", timeout=int(timeout), tls=tls)
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as error:
        forbidden = _is_caused_by(error, PermissionError)
        raise BackendUnavailable(
            f"no Docker engine answers at {address or 'the default socket'}: {root_cause(error)}",
            "you may not use its socket: join the group that owns it (usermod -aG docker NAME) and log in again"
            if forbidden
            else "start the engine, or set DOCKER_HOST to where it is",
        ) from error


def _context() -> tuple[str | None, Any]:
    """Address and TLS settings of the docker context in force, as the docker command finds it.

    Raises:
        BackendUnavailable: if it is not there or cannot be read: another engine than the one
            that was named must not be used in its place.
    """
    name = os.environ.get("DOCKER_CONTEXT") or get_current_context_name()
    if name == "default":
        return None, False
    hint = "see 'docker context ls', or set DOCKER_CONTEXT=default"
    try:
        context = ContextAPI.get_context(name)
    except Exception as error:  # docker-py raises the bare class for a broken one
        raise BackendUnavailable(f"docker context {name!r} cannot be read: {error}", hint) from error
    if context is None or not context.Host:
        raise BackendUnavailable(f"there is no docker context {name!r}", hint)
    return context.Host, context.TLSConfig or False


def root_cause(error: BaseException) -> str:
    """The innermost reason in a chain of wrapped errors, in one line."""
    *_, innermost = _chain(error)
    return " ".join(str(innermost).split())[:300]


def _is_caused_by(error: BaseException, kind: type[BaseException]) -> bool:
    return any(isinstance(each, kind) for each in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    each: BaseException | None = error
    while each is not None:
        yield each
        each = each.__cause__ or each.__context__


def _connect_over_ssh(address: str, timeout: int) -> APIClient:
    adapter = _SshAdapter(address, timeout)
    version = MINIMUM_DOCKER_API_VERSION
    try:
        for _ in range(2):  # the first client only asks for the engine's version
            client = APIClient(base_url="unix:///ssh", version=version, timeout=timeout)
            client.mount("http+docker://", adapter)
            version = client.version(api_version=False)["ApiVersion"]
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as error:
        reason = adapter.last_words() or root_cause(error)
        adapter.close()
    else:
        return client
    raise ConnectionError(reason)


class _SshAdapter(UnixHTTPAdapter):
    """Connections that are each an `ssh` running `docker system dial-stdio` on the other machine."""

    def __init__(self, address: str, timeout: int) -> None:
        super().__init__("http+unix:///ssh", timeout)
        self._address = address
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the adapter)
        self._lock = threading.Lock()  # the pool's workers dial at the same time
        self._processes: list[subprocess.Popen[bytes]] = []

    def get_connection(self, url: Any, proxies: Any = None) -> Any:  # noqa: ARG002 (docker-py's signature)
        with self.pools.lock:
            pool = self.pools.get(url)
            if pool is None:
                pool = self.pools[url] = _SshPool(self, url, self.timeout, self.max_pool_size)
        return pool

    def dial(self) -> socket.socket:
        """Start an `ssh` and return the connection it carries."""
        target = urllib.parse.urlsplit(self._address)
        ssh = shutil.which("ssh")
        if ssh is None:
            raise ConnectionError("there is no ssh command on this machine")
        command = [ssh, "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15"]
        if target.username:
            command += ["-l", target.username]
        if target.port:
            command += ["-p", str(target.port)]
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            self._processes = [process for process in self._processes if process.poll() is None]
            self._processes.append(
                subprocess.Popen(
                    [*command, "--", target.hostname or "", "docker system dial-stdio"],
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    stderr=self._complaints,
                    start_new_session=True,  # Ctrl+C is for this process to deal with
                )
            )
        return ours

    def last_words(self) -> str:
        """The last line that `ssh` or what it ran has said, or nothing."""
        said = os.pread(self._complaints.fileno(), 65536, 0).decode(errors="replace")
        return next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "")

    def close(self) -> None:
        """Close the connections and wait for each `ssh` to end."""
        super().close()
        with self._lock:
            processes, self._processes = self._processes, []
        for process in processes:
            try:
                process.wait(_LEAVE)
            except subprocess.TimeoutExpired:
                process.terminate()
                process.wait()
        self._complaints.close()


class _SshPool(UnixHTTPConnectionPool):
    def __init__(self, adapter: _SshAdapter, url: str, timeout: int, maxsize: int) -> None:
        super().__init__(url, "ssh", timeout, maxsize=maxsize)
        self._adapter = adapter

    def _new_conn(self) -> Any:
        return _SshConnection(self._adapter, self.base_url, self.timeout)


class _SshConnection(UnixHTTPConnection):
    def __init__(self, adapter: _SshAdapter, url: str, timeout: Any) -> None:
        super().__init__(url, "ssh", timeout)
        self._adapter = adapter

    def connect(self) -> None:
        self.sock = self._adapter.dial()
        self.sock.settimeout(self.timeout)
