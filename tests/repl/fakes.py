"""A session that answers by rote, and a view that only remembers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from engine.cells import (
    CellResult,
    Completion,
    CompletionKind,
    Completions,
    FileInfo,
    Help,
    InputCallback,
    InputRequest,
    Mode,
)
from engine.errors import RequestError
from engine.execution import Outcome, OutputCallback, Timing
from tui.repl.console import Kind
from tui.repl.history import HistoryStore
from tui.repl.shell import Shell
from tui.repl.summary import Summary

RESULT = CellResult(Outcome.OK, timing=Timing(0.001, 0.002, 0.003), container_id="c0ffee", number=1)


class FakeSession:
    """Runs nothing; `answer` says what becomes of a cell."""

    def __init__(self) -> None:
        self.mode = Mode.SESSION
        self.alive = True
        self.running = False
        self.container_id = ""
        self.ran: list[str] = []
        self.timeouts: list[float | None] = []
        self.contents: dict[str, bytes] = {}
        self.resets = 0
        self.known = Help()
        self.answer: Callable[[str, OutputCallback, InputCallback], CellResult] = lambda *_: RESULT

    def run(
        self,
        code: str,
        *,
        timeout: float | None = None,
        on_output: OutputCallback | None = None,
        on_input: InputCallback | None = None,
        wait: float | None = None,
    ) -> CellResult:
        self.ran.append(code)
        self.timeouts.append(timeout)
        result = self.answer(code, on_output or (lambda *_: None), on_input or (lambda _: None))
        return replace(result, number=len(self.ran))

    def interrupt(self) -> None:
        raise AssertionError("nothing runs")

    def complete(self, code: str, cursor: int, timeout: float = 0.3) -> Completions:
        return Completions(cursor, (Completion(f"<{code[:cursor]}>", CompletionKind.NAME),))

    def help(self, code: str, cursor: int, timeout: float = 0.3) -> Help:
        return self.known

    def put(self, path: str, data: bytes) -> None:
        self.contents[path] = data

    def get(self, path: str) -> bytes:
        if path not in self.contents:
            raise RequestError(f"there is no file {path!r} in the working directory", "see what there is")
        return self.contents[path]

    def files(self) -> tuple[FileInfo, ...]:
        return tuple(FileInfo(path, len(data)) for path, data in self.contents.items())

    def reset(self) -> None:
        self.resets += 1

    def close(self) -> None:
        self.alive = False


class FakeView:
    """Remembers what it was to show; answers questions from a list."""

    def __init__(self) -> None:
        self.shown: list[tuple[Kind, str]] = []
        self.summaries: list[Summary] = []
        self.asked: list[InputRequest] = []
        self.answers: list[str | None] = []
        self.prefilled = ""

    def write(self, kind: Kind, text: str) -> None:
        self.shown.append((kind, text))

    def summary(self, summary: Summary) -> None:
        self.summaries.append(summary)

    def ask(self, request: InputRequest) -> str | None:
        self.asked.append(request)
        return self.answers.pop(0)

    def prefill(self, text: str) -> None:
        self.prefilled = text

    def of(self, kind: Kind) -> str:
        """All that was shown of one kind."""
        return "\n".join(text for each, text in self.shown if each is kind)


class Bench:
    """A shell on fakes."""

    def __init__(self, history: Path | None = None) -> None:
        self.session = FakeSession()
        self.view = FakeView()
        self.shell = Shell(self.session, self.view, history=HistoryStore(history), pool=lambda: None)

    def enter(self, text: str) -> str:
        """Enter something; return the error that was shown, and its hint."""
        del self.view.shown[:]
        assert self.shell.enter(text)
        return " / ".join(text for kind, text in self.view.shown if kind in (Kind.ERROR, Kind.HINT))
