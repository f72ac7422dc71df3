"""What the exit status of `pooldeck run` is, and the line that says why it is not the program's."""

from __future__ import annotations

import signal

from engine.config import PoolConfig
from engine.execution import ExecutionResult, Outcome
from engine.kinds import Kind

TIMEOUT = 124  # as timeout(1)
CANCELLED = 128 + signal.SIGINT  # as a shell
OUT_OF_MEMORY = 128 + signal.SIGKILL
INFRASTRUCTURE = 69  # as sysexits.h
CANNOT_WRITE = 74

_NOTES = {
    Outcome.TIMEOUT: "the program was killed at its deadline",
    Outcome.OUT_OF_MEMORY: "the program ran out of memory",
    Outcome.CANCELLED: "the program was cancelled",
    Outcome.INFRASTRUCTURE: "the container was lost",
}


def exit_status(result: ExecutionResult) -> int:
    """Return the status to exit with."""
    ours = {
        Outcome.TIMEOUT: TIMEOUT,
        Outcome.CANCELLED: CANCELLED,
        Outcome.INFRASTRUCTURE: INFRASTRUCTURE,
        Outcome.OUT_OF_MEMORY: OUT_OF_MEMORY,
    }.get(result.outcome)
    if ours is not None:
        return ours
    return result.exit_code if result.exit_code is not None else 128 + (result.signal or 0)


def notes(result: ExecutionResult, config: PoolConfig) -> list[str]:
    """Return what a person should know of a run that the program's own output does not say."""
    said = []
    note = _NOTES.get(result.outcome, "")
    if result.outcome is Outcome.KILLED and result.signal is not None:
        note = f"the program was ended by {_signal_name(result.signal)}"
    if note:
        said.append(f"{note}: {result.reason}" if result.reason else note)
    if result.truncated:
        said.append(f"{' and '.join(result.truncated)} cut at {_size(config, 'max_output')} (max_output)")
    said += [
        f"{path} of {size} bytes is not fetched: with it there is more than {_size(config, 'max_file_bytes')} "
        "(max_file_bytes)"
        for path, size in result.files_too_large.items()
    ]
    return said


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _size(config: PoolConfig, name: str) -> str:
    (kind,) = (each for each in PoolConfig.model_fields[name].metadata if isinstance(each, Kind))
    return kind.show(getattr(config, name))
