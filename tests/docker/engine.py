"""A real engine behind a socket that can be cut, so that it is gone for one pool alone."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import threading
from pathlib import Path

from docker import APIClient

from engine.backends.docker_connect import connect


def client() -> APIClient:
    """A client of the real engine."""
    return connect()


def owned_by(pool_id: str) -> list[str]:
    """The ids of a pool's containers on the engine, running or not."""
    with contextlib.closing(client()) as api:
        return [found["Id"] for found in api.containers(all=True, filters={"label": f"pooldeck.pool={pool_id}"})]


def all_of_ours() -> set[str]:
    """The ids of all containers that any pool has made."""
    with contextlib.closing(client()) as api:
        return {found["Id"] for found in api.containers(all=True, filters={"label": "pooldeck.pool"})}


class Detour:
    """Passes connections on to the engine while it is open; cuts all of them when it is closed."""

    def __init__(self, path: Path) -> None:
        self.url = f"unix://{path}"
        self._path = path
        self._engine = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
        self._listener: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._stop_reader, self._stop_writer = os.pipe()

    def open(self) -> None:
        """Let connections through."""
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._listener.listen(64)
        self._thread = threading.Thread(target=self._pass_on, args=(self._listener,), name="detour")
        self._thread.start()

    def close(self) -> None:
        """Cut every connection, and refuse new ones."""
        if self._thread is not None:
            os.write(self._stop_writer, b"x")
            self._thread.join()
            self._path.unlink()
            self._thread = None

    def _pass_on(self, listener: socket.socket) -> None:
        pairs: dict[socket.socket, socket.socket] = {}
        with selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            selector.register(self._stop_reader, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj == self._stop_reader:
                        os.read(self._stop_reader, 1)
                        for connection in (*pairs, listener):
                            connection.close()
                        return
                    if key.fileobj is listener:
                        near, _ = listener.accept()
                        far = socket.socket(socket.AF_UNIX)
                        far.connect(self._engine)
                        pairs[near], pairs[far] = far, near
                        selector.register(near, selectors.EVENT_READ)
                        selector.register(far, selectors.EVENT_READ)
                        continue
                    here = key.fileobj
                    if not isinstance(here, socket.socket) or here not in pairs:
                        continue
                    there = pairs[here]
                    try:
                        data = here.recv(1 << 16)
                        if data:
                            there.sendall(data)
                            continue
                    except OSError:
                        pass
                    for end in (here, there):
                        selector.unregister(end)
                        end.close()
                        pairs.pop(end, None)
