"""What the REPL pane stands on: the shell, and the queue of what was entered.

The app's thread enters, interrupts and answers; what was entered is carried out one after
the other, each in a thread of its own.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic

from engine.cells import Mode
from engine.stats import PoolSnapshot
from tui.pane_view import Finished, News, PaneView
from tui.repl.console import CellSession, Kind
from tui.repl.history import HistoryStore
from tui.repl.shell import Shell
from tui.repl.startup import waiting_for

SessionOpener = Callable[[Callable[[str], None]], CellSession]
"""Opens a session, given whom to tell, from any thread, what a person must know of it."""


class PaneShell:
    """The pane's REPL without its drawing. Belongs to the app's thread."""

    def __init__(
        self,
        open_session: SessionOpener,
        *,
        pool: Callable[[], PoolSnapshot],
        history: HistoryStore,
        on_notice: Callable[[str], None],
    ) -> None:
        """Args: on_notice: told of the session's end; from any thread."""
        self._view = PaneView()
        self.session = open_session(on_notice)
        self.history = history
        self.shell = Shell(
            self.session,
            self._view,
            history=history,
            pool=pool,
            waiting_for=lambda: waiting_for(pool()),
            colours=not os.environ.get("NO_COLOR"),
        )
        self._queue: deque[str] = deque()
        self._busy = False
        self._began = 0.0
        self._interrupt_due = False
        self._interrupts = 0
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether something that was entered is not done yet."""
        return self._busy

    @property
    def busy_for(self) -> float:
        """Seconds since it was begun."""
        return monotonic() - self._began if self._busy else 0.0

    @property
    def interrupted(self) -> bool:
        """Whether it was interrupted already."""
        return self._interrupts > 0

    @property
    def queued(self) -> tuple[str, ...]:
        """What waits for its turn."""
        return tuple(self._queue)

    @property
    def leased(self) -> str:
        """The container that the session holds now; empty if it holds none."""
        return self.session.container_id if self.session.alive and self.session.mode is Mode.SESSION else ""

    def enter(self, text: str) -> None:
        """Add to the queue; see `begin`."""
        self._queue.append(text)

    def begin(self) -> str:
        """Begin what is next, if nothing is under way; return it, or an empty text."""
        if self._busy or self._closed or not self._queue:
            return ""
        text = self._queue.popleft()
        self._busy, self._began, self._interrupts, self._interrupt_due = True, monotonic(), 0, False
        threading.Thread(target=self._do, args=(text,), name="dashboard-cell", daemon=True).start()
        return text

    def _do(self, text: str) -> None:
        stay = True
        try:
            stay = self.shell.enter(text)
        except KeyboardInterrupt:  # instead of an answer to a command's question
            self.shell.write("interrupted", Kind.WARNING)
        finally:
            self._view.finish(leave=not stay)

    def take(self) -> list[News]:
        """Return what there is to show since the last time."""
        if self._interrupt_due and self.session.alive and self.session.running:
            self._interrupt_due = False
            self._interrupt_cell()
        news = self._view.take()
        if any(isinstance(each, Finished) for each in news):
            self._busy = False
        return news

    def answer(self, text: str | None) -> None:
        """Answer what was asked; None for end of file."""
        self._view.answer(text)

    def interrupt(self, *, asked: bool) -> int:
        """Interrupt what is under way, and forget what waits; return how much that was.

        Args:
            asked: whether a question is open.
        """
        dropped = len(self._queue)
        self._queue.clear()
        if self._busy:
            self._interrupts += 1
            if asked:
                self._view.interrupt()
            elif self.session.running and self.session.alive:
                self._interrupt_cell()
            else:
                self._interrupt_due = True  # it waits for a container, and is interrupted when it has one
        return dropped

    def _interrupt_cell(self) -> None:
        threading.Thread(target=self.session.interrupt, name="dashboard-interrupt", daemon=True).start()

    def close(self) -> None:
        """End the session, with whatever runs in it. From any thread; may take a moment."""
        self._closed = True
        self._queue.clear()
        self._view.close()
        self.session.close()
