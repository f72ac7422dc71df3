"""A program's standard input that comes while it runs: the host's end, from a file to the agent.

One thread reads the file. It is never further ahead of the program than a window: what it
has sent and the agent has not yet poured into the program's pipe.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable
from contextlib import suppress

from engine.agent import frames
from engine.errors import ContainerLost

WINDOW = 4 * frames.CHUNK
"""Bytes under way at most."""


class Feed:
    """Passes a file on until its end, or until the run is over."""

    def __init__(self, descriptor: int, send: Callable[[bytes], None]) -> None:
        """Args: send: sends one piece; no bytes mean the end of the file."""
        self._descriptor = descriptor
        self._send = send
        self._changed = threading.Condition()
        self._window = WINDOW
        self._over = False
        self._stopped, self._stop = os.pipe()
        self._thread = threading.Thread(target=self._pass_on, name="pooldeck-stdin", daemon=True)
        self._thread.start()

    def poured(self, size: int, more: bool) -> None:
        """Note that the program's pipe has taken `size` bytes, and whether it takes more."""
        with self._changed:
            self._window += size
            self._over = self._over or not more
            self._changed.notify()

    def close(self) -> None:
        """Stop reading, and wait for the thread: nothing is sent after this."""
        with self._changed:
            self._over = True
            self._changed.notify()
        os.write(self._stop, b"x")
        self._thread.join()
        os.close(self._stopped)
        os.close(self._stop)

    def _pass_on(self) -> None:
        poller = select.poll()
        poller.register(self._descriptor, select.POLLIN)
        poller.register(self._stopped, select.POLLIN)
        with suppress(ContainerLost):  # whoever waits for the result says so
            data = b"-"
            while data:
                with self._changed:
                    self._changed.wait_for(lambda: self._window > 0 or self._over)
                    if self._over:
                        return
                    room = min(self._window, frames.CHUNK)
                if self._stopped in dict(poller.poll()):
                    return
                data = self._read(room)
                with self._changed:
                    self._window -= len(data)
                self._send(data)

    def _read(self, size: int) -> bytes:
        try:
            return os.read(self._descriptor, size)
        except OSError:  # a directory, a terminal that hung up: there is no more, as for any reader
            return b""
