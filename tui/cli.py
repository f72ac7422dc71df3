"""The `pooldeck` command. Textual and the engine are imported only by what needs them."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

import click

import engine
from tui.entry import interrupt_ends_process

F = TypeVar("F", bound=Callable[..., Any])

_CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

_EXIT_STATUSES = """\b
The exit status is the program's own, or
  2        the command line, a setting or a file is wrong
  69       no engine, or no container: see pooldeck doctor
  74       the output could not be written, or a file not fetched
  75       no container became free
  124      the program ran into --timeout
  130      Ctrl+C cancelled it
  137      its memory ran out
  128 + N  signal N ended it
"""

_BACKENDS = ("auto", "docker", "bubblewrap", "process")


def _container_options(command: F) -> F:
    """The options that say what runs the code, shared by all commands that run any."""
    for option in reversed(
        [
            click.option("--backend", type=click.Choice(_BACKENDS), help="What isolates. [default: auto]"),
            click.option("--image", metavar="IMAGE", help="Image of the containers. [default: python:3.11-slim]"),
            click.option("--memory", metavar="SIZE", help="Memory of a container, such as 256m."),
            click.option("--runtime", metavar="NAME", help="Runtime of the engine, such as runsc."),
            click.option("--network", metavar="NAME", help="Network of the containers. [default: none]"),
            click.option("--log-file", metavar="PATH", help="Write events there as JSON lines; - for stderr."),
        ]
    ):
        command = option(command)
    return command


def _screen_options(command: F) -> F:
    """The options that say what the dashboard looks like."""
    for option in reversed(
        [
            click.option("--read-only", is_flag=True, default=None, help="Dashboard: no key changes the pool."),
            click.option("--theme", metavar="NAME", help="Dashboard: pooldeck-dark, pooldeck-light, pooldeck-ansi, …"),
        ]
    ):
        command = option(command)
    return command


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """The options that were given; the others are left to the environment and the files."""
    return {name: value for name, value in options.items() if value is not None}


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@_container_options
@click.option("--initial-size", type=int, metavar="N", help="Containers made at the start. [default: 3]")
@click.option("--max-size", type=int, metavar="N", help="Never more containers than this. [default: 10]")
@_screen_options
@click.version_option(engine.__version__, prog_name="pooldeck")
@click.pass_context
def pooldeck(context: click.Context, /, **options: Any) -> None:
    """Run untrusted code in a pool of warm, locked-down containers.

    Without a command: the dashboard, which shows a pool live and steers it.

    Every setting can also come from POOLDECK_* variables, pooldeck.toml, or [tool.pooldeck]
    in pyproject.toml.
    """
    if context.invoked_subcommand is not None:
        given = _given(options)
        if given:
            names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
            raise click.UsageError(f"{names} must come after the command '{context.invoked_subcommand}'.")
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("the dashboard needs a terminal; 'pooldeck run' does not.")
    screen = {name: options.pop(name) for name in ("read_only", "theme")}
    context.exit(_command("tui.dashboard").open_dashboard(_given(options), screen))


@pooldeck.command(context_settings={"allow_interspersed_args": False}, epilog=_EXIT_STATUSES)
@click.argument("file", required=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.option("-c", "code", metavar="CODE", help="Program passed in as a string.")
@click.option("--timeout", metavar="SECONDS", help="Kill the program after this. [default: 30]")
@click.option("--cpus", metavar="NUMBER", help="Share of the CPUs, such as 0.5. [default: 1]")
@click.option("--disk", metavar="SIZE", help="Disk of each writable place. [default: 64m]")
@click.option("--max-processes", metavar="N", help="Processes of the container. [default: 64]")
@click.option("--max-output", metavar="SIZE", help="Of each of stdout and stderr. [default: 1m]")
@click.option("--preload", metavar="NAMES", help="Packages imported before the program, such as json,numpy.")
@click.option("--env", metavar="NAME=VALUE", multiple=True, help="Set a variable for the program; may be repeated.")
@click.option("--put", metavar="FILE", multiple=True, help="Copy a file beside the program; may be repeated.")
@click.option("--fetch", metavar="PATTERN", multiple=True, help="Bring files back afterwards; may be repeated.")
@click.option("--into", metavar="FOLDER", default=".", help="Where fetched files go; none is replaced. [default: .]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document with all that is known of the run.")
@click.option("--time", "show_time", is_flag=True, help="Print where the time went, to stderr.")
@_container_options
@click.pass_context
def run(
    context: click.Context,
    /,
    file: str | None,
    arguments: tuple[str, ...],
    code: str | None,
    env: tuple[str, ...],
    put: tuple[str, ...],
    fetch: tuple[str, ...],
    into: str,
    as_json: bool,
    show_time: bool,
    **options: Any,
) -> None:
    """Run FILE, or the program given by -c, or with - the one on stdin, in a pooled container.

    What follows FILE, or -- after -c CODE, goes to the program. What is piped in is its standard
    input, passed on while it runs; a terminal is not read.
    """
    if code is not None:
        arguments = (file, *arguments) if file is not None else arguments
    elif file is None:
        raise click.UsageError("nothing to run: give a FILE, -c CODE, or - for stdin.")
    program = _command("tui.program").Program(code, file, arguments, env, put, fetch, into)
    run_once = _command("tui.run_once").run_once
    context.exit(run_once(program, _given(options), as_json=as_json, show_time=show_time))


@pooldeck.command()
@_container_options
@click.option("--json", "as_json", is_flag=True, help="Print the settings as a JSON list.")
@click.pass_context
def config(context: click.Context, /, as_json: bool, **options: Any) -> None:
    """List every setting, its value here, and where that came from."""
    context.exit(_command("tui.settings_table").show(_given(options), as_json=as_json))


@pooldeck.command()
@click.option(
    "--mode", type=click.Choice(("session", "oneshot")), default="session", help="What cells keep. [default: session]"
)
@click.option("--timeout", type=float, metavar="SECONDS", help="Kill a cell after this. [default: 30]")
@_container_options
@click.pass_context
def repl(context: click.Context, /, mode: str, **options: Any) -> None:
    """Open a Python prompt that runs what is typed in a pooled container.

    Piped input is run statement by statement; the exit status is 1 if one of them failed.
    """
    context.exit(_command("tui.repl.main").open_repl(_given(options), mode))


@pooldeck.command()
@click.option("--seed", type=int, metavar="N", help="What happens is the same for the same number.")
@click.option("--arrivals", type=float, metavar="N", help="Programs a second, on average.")
@click.option("--max-size", type=int, metavar="N", help="Never more containers than this.")
@_screen_options
@click.pass_context
def demo(context: click.Context, /, read_only: bool | None, theme: str | None, **scenario: Any) -> None:
    """Open the dashboard on a simulated pool: no engine is needed, and no code is run."""
    screen = {"read_only": read_only, "theme": theme}
    context.exit(_command("tui.dashboard").open_demo(_given(scenario), screen))


@pooldeck.command()
@_container_options
@click.option("--json", "as_json", is_flag=True, help="Print the findings as a JSON list.")
@click.pass_context
def doctor(context: click.Context, /, as_json: bool, **options: Any) -> None:
    """Look at what works on this machine, and try whether every limit really holds."""
    context.exit(_command("tui.doctor").report(_given(options), as_json=as_json))


def _command(module: str) -> Any:
    """Import what a command needs when it is called, so that --help stays quick."""
    with interrupt_ends_process():
        return import_module(module)


def main() -> None:
    """Run the command: errors a person can cause are one line and a hint."""
    try:
        status = pooldeck.main(prog_name="pooldeck", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as stop:
        status = stop.exit_code
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        status = 130
    except BrokenPipeError:
        status = _drop_output(141)
    except OSError as error:
        if error.errno not in _CANNOT_WRITE:
            raise
        click.echo(f"pooldeck: the output cannot be written: {error.strerror}", err=True)
        status = _drop_output(74)
    except Exception as error:
        from engine.errors import PooldeckError

        if not isinstance(error, PooldeckError):
            raise
        cause = error.__cause__ if isinstance(error.__cause__, PooldeckError) else error
        click.echo(f"pooldeck: {cause.message}", err=True)
        if cause.hint:
            click.echo(f"  hint: {cause.hint}", err=True)
        status = cause.exit_code
    sys.exit(status)


def _drop_output(status: int) -> int:
    """Let go of what nobody takes, so that the interpreter does not try again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status


if __name__ == "__main__":
    main()
