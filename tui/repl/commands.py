"""The registry of `%` commands: what they are called, take, do, and how they are completed.

The terminal, the dashboard's pane, `%help` and the README all read it from here.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from engine.cells import Completion, CompletionKind, Completions
from tui.repl import code_commands, file_commands, session_commands
from tui.repl.console import Console
from tui.repl.mistakes import CommandMistake

Handler = Callable[[Console, str], None]
"""Called with what follows the command's name."""

ArgumentCompleter = Callable[[Console, str], Iterable[str]]
"""Returns the ways to go on from an argument that was begun."""


@dataclass(frozen=True, slots=True)
class Command:
    """One `%` command."""

    name: str
    """Without the percent sign."""
    usage: str
    """What follows the name, as people write it: `FILE`, `[N]`."""
    help: str
    """A sentence."""
    handler: Handler
    complete: ArgumentCompleter | None = None
    takes_code: bool = False
    """Whether what follows is Python, which may go on over several lines."""

    @property
    def title(self) -> str:
        """The command as it is typed."""
        return f"%{self.name} {self.usage}".rstrip()


def _help(console: Console, argument: str) -> None:
    """List the commands, or explain one."""
    name = argument.strip().removeprefix("%")
    listed = (find(name),) if name else COMMANDS
    width = max(len(command.title) for command in listed)
    lines = [f"{command.title.ljust(width)}  {command.help}" for command in listed]
    if not name:
        more = (("name?", "Signature and documentation of a name"), ("exit, quit", "Leave"))
        lines += [f"{what.ljust(width)}  {does}" for what, does in more]
    console.write("\n".join(lines))


def _names(_console: Console, begun: str) -> Iterable[str]:
    return [command.name for command in COMMANDS if command.name.startswith(begun)]


COMMANDS: tuple[Command, ...] = (
    Command("time", "CODE", "Run code and say where its time went", code_commands.time_code, takes_code=True),
    Command(
        "timeit", "CODE", "Run code many times and say how long one run takes", code_commands.timeit, takes_code=True
    ),
    Command("run", "FILE", "Run a local file in the session", code_commands.run_file, file_commands.local_names),
    Command(
        "load",
        "FILE",
        "Put a local file's text into the input, to edit and run",
        code_commands.load_file,
        file_commands.local_names,
    ),
    Command(
        "put",
        "FILE [NAME]",
        "Copy a local file into the working directory",
        file_commands.put,
        file_commands.local_names,
    ),
    Command(
        "get",
        "NAME [FILE]",
        "Copy a file of the working directory to here",
        file_commands.get,
        file_commands.session_names,
    ),
    Command("files", "", "List the working directory", file_commands.files),
    Command("reset", "", "Begin with a fresh interpreter; files stay", session_commands.reset),
    Command(
        "mode",
        "[session|oneshot]",
        "Keep one interpreter, or give each cell a clean container",
        session_commands.mode,
        session_commands.mode_names,
    ),
    Command(
        "timeout",
        "[N|default]",
        "Kill cells that run longer than N seconds",
        session_commands.timeout,
        session_commands.timeout_words,
    ),
    Command("stats", "", "Show the pool: containers, counts, latencies", session_commands.stats),
    Command("history", "[N|TEXT]", "Show the last N entries, or those that hold TEXT", session_commands.history),
    Command(
        "save",
        "FILE",
        "Save the cells as a script, or as a notebook if FILE ends with .ipynb",
        session_commands.save,
        file_commands.local_names,
    ),
    Command("help", "[COMMAND]", "List the commands, or explain one", _help, _names),
)


def find(name: str) -> Command:
    """Return a command by its name.

    Raises:
        CommandMistake: if there is none, with the nearest one as a hint.
    """
    for command in COMMANDS:
        if command.name == name:
            return command
    near = difflib.get_close_matches(name, [command.name for command in COMMANDS], n=1)
    raise CommandMistake(f"there is no %{name}", f"%{near[0]}, perhaps?" if near else "%help lists them all")


def is_command(text: str) -> bool:
    """Whether a text is meant as a command: no Python begins with a percent sign."""
    return text.lstrip().startswith("%")


def split(text: str) -> tuple[str, str]:
    """Return a command's name and what follows it."""
    word, _, rest = text.lstrip().partition("\n")
    name, _, arguments = word.partition(" ")
    return name.removeprefix("%"), arguments + (f"\n{rest}" if rest else "")


def code_of(text: str) -> str | None:
    """Return the Python in a command's line, or None if it takes none."""
    name, rest = split(text)
    return rest if any(command.takes_code and command.name == name for command in COMMANDS) else None


def execute(console: Console, text: str) -> None:
    """Carry out a command's line.

    Raises:
        CommandMistake: if it is not as it should be.
        PooldeckError: if what it asks for cannot be done.
    """
    name, rest = split(text)
    command = find(name)
    if rest.strip() and not command.usage:
        raise CommandMistake(f"%{name} takes nothing after it", f"type %{name}")
    command.handler(console, rest if command.takes_code else rest.strip())


def complete(console: Console, text: str, cursor: int) -> Completions | None:
    """Return the ways to go on in a command's line; None where Python is being typed."""
    before = text[:cursor]
    start = len(before) - len(before.lstrip())
    if " " not in before[start:]:
        names = [f"%{command.name}" for command in COMMANDS]
        begun = before[start:]
        return Completions(
            start, tuple(Completion(name, CompletionKind.KEYWORD) for name in names if name.startswith(begun))
        )
    name = before[start:].partition(" ")[0].removeprefix("%")
    command = next((command for command in COMMANDS if command.name == name), None)
    if command is None or command.takes_code:
        return None
    begun = before.rpartition(" ")[2]
    found = command.complete(console, begun) if command.complete is not None else ()
    return Completions(cursor - len(begun), tuple(Completion(item, CompletionKind.ARGUMENT) for item in found))


def as_markdown() -> str:
    """Return the commands as the table that stands in the README."""
    rows = [f"| `{command.title.replace('|', chr(92) + '|')}` | {command.help} |" for command in COMMANDS]
    return "\n".join(["| command | |", "| --- | --- |", *rows])
