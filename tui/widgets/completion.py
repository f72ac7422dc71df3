"""The list of completions at the cursor. It never takes the keys that are being typed."""

from __future__ import annotations

from textual.content import Content
from textual.geometry import Offset
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from engine.cells import Completion, Completions
from tui.format import plain
from tui.repl.commands import COMMANDS

_MOST = 50
_HELP = {f"%{command.name}": command.help for command in COMMANDS}


class CompletionList(OptionList, can_focus=False):
    """Shows completions; the input keeps the focus and says what is chosen."""

    def __init__(self) -> None:
        super().__init__(id="completions", compact=True)
        self.display = False
        self._found = Completions(0)
        self._place = ("", 0)

    def offered(self, text: str, cursor: int) -> bool:
        """Whether what is shown is for this place: a key may come sooner than the news that it changed."""
        return self.display and self._place == (text, cursor)

    @property
    def entered(self) -> bool:
        """Whether a choice is highlighted: Enter takes it, and arrows move."""
        return self.highlighted is not None

    @property
    def start(self) -> int:
        """Index in the input where what is completed begins."""
        return self._found.start

    def offer(self, found: Completions, place: tuple[str, int], at: Offset) -> None:
        """Show these; none hides the list.

        Args:
            place: the text and the cursor in it.
            at: where on the screen the word begins.
        """
        self._place = place
        self._found = Completions(found.start, found.items[:_MOST])
        self.clear_options()
        width = max((len(each.text) for each in self._found.items), default=0)
        self.add_options([_option(each, width) for each in self._found.items])
        self.display = bool(self._found.items)
        self.highlighted = None
        self.absolute_offset = at

    def drop(self) -> None:
        """Hide the list."""
        self.display = False
        self.highlighted = None

    def move(self, step: int) -> None:
        """Highlight the first choice, or another one."""
        if step > 0:
            self.action_cursor_down()
        else:
            self.action_cursor_up()

    def chosen(self) -> Completion | None:
        """The one that is highlighted, else the first; None if nothing is offered."""
        return self._found.items[self.highlighted or 0] if self._found.items else None


def _option(completion: Completion, width: int) -> Option:
    about = _HELP.get(completion.text, completion.kind.value)
    return Option(Content.assemble(plain(completion.text).ljust(width), (f"  {about}", "$quiet")))
