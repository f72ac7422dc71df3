"""The REPL's input: Python over several lines, with history, completion and marked mistakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.widgets import TextArea

from tui.actions import Context, actions, bindings, keys_of
from tui.repl.history import HistoryStore
from tui.repl.source import INDENT, Completeness, Verdict, indent_after
from tui.widgets.completion import CompletionList
from tui.widgets.history_walk import HistoryWalk
from tui.widgets.syntax import syntax_theme

_STEP = len(INDENT)


class CodeInput(TextArea):
    """Where code is typed. Enter runs what is complete and continues what is not."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Context.REPL)

    class Submitted(Message):
        """A cell is to be run."""

        def __init__(self, code: str) -> None:
            super().__init__()
            self.code = code

    class Mistaken(Message):
        """What was to be run is no Python; the place is marked, and nothing was sent."""

        def __init__(self, message: str) -> None:
            super().__init__()
            self.message = message

    class Wanted(Message):
        """Something other than text is asked for: interrupt, complete, mode, output, leave."""

        def __init__(self, what: str) -> None:
            super().__init__()
            self.what = what

    def __init__(
        self,
        keymap: Mapping[str, str],
        judge: Callable[[str], Verdict],
        history: HistoryStore,
        completions: CompletionList,
    ) -> None:
        """Args: keymap: keys of actions, where they are not the registry's; judge: see `Shell.judge`."""
        super().__init__(
            id="code", language="python", show_line_numbers=False, tab_behavior="indent", soft_wrap=False,
            compact=True, highlight_cursor_line=False, placeholder="Python, or %help",
        )  # fmt: skip
        self._keys = {key: action.name for action in actions(Context.REPL) for key in keys_of(action, keymap)}
        self._judge = judge
        self._history = history
        self._completions = completions
        self._walk: HistoryWalk | None = None
        self._mistake: tuple[int, int] | None = None

    def on_mount(self) -> None:
        """Have the colours of the app's theme, also of the next one."""
        self._dress()
        self.app.theme_changed_signal.subscribe(self, lambda _: self._dress())

    def _dress(self) -> None:
        self.register_theme(syntax_theme(self.app.theme_variables))
        self.theme = "pooldeck"

    @property
    def offset_of_cursor(self) -> int:
        """Characters before the cursor."""
        row, column = self.cursor_location
        return sum(len(line) + 1 for line in self.text.split("\n")[:row]) + column

    @property
    def _offered(self) -> bool:
        """Whether completions are offered for what stands here now."""
        return self._completions.offered(self.text, self.offset_of_cursor)

    @property
    def mistaken(self) -> bool:
        """Whether a mistake is marked."""
        return self._mistake is not None

    @property
    def recalled(self) -> bool:
        """Whether the text is one of the history's, as it was."""
        return self._walk is not None and self._walk.text == self.text

    def begin_with(self, text: str) -> None:
        """Put a text in, with the cursor at its end."""
        self.text = text
        self.move_cursor(self.document.end)

    async def _on_key(self, event: events.Key) -> None:
        """Take our own keys in their turn: what was typed before Enter is in the text by now."""
        self._forgive()
        action = self._keys.get(event.key)
        if event.key == "backspace" and self._dedent():
            action = ""
        if action is not None:
            event.stop()
            event.prevent_default()
            if action:
                await self.run_action(action)

    def _dedent(self) -> bool:
        """Take a whole step back in the indentation; False where the cursor is not in it."""
        row, column = self.cursor_location
        if not column or not self.selection.is_empty or self.document.get_line(row)[:column].strip():
            return False
        self.delete((row, column - 1 - (column - 1) % _STEP), (row, column))
        return True

    # Running.

    def action_submit_complete(self) -> None:
        """Take the choice; run a complete input; mark a mistake; else go on in a new line."""
        if self._offered and self._completions.entered:
            self.take_completion()
            return
        if self.cursor_location[0] < self.document.line_count - 1:
            self._new_line()
            return
        verdict = self._judge(self.text)
        if verdict.completeness is Completeness.COMPLETE:
            self.action_submit()
        elif verdict.completeness is Completeness.INCOMPLETE:
            self._new_line()
        else:
            self._mark(verdict)

    def _new_line(self) -> None:
        self.insert("\n" + indent_after(self.text[: self.offset_of_cursor]))

    def action_submit(self) -> None:
        """Run the input as it is."""
        code = self.text.rstrip()
        if not code:
            return
        self._history.add(code)
        self._walk = None
        self._completions.drop()
        self.text = ""
        self.post_message(self.Submitted(code))

    def action_interrupt(self) -> None:
        """Clear the input; where there is none, interrupt the running cell."""
        if self.text:
            self.text = ""
        else:
            self.post_message(self.Wanted("interrupt"))

    # Mistakes.

    def _mark(self, verdict: Verdict) -> None:
        before = self.text[: verdict.position]
        self._mistake = (before.count("\n"), len(before.rpartition("\n")[2]))
        self.add_class("mistaken")
        self.move_cursor(self._mistake)
        self._line_cache.clear()
        self.refresh()
        self.post_message(self.Mistaken(verdict.message))

    def _forgive(self) -> None:
        if self._mistake is not None:
            self._mistake = None
            self.remove_class("mistaken")
            self._line_cache.clear()
            self.refresh()

    def get_line(self, line_index: int) -> Text:
        """Return a line with the mistake in it; called by Textual."""
        line = super().get_line(line_index)
        if self._mistake is not None and self._mistake[0] == line_index:
            # Its colour is the cursor's, which stands there and may blink.
            column = min(self._mistake[1], max(0, len(line) - 1))
            line.stylize(Style(underline=True, bold=True), column, column + 1)
        return line

    # Other wishes.

    def action_complete(self) -> None:
        """Take what is offered; else complete a name, or indent where there is none."""
        row, column = self.cursor_location
        if not self.document.get_line(row)[:column].strip():
            self.insert(" " * (_STEP - column % _STEP))
        elif self._offered:
            self.take_completion()
        else:
            self.post_message(self.Wanted("complete"))

    def take_completion(self) -> None:
        """Put the choice into the text."""
        chosen, row, column = self._completions.chosen(), *self.cursor_location
        if chosen is not None:
            begun = self.offset_of_cursor - self._completions.start
            self.replace(chosen.text, (row, max(0, column - begun)), (row, column))
        self._completions.drop()

    def action_mode(self) -> None:
        """Change the mode."""
        self.post_message(self.Wanted("mode"))

    def action_output(self) -> None:
        """Go to the output."""
        self.post_message(self.Wanted("output"))

    def action_end(self) -> None:
        """Leave where nothing is typed; else delete what is right of the cursor."""
        if self.text:
            self.action_delete_right()
        else:
            self.post_message(self.Wanted("leave"))

    def action_leave(self) -> None:
        """Hide what is offered; else leave the REPL."""
        if self._offered:
            self._completions.drop()
        else:
            self.post_message(self.Wanted("leave"))

    # History.

    def action_earlier(self) -> None:
        """In a menu that was entered the choice above; else a line up; else an earlier entry."""
        if self._offered and self._completions.entered:
            self._completions.move(-1)
        elif self.cursor_location[0] > 0:
            self.action_cursor_up()
        elif self._walking().earlier():
            self._recall()

    def action_later(self) -> None:
        """Into the menu where there is one; else a line down; else a later entry."""
        if self._offered:
            self._completions.move(1)
        elif self.cursor_location[0] < self.document.line_count - 1:
            self.action_cursor_down()
        elif self._walking().later():
            self._recall()

    def _walking(self) -> HistoryWalk:
        if self._walk is None or self._walk.text != self.text:
            self._walk = HistoryWalk(self._history.entries(), self.text)
        return self._walk

    def _recall(self) -> None:
        self._completions.drop()
        if self._walk is not None:
            self.begin_with(self._walk.text)

    def on_paste(self, event: events.Paste) -> None:
        """Pasted text is never run by itself, whatever line ends it has."""
        event.prevent_default()
        self._forgive()
        self.insert(event.text.replace("\r\n", "\n").replace("\r", "\n"))
