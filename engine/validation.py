"""What a request may hold: each function refuses one kind of mistake, by name and before anything runs."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from engine.errors import RequestError
from engine.kinds import LONGEST


def check_bytes(what: str, value: object) -> None:
    """Refuse what is neither text that can be encoded nor bytes."""
    if isinstance(value, str):
        try:
            value.encode("utf-8", "surrogatepass")
        except UnicodeEncodeError as error:
            raise RequestError(f"{what} cannot be encoded: {error.reason}") from error
    elif not isinstance(value, bytes):
        raise RequestError(f"{what} is {_named(value)}", "give text or bytes")


def check_input(stdin: object) -> None:
    """Refuse what is neither text, nor bytes, nor a file that has a descriptor."""
    if isinstance(stdin, str | bytes) or not hasattr(stdin, "fileno"):
        check_bytes("stdin", stdin)
        return
    try:
        stdin.fileno()
    except (OSError, ValueError) as error:
        raise RequestError(f"stdin has no descriptor: {error}", "give its content as bytes") from error


def check_strings(what: str, value: object) -> tuple[str, ...]:
    """Return several texts as a tuple; one text is not taken for its characters."""
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise RequestError(f"{what} is {_named(value)}", f"give a list or a tuple of texts, such as {what}=('a',)")
    for each in value:
        if not isinstance(each, str):
            raise RequestError(f"{what} holds {_named(each)}", "give texts only")
        if "\0" in each:
            raise RequestError(f"{what} holds {each!r} with a NUL byte", "remove it")
    return tuple(value)


def check_environment(env: object) -> None:
    """Refuse what cannot be an environment."""
    if not isinstance(env, Mapping):
        raise RequestError(f"env is {_named(env)}", "give a mapping of names to texts")
    for name, value in env.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise RequestError(f"environment variable {name!r} = {value!r} is not text", "give texts only")
        if not name or "=" in name or "\0" in name + value:
            raise RequestError(f"environment variable {name!r} cannot be set", "no '=' and no NUL in a name")


def check_files(files: object, program: str) -> None:
    """Refuse files that cannot be put beside the program."""
    if not isinstance(files, Mapping):
        raise RequestError(f"files is {_named(files)}", "give a mapping of relative paths to bytes")
    for path, content in files.items():
        check_path("file name", path)
        if not isinstance(content, bytes):
            raise RequestError(f"file {path!r} is {_named(content)}", "give its content as bytes")
        if posixpath.normpath(path) == program:
            raise RequestError(f"file {path!r} has the name of the program itself", "give another filename=")


def check_path(what: str, path: object) -> None:
    """Refuse a name that leads out of the working directory."""
    if not isinstance(path, str):
        raise RequestError(f"{what} is {_named(path)}", "give a relative path as text")
    if not path or path.startswith("/") or ".." in path.split("/") or "\0" in path:
        raise RequestError(f"{what} {path!r} leaves the working directory", "use a relative path without '..'")


def check_timeout(timeout: object) -> None:
    """Refuse a time that is not one."""
    number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if timeout is not None and not (number and 0 < timeout <= LONGEST):  # type: ignore[operator]
        raise RequestError(f"timeout = {timeout!r}: must be above 0 and at most {LONGEST} seconds")


def check_limit(what: str, limit: object) -> None:
    """Refuse a number of bytes that is not one."""
    whole = isinstance(limit, int) and not isinstance(limit, bool)
    if limit is not None and not (whole and limit >= 0):  # type: ignore[operator]
        raise RequestError(f"{what} = {limit!r}: must be a number of bytes, 0 or more")


def _named(value: Any) -> str:
    return f"{type(value).__name__} {str(value)[:40]!r}" if isinstance(value, str) else repr(value)[:60]
