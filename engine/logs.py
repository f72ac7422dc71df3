"""Events as JSON lines, to a file or to stderr; never among a program's output."""

from __future__ import annotations

import sys
from pathlib import Path

from engine.errors import ConfigError
from engine.events import Event

_LEVELS = ("debug", "info", "warning", "error")


class EventLog:
    """A subscriber that writes each event of at least `level` as one line of JSON."""

    def __init__(self, target: str, level: str) -> None:
        """Args: target: a path, appended to, or `-` for stderr.

        Raises:
            ConfigError: if the file cannot be written.
        """
        try:
            file = None if target == "-" else Path(target).open("a", encoding="utf-8", buffering=1)  # noqa: SIM115
        except OSError as error:
            raise ConfigError(f"log_file = {target!r} cannot be written: {error}") from error
        import structlog  # a tenth of a second, which those without a log need not wait

        self._file = file
        self._least = _LEVELS.index(level)
        self._log = structlog.wrap_logger(
            structlog.WriteLogger(file or sys.stderr), processors=[structlog.processors.JSONRenderer(sort_keys=False)]
        )

    def __call__(self, event: Event) -> None:
        """Write one event."""
        if _LEVELS.index(event.level) >= self._least:
            fields = event.as_document()
            self._log.msg(fields.pop("event"), level=event.level, **fields)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
