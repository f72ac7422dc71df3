"""Where settings come from: arguments, `POOLDECK_*` variables, two files; the first that names one wins."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import ConfigError

_PREFIX = "POOLDECK_"
_FOR_TESTS = "POOLDECK_TESTS_"
_FILE = Path("pooldeck.toml")
_PROJECT = Path("pyproject.toml")
_TABLE = f"[tool.pooldeck] in {_PROJECT}"

ARGUMENTS = "the arguments"
DEFAULT = "the default"


@dataclass(frozen=True, slots=True)
class Given:
    """A setting that somebody gave, as it was written."""

    value: Any
    origin: str
    """Where, as it follows "from"."""


def gather(arguments: Mapping[str, Any]) -> dict[str, Given]:
    """Return what was given for each name, known or not, by the source that wins.

    Files are looked for in the working directory only.

    Raises:
        ConfigError: if a file cannot be read.
    """
    given: dict[str, Given] = {}
    for name, value, origin in _all(arguments):
        given.setdefault(name, Given(value, origin))
    return given


def _all(arguments: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    for name, value in arguments.items():
        yield name, value, ARGUMENTS
    for variable, value in os.environ.items():
        if variable.upper().startswith(_PREFIX) and not variable.upper().startswith(_FOR_TESTS):
            yield variable[len(_PREFIX) :].lower(), value, variable
    for name, value in _read(_FILE).items():
        yield name, value, str(_FILE)
    tools = _read(_PROJECT).get("tool")
    table = tools.get("pooldeck", {}) if isinstance(tools, dict) else {}
    if not isinstance(table, dict):
        raise ConfigError(f"{_TABLE} is {table!r}", "make it a table of settings")
    for name, value in table.items():
        yield name, value, _TABLE


def _read(path: Path) -> dict[str, Any]:
    """The content of a TOML file; nothing if there is none."""
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
