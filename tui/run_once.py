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
from engine.config import PoolConfig, load_config
from engine.errors import ConfigError, PooldeckError, RequestError
from engine.execution import ExecutionRequest, ExecutionResult, Outcome, OutputCallback
from engine.lease import Lease
from engine.pool import ContainerPool
from tui.choice import remark
from tui.exit_status import CANNOT_WRITE, exit_status, notes
from tui.program import Program
from tui.repl.summary import summarise

_SINGLE = {"initial_size": 1, "min_size": 0, "max_size": 1, "spare": 0, "reuse": "never", "create_workers": 1}


def run_once(program: Program, settings: dict[str, Any], *, as_json: bool, show_time: bool) -> int:
    """Run one program in a pooled container; return the status to exit with."""
    try:
        config = load_config(**settings).model_copy(update=_SINGLE)
        result = _run(program.request(config.max_file_bytes), config, None if as_json else _show)
    except PooldeckError as error:
        if as_json:
            click.echo(json.dumps(_no_run(error)))
        raise
    problems = program.keep(result.files)
    if as_json:
        click.echo(json.dumps(result.as_document()))
    for note in [*([] if as_json else notes(result, config)), *problems]:
        click.echo(f"pooldeck: {note}", err=True)
    if show_time:
        click.echo(summarise(result).line, err=True)
    status = exit_status(result)
    return CANNOT_WRITE if problems and status == 0 else status


def _run(request: ExecutionRequest, config: PoolConfig, on_output: OutputCallback | None) -> ExecutionResult:
    choice = choose_backend(config, show_pull)
    if said := remark(choice, config):
        click.echo(f"pooldeck: {said}", err=True)
    with ContainerPool(config, backend=choice.backend) as pool:
        lease = pool.get_container(timeout=config.create_timeout + config.acquire_timeout)
        with _interrupt_cancels(lease):
            result = lease.run(request, on_output)
        lease.release()
        # There is nothing to wait for: what is left is destroyed.
        pool.shutdown(0)
    return result


def _no_run(error: PooldeckError) -> dict[str, Any]:
    """The document of a run that could not be made, with the keys of one that was."""
    cause = error.__cause__ if isinstance(error.__cause__, PooldeckError) else error
    document = ExecutionResult(Outcome.INFRASTRUCTURE, reason=cause.message).as_document()
    if isinstance(cause, ConfigError | RequestError):
        document["outcome"] = "refused"
    return {**document, "hint": cause.hint}


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
