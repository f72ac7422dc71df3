"""What was entered, kept between runs in a private file that several REPLs may share.

JSON lines in `$XDG_STATE_HOME/pooldeck/history.jsonl`. Each entry is one append under a lock
(flock(2)), so that entries of several REPLs stand whole beside each other; a line that cannot
be read is skipped.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

MAX_ENTRIES = 10_000
_SLACK = 2_000
"""Entries above the limit before the file is cut, so that it is not rewritten at every start."""
_MAX_LENGTH = 100_000
"""Characters of the longest entry that is kept; longer ones were pasted or loaded from a file."""


def default_path() -> Path:
    """Where the history is by the XDG base directory specification."""
    state = os.environ.get("XDG_STATE_HOME", "")
    # The specification has relative paths ignored.
    base = Path(state) if state.startswith("/") else Path.home() / ".local" / "state"
    return base / "pooldeck" / "history.jsonl"


class HistoryStore:
    """The entries, oldest first. May be used from any thread.

    Where the file cannot be used, entries are kept for this run, and `problem` says why.
    """

    def __init__(self, path: Path | None) -> None:
        """Args: path: the file; None to keep nothing beyond this run."""
        self._path = path
        self._lock = threading.Lock()
        self._entries: list[str] | None = None
        self.problem = ""

    def entries(self) -> tuple[str, ...]:
        """What was entered before this run, and in it; of other REPLs what there was when this one began."""
        with self._lock:
            return tuple(self._loaded_locked())

    def add(self, text: str) -> None:
        """Note what was entered; the same twice in a row is one entry."""
        with self._lock:
            entries = self._loaded_locked()
            if not text.strip() or len(text) > _MAX_LENGTH or (entries and entries[-1] == text):
                return
            entries.append(text)
            with self._file_locked() as file:
                if file is not None:
                    _append(file, text)

    def _loaded_locked(self) -> list[str]:
        if self._entries is None:
            self._entries = []
            with self._file_locked() as file:
                if file is not None:
                    self._entries = list(_read(file))
                    if len(self._entries) > MAX_ENTRIES + _SLACK:
                        self._entries = self._entries[-MAX_ENTRIES:]
                        _rewrite(file, self._entries)
        return self._entries

    @contextmanager
    def _file_locked(self) -> Iterator[BinaryIO | None]:
        """The file, open and locked against other REPLs; None where it cannot be had."""
        file = self._opened_locked()
        if file is None:
            yield None
            return
        try:
            with file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield file
        except OSError as error:
            self._give_up_locked(error)

    def _opened_locked(self) -> BinaryIO | None:
        if self._path is None:
            return None
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            os.fchmod(descriptor, 0o600)
        except OSError as error:
            self._give_up_locked(error)
            return None
        return os.fdopen(descriptor, "r+b")

    def _give_up_locked(self, error: OSError) -> None:
        self.problem = f"the history is not kept: {self._path}: {error.strerror}"
        self._path = None


def _read(file: BinaryIO) -> Iterator[str]:
    for line in file:
        with suppress(ValueError, RecursionError):  # the latter of a line of nothing but brackets
            entry = json.loads(line)
            if isinstance(entry, str):
                yield entry


def _append(file: BinaryIO, entry: str) -> None:
    torn = file.seek(0, os.SEEK_END) > 0 and _last_byte(file) != b"\n"
    file.write((b"\n" if torn else b"") + json.dumps(entry).encode() + b"\n")


def _last_byte(file: BinaryIO) -> bytes:
    file.seek(-1, os.SEEK_END)
    return file.read(1)


def _rewrite(file: BinaryIO, entries: list[str]) -> None:
    """In place, under the lock: a new file's name would leave those who wait for the lock with the old one."""
    file.seek(0)
    file.write(b"".join(json.dumps(entry).encode() + b"\n" for entry in entries))
    file.truncate()
