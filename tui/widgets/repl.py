"""The REPL pane: what is typed goes to the shell, and what that has to say comes back in batches.

A timer takes out of the view's mailbox what the running cell has said, so that a program that
prints ten thousand lines a second costs a few paints.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.geometry import Offset
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static, TextArea

from engine.cells import Completions, InputRequest, Mode
from tui.format import duration, plain, plural
from tui.pane_shell import PaneShell
from tui.pane_view import Prefilled, Shown
from tui.repl.console import Kind
from tui.repl.summary import Summary, Tone
from tui.widgets.answer_input import AnswerInput
from tui.widgets.code_input import CodeInput
from tui.widgets.completion import CompletionList
from tui.widgets.filter_bar import FilterBar
from tui.widgets.lookup import Answer, Lookup, Question
from tui.widgets.pane import Pane
from tui.widgets.syntax import load_highlighting, python_parts
from tui.widgets.transcript import Transcript

_FLUSH = 0.05
"""Seconds between looks at what the running cell has said."""

_KINDS = {
    Kind.OUT: "text",
    Kind.ERR: "bad",
    Kind.VALUE: "text",
    Kind.NOTE: "dim",
    Kind.WARNING: "warn",
    Kind.ERROR: "bad",
    Kind.HINT: "dim",
    Kind.TEXT: "text",
}
_TONES = {Tone.GOOD: "good", Tone.BAD: "bad", Tone.STOPPED: "warn"}
_PREVIEW = 24
"""Characters that are shown of the input that is next."""


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

    class Told(Message):
        """The interpreter has said what it knows of a place in the input."""

        def __init__(self, answer: Answer) -> None:
            super().__init__()
            self.answer = answer

    def __init__(self, repl: PaneShell, keymap: Mapping[str, str]) -> None:
        super().__init__(id="repl")
        self._repl = repl
        self._keymap = keymap
        self._completions = CompletionList()
        self._lookup = Lookup(repl.shell, lambda answer: self.post_message(self.Told(answer)))
        self._looked_at = ("", 0)
        self._ran_in = ""
        self._prompt = ""
        self._about = ("", "")
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Lay out output, input, and what is known of the input."""
        yield Transcript()
        yield FilterBar("search the output")
        with Horizontal(id="prompt-line"):
            yield Static(id="prompt")
            yield CodeInput(self._keymap, self._repl.shell.judge, self._repl.history, self._completions)
            yield AnswerInput(self._keymap)
        yield Static(id="about")
        yield self._completions

    def home(self) -> Widget:
        """The input."""
        answer = self.query_one(AnswerInput)
        return answer if answer.display else self.query_one(CodeInput)

    def on_mount(self) -> None:
        """Begin to listen."""
        super().on_mount()
        self._timer = self.set_interval(_FLUSH, self._take_news, pause=True)
        self._describe()
        # Off the thread of the keys: a long history takes a moment to read.
        threading.Thread(target=self._warm, name="dashboard-history", daemon=True).start()

    def _warm(self) -> None:
        self._repl.history.entries()
        load_highlighting()

    def tell(self, text: str) -> None:
        """Show what a person must know of the session."""
        self.query_one(Transcript).lines([(plain(text), _KINDS[Kind.WARNING])])
        self._describe()

    # Cells.

    def on_code_input_submitted(self, message: CodeInput.Submitted) -> None:
        """Queue what was entered."""
        self._say("", "")
        self._enter(message.code)

    def _enter(self, text: str) -> None:
        self._repl.enter(text)
        self._next()
        self._describe()

    def _next(self) -> None:
        prompt = self._repl.shell.prompt
        text = self._repl.begin()
        if not text:
            return
        echoed: list[tuple[str, str]] = [(prompt, "accent")]
        for part, colour in python_parts(text):
            first, *rest = part.split("\n")
            echoed.append((first, colour))
            for line in rest:
                echoed += [(f"\n{'... '.rjust(len(prompt))}", "dim"), (line, colour)]
        self.query_one(Transcript).lines(echoed)
        if self._timer is not None:
            self._timer.resume()

    def _take_news(self) -> None:
        """Show what there is; called by the timer."""
        for news in self._repl.take():
            if isinstance(news, Shown):
                self._show(news)
            elif isinstance(news, Summary):
                self._close(news)
            elif isinstance(news, InputRequest):
                self._ask(news)
            elif isinstance(news, Prefilled):
                self.query_one(CodeInput).begin_with(news.text)
            else:
                self._stop_asking()
                if news.leave:
                    self.post_message(self.Left())
        container_id = self._repl.session.container_id
        if self._repl.session.running and container_id and container_id != self._ran_in:
            self._ran_in = container_id
            self.post_message(self.RanIn(container_id))
        if self._repl.history.problem:
            self.tell(self._repl.history.problem)
            self._repl.history.problem = ""
        self._next()
        if not self._repl.busy and self._timer is not None:
            self._timer.pause()
        self._describe()

    def _show(self, shown: Shown) -> None:
        transcript = self.query_one(Transcript)
        if shown.kind in (Kind.OUT, Kind.ERR):
            transcript.output(shown.text, _KINDS[shown.kind])
        elif shown.kind is Kind.VALUE:
            transcript.lines(python_parts(shown.text))
        else:
            transcript.lines([(shown.text, _KINDS[shown.kind])])

    def _close(self, summary: Summary) -> None:
        transcript = self.query_one(Transcript)
        how = f"{summary.glyph} {summary.word}"
        detail = summary.within(transcript.size.width - len(how) - 2)
        transcript.lines([(how, _TONES[summary.tone]), (f"  {detail}", "dim")], summary.container_id)
        self._ran_in = summary.container_id
        self.post_message(self.RanIn(summary.container_id))

    # Questions.

    def _ask(self, request: InputRequest) -> None:
        transcript, answer = self.query_one(Transcript), self.query_one(AnswerInput)
        transcript.output(request.prompt, "text")
        had_focus = self.query_one(CodeInput).has_focus
        answer.begin(secret=request.secret)
        self.query_one(CodeInput).display = False
        if had_focus:
            self.screen.set_focus(answer)  # at once: what is typed next is meant for it
        self.query_one("#prompt", Static).update("? ")

    def _stop_asking(self) -> None:
        answer, code = self.query_one(AnswerInput), self.query_one(CodeInput)
        if answer.display:
            had_focus = answer.has_focus
            code.display = True
            answer.end()
            if had_focus:
                self.screen.set_focus(code)

    def on_answer_input_answered(self, message: AnswerInput.Answered) -> None:
        """Send the program its line."""
        secret = self.query_one(AnswerInput).password
        shown = "^D" if message.text is None else "•" * len(message.text) if secret else message.text
        self.query_one(Transcript).output(f"{plain(shown)}\n", "accent")
        self._stop_asking()
        self._repl.answer(message.text)
        self._describe()

    # Wishes.

    def on_answer_input_wanted(self, message: AnswerInput.Wanted) -> None:
        """Do what is asked for instead of an answer."""
        self._do(message.what)

    def on_code_input_wanted(self, message: CodeInput.Wanted) -> None:
        """Do what is asked for."""
        self._do(message.what)

    def _do(self, what: str) -> None:
        if what == "interrupt":
            self._interrupt()
        elif what == "complete":
            self._look(demanded=True)
        elif what == "mode":
            self._switch_mode()
        elif what == "output":
            self.screen.set_focus(self.query_one(Transcript))
        else:
            self.post_message(self.Left())

    def _interrupt(self) -> None:
        dropped = self._repl.interrupt(asked=self.query_one(AnswerInput).display)
        if dropped:
            self.query_one(Transcript).lines([(f"■ {plural(dropped, 'queued input')} dropped", "warn")])
        self._stop_asking()
        self._describe()

    def _switch_mode(self) -> None:
        if self._repl.busy:
            self.notify("a cell runs: the mode can be changed when it is over")
            return
        other = Mode.ONESHOT if self._repl.session.mode is Mode.SESSION else Mode.SESSION
        self._enter(f"%mode {other}")

    # What is known of the input.

    def on_text_area_changed(self) -> None:
        """What was offered was for another text."""
        self._look()

    def on_text_area_selection_changed(self, _: TextArea.SelectionChanged) -> None:
        """Another call may be the one at the cursor."""
        self._look()

    def _look(self, *, demanded: bool = False) -> None:
        code = self.query_one(CodeInput)
        text, cursor = place = code.text, code.offset_of_cursor
        if place == self._looked_at and not demanded:
            return
        typed, self._looked_at = text != self._looked_at[0], place
        begun = typed and not code.recalled and bool(text[:cursor][-1:].strip("()[]{},:;= \n"))
        if not begun:
            self._completions.drop()
        if text:
            self._lookup.ask(Question(text, cursor, begun or demanded, demanded))
        else:
            self._say("", "")

    def on_repl_pane_told(self, message: Told) -> None:
        """Show it, unless somebody has typed on."""
        code, question = self.query_one(CodeInput), message.answer.question
        if (code.text, code.offset_of_cursor) != (question.text, question.cursor):
            return
        if not code.mistaken:
            self._say(message.answer.signature, "dim")
        if question.completions:
            self._offer(code, message.answer.completions, question)

    def _offer(self, code: CodeInput, found: Completions, question: Question) -> None:
        word = question.text[found.start : question.cursor]
        if [item.text for item in found.items] == [word]:
            found = Completions(found.start)  # it stands there already
        if not found.items and question.demanded:
            self._say("nothing is known to go on here", "dim")
        column, row = code.cursor_screen_offset
        self._completions.offer(found, (question.text, question.cursor), Offset(column - len(word) - 1, row))
        if question.demanded and len(found.items) == 1:
            code.take_completion()

    def on_code_input_mistaken(self, message: CodeInput.Mistaken) -> None:
        """Say what is wrong at the place that is marked."""
        self._completions.drop()
        self._say(f"{message.message} (Ctrl+J sends it as it is)", "bad")

    def _say(self, text: str, colour: str) -> None:
        if (text, colour) != self._about:
            self._about = (text, colour)
            about = self.query_one("#about", Static)
            about.set_class(colour == "bad", "mistaken")
            about.update(Content(text))

    def _describe(self) -> None:
        """Say which mode is on, and what is going on."""
        repl, asked = self._repl, self.query_one(AnswerInput).display
        prompt = "? " if asked else repl.shell.prompt
        if prompt != self._prompt:
            self._prompt = prompt
            self.query_one("#prompt", Static).update(Content(prompt))
        mode = "session" if repl.session.mode is Mode.SESSION else "one-shot"
        parts = [f"[reverse b] {mode} [/]"]
        if asked:
            parts.append("[$warning]the program asks for input[/]")
        elif repl.busy and repl.interrupted:
            parts.append("[$warning]■ interrupting[/] [b]Ctrl+C[/] kills it, and its state is lost")
        elif repl.busy:
            parts.append(f"[$accent]▶ running {duration(repl.busy_for)}[/] [b]Ctrl+C[/] interrupts")
        if repl.queued:
            following = plain(repl.queued[0].partition("\n")[0])[:_PREVIEW].replace("[", r"\[")
            parts.append(f"{len(repl.queued)} queued, next: {following}")
        self.note(" · ".join(parts))

    # For the screen around it.

    @property
    def leased(self) -> str:
        """The container that the session holds; empty if it holds none."""
        return self._repl.leased

    def on_transcript_find(self) -> None:
        """Ask what to search for."""
        self.query_one(FilterBar).ask()

    def on_input_submitted(self) -> None:
        """Search."""
        self.query_one(Transcript).find(self.query_one(FilterBar).value)

    def on_transcript_chosen(self, message: Transcript.Chosen) -> None:
        """Point at the container of a cell."""
        self.post_message(self.RanIn(message.container_id))
