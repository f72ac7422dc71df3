"""What the REPL pane is told by the thread that carries out what was entered.

`PaneView` belongs to that thread and draws nothing: what there is to see waits in a mailbox,
which the app's own thread empties in batches.
"""

from __future__ import annotations

import queue
from dataclasses import dataclass

from engine.cells import InputRequest
from tui.repl.console import Kind
from tui.repl.summary import Summary


@dataclass(frozen=True, slots=True)
class Shown:
    """Text to be shown."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Prefilled:
    """A text to begin the next input with."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """What was entered is done."""

    leave: bool
    """Whether the person wants to leave the REPL."""


News = Shown | Summary | InputRequest | Prefilled | Finished


class _Interrupted:
    """The answer of a person who would rather interrupt the cell."""


class PaneView:
    """The shell's view; `take`, `answer`, `interrupt` and `close` are for the app's thread."""

    def __init__(self) -> None:
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[str | _Interrupted | None] = queue.SimpleQueue()
        self._closed = False

    # For the shell.

    def write(self, kind: Kind, text: str) -> None:
        """Have a piece of output shown, or whole lines."""
        self._news.put(Shown(kind, text))

    def summary(self, summary: Summary) -> None:
        """Have the line that closes a cell shown."""
        self._news.put(summary)

    def ask(self, request: InputRequest) -> str | None:
        """Ask the person, and wait for the answer; None for end of file.

        Raises:
            KeyboardInterrupt: if the person wants the cell interrupted instead.
        """
        if self._closed:
            return None
        self._news.put(request)
        answer = self._answers.get()
        if isinstance(answer, _Interrupted):
            raise KeyboardInterrupt
        return answer

    def prefill(self, text: str) -> None:
        """Have the next input begin with a text."""
        self._news.put(Prefilled(text))

    def finish(self, *, leave: bool) -> None:
        """Say that what was entered is done."""
        self._news.put(Finished(leave))

    # For the pane.

    def take(self) -> list[News]:
        """Return what has come since, in order; neighbouring output of one kind joined."""
        found: list[News] = []
        while True:
            try:
                news = self._news.get_nowait()
            except queue.Empty:
                return _joined(found)
            found.append(news)

    def answer(self, text: str | None) -> None:
        """Answer the question that was asked."""
        self._answers.put(text)

    def interrupt(self) -> None:
        """Answer it by an interrupt."""
        self._answers.put(_Interrupted())

    def close(self) -> None:
        """Have nobody wait for an answer any more."""
        self._closed = True
        self._answers.put(None)


def _joined(found: list[News]) -> list[News]:
    """Join what a chatty program has written piece by piece: one paint for all of it."""
    joined: list[News] = []
    pieces: list[str] = []
    for number, news in enumerate(found):
        if not (isinstance(news, Shown) and news.kind in (Kind.OUT, Kind.ERR)):
            joined.append(news)
            continue
        pieces.append(news.text)
        following = found[number + 1] if number + 1 < len(found) else None
        if not (isinstance(following, Shown) and following.kind is news.kind):
            joined.append(Shown(news.kind, "".join(pieces)))
            pieces = []
    return joined
