"""Asks the interpreter what can follow, and which call is being typed, while keys go on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from engine.cells import Completions
from tui.repl.ansi import safe_text
from tui.repl.completion import complete
from tui.repl.console import Console


@dataclass(frozen=True, slots=True)
class Question:
    """A place in the input."""

    text: str
    cursor: int
    completions: bool
    """Whether the ways to go on are wanted, besides the signature."""
    demanded: bool = False
    """Whether a person has pressed the key for it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of a place."""

    question: Question
    completions: Completions
    signature: str


class Lookup:
    """Answers the newest question; those that it has no time for are forgotten."""

    def __init__(self, console: Console, tell: Callable[[Answer], object]) -> None:
        """Args: tell: told each answer, in a thread of ours."""
        self._console = console
        self._tell = tell
        self._lock = threading.Lock()
        self._question: Question | None = None
        self._working = False

    def ask(self, question: Question) -> None:
        """Ask; returns at once. Belongs to the app's thread."""
        with self._lock:
            before = self._question
            if before is not None and (before.text, before.cursor) == (question.text, question.cursor):
                question = replace(
                    question,
                    completions=before.completions or question.completions,
                    demanded=before.demanded or question.demanded,
                )
            self._question = question
            if self._working:
                return
            self._working = True
        threading.Thread(target=self._work, name="dashboard-lookup", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._lock:
                question, self._question = self._question, None
                if question is None:
                    self._working = False
                    return
            self._tell(self._answer(question))

    def _answer(self, question: Question) -> Answer:
        text, cursor = question.text, question.cursor
        found = complete(self._console, text, cursor) if question.completions else Completions(cursor)
        session = self._console.session
        signature = session.help(text, cursor).signature if "(" in text and session.alive else ""
        return Answer(question, found, " ".join(safe_text(signature).split()))
