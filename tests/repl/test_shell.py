"""What becomes of what was entered, without any drawing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.cells import (
    CellResult,
    Completion,
    CompletionKind,
    Completions,
    FileInfo,
    Help,
    InputCallback,
    InputRequest,
)
from engine.errors import ContainerLost, CreationFailed, ImageUnavailable, SessionLost
from engine.execution import Outcome, OutputCallback, Timing
from tests.repl.fakes import RESULT, Bench
from tui.repl.completion import complete
from tui.repl.console import Kind
from tui.repl.source import Completeness
from tui.repl.summary import duration, size, summarise


@pytest.mark.parametrize("word", ["exit", "quit", "exit()", " quit() "])
def test_words_that_leave(bench: Bench, word: str) -> None:
    assert not bench.shell.enter(word)
    assert not bench.session.ran


def test_output_is_filtered_and_told_apart(bench: Bench) -> None:
    def answer(_code: str, on_output: OutputCallback, _on_input: InputCallback) -> CellResult:
        on_output("stdout", b"a\x1b]0;ti")
        on_output("stderr", b"warn\xc3")
        on_output("stdout", b"tle\x07b")
        on_output("stderr", b"\xa9")
        return replace(RESULT, value="'\x1b[2J'")

    bench.session.answer = answer
    bench.enter("x")
    assert [(kind, text) for kind, text in bench.view.shown if kind is not Kind.NOTE] == [
        (Kind.OUT, "a"),
        (Kind.ERR, "warn"),
        (Kind.OUT, "b"),
        (Kind.ERR, "é"),
        (Kind.VALUE, "''"),
    ]
    (cell,) = bench.shell.transcript
    assert cell.output == (("stdout", "a"), ("stderr", "warn"), ("stdout", "b"), ("stderr", "é"))


def test_new_files_are_listed_and_pictures_have_a_hint(bench: Bench) -> None:
    files = (FileInfo("data.csv", 12), FileInfo("my plot.png", 3000))
    bench.session.answer = lambda *_: replace(RESULT, new_files=files)
    bench.enter("x")
    assert bench.view.of(Kind.NOTE) == (
        "data.csv  12 B  text/csv\nmy plot.png  2.9 KiB  image/png  %get 'my plot.png' fetches it"
    )


def test_names_of_files_are_a_line_each_and_the_hint_can_be_typed(bench: Bench) -> None:
    files = (FileInfo("it's; rm.png", 1), FileInfo("a\nb.png", 2), FileInfo("c\x1b[2J\u202e.png", 3))
    bench.session.answer = lambda *_: replace(RESULT, new_files=files)
    bench.enter("x")
    assert bench.view.of(Kind.NOTE).split("\n") == [
        """it's; rm.png  1 B  image/png  %get 'it'"'"'s; rm.png' fetches it""",
        "a\\nb.png  2 B  image/png",
        "c\\x1b[2J\\u202e.png  3 B  image/png",
    ]
    bench.session.contents = {"it's; rm.png": b"x"}
    assert bench.enter("""%get 'it'"'"'s; rm.png'""") == ""


def test_a_string_that_ends_its_first_line_with_a_question_mark_is_none(bench: Bench) -> None:
    assert bench.shell.judge('x = """Who?').completeness is Completeness.INCOMPLETE
    assert bench.shell.judge("f(x).y?").completeness is Completeness.COMPLETE


def test_no_hidden_line_is_completed(bench: Bench) -> None:
    def hostile(code: str, cursor: int, timeout: float = 0.3) -> Completions:
        items = ("ok", "a\nimport os", "b\x1b[2J", "c\u202e")
        return Completions(cursor, tuple(Completion(item, CompletionKind.NAME) for item in items))

    bench.session.complete = hostile  # type: ignore[method-assign]
    assert [item.text for item in complete(bench.shell, "x", 1).items] == ["ok"]


def test_lost_state_and_limits_are_said(bench: Bench) -> None:
    bench.session.answer = lambda *_: replace(
        RESULT, outcome=Outcome.TIMEOUT, reason="it ran past 30 s", truncated=("stdout",), state_lost=True
    )
    bench.enter("x")
    assert bench.view.of(Kind.WARNING) == (
        "it ran past 30 s\nstdout truncated at the limit\n"
        "the interpreter's state is lost: the next cell starts in a fresh one"
    )
    assert bench.shell.failures == 1


def test_errors_are_a_line_and_a_hint_with_the_cause(bench: Bench) -> None:
    def refuse(*_: object) -> CellResult:
        error = CreationFailed("no container can be made: the image ...")
        error.__cause__ = ImageUnavailable("the image is not there", "pull it")
        raise error

    bench.session.answer = refuse
    assert bench.enter("x") == "the image is not there / pull it"

    def lose(*_: object) -> CellResult:
        raise SessionLost("the session's state is lost: out of memory", "run the cell again")

    bench.session.answer = lose
    assert bench.enter("x") == "the session's state is lost: out of memory / run the cell again"


def test_questions_of_a_cell_reach_the_view_with_a_safe_prompt(bench: Bench) -> None:
    heard: list[str | None] = []

    def answer(_code: str, _on_output: OutputCallback, on_input: InputCallback) -> CellResult:
        heard.append(on_input(InputRequest("Pass\x1b[2Jword: ", secret=True)))
        return RESULT

    bench.session.answer = answer
    bench.view.answers = ["secret"]
    bench.enter("x")
    assert heard == ["secret"]
    assert bench.view.asked == [InputRequest("Password: ", secret=True)]


@pytest.mark.parametrize("entered", ["len?", "?len", " len ? "])
def test_question_mark_shows_signature_and_doc(bench: Bench, entered: str) -> None:
    bench.session.known = Help("len", "len(obj, /)", "Return the number\x07 of items.")
    bench.enter(entered)
    assert bench.view.of(Kind.TEXT) == "len(obj, /)\nReturn the number of items."
    assert not bench.session.ran


def test_question_about_nothing_known(bench: Bench) -> None:
    assert "nothing is known of nope" in bench.enter("nope?")


def test_judging_looks_past_a_command(bench: Bench) -> None:
    judge = bench.shell.judge
    assert judge("%time for x in y:").completeness is Completeness.INCOMPLETE
    assert judge("%time for x in y:\n    z\n").completeness is Completeness.COMPLETE
    assert (judge("%time x = = 1").completeness, judge("%time x = = 1").position) == (Completeness.INVALID, 10)
    assert judge("%run x y z").completeness is Completeness.COMPLETE
    assert judge("x?").completeness is Completeness.COMPLETE


def test_what_is_waited_for_is_said_before_the_wait(bench: Bench) -> None:
    bench.shell._waiting_for = lambda: "waiting for the pool to start"
    bench.session.alive = False
    bench.enter("x")
    assert bench.view.shown[0] == (Kind.NOTE, "waiting for the pool to start")
    bench.session.alive = True
    bench.enter("x")
    assert not bench.view.of(Kind.NOTE)


def test_completion_asks_the_session_and_does_without(bench: Bench) -> None:
    assert [item.text for item in complete(bench.shell, "ab", 1).items] == ["<a>"]
    found = complete(bench.shell, "%time ab", 8)
    assert (found.start, [item.text for item in found.items]) == (8, ["<ab>"])
    bench.session.alive = False
    assert "print" in [item.text for item in complete(bench.shell, "x = pri", 7).items]
    assert "math" in [item.text for item in complete(bench.shell, "import ma", 9).items]
    assert not complete(bench.shell, "x.pri", 5).items


def test_summary_is_one_line_with_its_parts() -> None:
    result = replace(RESULT, timing=Timing(0.001, 0.002, 0.003, 0.004), cpu_time=0.05, peak_memory=20 << 20)
    assert summarise(result).line == (
        "ok  6.00 ms (wait 1.0, run 2.0, answer 3.0)  scrub 4.00 ms  cpu 50.0 ms  peak 20.0 MiB  c0ffee"
    )
    assert summarise(replace(RESULT, outcome=Outcome.CANCELLED)).word == "interrupted"
    assert summarise(result).within(72) == "6.00 ms (wait 1.0, run 2.0, answer 3.0)  scrub 4.00 ms  c0ffee"


def test_figures_for_people() -> None:
    assert [duration(each) for each in (0.00042, 0.1234, 12.345, 125)] == [
        "0.42 ms",
        "123.4 ms",
        "12.35 s",
        "2 min 5 s",
    ]
    assert [size(each) for each in (12, 3500, 5 << 20)] == ["12 B", "3.4 KiB", "5.0 MiB"]


def test_lost_session_says_so_and_what_to_do(bench: Bench) -> None:
    """Not the cause alone: that the container ended does not tell that the state is gone."""

    def lose(*_: object) -> CellResult:
        raise SessionLost("the session's state is lost: it ended", "run it again") from ContainerLost("it ended")

    bench.session.answer = lose
    bench.enter("x")
    assert bench.view.of(Kind.ERROR) == "the session's state is lost: it ended"
    assert bench.view.of(Kind.HINT) == "run it again"
