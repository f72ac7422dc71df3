"""`pooldeck run`: one program, its output as it comes, its exit status."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import click

from engine.backends import choose_backend
from engine.config import load_config
from engine.errors import PooldeckError
from engine.execution import ExecutionRequest, ExecutionResult, Outcome
from engine.lease import Lease
from engine.pool import ContainerPool
from tui.choice import remark
from tui.repl.summary import summarise

_TIMEOUT_STATUS = 124  # as timeout(1)
_SIGNAL_STATUS = 128  # as a shell
_OUT_OF_MEMORY_STATUS = 137
_INFRASTRUCTURE_STATUS = 69


def run_once(request: dict[str, Any], settings: dict[str, Any], *, as_json: bool, show_time: bool) -> int:
    """Run one program in a pooled container; return the status to exit with."""
    timeout = settings.get("timeout")
    config = load_config(**settings).model_copy(
        update={"initial_size": 1, "min_size": 0, "max_size": 1, "spare": 0, "reuse": "never", "create_workers": 1}
    )
    wanted = ExecutionRequest(**request, timeout=timeout)
    choice = choose_backend(config, show_pull)
    if said := remark(choice, config):
        click.echo(f"pooldeck: {said}", err=True)
    with ContainerPool(config, backend=choice.backend) as pool:
        lease = pool.get_container(timeout=config.create_timeout + config.acquire_timeout)
        with _interrupt_cancels(lease):
            result = lease.run(wanted, None if as_json else _show)
        lease.release()
        # There is nothing to wait for: what is left is destroyed.
        pool.shutdown(0)
    if as_json:
        click.echo(json.dumps(result.as_document()))
    if show_time:
        click.echo(summarise(result).line, err=True)
    return _status(result, quiet=as_json)


def show_pull(image: str, done: int, total: int) -> None:
    """Show how a pull goes on, on a terminal."""
    if sys.stderr.isatty():
        share = done / total if total else 0.0
        bar = "█" * int(share * 30) + "░" * (30 - int(share * 30))
        end = "\n" if done >= total else ""
        click.echo(f"\rpulling {image}  {bar}  {done >> 20} of {total >> 20} MiB{end}", nl=False, err=True)


def _show(name: str, data: bytes) -> None:
    stream = sys.stdout.buffer if name == "stdout" else sys.stderr.buffer
    stream.write(data)
    stream.flush()


def _status(result: ExecutionResult, *, quiet: bool) -> int:
    notes = {
        Outcome.TIMEOUT: "the program was killed at its deadline",
        Outcome.OUT_OF_MEMORY: "the program ran out of memory",
        Outcome.CANCELLED: "the program was cancelled",
        Outcome.INFRASTRUCTURE: "the container was lost",
    }
    note = notes.get(result.outcome, "")
    if result.truncated:
        note = f"{note}; " if note else ""
        note += f"{' and '.join(result.truncated)} truncated at the limit"
    if note and not quiet:
        click.echo(f"pooldeck: {note}{f': {result.reason}' if result.reason else ''}", err=True)
    if result.outcome is Outcome.TIMEOUT:
        return _TIMEOUT_STATUS
    if result.outcome is Outcome.CANCELLED:
        return _SIGNAL_STATUS + signal.SIGINT
    if result.outcome is Outcome.INFRASTRUCTURE:
        return _INFRASTRUCTURE_STATUS
    if result.outcome is Outcome.OUT_OF_MEMORY:
        return _OUT_OF_MEMORY_STATUS
    if result.exit_code is not None:
        return result.exit_code
    return _SIGNAL_STATUS + (result.signal or 0)


@contextmanager
def _interrupt_cancels(lease: Lease) -> Iterator[None]:
    """Let the first Ctrl+C cancel the program, and a second one give up on it."""

    def cancel(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        # Not in the handler itself: it may have interrupted a write on the same stream.
        threading.Thread(target=end_program, daemon=True).start()

    def end_program() -> None:
        with suppress(PooldeckError):  # the program, or its container, was quicker
            lease.cancel()

    previous = signal.signal(signal.SIGINT, cancel)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
