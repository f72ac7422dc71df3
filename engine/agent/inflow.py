"""A program's standard input that comes while it runs: the agent's end, from frames into a pipe."""

from __future__ import annotations

import os

_PIECE = 1 << 16


class Inflow:
    """The pipe, and what does not fit into it yet: never more than the host's window."""

    def __init__(self) -> None:
        """Make the pipe; done as the tenant, whose own `/dev/stdin` it is."""
        self.read_end, self.write_end = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self.write_end, False)
        self.open = True
        self._held = bytearray()
        self._last = False

    @property
    def waiting(self) -> bool:
        """Whether there is something that the pipe has had no room for."""
        return self.open and bool(self._held)

    def take(self, data: bytes) -> None:
        """Hold a piece for the program; no bytes mean that there is no more."""
        self._held += data
        self._last = self._last or not data

    def pour(self) -> int:
        """Move into the pipe what fits; return how many bytes are off the agent's hands."""
        poured = 0
        try:
            while self._held:
                written = os.write(self.write_end, self._held[:_PIECE])
                del self._held[:written]
                poured += written
        except BlockingIOError:
            return poured
        except OSError:  # the program has closed its end
            poured += len(self._held)
            self._held.clear()
            self._last = True
        if self._last:
            self.close()
        return poured

    def close(self) -> None:
        """Let the program read the end of file; fine if it has been done."""
        if self.open:
            self.open = False
            os.close(self.write_end)
