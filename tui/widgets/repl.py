"""The REPL pane: cells go to a runner one after the other, output comes back in batches.

The thread that runs cells puts what it has to say into a queue; a timer of the app's takes
it out, so that a program that prints ten thousand lines a second costs a few paints.
"""

from __future__ import annotations

import codecs
import queue
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from engine.errors import PooldeckError
from engine.execution import ExecutionResult
from tui.cells import CellRunner, Completion
from tui.format import duration, latency, plural, size
from tui.looks import OUTCOMES
from tui.widgets.code_input import CodeInput
from tui.widgets.completion import CompletionList
from tui.widgets.filter_bar import FilterBar
from tui.widgets.pane import Pane
from tui.widgets.transcript import Transcript

_FLUSH = 0.05
"""Seconds between looks at what the running cell has said."""


@dataclass(frozen=True, slots=True)
class _Said:
    """Text for the transcript."""

    text: str
    colour: str
    container_id: str = ""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A program wants a line of input."""

    prompt: str
    secret: bool


@dataclass(frozen=True, slots=True)
class _Ran:
    """A cell has a container."""

    container_id: str


class _Ended:
    """The cell is over."""


class ReplPane(Pane):
    """Types, queues, runs and shows cells."""

    NUMBER = 5
    NAME = "REPL"

    class RanIn(Message):
        """A cell runs, or a cell was chosen that ran, in a container."""

        def __init__(self, container_id: str) -> None:
            super().__init__()
            self.container_id = container_id

    class Left(Message):
        """The keys belong to the dashboard again."""

    def __init__(self, runner: CellRunner, keymap: Mapping[str, str]) -> None:
        super().__init__(id="repl")
        self._runner = runner
        self._keymap = keymap
        self._cells: deque[str] = deque()
        self._cell = ""
        self._began = 0.0
        self._number = 0
        self._news: queue.SimpleQueue[_Said | _Asked | _Ran | _Ended] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._timer: Timer | None = None
        self._fresh_line = True
        self._room = 80
        """Cells of a line of the output; read by the thread that runs a cell."""

    def compose(self) -> ComposeResult:
        """Lay out output, input and status."""
        yield Transcript()
        yield FilterBar("search the output")
        yield CompletionList()
        with Horizontal(id="prompt-line"):
            yield Static("▸", id="prompt")
            yield CodeInput(self._keymap)

    def home(self) -> Widget:
        """The input."""
        return self.query_one(CodeInput)

    def on_mount(self) -> None:
        """Begin to listen."""
        super().on_mount()
        self._timer = self.set_interval(_FLUSH, self._take_news, pause=True)
        self._describe()

    def close(self) -> None:
        """Interrupt what runs; nobody will see what it says."""
        self._cells.clear()
        self._answers.put(None)
        self._runner.interrupt()

    # Cells.

    def on_code_input_submitted(self, message: CodeInput.Submitted) -> None:
        """Queue a cell, or answer a program."""
        self.query_one(CompletionList).offer(())
        code = self.query_one(CodeInput)
        if code.answering:
            code.answering = False
            self._write(f"{message.code}\n", "accent")
            self._answers.put(message.code)
        else:
            self._cells.append(message.code)
            self._next()
        self._describe()

    def _next(self) -> None:
        if self._cell or not self._cells:
            return
        self._cell, self._began = self._cells.popleft(), monotonic()
        self._room = self.query_one(Transcript).size.width
        self._number += 1
        for number, line in enumerate(self._cell.split("\n")):
            sign, colour = (f"{self._number} ▸", "accent") if number == 0 else ("  ┆", "text")
            self._write(f"{sign} {line}\n", colour)
        threading.Thread(target=self._run, args=(self._cell,), name="dashboard-cell", daemon=True).start()
        if self._timer is not None:
            self._timer.resume()

    def _run(self, code: str) -> None:
        """Run one cell; in a thread of its own."""
        decoders = {name: codecs.getincrementaldecoder("utf-8")("replace") for name in ("stdout", "stderr")}

        def on_output(name: str, data: bytes) -> None:
            self._news.put(_Said(decoders[name].decode(data), "text" if name == "stdout" else "bad"))

        def on_input(prompt: str, secret: bool) -> str | None:
            self._news.put(_Asked(prompt, secret))
            return self._answers.get()

        try:
            result = self._runner.run(
                code, on_output, on_input, lambda container_id: self._news.put(_Ran(container_id))
            )
        except PooldeckError as error:
            self._news.put(_Said(f"▲ {error}\n", "warn"))
        else:
            self._news.put(_Said(_last_line(result, self._room), _quiet(result), result.container_id))
        self._news.put(_Ended())

    def _take_news(self) -> None:
        """Show what the running cell has said since; called by the timer."""
        batch: list[_Said] = []
        while True:
            try:
                news = self._news.get_nowait()
            except queue.Empty:
                break
            if isinstance(news, _Said):
                if batch and batch[-1].colour == news.colour and not (news.container_id or batch[-1].container_id):
                    batch[-1] = _Said(batch[-1].text + news.text, news.colour)
                else:
                    batch.append(news)
                continue
            if isinstance(news, _Asked):
                batch.append(_Said(news.prompt, "text"))
                self.query_one(CodeInput).answering = True
            elif isinstance(news, _Ran):
                self.post_message(self.RanIn(news.container_id))
            else:
                self._cell = ""
                self.query_one(CodeInput).answering = False
        for said in batch:
            if said.container_id and not self._fresh_line:
                self._write("\n", "text")
            self._write(said.text, said.colour, said.container_id)
        if not self._cell:
            self._next()
        if not self._cell and self._timer is not None:
            self._timer.pause()
        self._describe()

    def _write(self, text: str, colour: str, container_id: str = "") -> None:
        if text:
            self.query_one(Transcript).write(text, colour, container_id)
            self._fresh_line = text.endswith("\n")

    def _describe(self) -> None:
        """Say which mode is on, and what is going on."""
        parts = [f"[reverse b] {self._runner.mode} [/]"]
        if self.query_one(CodeInput).answering:
            parts.append("[$warning]the program asks for input[/]")
        elif self._cell:
            parts.append(f"[$accent]▶ running {duration(monotonic() - self._began)}[/] [b]Ctrl+C[/] interrupts")
        if self._cells:
            parts.append(f"{plural(len(self._cells), 'cell')} queued")
        self.note(" · ".join(parts))

    # Wishes.

    def on_code_input_wanted(self, message: CodeInput.Wanted) -> None:
        """Do what is asked for."""
        completions = self.query_one(CompletionList)
        if message.what == "interrupt":
            self._interrupt()
        elif message.what == "complete":
            self._complete()
        elif message.what == "mode":
            if not self._runner.switch_mode():
                self.notify(f"there is only the mode {self._runner.mode}")
            self._describe()
        elif message.what == "output":
            self.screen.set_focus(self.query_one(Transcript))
        elif completions.display:
            completions.offer(())
        else:
            self.post_message(self.Left())

    def _interrupt(self) -> None:
        if self._cells:
            self._write(f"■ {plural(len(self._cells), 'queued cell')} dropped\n", "warn")
            self._cells.clear()
        if self.query_one(CodeInput).answering:
            self.query_one(CodeInput).answering = False
            self._answers.put(None)
        if self._cell:
            threading.Thread(target=self._runner.interrupt, name="dashboard-interrupt", daemon=True).start()
        self._describe()

    def _complete(self) -> None:
        """Ask for completions, or take the one that is offered."""
        code, offered = self.query_one(CodeInput), self.query_one(CompletionList)
        chosen = offered.chosen()
        if chosen is not None:
            row, column = code.cursor_location
            code.replace(chosen.text, (row, column - chosen.word), (row, column))
            offered.offer(())
            return
        text, cursor = code.text, code.offset_of_cursor

        def ask() -> None:
            found = list(self._runner.complete(text, cursor))
            self.app.call_later(self._offer, text, found)

        threading.Thread(target=ask, name="dashboard-complete", daemon=True).start()

    def _offer(self, text: str, found: list[Completion]) -> None:
        if self.query_one(CodeInput).text == text:  # else somebody has typed on
            self.query_one(CompletionList).offer(found)

    def on_text_area_changed(self) -> None:
        """What was offered was for another text."""
        self.query_one(CompletionList).offer(())

    def on_transcript_find(self) -> None:
        """Ask what to search for."""
        self.query_one(FilterBar).ask()

    def on_input_submitted(self) -> None:
        """Search."""
        self.query_one(Transcript).find(self.query_one(FilterBar).value)

    def on_transcript_chosen(self, message: Transcript.Chosen) -> None:
        """Point at the container of a cell."""
        self.post_message(self.RanIn(message.container_id))


def _last_line(result: ExecutionResult, room: int) -> str:
    """The quiet line under a cell: outcome, time, container, and where the time went."""
    timing = result.timing
    cpu = f"cpu {latency(result.cpu_time)}" if result.cpu_time is not None else ""
    memory = size(result.peak_memory) if result.peak_memory is not None else ""
    parts = [
        f"{OUTCOMES[result.outcome]} {latency(timing.total)}",
        result.container_id[:12],
        f"wait {latency(timing.wait)} + run {latency(timing.run)} + answer {latency(timing.answer)}",
        cpu,
        memory,
        result.reason,
        f"{' and '.join(result.truncated)} truncated" if result.truncated else "",
    ]
    said = [part for part in parts if part]
    for least in (memory, cpu):
        if least in said and len(" · ".join(said)) > room:
            said.remove(least)
    return " · ".join(said) + "\n"


def _quiet(result: ExecutionResult) -> str:
    return "dim" if result.success else OUTCOMES[result.outcome].colour
