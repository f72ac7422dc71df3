"""The shell: takes what a person has entered, and has it run, carried out or explained.

It knows no terminal: what there is to see goes to a `View`, what runs to a `CellSession`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.cells import CellResult, InputRequest
from engine.errors import PooldeckError, SessionLost
from engine.execution import Outcome
from tui.repl import commands
from tui.repl.ansi import OutputFilter, safe_text
from tui.repl.console import CellSession, Kind, View
from tui.repl.history import HistoryStore
from tui.repl.mistakes import CommandMistake
from tui.repl.source import Completeness, Verdict, is_expression, judge
from tui.repl.summary import describe_file, remarks, summarise
from tui.repl.transcript import OutputRecord, Transcript

if TYPE_CHECKING:
    from engine.stats import PoolSnapshot

_LEAVING = frozenset(["exit", "quit", "exit()", "quit()"])
_QUESTION = re.compile(r"\?\s*([^?]+?)|([^?]+?)\s*\?")


class Shell:
    """One person's REPL. `enter` belongs to one thread at a time; the rest may be used from any.

    It is the `Console` that commands and completion talk to.
    """

    def __init__(
        self,
        session: CellSession,
        view: View,
        *,
        history: HistoryStore,
        pool: Callable[[], PoolSnapshot | None],
        waiting_for: Callable[[], str] = lambda: "",
        colours: bool = True,
        attended: bool = True,
    ) -> None:
        """Begin.

        Args:
            pool: the pool as it is now; None before it is there.
            waiting_for: what a cell would have to wait for now, in words; empty for nothing.
            colours: whether programs' own colours are kept.
            attended: whether a person is there: to be told of each cell how it went and what it
                has written, and to be asked before something is lost.
        """
        self.session = session
        self.history = history
        self.transcript = Transcript()
        self.timeout: float | None = None
        self.failures = 0
        """Cells and commands that went wrong."""
        self._next_number = 1
        self._view = view
        self._pool = pool
        self._waiting_for = waiting_for
        self._colours = colours
        self._attended = attended

    # For front ends.

    @property
    def prompt(self) -> str:
        """What stands before the input: the next cell's number, and the mode unless it is the usual one."""
        mode = "" if self.session.mode == "session" else f"{self.session.mode} "
        return f"{mode}[{self._next_number}] >>> "

    def judge(self, text: str) -> Verdict:
        """Say whether an input can be entered as it is; see `source.judge`."""
        if commands.is_command(text):
            code = commands.code_of(text)
            if not code or not code.strip():
                return Verdict(Completeness.COMPLETE)
            verdict = judge(code.lstrip(" "))
            return Verdict(verdict.completeness, verdict.message, verdict.position + len(text) - len(code.lstrip(" ")))
        if text.strip() in _LEAVING or _asked_about(text):
            return Verdict(Completeness.COMPLETE)
        return judge(text)

    def enter(self, text: str) -> bool:
        """Do what was entered, to its end.

        Returns:
            False if the person wants to leave.

        Raises:
            KeyboardInterrupt: if the person gave up waiting for a container.
        """
        text = text.strip("\n")
        if not text.strip():
            return True
        if text.strip() in _LEAVING:
            return False
        try:
            if commands.is_command(text):
                commands.execute(self, text)
            elif name := _asked_about(text):
                self._explain(name)
            else:
                self.run(text)
        except PooldeckError as error:
            self.failures += 1
            cause: PooldeckError = error
            if isinstance(error.__cause__, PooldeckError) and not isinstance(error, SessionLost):
                cause = error.__cause__
            self.write(cause.message, Kind.ERROR)
            if cause.hint:
                self.write(cause.hint, Kind.HINT)
        return True

    # For commands.

    def pool(self) -> PoolSnapshot | None:
        """The pool as it is now; None before it is there."""
        return self._pool()

    def write(self, text: str, kind: Kind = Kind.TEXT) -> None:
        """Show whole lines; made safe on the way."""
        self._view.write(kind, safe_text(text))

    def prefill(self, text: str) -> None:
        """Have the next input begin with a text."""
        self._view.prefill(safe_text(text))

    def confirm(self, question: str) -> bool:
        """Ask before something is lost; no answer and any that is not yes is no."""
        if not self._attended:
            return False
        answer = self._view.ask(InputRequest(safe_text(f"{question} [y/N] "), secret=False))
        return (answer or "").strip().lower() in ("y", "yes")

    def run(self, code: str) -> CellResult:
        """Run a cell as if it had been typed.

        Raises:
            PooldeckError: if it could not be run.
        """
        filters = {name: OutputFilter(colours=self._colours) for name in ("stdout", "stderr")}
        kinds = {"stdout": Kind.OUT, "stderr": Kind.ERR}
        record = OutputRecord()

        def show(stream: str, text: str) -> None:
            if text:
                record.add(stream, text)
                self._view.write(kinds[stream], text)

        self._say_what_is_waited_for()
        result = self.session.run(
            code,
            timeout=self.timeout,
            on_output=lambda stream, data: show(stream, filters[stream].feed(data)),
            on_input=self._ask,
        )
        for stream, each in filters.items():
            show(stream, each.close())
        self._next_number = result.number + 1
        self.transcript.add(code, result, record)
        self._close(result)
        return result

    def evaluate(self, code: str) -> CellResult:
        """Run code of ours in the session and show nothing of it.

        Raises:
            PooldeckError: if it could not be run.
        """
        self._say_what_is_waited_for()
        result = self.session.run(code, timeout=self.timeout)
        self._next_number = result.number + 1
        return result

    def _say_what_is_waited_for(self) -> None:
        if not self.session.alive and (what := self._waiting_for()):
            self.write(what, Kind.NOTE)

    def _ask(self, request: InputRequest) -> str | None:
        return self._view.ask(InputRequest(safe_text(request.prompt, colours=self._colours), request.secret))

    def _close(self, result: CellResult) -> None:
        """Show what follows a cell's output."""
        self.failures += result.outcome is not Outcome.OK
        if result.value is not None:
            self._view.write(Kind.VALUE, safe_text(result.value))
        for remark in remarks(result):
            self.write(remark, Kind.WARNING)
        if not self._attended:
            return
        for file in result.new_files:
            can_be_typed = file.is_picture and file.path.isprintable()
            hint = f"  %get {shlex.quote(file.path)} fetches it" if can_be_typed else ""
            self.write(f"{describe_file(file)}{hint}", Kind.NOTE)
        self._view.summary(summarise(result))

    def _explain(self, name: str) -> None:
        """Show a name's signature and documentation, asking an interpreter that has it."""
        if not self.session.alive and self.session.mode == "session":
            self.evaluate("")
        found = self.session.help(name, len(name), timeout=2.0)
        if not (found.signature or found.doc):
            raise CommandMistake(f"nothing is known of {name}", "it must be a name that the session holds")
        self.write("\n".join(part for part in (found.signature or found.name, found.doc) if part))


def _asked_about(text: str) -> str:
    """The name in `name?` or `?name`; empty if the text is neither."""
    match = _QUESTION.fullmatch(text.strip())
    name: str = (match[1] or match[2]) if match and "\n" not in text and "#" not in text else ""
    return name if is_expression(name) else ""  # else it may be a string that goes on in the next line
