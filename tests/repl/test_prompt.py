"""The prompt on a pipe instead of a terminal: what a test cannot wait for on a screen."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from engine.cells import Completions, Help
from tests.repl.fakes import Bench
from tui.repl.terminal import bindings
from tui.repl.terminal.looks import style
from tui.repl.terminal.prompt import CellPrompt


@pytest.fixture
def keys() -> Iterator[PipeInput]:
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        yield pipe


def _prompt(bench: Bench) -> CellPrompt:
    return CellPrompt(bench.shell, lambda _signature, _columns: [], style(), None)


def test_no_key_waits_for_a_completion_or_a_signature(bench: Bench, keys: PipeInput) -> None:
    answered = threading.Event()
    asked = threading.Event()

    def complete(code: str, cursor: int, timeout: float = 0.3) -> Completions:
        asked.set()
        answered.wait(20)
        return Completions(cursor)

    def explain(code: str, cursor: int, timeout: float = 0.3) -> Help:
        answered.wait(20)
        return Help()

    bench.session.complete = complete  # type: ignore[method-assign]
    bench.session.help = explain  # type: ignore[method-assign]
    prompt = _prompt(bench)

    def go_on_once_asked() -> None:
        asked.wait(20)
        keys.send_text("x)\r")

    thread = threading.Thread(target=go_on_once_asked)
    thread.start()
    keys.send_text("f(")
    # The executor's threads are waited for when the prompt ends: free them once the line is in.
    prompt._session.default_buffer.accept_handler, accept = None, prompt._session.default_buffer.accept_handler
    assert accept is not None
    prompt._session.default_buffer.accept_handler = lambda buffer: (answered.set(), accept(buffer))[1]  # type: ignore[func-returns-value]
    assert prompt.read() == "f(x)"
    assert asked.is_set()
    thread.join()


@pytest.mark.parametrize(
    ("typed", "entered"),
    [
        ("x = 1\r", "x = 1"),
        ("def f():\rreturn 1\r\r", "def f():\n    return 1\n"),
        ("def f():\r\treturn 1\r\x7f\r", "def f():\n        return 1\n    "),
        ("(1 +\r2)\r", "(1 +\n 2)"),
        ("x = =\n", "x = ="),
        ("def f():\x1b\r", "def f():"),
        ("bad\x03good\r", "good"),
        ("%time for x in y:\rz\r\r", "%time for x in y:\n    z\n"),
    ],
)
def test_what_keys_make_of_the_input(bench: Bench, keys: PipeInput, typed: str, entered: str) -> None:
    keys.send_text(typed)
    assert _prompt(bench).read().rstrip(" ") == entered.rstrip(" ")


def test_control_d_leaves(bench: Bench, keys: PipeInput) -> None:
    keys.send_text("\x04")
    with pytest.raises(EOFError):
        _prompt(bench).read()


def test_stopped_from_another_thread(bench: Bench, keys: PipeInput) -> None:
    prompt = _prompt(bench)
    prompt.app.after_render += lambda _: prompt.stop(SystemExit(143))
    with pytest.raises(SystemExit):
        prompt.read()
    assert not prompt.stop(SystemExit(143)), "there is nothing to stop"


def test_a_signature_is_bounded_and_made_safe_once(bench: Bench, keys: PipeInput) -> None:
    drawn: list[str] = []
    bench.session.help = lambda *_: Help("f", "f(\x1b[2J\n" + "x" * (1 << 20))  # type: ignore[method-assign]

    def draw(signature: str, _columns: int) -> list[tuple[str, str]]:
        if signature:
            drawn.append(signature)
            prompt.stop(EOFError())
        return []

    prompt = CellPrompt(bench.shell, draw, style(), None)  # type: ignore[arg-type]
    keys.send_text("f(")
    with pytest.raises(EOFError):
        prompt.read()
    assert drawn[0].startswith("f(\\x1b[2J\\nxxx")
    assert len(drawn[0]) < 2000


@pytest.mark.parametrize("editor", ["", "/nonexistent -w", "it's"])
def test_without_an_editor_the_person_is_told(
    bench: Bench, keys: PipeInput, monkeypatch: pytest.MonkeyPatch, editor: str
) -> None:
    monkeypatch.setattr(bindings, "_EDITORS", ("/nonexistent",))
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", editor)
    prompt = _prompt(bench)
    told: list[str] = []

    def note(_app: object) -> None:
        error = prompt._session.default_buffer.validation_error
        if error is not None and not told:
            told.append(error.message)
            prompt.stop(EOFError())

    prompt.app.after_render += note
    keys.send_text("kept\x1bOQ")
    with pytest.raises(EOFError):
        prompt.read()
    assert "EDITOR" in told[0]


def test_stopped_in_the_moment_in_which_a_line_is_entered(bench: Bench, keys: PipeInput) -> None:
    prompt = _prompt(bench)
    buffer = prompt._session.default_buffer
    accept = buffer.accept_handler
    assert accept is not None
    buffer.accept_handler = lambda each: (accept(each), prompt.stop(SystemExit(143)))[0]
    keys.send_text("x\r")
    with pytest.raises(SystemExit):
        prompt.read()
