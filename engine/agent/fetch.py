"""The files of the working directory: listed, compared, sent to the host in pieces."""

from __future__ import annotations

import os
import stat
from typing import Callable, Dict, List, Tuple

from engine.agent import frames
from engine.agent.places import matching_files, open_beneath

_MOST_LISTED = 1000
_LONGEST_LIST = 1 << 20
"""Bytes that a list of files may take."""

Marks = Dict[str, Tuple[int, int, int]]
"""Path to size in bytes, time of the last change in nanoseconds, inode: alike if nothing was written."""


def marks(workdir: str) -> Marks:
    """Look at the regular files of the working directory, at most the first thousand."""
    found = {}
    for path in matching_files(workdir, ["*"])[:_MOST_LISTED]:
        try:
            status = os.lstat(os.path.join(workdir, path))
        except OSError:
            continue
        found[path] = (status.st_size, status.st_mtime_ns, status.st_ino)
    return found


def listed(files: Marks) -> List[Tuple[str, int]]:
    """Paths and sizes, as many as fit into one frame with room for the rest.

    Names that are not UTF-8 have their bytes as surrogate escapes, six characters each in JSON.
    """
    found, left = [], _LONGEST_LIST
    for path, mark in sorted(files.items()):
        left -= 6 * len(path) + 32
        if left < 0:
            break
        found.append((path, mark[0]))
    return found


def send_files(
    request: int, workdir: str, paths: List[str], limit: int, out: bytearray, flush: Callable[[], None]
) -> None:
    """Send the files of those paths that there are, in pieces, as far as the limit on their sum allows."""
    left = limit
    for path in paths:
        try:
            descriptor = open_beneath(workdir, path, os.O_RDONLY)
        except OSError:
            continue
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                continue
            too_large = status.st_size > left
            missing = 0 if too_large else status.st_size  # and no more: somebody may go on writing
            left -= missing
            last = False
            while not last:
                data = stream.read(min(missing, frames.CHUNK))
                missing -= len(data)
                last = missing == 0 or not data
                fields = {"path": path, "last": last, "too_large": too_large, "size": status.st_size}
                out += frames.encode_message(frames.FILE, request, fields, data)
                flush()
