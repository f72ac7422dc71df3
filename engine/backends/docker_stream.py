"""The byte stream of an attached container, freed of the engine's own framing.

Before each piece of output the engine puts 8 bytes: which stream it is, three zeros,
and a length; see "Stream format" of `POST /containers/{id}/attach` in the Docker
Engine API. What is written to a container's stdin goes as it is.
"""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from typing import Any

_HEADER = struct.Struct(">BxxxI")
_STDOUT = 1
_REMEMBERED = 2000


class AttachedStream:
    """The hijacked connection of one container's stdin, stdout and stderr."""

    def __init__(self, attached: Any) -> None:
        """Args: attached: what docker-py's `attach_socket` returned."""
        self._attached = attached  # owns the connection: letting go of it would close it
        self._socket = getattr(attached, "_sock", attached)
        self._header = bytearray()
        self._left = 0
        self._kind = 0
        self.complaint = b""
        """The end of what came on stderr: the last words of a loader or an agent."""

    def send(self, data: bytes) -> None:
        """Write all of `data` to the container's stdin."""
        self._socket.sendall(data)

    def receive(self, size: int) -> bytes:
        """Read from the container's stdout; nothing at its end."""
        while True:
            data = self._socket.recv(size)
            if not data:
                return b""
            payload = self._stdout_of(data)
            if payload:
                return payload

    def set_timeout(self, seconds: float | None) -> None:
        """Bound the waiting of `send` and `receive`."""
        self._socket.settimeout(seconds)

    def close(self) -> None:
        """Hang up; the engine closes the container's stdin.

        The connection is shut down first: closing alone would not wake a thread that reads.
        """
        with suppress(OSError, AttributeError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self.release()

    def release(self) -> None:
        """Close our descriptors."""
        for connection in (self._socket, self._attached):
            with suppress(OSError):
                connection.close()

    def _stdout_of(self, data: bytes) -> bytes:
        kept = []
        position = 0
        while position < len(data):
            if self._left == 0:
                missing = _HEADER.size - len(self._header)
                self._header += data[position : position + missing]
                position += missing
                if len(self._header) < _HEADER.size:
                    break
                self._kind, self._left = _HEADER.unpack(self._header)
                self._header.clear()
                continue
            piece = data[position : position + self._left]
            position += len(piece)
            self._left -= len(piece)
            if self._kind == _STDOUT:
                kept.append(piece)
            else:
                self.complaint = (self.complaint + piece)[-_REMEMBERED:]
        return kept[0] if len(kept) == 1 else b"".join(kept)
