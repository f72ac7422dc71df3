"""The places of a container that a program can write to: found, emptied, verified.

Everything here works on directory descriptors and never follows a link, so that no
name a program leaves behind (hostile, hidden, endlessly deep) leads anywhere else.
"""

from __future__ import annotations

import itertools
import os
import stat
import time
from typing import Dict, FrozenSet, List, Sequence

_KERNEL_FILESYSTEMS = frozenset(["proc", "sysfs", "devpts", "cgroup", "cgroup2", "securityfs", "debugfs"])
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_MOST_ENTRIES = 20_000
_DEEPEST = 50


class ScrubError(Exception):
    """A place could not be emptied, or was found not to be empty."""


def _unescape(path: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        path = path.replace(code, character)
    return path


def writable_mounts(uid: int, mountinfo: str = "/proc/self/mountinfo") -> List[str]:
    """Return the mount points that `uid` may write to, as the kernel lists them.

    With a read-only root these are all the places there are; see proc_pid_mountinfo(5).
    """
    found = []
    with open(mountinfo) as lines:
        for line in lines:
            head, _, tail = line.partition(" - ")
            fields = head.split()
            path, options = _unescape(fields[4]), fields[5].split(",")
            if "rw" not in options or tail.split()[0] in _KERNEL_FILESYSTEMS:
                continue
            try:
                status = os.stat(path)
            except OSError:
                continue
            if stat.S_ISDIR(status.st_mode) and (status.st_mode & stat.S_IWOTH or status.st_uid == uid):
                found.append(path)
    return sorted(set(found))


class Place:
    """One writable directory, and the mode it has when nobody has touched it."""

    def __init__(self, path: str, places: Sequence[str] = ()) -> None:
        """Args: places: all places, of which some may be mounted below this one."""
        self.path = path
        self._mounted = frozenset(
            os.path.relpath(other, path).split("/")[0] for other in places if other.startswith(path + "/")
        )
        self._mode = stat.S_IMODE(os.stat(path).st_mode)
        self._attributes = _attributes(path)

    def entries(self) -> List[str]:
        """The names in the place, but for the way to places below it.

        Raises:
            OSError: if it cannot be read.
        """
        names = os.listdir(self.path)
        return [name for name in names if name not in self._mounted] if self._mounted else names

    def empty(self, deadline: float) -> None:
        """Remove everything in the place.

        A directory is emptied of its files, its sub-directories are moved up to the top
        of the place, and it is removed: however deep a tree is, two descriptors suffice.

        Args:
            deadline: when to give up, by `time.monotonic`.

        Raises:
            ScrubError: if the deadline passes.
            OSError: if the kernel refuses a removal.
        """
        self._restore()
        if not self.entries():
            return
        top = os.open(self.path, _DIRECTORY)
        try:
            moved = 0
            while True:
                names = [name for name in os.listdir(top) if name not in self._mounted]
                if not names:
                    return
                for name in names:
                    if time.monotonic() > deadline:
                        raise ScrubError("%s still holds files at the deadline" % self.path)
                    moved = _remove(top, name, moved)
        finally:
            os.close(top)

    def _restore(self) -> None:
        """Give the place itself back its mode, and take what was attached to it (ACLs, attributes)."""
        for name in _attributes(self.path) - self._attributes:
            os.removexattr(self.path, name)
        if stat.S_IMODE(os.stat(self.path).st_mode) != self._mode:
            os.chmod(self.path, self._mode)

    def changed(self) -> bool:
        """Whether the place itself is not what it was."""
        return stat.S_IMODE(os.stat(self.path).st_mode) != self._mode or _attributes(self.path) != self._attributes


def _attributes(path: str) -> FrozenSet[str]:
    """Names of the extended attributes, ACLs among them."""
    try:
        return frozenset(os.listxattr(path))
    except OSError:
        return frozenset()  # a filesystem without any


def _remove(top: int, name: str, moved: int) -> int:
    """Remove `name` from the directory `top`; return the running number of moved directories."""
    try:
        os.unlink(name, dir_fd=top)
        return moved
    except IsADirectoryError:
        pass
    except PermissionError:  # what unlink(2) says of a directory on some filesystems
        if not stat.S_ISDIR(os.stat(name, dir_fd=top, follow_symlinks=False).st_mode):
            raise
    try:
        os.rmdir(name, dir_fd=top)
        return moved
    except OSError:
        pass
    os.chmod(name, 0o700, dir_fd=top)
    inner = os.open(name, _DIRECTORY, dir_fd=top)
    try:
        for child in os.listdir(inner):
            try:
                os.unlink(child, dir_fd=inner)
                continue
            except (IsADirectoryError, PermissionError):
                pass
            os.chmod(child, 0o700, dir_fd=inner)  # moving a directory writes its ".."
            while True:
                moved += 1
                try:
                    os.rename(child, ".scrub-%d" % moved, src_dir_fd=inner, dst_dir_fd=top)
                    break
                except OSError as error:
                    if not _name_is_taken(error):
                        raise
    finally:
        os.close(inner)
    os.rmdir(name, dir_fd=top)
    return moved


def _name_is_taken(error: OSError) -> bool:
    return isinstance(error, (FileExistsError, NotADirectoryError)) or error.errno == 39  # ENOTEMPTY


def leftovers(places: List[Place]) -> Dict[str, List[str]]:
    """Return the first few names in each place that is not empty, or not what it was."""
    found = {}
    for place in places:
        names = place.entries()
        if names or place.changed():
            found[place.path] = sorted(names)[:5]
    return found


def open_beneath(root: str, path: str, flags: int, mode: int = 0o644) -> int:
    """Open a file below `root` without following any link on the way.

    Args:
        path: relative, `/`-separated; missing directories are made when `flags` has O_CREAT.

    Raises:
        OSError: if a component is a link, is missing or climbs out.
    """
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not parts or ".." in parts or path.startswith("/"):
        raise PermissionError(1, "path leaves the working directory", path)
    directory = os.open(root, _DIRECTORY)
    try:
        for part in parts[:-1]:
            inner = _open_directory(directory, part, bool(flags & os.O_CREAT))
            os.close(directory)
            directory = inner
        return os.open(parts[-1], flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, mode, dir_fd=directory)
    finally:
        os.close(directory)


def _open_directory(parent: int, name: str, create: bool) -> int:
    try:
        return os.open(name, _DIRECTORY, dir_fd=parent)
    except FileNotFoundError:
        if not create:
            raise
    os.mkdir(name, 0o755, dir_fd=parent)
    return os.open(name, _DIRECTORY, dir_fd=parent)


def matching_files(root: str, patterns: List[str]) -> List[str]:
    """Return the regular files below `root` whose relative path matches a shell pattern.

    Links are neither followed nor listed. However many files a program leaves and however deep,
    the search ends: it looks at `_MOST_ENTRIES` and goes down `_DEEPEST` levels.
    """
    import fnmatch

    found: List[str] = []
    folders, seen = [""], 0
    while folders and seen < _MOST_ENTRIES:
        folder = folders.pop(0)
        try:
            with os.scandir(os.path.join(root, folder)) as listing:
                entries = sorted(itertools.islice(listing, _MOST_ENTRIES - seen), key=lambda entry: entry.name)
        except OSError:
            continue
        seen += len(entries)
        for entry in entries:
            path = os.path.join(folder, entry.name)
            if entry.is_dir(follow_symlinks=False):
                if path.count("/") < _DEEPEST:
                    folders.append(path)
            elif entry.is_file(follow_symlinks=False) and any(
                fnmatch.fnmatchcase(path, pattern) for pattern in patterns
            ):
                found.append(path)
    return found
